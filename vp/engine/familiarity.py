"""Does a clip look like the data a model was trained on? A few plain statistics, and one plain sentence."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

INK, BLACK = 40, 12  # grey levels: brighter is a figure, darker is ground
FLAT = 0.5  # share of a recording's pixels that may be of one grey level


def is_moving_digits(frames: np.ndarray) -> bool:
    """Bright thin figures on a black ground.

    The bounds leave room around clips of one to three digits on 64 px: ink covers 1 to 35 % of a frame, the rest is
    black, figures are as tall as digits and, where they do not overlap, drawn with strokes rather than filled.

    Args:
        frames: uint8 (T, H, W, 1), scaled to the model's size.
    """
    ink = frames[..., 0] > INK
    if not ink.any() or ink.all() or np.median(frames[..., 0][~ink]) > BLACK:
        return False
    counts, heights, strokes = np.array([figures(frame) for frame in ink]).T
    return (
        0.01 <= np.median(ink.mean(axis=(1, 2))) <= 0.35
        and np.median(counts) <= 12
        and heights.max() >= 0.15
        and np.median(strokes) <= 0.11
    )


def figures(ink: np.ndarray) -> tuple[float, float, float]:
    """Number of figures (touching ink), height of the tallest and half of the thickest stroke, as shares of the height.

    Args:
        ink: bool (H, W).
    """
    marks = ink.astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(marks, connectivity=8)
    heights = stats[1:, cv2.CC_STAT_HEIGHT][stats[1:, cv2.CC_STAT_AREA] >= 4]
    thick = cv2.distanceTransform(marks, cv2.DIST_L2, 3).max()
    return len(heights), max(heights, default=0) / len(ink), thick / len(ink)


def is_push_world(frames: np.ndarray) -> bool:
    """The bin of the push world: its camera stands still, so the left edge shows nothing but the slate-grey room.

    600 episodes have 63 to 93 grey levels there, blue 11 to 20 above red, hardly any texture, and a floor that is brighter by 38.

    Args:
        frames: uint8 (T, H, W, C), scaled to the model's size.
    """
    height, width, channels = frames.shape[1:]
    if channels != 3:
        return False
    edge = frames[:, : height // 2, : max(1, width // 32)].reshape(-1, 3).astype(float)
    floor = frames[:, height // 3 :, width // 8 : -width // 8].mean(-1)
    slate = np.median(edge, axis=0)
    return bool(
        50 <= slate.min() <= slate.max() <= 105
        and 4 <= slate[2] - slate[0] <= 30
        and edge.std(axis=0).mean() < 8
        and np.median(floor) - slate.mean() > 30
    )


def is_recording(frames: np.ndarray) -> bool:
    """A camera's recording, not a drawing: no single grey level fills it.

    300 clips of KTH, Georgia Tech and UCF101 have at most 31 % of one level, 200 of moving digits 79 % and more.

    Args:
        frames: uint8 (T, H, W, C), scaled to the model's size.
    """
    grey = frames[0].mean(-1).round().astype(np.uint8)
    return bool(np.bincount(grey.ravel()).max() <= FLAT * grey.size)


FAMILIAR: dict[str, tuple[Callable[[np.ndarray], bool], str]] = {
    **dict.fromkeys(("smmnist-svg", "smmnist-srvp", "mmnist"), (is_moving_digits, "white digits drifting on black")),
    "push": (is_push_world, "a robot arm that pushes objects about in a bin"),
    **dict.fromkeys(("kth", "gatech", "ucf101"), (is_recording, "people, recorded by a camera")),
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
