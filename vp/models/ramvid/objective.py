"""Training: the noisy frames of a partly known clip are cleaned, and only they count.

RaMViD (Hoeppe et al. 2022, eq. 5) on either process: the published one predicts the noise of a DDPM at one level a clip; ours
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
from .process import noisy
from .solvers import shifted

JUDGED = (0.03, 0.6)  # below, a guess is a mean of many futures and must not be sharp; above, it is sharp as it is
LEAST_NOISE = 0.2  # the velocity's error is divided by no less, or nearly clean frames would be all that counts
USUAL, LEAST = 0.1, 1e-3  # errors: what a guess from noise is off by, and what is as good as none
JITTER = 0.1  # std of a frame's level around its clip's, before the shift


def random_mask_loss(
    cfg: RamvidConfig, networks: nn.ModuleDict, batch: Batch, progress: Progress, generator: torch.Generator
) -> Losses:
    """Loss of one mini-batch of frames float32 (B, T, C, H, W) in [0, 1]: of any part of it that fits the network."""
    times = excerpt(cfg, batch.frames.shape[1], generator, batch.frames.device)
    frames = 2 * batch.frames[:, times] - 1
    count, length = frames.shape[:2]
    drawn = count if cfg.network == "published" else 1  # ours goes through time, and all clips of a batch at once
    known = masks.draw_masks(cfg.masks, drawn, length, cfg.max_known, generator).to(frames.device).expand(count, -1)
    eps = torch.randn(frames.shape, generator=generator, device=generator.device).to(frames.device)
    if cfg.process == "ddpm":
        return ddpm_loss(cfg, networks["denoiser"], frames, times, known, eps, generator)
    losses, judged = flow_loss(cfg, networks["denoiser"], frames, times, known, eps, generator)
    if not is_critic_active(cfg, progress):
        return losses
    terms, outputs = adversarial_terms(networks, *judged)
    return Losses(losses.total + weighted_sum(cfg, terms), {**losses.terms, **terms}, outputs)


def excerpt(cfg: RamvidConfig, available: int, generator: torch.Generator, device: torch.device) -> Tensor:
    """Frames at a random stride, so that keyframes of long clips are learned too: their places in time, int64 (L,)."""
    length = min(masks.number(cfg.length // 2, cfg.length, generator), available)
    stride = masks.number(1, max(1, available // length), generator) if masks.number(1, 4, generator) == 1 else 1
    return stride * torch.arange(length, device=device)


def uniform(shape: tuple[int, ...], generator: torch.Generator, like: Tensor) -> Tensor:
    return torch.rand(shape, generator=generator, device=generator.device).to(like.device)


def flow_loss(
    cfg: RamvidConfig, denoiser: nn.Module, frames: Tensor, times: Tensor, known: Tensor, eps: Tensor, generator: torch.Generator
) -> tuple[Losses, tuple[Tensor, Tensor]]:
    """The loss; and of the clips whose level leaves little to chance, true and guessed frames in [0, 1] for a critic."""
    count, length = known.shape
    centre = uniform((count, 1), generator, frames)
    jitter = torch.randn(count, length, generator=generator, device=generator.device).to(frames.device)
    time = shifted((centre + JITTER * jitter).clamp(0, 0.99), cfg.noise_shift)
    # some clips come with a noisy past, and are told so: a model that goes on from its own frames must not trust them blindly
    rough = uniform((count, 1), generator, frames) < cfg.context_noise
    context = torch.where(rough, 1 - 0.3 * uniform((count, 1), generator, frames), 1.0)
    time = torch.where(known, context.expand_as(time), time)
    x = noisy(frames, torch.zeros_like(known), time, eps, cfg)
    clean = denoiser(x, known, time, times)
    error = (clean - frames).square().mean((2, 3, 4))
    weight = (1 - time).clamp_min(LEAST_NOISE).pow(-2)
    level = shifted(centre, cfg.noise_shift)[:, 0]
    between = (level > JUDGED[0]) & (level < JUDGED[1])
    between = between | ~between.any()
    judged = tuple((x[between] + 1) / 2 for x in (frames, clean))
    total = (balanced if cfg.balance else mean_over)(weight * error, ~known)
    return Losses(total, {"mse": mean_over(error, ~known).detach()}), judged


def ddpm_loss(
    cfg: RamvidConfig, denoiser: nn.Module, frames: Tensor, times: Tensor, known: Tensor, eps: Tensor, generator: torch.Generator
) -> Losses:
    time = uniform((len(frames), 1), generator, frames).expand(known.shape)
    x = noisy(frames, known, time, eps, cfg)
    error = mean_over((denoiser(x, known, time, times) - eps).square().mean((2, 3, 4)), ~known)
    return Losses(error, {"mse": error.detach()})


def balanced(errors: Tensor, chosen: Tensor) -> Tensor:
    """Mean over frames of the logarithm of their mean error over the clips, from errors (B, T) where `chosen`.

    Its gradient is that of the errors over their present means, on the scale of an error of `USUAL`.
    """
    counted = chosen.any(0)
    means = (errors * chosen).sum(0)[counted] / chosen.sum(0)[counted]
    return USUAL * (means + LEAST).log().mean()


def mean_over(values: Tensor, chosen: Tensor) -> Tensor:
    """Mean of `values` (B, T) where `chosen`."""
    return (values * chosen).sum() / chosen.sum().clamp_min(1)
