"""Turns a line drawn on a frame into actions of the arm."""

from __future__ import annotations

import numpy as np

from .camera import SIZE, unproject
from .physics import REACH
from .policy import FASTEST, PUSHING


def path_to_actions(points: np.ndarray, steps: int) -> np.ndarray:
    """Actions that move the finger along a line at a constant pace, at most at its highest speed.

    Args:
        points: (K, 2), two or more points (x, y) on the frame as shares of its width and height, from the upper left corner.
        steps: number of actions; a line too long for them is cut short.

    Returns:
        float32 (steps, 4): right, away, up, turn. The finger keeps its height and turn, and starts wherever it is.

    Raises:
        ValueError: fewer than two points, or points outside the frame.
    """
    points = np.asarray(points, float)
    if points.ndim != 2 or points.shape[-1] != 2 or len(points) < 2 or not ((points >= 0) & (points <= 1)).all():
        raise ValueError(f"the path has shape {points.shape}; give two or more points (x, y) from 0 to 1")
    places = np.clip(unproject(points * SIZE, PUSHING), -REACH, REACH)
    far = np.concatenate([[0.0], np.hypot(*np.diff(places, axis=0).T).cumsum()])
    pace = min(far[-1] / max(steps, 1), FASTEST[0])
    at = np.stack([np.interp(pace * np.arange(steps + 1), far, axis) for axis in places.T], -1)
    return np.pad(np.diff(at, axis=0), ((0, 0), (0, 2))).astype(np.float32)
