"""The two kinds of solids in the scene: upright blocks and round tubes, projected for all frames of a clip at once."""

from __future__ import annotations

import numpy as np

from .camera import pixels_per_unit, project, with_height
from .paint import (
    CAST,
    SHADOW_SUPER,
    Capsule,
    convex_hull,
    draw_outline,
    face_brightness,
    fill_convex,
    fill_polygon,
    opaque_colour,
    to_fixed_point,
)
from .physics import rotate
from .scene import Thing
from .shapes import Outline

SIDES = (0.46, 0.92)  # brightness of sides that face away from the light and towards it
TOP, EDGE = 1.04, 34  # brightness of a top, and how much lighter its edge is


class Block:
    """An upright block.

    Args:
        corners: float64 (T, P, 2), its outline on the table, anticlockwise.
        low, high: float64 (T,), heights of its bottom and top.
        colour: RGB 0..255.
        parts: convex polygons (T, p, 2) that fill the outline, for its shadow.
    """

    def __init__(self, corners: np.ndarray, low: np.ndarray, high: np.ndarray, colour: np.ndarray, parts: list[np.ndarray]):
        base, top = (project(with_heights(corners, z)) for z in (low, high))
        self.top, self.base = to_fixed_point(top), to_fixed_point(base)
        after = np.roll(corners, -1, 1)
        edge = after - corners
        normal = np.stack([edge[..., 1], -edge[..., 0]], -1) / np.linalg.norm(edge, axis=-1, keepdims=True)
        self.faces = np.stack([self.base, np.roll(self.base, -1, 1), np.roll(self.top, -1, 1), self.top], 2)
        along, upward = np.roll(base, -1, 1) - base, np.roll(top, -1, 1) - base
        facing = along[..., 0] * upward[..., 1] < along[..., 1] * upward[..., 0]
        order = np.argsort(-(corners + after)[..., 1], 1)  # from far to near
        self.order = [[int(i) for i in row if seen[i]] for row, seen in zip(order, facing)]
        tones = np.clip(colour * face_brightness(normal, *SIDES)[..., None], 0, 255)
        self.tones = np.concatenate([tones, np.full_like(tones[..., :1], 255)], -1).tolist()
        self.colour, self.edge = opaque_colour(colour * TOP), opaque_colour(colour * TOP + EDGE)
        casts = [np.concatenate([part + z[:, None, None] * CAST for z in (low, high)], 1) for part in parts]
        self.shadows = [to_fixed_point(project(with_height(cast)), SHADOW_SUPER) for cast in casts]

    def draw(self, canvas: np.ndarray, t: int) -> None:
        """Draws the visible sides and the top in frame t."""
        for i in self.order[t]:
            fill_convex(canvas, self.faces[t, i], self.tones[t][i])
        fill_polygon(canvas, self.top[t], self.colour)
        draw_outline(canvas, self.top[t], self.edge, 2)

    def draw_shadow(self, mask: np.ndarray, t: int) -> None:
        """Fills the shadow of frame t with 255."""
        for shadow in self.shadows:
            fill_convex(mask, convex_hull(shadow[t]), 255)

    def cover(self, canvas: np.ndarray, t: int, value: int) -> None:
        """Fills all pixels of the block in frame t with `value`, with hard edges."""
        for polygon in (self.base[t], self.top[t], *(self.faces[t, i] for i in self.order[t])):
            fill_polygon(canvas, polygon, value, 8)


class Toy(Block):
    """An object of the scene: a block with a mark on its top. `poses` float64 (T, 3): x, y, angle."""

    def __init__(self, thing: Thing, poses: np.ndarray):
        def standing(points: np.ndarray) -> np.ndarray:
            return poses[:, None, :2] + rotate(points[None], poses[:, 2:])

        high = np.full(len(poses), thing.height)
        parts = [standing(part) for part in thing.outline.parts]
        super().__init__(standing(thing.outline.corners), 0 * high, high, thing.colour, parts)
        self.inlay = None if thing.inlay is None else opaque_colour(thing.inlay)
        self.mark = to_fixed_point(project(with_heights(standing(mark_corners(thing.outline)), high)))

    def draw(self, canvas: np.ndarray, t: int) -> None:
        super().draw(canvas, t)
        if self.inlay is not None:
            fill_convex(canvas, self.mark[t], self.inlay)


class Tube:
    """A round link from `a` to `b`, each float64 (T, 3), drawn as a dark, a medium and a light stripe. `radii`: at its ends."""

    STRIPES = ((1.0, 0.0, 0.62, 0), (0.80, -0.16, 0.92, 0), (0.38, -0.34, 1.1, 14))  # width, shift, brightness, more

    def __init__(self, a: np.ndarray, b: np.ndarray, radii: tuple[float, float], colour: np.ndarray):
        ends = np.stack([project(a), project(b)], 1)
        radii = np.stack([pixels_per_unit(p) * r for p, r in zip((a, b), radii)], 1)
        self.stripes = []
        for width, shift, bright, more in self.STRIPES:
            moved = ends + shift * radii[..., None] * (1.0, 0.3)  # the light comes from the left
            self.stripes.append((Capsule(moved, radii * width), opaque_colour(colour * bright + more)))
        cast = np.stack([project(with_height(p[:, :2] + p[:, 2:] * CAST)) for p in (a, b)], 1)
        self.shadow = Capsule(cast, radii, SHADOW_SUPER)

    def draw(self, canvas: np.ndarray, t: int) -> None:
        """Draws the stripes in frame t."""
        for capsule, colour in self.stripes:
            capsule.draw(canvas, t, colour)

    def draw_shadow(self, mask: np.ndarray, t: int) -> None:
        """Fills the shadow of frame t with 255."""
        self.shadow.draw(mask, t, 255)


def with_heights(xy: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Points (T, P, 2) and their height in each frame (T,) -> (T, P, 3)."""
    return np.concatenate([xy, np.broadcast_to(z[:, None, None], xy[..., :1].shape)], -1)


def mark_corners(outline: Outline) -> np.ndarray:
    """float64 (P, 2) of the mark on an object's top: a stripe across a disc, else the outline's first part at half size."""
    if outline.radius:
        return outline.radius * np.array([(-0.8, -0.24), (0.8, -0.24), (0.8, 0.24), (-0.8, 0.24)])
    part = outline.parts[0]
    return part.mean(0) + 0.5 * (part - part.mean(0))
