"""Image metrics per frame, batched on the device: PSNR, SSIM in two definitions, sharpness, and summed errors."""

from .errors import mae, mse
from .psnr import psnr, psnr_within
from .sharpness import sharpness
from .ssim import ssim, ssim_legacy

METRICS = {"psnr_db": psnr, "ssim": ssim, "ssim_legacy": ssim_legacy, "sharpness": sharpness, "mse": mse, "mae": mae}
ERRORS = ("mse", "mae")  # lower is better; taken from predictions as the model gave them, all others from clipped ones

__all__ = ["ERRORS", "METRICS", "mae", "mse", "psnr", "psnr_within", "sharpness", "ssim", "ssim_legacy"]
