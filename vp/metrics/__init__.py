"""Image metrics per frame, batched on the device: PSNR, SSIM in two definitions and over scales, sharpness, and summed errors.

`ensemble` holds those of all samples of a clip together.
"""

from .ensemble import Ensemble, crps, diversity, sample_spread, spread_skill
from .errors import mae, mse
from .psnr import CAP_DB, psnr, psnr_of_mean_mse, psnr_within
from .sharpness import sharpness
from .ssim import ms_ssim, ssim, ssim_legacy

METRICS = {
    "psnr_db": psnr,
    "ssim": ssim,
    "ssim_legacy": ssim_legacy,
    "ms_ssim": ms_ssim,
    "sharpness": sharpness,
    "mse": mse,
    "mae": mae,
}
ERRORS = ("mse", "mae")  # lower is better; taken from predictions as the model gave them, all others from clipped ones

__all__ = [
    "CAP_DB",
    "ERRORS",
    "METRICS",
    "Ensemble",
    "crps",
    "diversity",
    "mae",
    "ms_ssim",
    "mse",
    "psnr",
    "psnr_of_mean_mse",
    "psnr_within",
    "sample_spread",
    "sharpness",
    "spread_skill",
    "ssim",
    "ssim_legacy",
]
