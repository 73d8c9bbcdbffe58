"""The training objective: motion is denoised, and the frames that it renders from known ones are compared with the true ones.

Flow matching (Lipman et al. 2023) with x-prediction (Li & He 2025), the error measured in the velocity, as in `ramvid.objective`
for pixels; and the error of the rendered frames as in `svg_motion.objective`, as its logarithm so that clips that hardly move
count as well. Each side's frames are also compared by themselves; otherwise blending two wrong frames would be rewarded.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ....core.constant import constant_indices
from ....core.family import Losses, Progress
from ....core.video import Batch
from ....nn.losses import log_error, pyramid_error
from ....nn.motion_input import motion_size
from .. import masks
from ..solvers import shift_levels
from .config import MotionDiffusionConfig
from .network import Motion, to_departure
from .references import SIDES, References, find_references, true_displacements

TRUE_AT = 128  # px of the short side at which flow between true frames is estimated
LEAST_NOISE = 0.2  # the velocity's error is divided by no less, or nearly clean motion would be all that counts


def motion_diffusion_loss(
    cfg: MotionDiffusionConfig, networks: nn.ModuleDict, batch: Batch, progress: Progress, generator: torch.Generator
) -> Losses:
    """Losses of one mini-batch; frames float32 (B, T, C, H, W) in [0, 1], H and W multiples of 8."""
    network, frames = networks["denoiser"], batch.frames
    clips, length = frames.shape[:2]
    known = masks.draw_masks(cfg.masks, 1, length, cfg.max_known, generator)[0].tolist()
    given, unknown = known_and_unknown(known, frames.device)
    size = motion_size(*frames.shape[-2:], cfg.short_side)
    references = find_references(frames.index_select(1, given), known, size)
    scene = network.encode_references(references, unknown.float())
    target = to_departure(true_displacements(frames, known, size, TRUE_AT), scene)
    even, blind, eps = (
        draw(shape, generator=generator, device=generator.device).to(frames.device)
        for draw, shape in ((torch.rand, (clips,)), (torch.rand, (clips,)), (torch.randn, target.shape))
    )
    level = torch.where(blind < cfg.blind, 0.0, shift_levels(even, cfg.noise_shift))
    mixed = level.view(-1, 1, 1, 1, 1)
    clean = network.clean(scene, mixed * target + (1 - mixed) * eps, level)
    wanted = scene.departure_mask.expand_as(target)
    error = ((clean - target) / (1 - mixed).clamp_min(LEAST_NOISE)).square()
    denoising = (error * wanted).sum() / wanted.sum()
    pictures, terms = rendered_frames_loss(cfg, network.refine(scene, clean), frames, known, references)
    return Losses(pictures + cfg.denoising * denoising, {"denoising": denoising.detach(), **terms})


def rendered_frames_loss(
    cfg: MotionDiffusionConfig, motion: Motion, frames: Tensor, known: Sequence[bool], references: References
) -> tuple[Tensor, dict[str, Tensor]]:
    """The error of the frames that a motion renders, plus that of each side alone where a frame has two.

    Args:
        motion: of the unknown frames.
        frames: float32 (B, T, C, H, W) in [0, 1], the whole clip.
        known: whether each frame is known.
        references: of the known frames.

    Returns:
        The scalar to minimise, and terms for the log.
    """
    given, unknown = known_and_unknown(known, frames.device)
    truth, seen = frames.index_select(1, unknown), frames.index_select(1, given)
    beside = constant_indices(references.frames, frames.device)
    made, parts = motion.render_frames(seen.index_select(1, beside), references.reference_of)
    absolute, squared = frame_errors(made, truth)
    total = log_error(absolute, squared, cfg.squared)
    both = [u for u, sides in enumerate(references.reference_of) if None not in sides]
    for those, moved in parts if both else ():
        places, wanted = (constant_indices(tuple(x), frames.device) for x in ((those.index(u) for u in both), both))
        alone = frame_errors(moved.index_select(1, places), truth.index_select(1, wanted))
        total = total + cfg.apart * len(both) / len(references.reference_of) / SIDES * log_error(*alone, 0.0)
    return total, {"mse": squared.detach().mean(), "psnr_db": -10 * torch.log10(squared.detach() + 1e-5).mean()}


def known_and_unknown(known: Sequence[bool], device: torch.device) -> tuple[Tensor, Tensor]:
    """Indices int64 of the known and of the unknown frames."""
    return tuple(constant_indices(tuple(t for t, given in enumerate(known) if given == wish), device) for wish in (True, False))


def frame_errors(made: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """Absolute error on a Laplacian pyramid and squared error of each frame (B, U, C, H, W): (B * U,) each."""
    difference = (made - truth).flatten(0, 1)
    return pyramid_error(difference), difference.square().mean((1, 2, 3))
