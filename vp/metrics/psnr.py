"""Peak signal-to-noise ratio, the convention of Finn et al. 2016 that SVG, SRVP and SLAMP report."""

from __future__ import annotations

from functools import partial

from torch import Tensor

from .frames import apply_per_frame

CAP_DB = 100.0  # equal frames would be infinite, which neither JSON nor an average survives


def psnr(a: Tensor, b: Tensor, cap: float = CAP_DB) -> Tensor:
    """10 log10(1 / MSE) per channel, then the mean over channels.

    Args:
        a, b: float (..., C, H, W) in [0, 1], broadcastable.
        cap: in dB, of each channel.

    Returns:
        float32 (...) in dB, each channel capped.
    """
    return apply_per_frame(partial(channel_mean_db, cap=cap), a, b)


def channel_mean_db(a: Tensor, b: Tensor, cap: float) -> Tensor:
    return to_decibels((a - b).square().mean((-2, -1)), cap)


def to_decibels(mse: Tensor, cap: float = CAP_DB) -> Tensor:
    """Of mean squared errors (..., C), the mean over channels."""
    return mse.clamp(min=10 ** (-cap / 10)).log10().mul(-10).mean(-1)


def psnr_of_mean_mse(mse: Tensor) -> Tensor:
    """PSNR of an error that was averaged first, over pixels, channels, frames and clips: 10 log10(1 / mean MSE).

    The mean of frames' own PSNR is ruled by the few frames that are all but exact, for those have tens of dB more than the rest;
    this one goes up only where the mean error goes down.

    Args:
        mse: float (...), squared errors per pixel and channel, already averaged.

    Returns:
        of the same shape and dtype, in dB, capped at 100.
    """
    return to_decibels(mse[..., None])


def psnr_within(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    """PSNR over some of the pixels, in the same convention.

    Args:
        a, b: float (..., C, H, W) in [0, 1], broadcastable.
        mask: bool (..., H, W), the pixels that count.

    Returns:
        float32 (...) in dB, each channel capped at 100; NaN where no pixel counts.
    """
    counted = mask[..., None, :, :].to(a.dtype)
    return to_decibels(((a - b).square() * counted).sum((-2, -1)) / counted.sum((-2, -1))).float()
