"""Outlines of the objects: seven kinds of flat shape, each also cut into convex parts for the physics.

Lengths are in half widths of the bin: the table spans -1 to 1 from left to right.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

DISC_CORNERS = 28


@dataclass(frozen=True)
class Outline:
    """A shape around its area's centroid.

    Args:
        kind: its name.
        corners: float64 (P, 2), anticlockwise.
        parts: convex polygons that fill it, each float64 (p, 2).
        radius: of a disc, else None.
    """

    kind: str
    corners: np.ndarray
    parts: tuple[np.ndarray, ...]
    radius: float | None = None

    @property
    def reach(self) -> float:
        """Radius of the circle around the centroid that contains the shape."""
        return float(np.hypot(*self.corners.T).max())

    @property
    def area(self) -> float:
        x, y = self.corners.T
        return float(0.5 * (x * np.roll(y, -1) - y * np.roll(x, -1)).sum())


def rectangle_corners(left: float, low: float, right: float, high: float) -> np.ndarray:
    """float64 (4, 2), anticlockwise."""
    return np.array([(left, low), (right, low), (right, high), (left, high)])


def regular_polygon_corners(corners: int, radius: float) -> np.ndarray:
    """float64 (corners, 2), anticlockwise around the origin."""
    angle = 2 * np.pi * np.arange(corners) / corners
    return radius * np.stack([np.cos(angle), np.sin(angle)], 1)


def centred_outline(kind: str, corners: np.ndarray, parts: list[np.ndarray]) -> Outline:
    """The outline of a polygon, shifted so that its centroid is the origin.

    Args:
        parts: convex polygons that fill it; empty where it is convex itself.
    """
    x, y = corners.T
    cross = x * np.roll(y, -1) - y * np.roll(x, -1)
    centre = ((corners + np.roll(corners, -1, 0)) * cross[:, None]).sum(0) / (3 * cross.sum())
    return Outline(kind, corners - centre, tuple(part - centre for part in parts or [corners]))


def random_disc(rng: np.random.Generator) -> Outline:
    radius = rng.uniform(0.13, 0.19)
    corners = regular_polygon_corners(DISC_CORNERS, radius)
    return Outline("disc", corners, (corners,), radius)


def random_hexagon(rng: np.random.Generator) -> Outline:
    return centred_outline("hexagon", regular_polygon_corners(6, rng.uniform(0.15, 0.19)), [])


def random_box(rng: np.random.Generator) -> Outline:
    width, depth = rng.uniform(0.12, 0.16), rng.uniform(0.11, 0.15)
    return centred_outline("box", rectangle_corners(-width, -depth, width, depth), [])


def random_bar(rng: np.random.Generator) -> Outline:
    length, width = rng.uniform(0.24, 0.31), rng.uniform(0.075, 0.095)
    return centred_outline("bar", rectangle_corners(-length, -width, length, width), [])


def random_triangle(rng: np.random.Generator) -> Outline:
    base, height = rng.uniform(0.36, 0.44), rng.uniform(0.32, 0.40)
    return centred_outline("triangle", np.array([(0, 0), (base, 0), (rng.uniform(0.3, 0.7) * base, height)]), [])


def random_l_shape(rng: np.random.Generator) -> Outline:
    long, short, thick = rng.uniform(0.38, 0.46), rng.uniform(0.26, 0.32), rng.uniform(0.13, 0.16)
    corners = np.array([(0, 0), (short, 0), (short, thick), (thick, thick), (thick, long), (0, long)])
    return centred_outline("L", corners, [rectangle_corners(0, 0, short, thick), rectangle_corners(0, thick, thick, long)])


def random_t_shape(rng: np.random.Generator) -> Outline:
    top, stem, thick = rng.uniform(0.19, 0.23), rng.uniform(0.24, 0.30), rng.uniform(0.12, 0.15)
    half = thick / 2
    corners = [(-half, 0), (half, 0), (half, stem), (top, stem), (top, stem + thick), (-top, stem + thick)]
    corners += [(-top, stem), (-half, stem)]
    return centred_outline(
        "T", np.array(corners), [rectangle_corners(-half, 0, half, stem), rectangle_corners(-top, stem, top, stem + thick)]
    )


SHAPES: dict[str, Callable[[np.random.Generator], Outline]] = {
    "disc": random_disc,
    "box": random_box,
    "bar": random_bar,
    "triangle": random_triangle,
    "L": random_l_shape,
    "T": random_t_shape,
    "hexagon": random_hexagon,
}
