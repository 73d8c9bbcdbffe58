"""The training objective: motion is cleaned of noise, and judged by the pictures that it makes of known frames.

Flow matching (Lipman et al. 2023) with x-prediction (Li & He 2025), the error measured in the velocity, as `ramvid.objective`
has it for pixels; and the pictures' error as `svg_motion.objective` has it, taken as its logarithm so that clips that hardly move
count as well. Each side's picture is judged by itself too, or blending two wrong ones would be a way out of doubt.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ....core.family import Losses, Progress
from ....core.video import Batch
from ....nn.losses import log_error, pyramid_error
from ....nn.motion_input import motion_size
from .. import masks
from ..solvers import shifted
from .config import MotionDiffusionConfig
from .network import Motion, departure
from .references import SIDES, References, find_references, true_displacements

LEAST_NOISE = 0.2  # the velocity's error is divided by no less, or nearly clean motion would be all that counts


def motion_diffusion_loss(
    cfg: MotionDiffusionConfig, networks: nn.ModuleDict, batch: Batch, progress: Progress, generator: torch.Generator
) -> Losses:
    """Losses of one mini-batch; frames float32 (B, T, C, H, W) in [0, 1], H and W multiples of 8."""
    network, frames = networks["denoiser"], batch.frames
    clips, length = frames.shape[:2]
    known = masks.draw_masks(cfg.masks, 1, length, cfg.max_known, generator)[0].tolist()
    given = torch.tensor(known, device=frames.device)
    size = motion_size(*frames.shape[-2:], cfg.short_side)
    references = find_references(frames[:, given], known, size)
    scene = network.begin(references, (~given).nonzero()[:, 0].float())
    target = departure(true_displacements(frames, known, size, cfg.short_side), scene)
    even, blind, eps = (
        draw(shape, generator=generator, device=generator.device).to(frames.device)
        for draw, shape in ((torch.rand, (clips,)), (torch.rand, (clips,)), (torch.randn, target.shape))
    )
    level = torch.where(blind < cfg.blind, 0.0, shifted(even, cfg.noise_shift))
    mixed = level.view(-1, 1, 1, 1, 1)
    clean = network.clean(scene, mixed * target + (1 - mixed) * eps, level)
    wanted = scene.asked.expand_as(target)
    error = ((clean - target) / (1 - mixed).clamp_min(LEAST_NOISE)).square()
    denoising = (error * wanted).sum() / wanted.sum()
    pictures, terms = picture_loss(cfg, network.refined(scene, clean), frames, given, references)
    return Losses(pictures + cfg.denoising * denoising, {"denoising": denoising.detach(), **terms})


def picture_loss(
    cfg: MotionDiffusionConfig, motion: Motion, frames: Tensor, given: Tensor, references: References
) -> tuple[Tensor, dict[str, Tensor]]:
    """Of the frames that a motion makes, and of each side alone where there are two; `given`: bool (T,), the known frames."""
    truth, known = frames[:, ~given], frames[:, given]
    made, parts = motion.frames(known[:, list(references.frames)], references.of)
    absolute, squared = frame_errors(made, truth)
    total = log_error(absolute, squared, cfg.squared)
    both = [u for u, sides in enumerate(references.of) if None not in sides]
    for those, moved in parts if both else ():
        alone = frame_errors(moved[:, [those.index(u) for u in both]], truth[:, both])
        total = total + cfg.apart * len(both) / len(references.of) / SIDES * log_error(*alone, 0.0)
    return total, {"mse": squared.detach().mean(), "psnr_db": -10 * torch.log10(squared.detach() + 1e-5).mean()}


def frame_errors(made: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """Absolute error on a Laplacian pyramid and squared error of each frame (B, U, C, H, W): (B * U,) each."""
    difference = (made - truth).flatten(0, 1)
    return pyramid_error(difference), difference.square().mean((1, 2, 3))
