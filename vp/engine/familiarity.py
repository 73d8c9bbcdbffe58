"""Does a clip look like the data a model was trained on? A few plain statistics, and one plain sentence."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

INK = 40  # grey levels above the background


def is_moving_digits(frames: np.ndarray) -> bool:
    """Bright thin figures on a still black ground, in motion.

    The bounds hold for every clip of one to four 28 px digits on 64 px, with room: ink covers 1 to 30 % of a frame,
    the rest is black, at least one figure is digit-sized, and figures are strokes rather than filled shapes.

    Args:
        frames: uint8 (T, H, W, 1), scaled to the model's size.
    """
    ink = frames[..., 0] > INK
    cover = ink.mean(axis=(1, 2))
    dark = np.median(frames[..., 0][~ink]) if (~ink).any() else 255
    if not (0.01 <= np.median(cover) <= 0.30) or dark > 12:
        return False
    if (ink != ink[0]).mean() < 0.002:
        return False
    return all(drawn_like_a_digit(frame) for frame in ink[:: max(1, len(ink) // 4)])


def drawn_like_a_digit(ink: np.ndarray) -> bool:
    """Figures (touching ink) of a digit's size, with strokes of a digit's thickness. ink: bool (H, W)."""
    count, _, stats, _ = cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=8)
    heights = stats[1:, cv2.CC_STAT_HEIGHT][stats[1:, cv2.CC_STAT_AREA] >= 4] / len(ink)
    half_stroke = cv2.distanceTransform(ink.astype(np.uint8), cv2.DIST_L2, 3).max() / len(ink)
    return 1 <= len(heights) <= 12 and heights.max() >= 0.15 and half_stroke <= 0.08


FAMILIAR: dict[str, tuple[Callable[[np.ndarray], bool], str]] = {
    "smmnist-svg": (is_moving_digits, "white digits drifting on black"),
    "smmnist-srvp": (is_moving_digits, "white digits drifting on black"),
    "mmnist": (is_moving_digits, "white digits drifting on black"),
}


def strangeness(frames: np.ndarray, datasets: str) -> str | None:
    """One sentence where the clip is unlike the training data, else None.

    Args:
        frames: uint8 (T, H, W, C), as the model takes them.
        datasets: names of the training data.
    """
    known = [entry for name, entry in FAMILIAR.items() if name in datasets]
    if not known or any(test(frames) for test, _ in known):
        return None
    return f"This model has only ever seen {known[0][1]}; it does not know pictures like this clip, so expect nonsense."
