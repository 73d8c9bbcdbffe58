"""Structural similarity (Wang et al. 2004) in the two definitions used in video prediction, and multi-scale SSIM.

Their values are not comparable: a table must name the definition. Filters are banded matrices, one product per axis: on small
frames many times as fast as a separable convolution of PyTorch, and easy to keep out of TF32 on a GPU. The work of such a
product grows with the square of a side, so large frames on a CPU go through OpenCV.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache, partial

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .frames import apply_per_frame

K1, K2 = 0.01, 0.03
LARGE = 96 * 96  # pixels of a frame from which OpenCV is the faster on a CPU
SCALES = (
    0.0448,
    0.2856,
    0.3001,
    0.2363,
    0.1333,
)  # exponents of MS-SSIM for five scales, finest first, from perceptual experiments


def ssim(a: Tensor, b: Tensor) -> Tensor:
    """SSIM as reported in results: Gaussian 11x11 window, sigma 1.5, data range 1, only windows that lie inside the frame.

    Biased covariance; per channel, then the mean over channels (scikit-image with gaussian_weights=True,
    use_sample_covariance=False, data_range=1, border of 5 cropped).

    Args:
        a, b: float (..., C, H, W) in [0, 1], broadcastable, at least 11x11.

    Returns:
        float32 (...), 1 for equal frames.
    """
    return apply_per_frame(partial(similarity, window=gaussian_window(11, 1.5), span=1.0, unbias=1.0), a, b, smallest=11)


def ssim_legacy(a: Tensor, b: Tensor) -> Tensor:
    """SSIM as in SVG's released scripts: uniform 7x7 window, sample covariance, and data range 2 for frames in [0, 1].

    The range was scikit-image's default for float images; it gives dark frames higher values.

    Args:
        a, b: float (..., C, H, W) in [0, 1], broadcastable, at least 7x7.

    Returns:
        float32 (...), 1 for equal frames.
    """
    window = torch.full((7,), 1 / 7, dtype=torch.float64)
    return apply_per_frame(partial(similarity, window=window, span=2.0, unbias=49 / 48), a, b, smallest=7)


def ms_ssim(a: Tensor, b: Tensor) -> Tensor:
    """Multi-scale SSIM (Wang, Simoncelli and Bovik 2003, eq. 7), for frames of any size down to 11x11.

    The window and constants of `ssim`. Contrast and structure are compared at every scale, luminance at the coarsest only; each
    scale halves the one before by 2x2 means, an odd last row or column left out. As many of the paper's five scales are taken as
    have a shorter side of 11 px or more (three for 64 px, four for 88 px and more, five for 176 px and more), with the paper's
    exponents divided by their sum. A negative mean of contrast and structure is clamped to 0, as its power is not real. Computed
    per channel, then averaged over channels.

    Args:
        a, b: float (..., C, H, W) in [0, 1], broadcastable, at least 11x11.

    Returns:
        float32 (...), 1 for equal frames. Comparable between frames of the same number of scales only.
    """
    return apply_per_frame(similarity_over_scales, a, b, smallest=11)


def similarity_over_scales(a: Tensor, b: Tensor) -> Tensor:
    """`ms_ssim` of one chunk: (F, C, H, W) twice -> (F,)."""
    window = gaussian_window(11, 1.5)
    exponents = [x for i, x in enumerate(SCALES) if min(a.shape[-2:]) >> i >= len(window)]
    value = a.new_ones(a.shape[:2])
    for i, exponent in enumerate(exponents):
        if i:
            a, b = F.avg_pool2d(a, 2), F.avg_pool2d(b, 2)
        luminance, structure = compare_windows(a, b, window, span=1.0, unbias=1.0)
        coarsest = i == len(exponents) - 1
        of_scale = (luminance * structure if coarsest else structure).mean((-2, -1)).clamp(min=0)
        value = value * of_scale ** (exponent / sum(exponents))
    return value.mean(-1)


def similarity(a: Tensor, b: Tensor, window: Tensor, span: float, unbias: float) -> Tensor:
    """SSIM of one chunk (Wang et al. 2004, eq. 13), averaged over windows and channels: (F, C, H, W) twice -> (F,).

    Args:
        window: weights of the filter along one axis, (n,), which sum to 1.
        span: data range of the constants C1 and C2.
        unbias: factor on variances and covariance; n^2 / (n^2 - 1) for sample statistics of a uniform window.
    """
    luminance, structure = compare_windows(a, b, window, span, unbias)
    return (luminance * structure).mean((-3, -2, -1))


def compare_windows(a: Tensor, b: Tensor, window: Tensor, span: float, unbias: float) -> tuple[Tensor, Tensor]:
    """The luminance term and the contrast-structure term of SSIM at each window: both (F, C, H - n + 1, W - n + 1)."""
    c1, c2 = (K1 * span) ** 2, (K2 * span) ** 2
    if not a.is_cuda and a.shape[-2:].numel() >= LARGE:
        return compare_windows_opencv(a, b, window, c1, c2, unbias)
    maps = torch.stack((a, b, a * a + b * b, a * b))  # the two variances are only ever needed as a sum
    mean_a, mean_b, squares, product = filter_inside(maps, window)
    means = mean_a * mean_b
    mean_squares = mean_a * mean_a + mean_b * mean_b
    variances, covariance = unbias * (squares - mean_squares), unbias * (product - means)
    return (2 * means + c1) / (mean_squares + c1), (2 * covariance + c2) / (variances + c2)


def filter_inside(maps: Tensor, window: Tensor) -> Tensor:
    """Filters maps by `window` along both axes, without padding: (..., H, W) -> (..., H - n + 1, W - n + 1)."""
    rows, columns = (band_matrix(window, size).to(maps) for size in maps.shape[-2:])
    with full_precision(maps.device):
        return rows @ (maps @ columns.T)


def compare_windows_opencv(a: Tensor, b: Tensor, window: Tensor, c1: float, c2: float, unbias: float) -> tuple[Tensor, Tensor]:
    """As `compare_windows`, for frames on a CPU, one thread per core: OpenCV and NumPy release the GIL."""
    kernel, first = window.numpy().astype(np.float32), (len(window) - 1) // 2
    height, width = (side - len(window) + 1 for side in a.shape[-2:])
    luminance, structure = (np.empty((a.shape[0] * a.shape[1], height, width), np.float32) for _ in range(2))

    def filtered(plane: np.ndarray) -> np.ndarray:
        return cv2.sepFilter2D(plane, -1, kernel, kernel)[first : first + height, first : first + width]

    def compare(x: np.ndarray, y: np.ndarray, luminance: np.ndarray, structure: np.ndarray) -> None:
        mean_x, mean_y = filtered(x), filtered(y)
        means, mean_squares = mean_x * mean_y, mean_x * mean_x + mean_y * mean_y
        variances = unbias * (filtered(x * x + y * y) - mean_squares)
        covariance = unbias * (filtered(x * y) - means)
        np.divide(2 * means + c1, mean_squares + c1, out=luminance)
        np.divide(2 * covariance + c2, variances + c2, out=structure)

    list(thread_pool().map(compare, a.flatten(0, 1).numpy(), b.flatten(0, 1).numpy(), luminance, structure))
    return tuple(torch.from_numpy(x).unflatten(0, a.shape[:2]) for x in (luminance, structure))


@cache
def thread_pool() -> ThreadPoolExecutor:
    """A shared pool of as many threads as PyTorch uses at the first call."""
    return ThreadPoolExecutor(torch.get_num_threads(), "ssim")


def band_matrix(window: Tensor, size: int) -> Tensor:
    """Banded matrix (size - n + 1, size) of the filter without padding: each row holds the window, shifted by one column."""
    out = window.new_zeros(size - len(window) + 1, size)
    for row in range(len(out)):
        out[row, row : row + len(window)] = window
    return out


def gaussian_window(size: int, sigma: float) -> Tensor:
    """float64 (size,), weights that sum to 1."""
    x = torch.arange(size, dtype=torch.float64) - (size - 1) / 2
    weights = (-x.square() / (2 * sigma**2)).exp()
    return weights / weights.sum()


@contextmanager
def full_precision(device: torch.device) -> Iterator[None]:
    """Context manager without TF32 and autocast: variances are differences of nearly equal numbers."""
    allowed = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = False
    try:
        with torch.autocast(device.type, enabled=False):
            yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = allowed
