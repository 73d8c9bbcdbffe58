"""The training objective: a closed-loop rollout after the context, compared frame by frame, and the game against a critic.

What the document's sample got wrong is ruled out by the form: the future is cut off before the network sees anything, and
true frames reach a rollout only after they have been predicted, by scheduled sampling (Bengio et al. 2015) with a
probability that is a function of the share of the budget alone.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...core.clips import shrink_and_enlarge
from ...core.family import Losses, Progress
from ...core.settings import scheduled_length
from ...core.video import Batch
from ...nn.adversary import adversarial_terms, is_critic_active, weighted_sum
from ...nn.losses import gradient_difference_loss
from .config import Objective, VPNConfig
from .network import VPNNetwork, rollout

SEEN_PAST = 2  # known frames that the critic sees before the predicted ones


def teacher_probability(objective: Objective, share: float) -> float:
    """Of a future step being fed the true frame: 1, then falling in a straight line to 0."""
    start, end = objective.teacher
    return min(1.0, max(0.0, (end - share) / max(end - start, 1e-9)))


def uniform_numbers(size: int, generator: torch.Generator) -> list[float]:
    return torch.rand(size, generator=generator, device=generator.device).tolist()


def context_length(cfg: VPNConfig, generator: torch.Generator) -> int:
    """Known frames of a mini-batch: `n_past`, or now and then fewer."""
    fewer, which = uniform_numbers(2, generator)
    if cfg.least_past == cfg.n_past or fewer >= cfg.objective.short:
        return cfg.n_past
    return cfg.least_past + int(which * (cfg.n_past - cfg.least_past))


def rollout_loss(cfg: VPNConfig, networks: nn.ModuleDict, batch: Batch, progress: Progress, generator: torch.Generator) -> Losses:
    """Losses of one mini-batch; frames float32 (B, T, C, H, W) in [0, 1]."""
    model, objective = networks["vpn"], cfg.objective
    n_past = context_length(cfg, generator)
    n_future = scheduled_length(objective.lengths, progress.stage, batch.frames.shape[1] - cfg.n_past)
    frames = batch.frames[:, cfg.n_past - n_past : cfg.n_past + n_future]
    context, future = shrink_and_enlarge(frames[:, :n_past], objective.scale), frames[:, n_past:]
    chance = teacher_probability(objective, progress.stage)
    truth = {i: future[:, i] for i, x in enumerate(uniform_numbers(cfg.n_future, generator)) if x < chance and i < n_future}
    raw, guesses = predict(model, context, n_future, truth, objective.context > 0)
    parts = compare(objective, model, raw, future)
    total, outputs = weighted(objective, parts), {}
    if guesses is not None:
        known = compare(objective, model, guesses, frames[:, 1:n_past])
        total = total + objective.context * weighted(objective, known)
        parts["context_mse"] = known["mse"]
    if is_critic_active(objective, progress):
        shown = frames[:, max(n_past - SEEN_PAST, 0) : n_past]
        real, fake = torch.cat([shown, future], 1), torch.cat([shown, model.to_frames(raw)], 1)
        terms, outputs = adversarial_terms(networks, real, fake)
        parts.update(terms)
        total = total + weighted_sum(objective, terms)
    return Losses(total, parts, outputs)


def predict(
    model: VPNNetwork, context: Tensor, n_future: int, truth: Mapping[int, Tensor], supervised: bool
) -> tuple[Tensor, Tensor | None]:
    """Raw maps of the future (B, F, C, H, W), and of the known frames but the first where they are wanted and made."""
    state, guesses = model.encode(context, supervised)
    return torch.cat(list(rollout(model, state, context, n_future, truth)), 1), guesses


def compare(objective: Objective, model: VPNNetwork, raw: Tensor, truth: Tensor) -> dict[str, Tensor]:
    """The losses that have a weight, and always the squared error; raw maps and true frames (B, T, C, H, W)."""
    shown = model.to_frames(raw)
    parts = {"mse": (shown - truth).square().mean()}
    if objective.l1:
        parts["l1"] = (shown - truth).abs().mean()
    if objective.bce:
        parts["bce"] = F.binary_cross_entropy_with_logits(raw, truth)
    if objective.gradient:
        parts["gradient"] = gradient_difference_loss(shown, truth)
    return parts


def weighted(objective: Objective, parts: Mapping[str, Tensor]) -> Tensor:
    return sum(getattr(objective, name) * x for name, x in parts.items())
