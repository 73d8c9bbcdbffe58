"""Peak signal-to-noise ratio in the convention of Finn et al. 2016, which SVG, SRVP and SLAMP report."""

from __future__ import annotations

from functools import partial

from torch import Tensor

from .frames import apply_per_frame

CAP_DB = 100.0  # the value of equal frames, which would be infinite


def psnr(a: Tensor, b: Tensor, cap: float = CAP_DB) -> Tensor:
    """10 log10(1 / MSE) per channel, then the mean over channels.

    Args:
        a, b: float (..., C, H, W) in [0, 1], broadcastable.
        cap: upper limit in dB, per channel.

    Returns:
        float32 (...) in dB, each channel capped.
    """
    return apply_per_frame(partial(channel_mean_db, cap=cap), a, b)


def channel_mean_db(a: Tensor, b: Tensor, cap: float) -> Tensor:
    """`psnr` of one chunk: (F, C, H, W) twice -> (F,)."""
    return to_decibels((a - b).square().mean((-2, -1)), cap)


def to_decibels(mse: Tensor, cap: float = CAP_DB) -> Tensor:
    """Mean squared errors per channel (..., C) to PSNR in dB, capped and averaged over channels: (...)."""
    return mse.clamp(min=10 ** (-cap / 10)).log10().mul(-10).mean(-1)


def psnr_of_mean_mse(mse: Tensor) -> Tensor:
    """PSNR of a mean error, averaged before over pixels, channels, frames and clips: 10 log10(1 / mean MSE).

    The mean of PSNR over frames is dominated by the few almost exact frames, which have tens of dB more than the rest; this
    value rises only where the mean error falls.

    Args:
        mse: float (...), squared errors per pixel and channel, already averaged.

    Returns:
        PSNR in dB of the same shape and dtype, capped at 100.
    """
    return to_decibels(mse[..., None])


def psnr_within(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    """PSNR over the pixels of a mask, in the convention of `psnr`.

    Args:
        a, b: float (..., C, H, W) in [0, 1], broadcastable.
        mask: bool (..., H, W), the pixels that count.

    Returns:
        float32 (...) in dB, each channel capped at 100; NaN where the mask is empty.
    """
    counted = mask[..., None, :, :].to(a.dtype)
    return to_decibels(((a - b).square() * counted).sum((-2, -1)) / counted.sum((-2, -1))).float()
