"""Image metrics per frame, batched on the device: PSNR, SSIM in two definitions, and sharpness."""

from .psnr import psnr
from .sharpness import sharpness
from .ssim import ssim, ssim_legacy

METRICS = {"psnr_db": psnr, "ssim": ssim, "ssim_legacy": ssim_legacy, "sharpness": sharpness}

__all__ = ["METRICS", "psnr", "sharpness", "ssim", "ssim_legacy"]
