"""Training against a critic: what every family that does it shares.

The predictor's turn shows true and predicted clips to the critic and passes them on; the critic's own turn is trained on those.
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
    """Of the critic's judgement and of the distance between its features; 0 and 0: no critic."""

    adversarial: float
    matching: float


def has_critic(weights: CriticWeights) -> bool:
    return bool(weights.adversarial or weights.matching)


def without_critic(weights: Any) -> Any:
    """The same record without the critic's terms: checkpoints leave critics out, and a new one has nothing to say yet."""
    return replace(weights, adversarial=0.0, matching=0.0)


def is_critic_active(weights: CriticWeights, progress: Progress) -> bool:
    """Whether predictions are shown to a critic now: it has a weight, and is trained in the current stage."""
    return has_critic(weights) and progress.trains(CRITIC.name)


def build_video_critics(weights: CriticWeights, channels: int) -> nn.ModuleDict:
    """A critic of clips of so many channels, where the weights ask for one."""
    return nn.ModuleDict({"critic": VideoDiscriminator(channels)} if has_critic(weights) else {})


def adversarial_terms(
    networks: nn.ModuleDict, real: Tensor, fake: Tensor, paired: int | None = None
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Shows true and predicted clips to the critic, in the predictor's turn; arguments as for `generator_loss`.

    Returns:
        the terms "adversarial" and "matching" of predicted clips, and the clips for the critic's turn, `Losses.outputs`.
    """
    adversarial, matching = generator_loss(networks["critic"], real, fake, paired)
    return {"adversarial": adversarial, "matching": matching}, {"real": real, "fake": fake.detach()}


def weighted_sum(weights: CriticWeights, terms: dict[str, Tensor]) -> Tensor:
    return weights.adversarial * terms["adversarial"] + weights.matching * terms["matching"]


def critic_loss(networks: nn.ModuleDict, batch: Batch, progress: Progress, generator: torch.Generator) -> Losses | None:
    """True clips against those that have just been predicted; None where none were shown to it."""
    if "fake" not in batch.extras:
        return None
    loss = discriminator_loss(networks["critic"], batch.extras["real"], batch.extras["fake"])
    return Losses(loss, {"critic": loss})


CRITIC = Phase("critic", ("critic",), critic_loss, lr=5e-4, betas=(0.5, 0.9), optimizer="adamw")
