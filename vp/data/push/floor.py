"""The static parts of an episode: the table's top in one of four materials, the bin's walls, and the light's falloff."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from .camera import SIZE, project, with_height
from .paint import SUPER, average_down, fill_polygon, opaque_colour, to_fixed_point
from .scene import HALF, Scene

TEXELS = 256  # of the table's top
RIM, RIM_WIDTH, FRAME_TONE = 0.20, 0.10, 0.98  # height and thickness of the walls, brightness of their tops
COLOURS = {"oak": (224, 192, 148), "walnut": (172, 130, 96), "felt": (118, 150, 130), "steel": (186, 192, 200)}
RIMS = {"oak": (236, 230, 218), "walnut": (214, 202, 184), "felt": (196, 168, 128), "steel": (92, 102, 116)}
CORNERS = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
OUTSIDE = (92, 97, 106)


@lru_cache(maxsize=1)
def noise_layers() -> np.ndarray:
    """float32 (3, 512, 512), mean 0 and standard deviation 1: fine, coarse, and elongated like the grain of wood."""
    rng = np.random.default_rng(20_260)
    white = rng.normal(size=(3, 512, 512)).astype(np.float32)
    layers = [cv2.GaussianBlur(white[0], (0, 0), 1.2), cv2.GaussianBlur(white[1], (0, 0), 14)]
    layers.append(cv2.GaussianBlur(white[2], (0, 0), sigmaX=26, sigmaY=1.1))
    return np.stack([(layer - layer.mean()) / layer.std() for layer in layers])


def draw_table_top(floor: str, rng: np.random.Generator) -> np.ndarray:
    """float32 (256, 256, 3), RGB 0..255: the table from above, of the material `floor`, one of `scene.FLOORS`."""
    row, column = rng.integers(0, 512 - TEXELS, 2)
    fine, coarse, grain = noise_layers()[:, row : row + TEXELS, column : column + TEXELS]
    base = np.array(COLOURS[floor], np.float32) * rng.uniform(0.94, 1.05)
    if floor in ("oak", "walnut"):
        plank = (np.arange(TEXELS) + int(rng.integers(64))) // 64
        tone = rng.normal(0.0, 0.025, plank.max() + 1)[plank][:, None] + 0.035 * grain + 0.012 * coarse
        seam = np.diff(plank, prepend=plank[0]) > 0
        tone[seam | np.roll(seam, 1)] -= 0.10
    elif floor == "felt":
        tone = 0.02 * fine + 0.02 * coarse
    else:
        tone = 0.018 * grain + 0.02 * coarse
    return (base * (1 + tone[..., None])).astype(np.float32)


def draw_background(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """float32 (64, 64, 3), RGB 0..255: the bin without its near wall."""
    side = SIZE * SUPER
    top = draw_table_top(scene.floor, rng)
    seen = (project(with_height(CORNERS[::-1] * HALF)) * SUPER - 0.5).astype(np.float32)
    texels = np.array([(0, 0), (TEXELS, 0), (TEXELS, TEXELS), (0, TEXELS)], np.float32) - 0.5
    canvas = np.empty((side, side, 3), np.float32)
    canvas[:] = OUTSIDE
    transform = cv2.getPerspectiveTransform(texels, seen)
    cv2.warpPerspective(top, transform, (side, side), canvas, cv2.INTER_LINEAR, cv2.BORDER_TRANSPARENT)
    canvas *= corner_shade()[..., None]
    draw_walls(canvas, np.array(RIMS[scene.floor], np.float32))
    return average_down(canvas) * scene.shade.astype(np.float32)


@lru_cache(maxsize=1)
def corner_shade() -> np.ndarray:
    """float32 (256, 256): brightness factor of the table, lower along the walls."""
    side = SIZE * SUPER
    lit = np.zeros((side, side), np.float32)
    draw_panel(lit, CORNERS * (np.array(HALF) - 0.05), 0.0, 1.0)
    lit = cv2.GaussianBlur(lit, (0, 0), 5.0)
    falloff = np.linspace(1.05, 0.94, side, dtype=np.float32)[None, :]  # the light comes from the left
    return (0.76 + 0.27 * lit) * falloff


def draw_panel(canvas: np.ndarray, xy: np.ndarray, z: float | list[float], colour) -> None:
    """Fills the polygon xy (P, 2) at height z (a number, or one for each corner)."""
    corners = np.column_stack([xy, np.broadcast_to(z, len(xy))])
    fill_polygon(canvas, to_fixed_point(project(corners)), colour, cv2.LINE_8)


def draw_walls(canvas: np.ndarray, colour: np.ndarray) -> None:
    """Draws the far wall and the side walls: their inner faces and the frame on top."""
    inner, outer = CORNERS * HALF, CORNERS * (np.array(HALF) + RIM_WIDTH)
    for (a, b), tone in zip(((2, 3), (3, 0), (1, 2)), (0.74, 0.62, 0.86)):  # far, left, right
        draw_panel(canvas, inner[[a, b, b, a]], [0, 0, RIM, RIM], (colour * tone).tolist())
    for a, b in ((2, 3), (3, 0), (1, 2)):
        draw_panel(canvas, np.array([inner[a], inner[b], outer[b], outer[a]]), RIM, (colour * FRAME_TONE).tolist())


def draw_near_wall(scene: Scene) -> np.ndarray:
    """float32 (64, 64, 4), RGB and coverage 0..255: the wall between the viewer and the table."""
    canvas = np.zeros((SIZE * SUPER, SIZE * SUPER, 4), np.float32)
    colour = np.array(RIMS[scene.floor], np.float32) * scene.shade
    inner, outer = CORNERS * HALF, CORNERS * (np.array(HALF) + RIM_WIDTH)
    draw_panel(canvas, outer[[0, 1, 1, 0]], [RIM, RIM, -0.3, -0.3], opaque_colour(colour * 0.66))
    draw_panel(canvas, np.array([inner[0], inner[1], outer[1], outer[0]]), RIM, opaque_colour(colour * FRAME_TONE))
    return average_down(canvas)
