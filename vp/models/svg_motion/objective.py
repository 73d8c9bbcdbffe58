"""The training objective: image error of the warped frames plus the weighted KL (Denton & Fergus 2018, eq. 3).

A future frame is the last known frame, warped and not blended, so blur cannot lower the error of uncertain motion. The logarithm
of each frame's error is minimised (`nn.losses.log_error`), so that clips with little and with much motion count alike.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...core.family import Losses, Progress
from ...core.host_random import host_generator
from ...core.settings import log_ramp, scheduled_length
from ...core.tree import map_tensors
from ...core.video import Batch
from ...nn.gaussian import kl
from ...nn.losses import ERROR_FLOOR, log_error, pyramid_error
from ...nn.motion_input import READ, motion_size, warp_any_size
from .config import MotionConfig, MotionObjective
from .network import prepare_known, true_motion
from .pace import displace_at_pace, draw_pace


def kl_weight(objective: MotionObjective, share: float) -> float:
    """Weight of the KL at a share of the budget."""
    return log_ramp(share, objective.beta_ramp, objective.beta_start, objective.beta)


def motion_loss(
    cfg: MotionConfig, networks: nn.ModuleDict, batch: Batch, progress: Progress, generator: torch.Generator
) -> Losses:
    """Losses of one mini-batch; frames float32 (B, T, C, H, W) in [0, 1], H and W multiples of 8."""
    network, objective = networks["svg"], cfg.objective
    length = cfg.n_past + scheduled_length(objective.lengths, progress.share, batch.frames.shape[1] - cfg.n_past)
    seen = min(cfg.n_past, READ)
    frames = batch.frames[:, cfg.n_past - seen : length]
    clips, (height, width) = len(frames), motion_size(*frames.shape[-2:], cfg.short_side)
    host = host_generator(generator)
    fewer = torch.rand((), generator=host) < objective.from_fewer
    skipped = int(torch.randint(seen - 1, (), generator=host)) if fewer else 0
    scene, state = network.encode_known(prepare_known(frames[:, skipped:seen], (height, width)))
    drawn = cfg.latent != "none" and progress.share >= objective.latent_from
    foreseen = int(objective.foreseen * clips) if drawn and cfg.latent == "learned" else 0
    sampled = round(objective.sampled * clips) if drawn else 0
    posted = slice(foreseen, clips - sampled)  # order of rows: prior's mean, posterior, first samples, second samples
    rows = frames
    if sampled:
        rows, scene, state = map_tensors(lambda x: torch.cat([x, x[-sampled:]]), (frames, scene, state))
    if drawn:
        true_steps, true_displacements = true_motion(frames[posted, seen - 1 :], (height // 2, width // 2))
    displacements, divergences = [], []
    for t in range(frames.shape[1] - seen):
        carried, z = network.carry_forward(scene, state), None
        if drawn:
            prior = network.latent.prior(carried)
            seeing, foreseen_by = (map_tensors(lambda x: x[posted], x) for x in (carried, prior))
            posterior = network.latent.posterior(seeing, foreseen_by, true_steps[:, t], true_displacements[:, t])
            noise = torch.randn(prior.mean.shape, generator=generator, device=generator.device).to(frames.device)
            z = torch.cat([prior.mean[:foreseen], posterior.sample(noise[posted]), prior.sample(noise)[posted.stop :]])
            divergences.append(kl(posterior, foreseen_by).sum(-1))
        state = network.advance(scene, state, carried, z)
        displacements.append(state.displacement)
    if sampled and scene.pace is not None:
        noise = torch.randn(2 * sampled, generator=generator, device=generator.device).to(frames.device)
        pace = draw_pace(scene.pace[posted.stop :], noise)
        paced = (displace_at_pace(x[posted.stop :], pace) for x in displacements)
        displacements = [torch.cat([x[: posted.stop], at_pace]) for x, at_pace in zip(displacements, paced)]
    last = rows[:, seen - 1].repeat(len(displacements), 1, 1, 1)
    made = warp_any_size(last, torch.cat(displacements)).unflatten(0, (len(displacements), -1)).transpose(0, 1)
    difference = made - rows[:, seen:]
    absolute, squared = pyramid_error(difference.flatten(0, 1)), difference.flatten(0, 1).square().mean((1, 2, 3))
    absolute, squared = (x.unflatten(0, made.shape[:2]) for x in (absolute, squared))
    one = slice(0, posted.stop)  # rows with one sample per clip
    total = log_error(absolute[one], squared[one], objective.squared)
    parts = {"error": absolute[one].mean(), "mse": squared[one].mean()}
    parts["psnr_db"] = -10 * torch.log10(squared[one] + 1e-5).mean()
    if sampled:
        parts["energy_score"], share = energy_score(absolute[posted.stop :], made[posted.stop :]), sampled / clips
        total = (1 - share) * total + share * parts["energy_score"]
    if drawn:
        parts["kl"], beta = torch.stack(divergences).mean(), kl_weight(objective, progress.share)
        parts["beta"], total = torch.tensor(beta), total + beta * parts["kl"]
    return Losses(total, parts)


def energy_score(errors: Tensor, made: Tensor) -> Tensor:
    """Energy score from two samples per clip: their mean error minus half the distance between them, a scalar.

    It is divided by the detached mean error, so that its gradient is on the scale of the log errors of the other clips.

    Args:
        errors: float32 (2 * B, T), see `pyramid_error`; the first samples of all clips, then the second ones.
        made: float32 (2 * B, T, C, H, W), the samples in that order.
    """
    first, second = made.chunk(2)
    apart = pyramid_error((first - second).flatten(0, 1)).unflatten(0, first.shape[:2])
    mean = torch.stack(errors.chunk(2)).mean(0)
    return ((mean - apart / 2) / (mean.detach() + ERROR_FLOOR)).mean()
