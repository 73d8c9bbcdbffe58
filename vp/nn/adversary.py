"""Adversarial training, shared by the families: loss terms of the predictor, and the phase that trains the critic.

The predictor's phase passes its true and predicted clips on to the critic's phase of the same step.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from ..core.family import Losses, Phase, Progress
from ..core.video import Batch
from .discriminator import VideoDiscriminator, discriminator_loss, generator_loss


class CriticWeights(Protocol):
    """Weights of the adversarial loss and of feature matching; both 0: no critic."""

    adversarial: float
    matching: float


def has_critic(weights: CriticWeights) -> bool:
    return bool(weights.adversarial or weights.matching)


def without_critic(weights: Any) -> Any:
    """The same record with both weights 0, for fine-tuning a checkpoint, which has no critic."""
    return replace(weights, adversarial=0.0, matching=0.0)


def is_critic_active(weights: CriticWeights, progress: Progress) -> bool:
    """Whether the critic has a weight and is trained in the current stage."""
    return has_critic(weights) and progress.trains(CRITIC.name)


def build_video_critics(weights: CriticWeights, channels: int) -> nn.ModuleDict:
    """{"critic": network} for clips with this many channels; empty where both weights are 0."""
    return nn.ModuleDict({"critic": VideoDiscriminator(channels)} if has_critic(weights) else {})


def adversarial_terms(
    networks: nn.ModuleDict, real: Tensor, fake: Tensor, paired: int | None = None
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Terms of the predictor's loss; arguments as for `generator_loss`.

    Returns:
        {"adversarial": ..., "matching": ...}, and the clips {"real": ..., "fake": ...} for `critic_loss` (`Losses.outputs`).
    """
    adversarial, matching = generator_loss(networks["critic"], real, fake, paired)
    return {"adversarial": adversarial, "matching": matching}, {"real": real, "fake": fake.detach()}


def weighted_sum(weights: CriticWeights, terms: dict[str, Tensor]) -> Tensor:
    """What a predictor adds to its loss; `terms` are those of `adversarial_terms`."""
    return weights.adversarial * terms["adversarial"] + weights.matching * terms["matching"]


def critic_loss(networks: nn.ModuleDict, batch: Batch, progress: Progress, generator: torch.Generator) -> Losses | None:
    """Loss of the critic's phase on the clips that `adversarial_terms` returned; None where there are none."""
    if "fake" not in batch.extras:
        return None
    loss = discriminator_loss(networks["critic"], batch.extras["real"], batch.extras["fake"])
    return Losses(loss, {"critic": loss})


CRITIC = Phase("critic", ("critic",), critic_loss, lr=5e-4, betas=(0.5, 0.9), optimizer="adamw")
