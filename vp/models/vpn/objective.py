"""The training objective: a closed-loop rollout after the context, compared frame by frame, and an adversarial loss.

The errors of the document's sample are excluded by construction: the future is cut off before the network sees anything, and
true frames reach a rollout only after they have been predicted, by scheduled sampling (Bengio et al. 2015) with a
probability that depends on the share of the budget alone.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...core.clips import shrink_and_enlarge
from ...core.family import Losses, Progress
from ...core.host_random import host_generator
from ...core.settings import scheduled_length
from ...core.video import Batch
from ...nn.adversary import adversarial_terms, is_critic_active, weighted_sum
from ...nn.losses import gradient_difference_loss
from .config import Objective, VPNConfig
from .network import VPNNetwork, rollout

SEEN_PAST = 2  # known frames that the critic sees before the predicted ones


def teacher_probability(objective: Objective, share: float) -> float:
    """The probability that a future step is fed the true frame at this share of the stage: 1, then linear down to 0."""
    start, end = objective.teacher
    return min(1.0, max(0.0, (end - share) / max(end - start, 1e-9)))


def draw_uniform(size: int, generator: torch.Generator) -> list[float]:
    """`size` uniform random numbers in [0, 1)."""
    return torch.rand(size, generator=host_generator(generator)).tolist()


def draw_context_length(cfg: VPNConfig, generator: torch.Generator) -> int:
    """The number of known frames of a mini-batch: `n_past`, or with probability `objective.short` fewer."""
    fewer, which = draw_uniform(2, generator)
    if cfg.least_past == cfg.n_past or fewer >= cfg.objective.short:
        return cfg.n_past
    return cfg.least_past + int(which * (cfg.n_past - cfg.least_past))


def rollout_loss(cfg: VPNConfig, networks: nn.ModuleDict, batch: Batch, progress: Progress, generator: torch.Generator) -> Losses:
    """Losses of one mini-batch: a rollout after a context of random length, compared with the true future frame by frame.

    The network is fed its own frames, and true ones with the probability that the stage still has (scheduled sampling). Where
    switched on, the guesses within the context and the game against a critic count too; `Losses.outputs` then holds the frames
    that the critic is to judge.

    Args:
        batch: frames float32 (B, T, C, H, W) in [0, 1].
        progress: decides the length of the rollout and the probability of true frames.
    """
    model, objective = networks["vpn"], cfg.objective
    n_past = draw_context_length(cfg, generator)
    n_future = scheduled_length(objective.lengths, progress.stage, batch.frames.shape[1] - cfg.n_past)
    frames = batch.frames[:, cfg.n_past - n_past : cfg.n_past + n_future]
    context, future = shrink_and_enlarge(frames[:, :n_past], objective.scale), frames[:, n_past:]
    chance = teacher_probability(objective, progress.stage)
    truth = {i: future[:, i] for i, x in enumerate(draw_uniform(cfg.n_future, generator)) if x < chance and i < n_future}
    raw, guesses = predict_raw(model, context, n_future, truth, objective.context > 0)
    parts = compare_frames(objective, model, raw, future)
    total, outputs = weighted_total(objective, parts), {}
    if guesses is not None:
        known = compare_frames(objective, model, guesses, frames[:, 1:n_past])
        total = total + objective.context * weighted_total(objective, known)
        parts["context_mse"] = known["mse"]
    if is_critic_active(objective, progress):
        shown = frames[:, max(n_past - SEEN_PAST, 0) : n_past]
        real, fake = torch.cat([shown, future], 1), torch.cat([shown, model.to_frames(raw)], 1)
        terms, outputs = adversarial_terms(networks, real, fake)
        parts.update(terms)
        total = total + weighted_sum(objective, terms)
    return Losses(total, parts, outputs)


def predict_raw(
    model: VPNNetwork, context: Tensor, n_future: int, truth: Mapping[int, Tensor], supervised: bool
) -> tuple[Tensor, Tensor | None]:
    """Raw maps of the future (B, F, C, H, W), and of the known frames but the first where `supervised` and supported."""
    state, guesses = model.encode(context, supervised)
    return torch.cat(list(rollout(model, state, context, n_future, truth)), 1), guesses


def compare_frames(objective: Objective, model: VPNNetwork, raw: Tensor, truth: Tensor) -> dict[str, Tensor]:
    """The losses with a weight, and always the squared error, of raw maps against true frames, both (B, T, C, H, W)."""
    shown = model.to_frames(raw)
    parts = {"mse": (shown - truth).square().mean()}
    if objective.l1:
        parts["l1"] = (shown - truth).abs().mean()
    if objective.bce:
        parts["bce"] = F.binary_cross_entropy_with_logits(raw, truth)
    if objective.gradient:
        parts["gradient"] = gradient_difference_loss(shown, truth)
    return parts


def weighted_total(objective: Objective, parts: Mapping[str, Tensor]) -> Tensor:
    """The sum of the losses, each times its weight in `objective`."""
    return sum(getattr(objective, name) * x for name, x in parts.items())
