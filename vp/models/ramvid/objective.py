"""Training: the network estimates the unknown frames of a partly known clip from noisy ones, and only they count in the loss.

RaMViD (Hoeppe et al. 2022, eq. 5) on either process: the published one predicts the noise of a DDPM at one level per clip; ours
predicts the clean frames of a straight path (flow matching: Lipman et al. 2023; x-prediction: Li & He 2025), each frame at a
level of its own, with the error measured in the velocity.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...core.family import Losses, Progress
from ...core.video import Batch
from ...nn.adversary import adversarial_terms, is_critic_active, weighted_sum
from . import masks
from .config import RamvidConfig
from .process import add_noise
from .solvers import shift_levels

JUDGED = (0.03, 0.6)  # below, a guess is a mean of many futures and must not be sharp; above, it is sharp as it is
LEAST_NOISE = 0.2  # the velocity's error is divided by no less, or nearly clean frames would be all that counts
USUAL, LEAST = 0.1, 1e-3  # errors: what a guess from noise is off by, and what is as good as none
JITTER = 0.1  # std of a frame's level around its clip's, before the shift


def random_mask_loss(
    cfg: RamvidConfig, networks: nn.ModuleDict, batch: Batch, progress: Progress, generator: torch.Generator
) -> Losses:
    """Losses of one mini-batch of frames float32 (B, T, C, H, W) in [0, 1], on a random excerpt that fits the network."""
    times = draw_times(cfg, batch.frames.shape[1], generator)
    frames = 2 * batch.frames.index_select(1, times.to(batch.frames.device)) - 1
    count, length = frames.shape[:2]
    drawn = count if cfg.network == "published" else 1  # ours goes through time, and all clips of a batch at once
    known = masks.draw_masks(cfg.masks, drawn, length, cfg.max_known, generator).expand(count, -1)
    eps = torch.randn(frames.shape, generator=generator, device=generator.device).to(frames.device)
    if cfg.process == "ddpm":
        return ddpm_loss(cfg, networks["denoiser"], frames, times, known, eps, generator)
    losses, judged = flow_loss(cfg, networks["denoiser"], frames, times, known, eps, generator)
    if not is_critic_active(cfg, progress):
        return losses
    terms, outputs = adversarial_terms(networks, *judged)
    return Losses(losses.total + weighted_sum(cfg, terms), {**losses.terms, **terms}, outputs)


def draw_times(cfg: RamvidConfig, available: int, generator: torch.Generator) -> Tensor:
    """Frame indices int64 (L,) on the CPU at a random stride, from 0 on, L at most `available`: strides teach keyframes of long
    clips."""
    length = min(masks.draw_integer(cfg.length // 2, cfg.length, generator), available)
    stride = masks.draw_integer(1, max(1, available // length), generator) if masks.draw_integer(1, 4, generator) == 1 else 1
    return stride * torch.arange(length)


def draw_uniform_tensor(shape: tuple[int, ...], generator: torch.Generator, like: Tensor) -> Tensor:
    """Uniform in [0, 1), drawn on the generator's device and moved to that of `like`."""
    return torch.rand(shape, generator=generator, device=generator.device).to(like.device)


def flow_loss(
    cfg: RamvidConfig, denoiser: nn.Module, frames: Tensor, times: Tensor, known: Tensor, eps: Tensor, generator: torch.Generator
) -> tuple[Losses, tuple[Tensor, Tensor]]:
    """Flow matching: the squared error of the estimated clean frames at random levels between noise (0) and clean (1).

    Every clip draws a level around which those of its frames lie; of some clips known frames are noisy too, at a level that
    the network sees.

    Args:
        frames: float32 (B, L, C, H, W) in [-1, 1].
        times: int64 (L,) on the CPU, where the network reads it: positions of the frames in time.
        known: bool (B, L) on the CPU too; only unknown frames count.
        eps: standard normal noise, shaped like `frames`.

    Returns:
        The losses; and what a critic judges: true and estimated frames in [0, 1] of the clips whose level is neither so noisy
        that estimates must blur nor so clean that they are sharp anyway, or of all clips where there is none.
    """
    count, length = known.shape
    given = known.to(frames.device)
    centre = draw_uniform_tensor((count, 1), generator, frames)
    jitter = torch.randn(count, length, generator=generator, device=generator.device).to(frames.device)
    time = shift_levels((centre + JITTER * jitter).clamp(0, 0.99), cfg.noise_shift)
    # a noisy past, at a level that the network sees: a model that goes on from its own frames must not trust them blindly
    rough = draw_uniform_tensor((count, 1), generator, frames) < cfg.context_noise
    context = torch.where(rough, 1 - 0.3 * draw_uniform_tensor((count, 1), generator, frames), 1.0)
    time = torch.where(given, context.expand_as(time), time)
    x = add_noise(frames, torch.zeros_like(given), time, eps, cfg)
    clean = denoiser(x, known, time, times)
    error = (clean - frames).square().mean((2, 3, 4))
    weight = (1 - time).clamp_min(LEAST_NOISE).pow(-2)
    level = shift_levels(centre, cfg.noise_shift)[:, 0]
    between = (level > JUDGED[0]) & (level < JUDGED[1])
    between = between | ~between.any()
    judged = tuple((x[between] + 1) / 2 for x in (frames, clean))
    total = (mean_log_error if cfg.balance else masked_mean)(weight * error, ~given)
    return Losses(total, {"mse": masked_mean(error, ~given).detach()}), judged


def ddpm_loss(
    cfg: RamvidConfig, denoiser: nn.Module, frames: Tensor, times: Tensor, known: Tensor, eps: Tensor, generator: torch.Generator
) -> Losses:
    """The loss of the published process: squared error of the predicted noise of unknown frames; see `flow_loss`."""
    time = draw_uniform_tensor((len(frames), 1), generator, frames).expand(known.shape)
    given = known.to(frames.device)
    x = add_noise(frames, given, time, eps, cfg)
    error = masked_mean((denoiser(x, known, time, times) - eps).square().mean((2, 3, 4)), ~given)
    return Losses(error, {"mse": error.detach()})


def mean_log_error(errors: Tensor, chosen: Tensor) -> Tensor:
    """Mean over frames of the logarithm of their mean error over the clips.

    Its gradient is that of the errors divided by their current means, on the scale of an error of `USUAL`.

    Args:
        errors: (B, T).
        chosen: bool (B, T), the errors that count.
    """
    counted = chosen.any(0)
    means = (errors * chosen).sum(0) / chosen.sum(0).clamp_min(1)
    return USUAL * ((means + LEAST).log() * counted).sum() / counted.sum()


def masked_mean(values: Tensor, chosen: Tensor) -> Tensor:
    """Mean of `values` (B, T) where `chosen`, bool (B, T); 0 where nothing is chosen."""
    return (values * chosen).sum() / chosen.sum().clamp_min(1)
