"""The training objective: rollouts, judged on the moved pictures themselves, plus the weighted KL (Denton & Fergus 2018, eq. 3).

A future frame is the last known frame with its pixels moved, and nothing is blended into it, so a smear is no way out of doubt.
The error of each frame is taken as its logarithm: a clip that hardly moves then counts as much as one where much happens, and
the squared part is what PSNR measures.
"""

from __future__ import annotations

import torch
from torch import nn

from ...core.family import Losses, Progress
from ...core.settings import length_at, log_ramp
from ...core.video import Batch
from ...nn.gaussian import kl
from ...nn.losses import pyramid_error
from ...nn.motion_input import READ, composed, flows_back, motion_size, read_known, warped
from .config import MotionConfig, MotionObjective

ERROR_FLOOR, SQUARED_FLOOR = 0.01, 1e-4  # errors below which a frame is good enough


def beta_at(objective: MotionObjective, share: float) -> float:
    """Weight of the KL."""
    return log_ramp(share, objective.beta_ramp, objective.beta_start, objective.beta)


def motion_loss(
    cfg: MotionConfig, networks: nn.ModuleDict, batch: Batch, progress: Progress, generator: torch.Generator
) -> Losses:
    """Losses of one mini-batch; frames float32 (B, T, C, H, W) in [0, 1], H and W multiples of 8."""
    network, objective = networks["svg"], cfg.objective
    length = cfg.n_past + length_at(objective.lengths, progress.share, batch.frames.shape[1] - cfg.n_past)
    seen = min(cfg.n_past, READ)
    frames = batch.frames[:, cfg.n_past - seen : length]
    height, width = motion_size(*frames.shape[-2:], cfg.short_side)
    fewer = torch.rand((), generator=generator, device=generator.device) < objective.from_fewer
    skipped = int(torch.randint(seen - 1, (), generator=generator, device=generator.device)) if fewer else 0
    grid = (height // 2, width // 2)
    scene, state = network.begin(read_known(frames[:, skipped:seen], (height, width)))
    drawn = cfg.latent != "none" and progress.share >= objective.latent_from
    if drawn:
        true_steps = flows_back(frames[:, seen - 1 :], grid, estimated_at=cfg.short_side)
        true_displacements = composed(true_steps)
    foreseen = int(objective.foreseen * len(frames)) if cfg.latent == "learned" else 0
    displacements, divergences = [], []
    for t in range(frames.shape[1] - seen):
        carried, summary = network.carry(scene, state)
        z = None
        if drawn:
            prior = network.latent.prior(summary)
            posterior = network.latent.posterior(
                summary, carried.step, carried.displacement, true_steps[:, t], true_displacements[:, t]
            )
            noise = torch.randn(posterior.mean.shape, generator=generator, device=generator.device).to(frames.device)
            z = torch.cat([prior.mean[:foreseen], posterior.sample(noise)[foreseen:]])
            divergences.append(kl(posterior, prior).sum(-1)[foreseen:])
        elif network.latent is not None:
            z = frames.new_zeros(len(frames), network.latent.width((height, width)))
        state = network.advance(scene, state, carried, summary, z)
        displacements.append(state.displacement)
    count = len(displacements)
    last = frames[:, seen - 1].repeat(count, 1, 1, 1)
    difference = warped(last, torch.cat(displacements)) - frames[:, seen:].transpose(0, 1).flatten(0, 1)
    absolute, squared = pyramid_error(difference), difference.square().mean((1, 2, 3))
    total = torch.log(absolute + ERROR_FLOOR).mean() + objective.squared * torch.log(squared + SQUARED_FLOOR).mean()
    parts = {"error": absolute.mean(), "mse": squared.mean(), "psnr_db": -10 * torch.log10(squared + 1e-5).mean()}
    if drawn:
        parts["kl"], beta = torch.stack(divergences).mean(), beta_at(objective, progress.share)
        parts["beta"], total = torch.tensor(beta), total + beta * parts["kl"]
    return Losses(total, parts)
