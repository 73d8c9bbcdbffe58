"""Image metrics per frame, batched on the device: PSNR, SSIM in two definitions, MS-SSIM, sharpness and errors.

`ensemble` has the metrics of all samples of a clip together.
"""

from functools import partial

from .ensemble import Ensemble, crps, diversity, sample_spread, spread_skill
from .errors import mae, mse, pixel_mae, pixel_mse
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
# for clips of different sizes: errors are means over pixels, and PSNR is capped lower, as real frames come that close only where
# nothing moves, and a few such frames would dominate its mean
CAP_ANY_SIZE_DB = 50.0
METRICS_ANY_SIZE = {
    "psnr_db": partial(psnr, cap=CAP_ANY_SIZE_DB),
    "ssim": ssim,
    "ms_ssim": ms_ssim,
    "sharpness": sharpness,
    "pixel_mse": pixel_mse,
    "pixel_mae": pixel_mae,
}
# lower is better; computed on unclipped predictions, all other metrics on clipped ones
ERRORS = ("mse", "mae", "pixel_mse", "pixel_mae")

__all__ = [
    "CAP_ANY_SIZE_DB",
    "CAP_DB",
    "ERRORS",
    "METRICS",
    "METRICS_ANY_SIZE",
    "Ensemble",
    "crps",
    "diversity",
    "mae",
    "ms_ssim",
    "mse",
    "pixel_mae",
    "pixel_mse",
    "psnr",
    "psnr_of_mean_mse",
    "psnr_within",
    "sample_spread",
    "sharpness",
    "spread_skill",
    "ssim",
    "ssim_legacy",
]
