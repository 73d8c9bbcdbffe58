"""Drawing: polygons and tubes with coverage at four times the size, lighting, and soft shadows.

A layer is drawn in 8 bits as (red, green, blue, coverage) on transparent black and averaged down, so that its colours are
weighted by their coverage (premultiplied alpha) and edges move smoothly by fractions of a pixel.
"""

from __future__ import annotations

import cv2
import numpy as np

from .camera import SIZE

SUPER = 4  # drawn at this many times the size
BITS = 4  # of OpenCV's fixed-point coordinates
SHADOW_SUPER = 2  # of a shadow's mask
LIGHT = np.array([-0.45, 0.10, 0.89])  # towards the light
CAST = -LIGHT[:2] / LIGHT[2]  # a shadow's shift on the table for each unit of height
Colour = tuple[float, float, float, float]


def to_fixed_point(px: np.ndarray, scale: int = SUPER) -> np.ndarray:
    """px (..., 2) at the final size -> OpenCV's int32 fixed point at `scale` times the size."""
    return np.round((px * scale - 0.5) * (1 << BITS)).astype(np.int32)


def opaque_colour(colour: np.ndarray) -> Colour:
    """RGB as (red, green, blue, coverage) clipped to 0..255, with full coverage."""
    return (*np.clip(colour, 0, 255).tolist(), 255.0)


def face_brightness(normal: np.ndarray, low: float, high: float) -> np.ndarray:
    """Brightness of upright faces with unit normals (..., 2): from `low`, facing away from the light, to `high`, facing it."""
    return low + (high - low) * (0.5 + 0.5 * (normal @ LIGHT[:2]) / np.hypot(*LIGHT[:2]))


def average_down(canvas: np.ndarray) -> np.ndarray:
    """A drawing at any multiple of the size -> float32 (64, 64, ...), 0..255, by area averaging."""
    return cv2.resize(canvas, (SIZE, SIZE), interpolation=cv2.INTER_AREA).astype(np.float32)


def remaining_light(mask: np.ndarray, sigma_px: float, depth: float) -> np.ndarray:
    """A shadow's mask -> float32 (64, 64): the share of light left, where a full shadow takes `depth`; blurred by `sigma_px`."""
    return 1 - cv2.GaussianBlur(average_down(mask), (0, 0), sigma_px) * np.float32(depth / 255)


def composite_over(layer: np.ndarray, below: np.ndarray) -> np.ndarray:
    """A layer (..., 4), colours weighted by their coverage 0..255, composited over an image (..., 3)."""
    return layer[..., :3] + below * (1 - layer[..., 3:] * np.float32(1 / 255))


def fill_convex(canvas: np.ndarray, polygon: np.ndarray, colour) -> None:
    """Fills a convex polygon, fixed point (P, 2), anti-aliased."""
    cv2.fillConvexPoly(canvas, polygon, colour, cv2.LINE_AA, BITS)


def fill_polygon(canvas: np.ndarray, polygon: np.ndarray, colour, line: int = cv2.LINE_AA) -> None:
    """Fills a polygon of any shape, fixed point (P, 2); `line`: OpenCV's line type."""
    cv2.fillPoly(canvas, [polygon], colour, line, BITS)


def draw_outline(canvas: np.ndarray, polygon: np.ndarray, colour, thickness: int) -> None:
    """Draws a closed polygon's outline, fixed point (P, 2), anti-aliased; `thickness` in px of the canvas."""
    cv2.polylines(canvas, [polygon], True, colour, thickness, cv2.LINE_AA, BITS)


def convex_hull(points: np.ndarray) -> np.ndarray:
    """The convex hull of int32 points (P, 2)."""
    return cv2.convexHull(points)


class Capsule:
    """Capsules, two discs joined by straight sides, in every frame: `ends` px (T, 2, 2), `radii` px (T, 2)."""

    def __init__(self, ends: np.ndarray, radii: np.ndarray, scale: int = SUPER):
        along = ends[:, 1] - ends[:, 0]
        length = np.maximum(np.hypot(*along.T), 1e-9)[:, None]
        across = (np.stack([-along[:, 1], along[:, 0]], 1) / length)[:, None] * radii[..., None]
        corners = np.concatenate([ends + across, (ends - across)[:, ::-1]], 1)
        self.sides = to_fixed_point(corners, scale)
        self.ends = to_fixed_point(ends, scale).tolist()
        self.radii = np.round(radii * scale * (1 << BITS)).astype(int).tolist()
        self.round = bool((length < 1e-6).all())  # a ball

    def draw(self, canvas: np.ndarray, t: int, colour) -> None:
        """Fills the capsule of frame t."""
        for end, radius in list(zip(self.ends[t], self.radii[t]))[self.round :]:
            cv2.circle(canvas, end, radius, colour, -1, cv2.LINE_AA, BITS)
        if not self.round:
            fill_convex(canvas, self.sides[t], colour)
