"""The training objective: squared error of a rollout with scheduled teacher forcing, plus the weighted KL.

Denton & Fergus 2018, eq. 3: sum over t of |x_t - x^_t|^2 + beta KL(q(z_t | x_<=t) || p(z_t | x_<t)), here as means over
pixels and steps. True frames are encoded in one batch; only generated frames that are fed back are encoded inside the loop.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ...core.family import Losses, Progress
from ...core.host_random import host_generator
from ...core.settings import log_ramp, scheduled_length
from ...core.video import Batch
from ...nn.adversary import adversarial_terms, is_critic_active, weighted_sum
from ...nn.gaussian import Gaussian, kl
from .config import Objective, SVGConfig
from .network import Features, SVGNetwork

SEEN_PAST = 2  # number of known frames that the critic sees before the predicted ones


def kl_weight(objective: Objective, share: float) -> float:
    """Weight of the KL at a share of the budget."""
    if objective.kl == "log-ramp":
        return log_ramp(share, objective.beta_ramp, objective.beta_start, objective.beta)
    cycles = {"none": 0, "monotonic": 1, "cyclical": objective.kl_cycles}[objective.kl]
    if not cycles:
        return objective.beta
    along = share * cycles % 1 if share < 1 else 1.0
    return objective.beta * min(1.0, along / objective.kl_ratio)


def teacher_ratio(objective: Objective, share: float) -> float:
    """Probability that a future step is fed the true frame, at a share of the budget."""
    start, floor = objective.teacher_start, objective.teacher_floor
    span = objective.teacher - objective.teacher_from
    along = min(max((share - objective.teacher_from) / span, 0.0), 1.0) if span > 0 else float(share >= objective.teacher_from)
    return start + (floor - start) * along


def draw_teacher_forcing(
    objective: Objective, progress: Progress, length: int, generator: torch.Generator
) -> tuple[list[bool], float]:
    """Draws for each of `length` frames whether the true frame is fed to the next step; also returns the teacher-forcing ratio.

    With `teacher_draw` 'epoch' the draw depends on the run's seed and the epoch alone.
    """
    draws = torch.rand(length, generator=host_generator(generator))
    share = progress.share
    if objective.teacher_draw == "batch":
        draws = draws[:1].expand(length)
    elif objective.teacher_draw == "epoch":
        epoch = int(progress.epoch)
        share *= epoch / progress.epoch if epoch else 0.0  # the epoch's first step
        draws = torch.rand(1, generator=torch.Generator().manual_seed((progress.seed + epoch) % 2**32)).expand(length)
    ratio = teacher_ratio(objective, share)
    return draws.lt(ratio).tolist(), ratio


def roll_out(
    model: SVGNetwork,
    frames: Tensor,
    features: list[Features],
    z: Tensor | None,
    n_past: int,
    feed_true: list[bool],
    imagined: Tensor | None = None,
    vectors: Tensor | None = None,
) -> tuple[Tensor, Gaussian | None]:
    """Predicts frames 1..T-1 of true clips (B, T, C, H, W).

    Args:
        features: of every true frame, from `encode_clips`.
        z: latents (B, T - 1, Z), or None.
        feed_true: per frame t, whether step t + 1 is fed the true frame; otherwise it is fed the generated one.
        imagined: noise (rows, T - 1, Z) for the last rows of the batch, whose latents are drawn from the prior after the context.
        vectors: conditions (B, T, A), or None.

    Returns:
        the frames (B, T - 1, C, H, W) and the priors of the latents, (B, T - 1, Z), or None.
    """
    count, length = frames.shape[:2]
    state, frame, summaries, codes, rendered = model.initial_state(count, frames), None, [], {}, {}
    conditions = model.embed_conditions(vectors, frames)
    for t in range(1, length):
        before, frame = frame, frames[:, t - 1] if feed_true[t - 1] else rendered[t - 1]
        both_true = feed_true[t - 1] and feed_true[max(t - 2, 0)]
        refresh = model.refreshes_skips(t, n_past)
        seen = features[t - 1] if both_true else model.encode(frame, before, skips=refresh)
        state = model.observe(state, frame, seen, refresh, conditions[t])
        state, code = model.advance(state, None if z is None else choose_latent(model, state, z[:, t - 1], t, n_past, imagined))
        summaries.append(state.summary)
        if t == length - 1 or feed_true[t]:
            codes[t] = code
        else:
            rendered[t] = model.render(code)
    together = model.render(tuple(torch.cat(x) for x in zip(*codes.values()))).split(count)
    rendered.update(zip(codes, together))
    predicted = torch.stack([rendered[t] for t in range(1, length)], 1)
    prior = model.prior(torch.stack(summaries, 1).flatten(0, 1))
    return predicted, prior and Gaussian(*(x.unflatten(0, (count, length - 1)) for x in prior))


def choose_latent(model: SVGNetwork, state: Any, z: Tensor, t: int, n_past: int, imagined: Tensor | None) -> Tensor:
    """z_t (B, Z): `z`, but in future steps the last rows are drawn from the prior with the noise `imagined`."""
    if imagined is None or not len(imagined) or t < n_past:
        return z
    prior = model.prior(state.summary[-len(imagined) :])
    return torch.cat([z[: -len(imagined)], prior.sample(imagined[:, t - 1])])


def rollout_loss(cfg: SVGConfig, networks: nn.ModuleDict, batch: Batch, progress: Progress, generator: torch.Generator) -> Losses:
    """Losses of one mini-batch; frames float32 (B, T, C, H, W) in [0, 1]."""
    model, objective = networks["svg"], cfg.objective
    frames = batch.frames[:, : scheduled_length(objective.lengths, progress.share, batch.frames.shape[1])]
    count, length = frames.shape[:2]
    forced, ratio = draw_teacher_forcing(objective, progress, length, generator)
    true = [t < cfg.n_past or forced[t] for t in range(length)]
    features = model.encode_clips(frames, cfg.n_past)
    judged = is_critic_active(objective, progress)
    guided = (
        count - round(objective.imagined * count) * judged
    )  # these rows have the reconstruction loss, the others the critic's alone
    posterior, z, imagined = None, None, None
    if cfg.latent != "none" and progress.share < objective.latent_from:
        z = frames.new_zeros(count, length - 1, cfg.z_dim)
    elif cfg.latent != "none":
        posterior = model.posterior(features)
        noise = torch.randn(posterior.mean.shape, generator=generator, device=generator.device).to(frames.device)
        z, imagined = posterior.sample(noise), noise[guided:]
    vectors = batch.vectors(cfg.conditions.sources) if cfg.conditions else None
    predicted, prior = roll_out(model, frames, features, z, cfg.n_past, true, imagined, vectors)
    error = (predicted - frames[:, 1:])[:guided].square().mean()
    total, parts, outputs = error, {"mse": error, "teacher_ratio": torch.tensor(ratio)}, {}
    if judged:
        fake = critic_clip(cfg, torch.cat([frames[:, :1], predicted], 1), frames)
        terms, outputs = adversarial_terms(networks, critic_clip(cfg, frames), fake, guided)
        parts.update(terms)
        total = total + weighted_sum(objective, terms)
    if posterior is not None:
        parts["kl"] = kl(posterior, prior).sum(-1)[:guided].mean()
        beta = kl_weight(objective, progress.share)
        parts["beta"] = torch.tensor(beta)
        parts["kl_anneal"] = torch.tensor(beta / objective.beta if objective.beta else 0.0)
        total = total + beta * parts["kl"]
    return Losses(total, parts, outputs)


def critic_clip(cfg: SVGConfig, frames: Tensor, past: Tensor | None = None) -> Tensor:
    """The part of clips that the critic sees: the last SEEN_PAST known frames, from `past` where given, and all future frames."""
    start = max(cfg.n_past - SEEN_PAST, 0)
    return torch.cat([(frames if past is None else past)[:, start : cfg.n_past], frames[:, cfg.n_past :]], 1)
