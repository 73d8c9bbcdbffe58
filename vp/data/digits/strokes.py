"""Handwriting-like digits drawn by us, so that everything works where there is no MNIST and no network.

Each digit is a few pen strokes given as control points, smoothed by a Catmull-Rom spline. An instance jitters the
control points, slants, rotates and squeezes the whole, picks a pen, is drawn with OpenCV at four times the size and
shrunk by area averaging: crisp and anti-aliased, about 20 px high in a 28 px box and centred by mass, as MNIST's digits
are. (OpenCV's Hershey fonts would do in version 4; in 5 their names mean a TrueType font, so the digits would differ.)
"""

from __future__ import annotations

import numpy as np

# (x, y) of the pen in a box of height 1, y down; a point given twice is a corner
O_LOOP = [(0.50, 0.00), (0.20, 0.14), (0.08, 0.50), (0.20, 0.86)]
O_LOOP += [(0.50, 1.00), (0.80, 0.86), (0.92, 0.50), (0.80, 0.14)]
# fmt: off
SHAPES: dict[int, tuple[list[list[tuple[float, float]]], ...]] = {
    0: (
        [[*O_LOOP, (0.50, 0.00), (0.40, 0.03)]],
        [[*O_LOOP[1:], (0.56, 0.02), (0.24, 0.10)]],
    ),
    1: (
        [[(0.50, 0.00), (0.50, 0.50), (0.50, 1.00)]],
        [[(0.34, 0.20), (0.52, 0.00), (0.52, 0.00), (0.52, 1.00)]],
        [[(0.32, 0.20), (0.52, 0.00), (0.52, 0.00), (0.52, 1.00)], [(0.30, 1.00), (0.74, 1.00)]],
    ),
    2: (
        [
            [
                (0.12, 0.24), (0.26, 0.05), (0.55, 0.00), (0.80, 0.16), (0.76, 0.42), (0.48, 0.70), (0.08, 1.00),
                (0.08, 1.00), (0.50, 0.98), (0.92, 0.98),
            ],
        ],
        [
            [
                (0.14, 0.18), (0.42, 0.00), (0.76, 0.14), (0.72, 0.46), (0.42, 0.82), (0.16, 0.97), (0.08, 0.86),
                (0.26, 0.78), (0.54, 0.92), (0.94, 0.94),
            ],
        ],
    ),
    3: (
        [
            [
                (0.14, 0.12), (0.42, 0.00), (0.76, 0.10), (0.74, 0.34), (0.38, 0.46), (0.38, 0.46), (0.78, 0.58),
                (0.84, 0.82), (0.50, 1.00), (0.10, 0.90),
            ],
        ],
        [
            [
                (0.12, 0.03), (0.50, 0.02), (0.84, 0.01), (0.84, 0.01), (0.42, 0.40), (0.42, 0.40), (0.78, 0.54),
                (0.82, 0.82), (0.48, 1.00), (0.10, 0.90),
            ],
        ],
    ),
    4: (
        [
            [(0.22, 0.00), (0.14, 0.32), (0.10, 0.56), (0.10, 0.56), (0.50, 0.56), (0.92, 0.52)],
            [(0.76, 0.02), (0.70, 0.50), (0.66, 1.00)],
        ],
        [
            [
                (0.64, 1.00), (0.68, 0.50), (0.70, 0.00), (0.70, 0.00), (0.38, 0.34), (0.06, 0.68), (0.06, 0.68),
                (0.50, 0.68), (0.96, 0.66),
            ],
        ],
        [
            [(0.18, 0.02), (0.12, 0.34), (0.26, 0.52), (0.58, 0.46), (0.78, 0.26)],
            [(0.84, 0.00), (0.76, 0.46), (0.70, 1.00)],
        ],
    ),
    5: (
        [
            [
                (0.88, 0.02), (0.56, 0.02), (0.26, 0.02), (0.26, 0.02), (0.22, 0.24), (0.16, 0.48), (0.16, 0.48),
                (0.48, 0.38), (0.84, 0.54), (0.82, 0.84), (0.46, 1.00), (0.08, 0.90),
            ],
        ],
        [
            [
                (0.24, 0.06), (0.20, 0.24), (0.20, 0.42), (0.20, 0.42), (0.58, 0.44), (0.78, 0.66), (0.64, 0.92),
                (0.32, 1.00), (0.06, 0.92),
            ],
            [(0.24, 0.05), (0.54, 0.05), (0.90, 0.00)],
        ],
    ),
    6: (
        [
            [
                (0.72, 0.01), (0.40, 0.20), (0.16, 0.54), (0.16, 0.84), (0.46, 1.00), (0.80, 0.88), (0.82, 0.64),
                (0.54, 0.52), (0.20, 0.70),
            ],
        ],
        [
            [
                (0.44, 0.00), (0.22, 0.32), (0.14, 0.68), (0.26, 0.94), (0.56, 1.00), (0.82, 0.82), (0.70, 0.60),
                (0.42, 0.62), (0.24, 0.84),
            ],
        ],
    ),
    7: (
        [[(0.08, 0.05), (0.46, 0.05), (0.90, 0.02), (0.90, 0.02), (0.60, 0.46), (0.40, 1.00)]],
        [
            [
                (0.10, 0.20), (0.12, 0.04), (0.12, 0.04), (0.50, 0.05), (0.86, 0.03), (0.86, 0.03), (0.66, 0.50),
                (0.54, 1.00),
            ],
        ],
        [
            [(0.08, 0.05), (0.46, 0.05), (0.90, 0.02), (0.90, 0.02), (0.60, 0.46), (0.40, 1.00)],
            [(0.30, 0.52), (0.78, 0.49)],
        ],
    ),
    8: (
        [
            [
                (0.76, 0.14), (0.50, 0.00), (0.24, 0.14), (0.32, 0.36), (0.66, 0.58), (0.80, 0.82), (0.50, 1.00),
                (0.20, 0.84), (0.34, 0.58), (0.64, 0.38), (0.80, 0.16),
            ],
        ],
        [
            [(0.50, 0.00), (0.26, 0.20), (0.48, 0.44), (0.74, 0.22), (0.50, 0.00)],
            [(0.48, 0.44), (0.16, 0.72), (0.48, 1.00), (0.84, 0.74), (0.50, 0.44)],
        ],
    ),
    9: (
        [
            [
                (0.80, 0.16), (0.50, 0.00), (0.18, 0.18), (0.22, 0.44), (0.52, 0.50), (0.78, 0.30), (0.84, 0.10),
                (0.84, 0.10), (0.78, 0.52), (0.72, 1.00),
            ],
        ],
        [
            [
                (0.80, 0.18), (0.52, 0.00), (0.20, 0.16), (0.20, 0.42), (0.50, 0.48), (0.80, 0.22), (0.82, 0.58),
                (0.64, 0.90), (0.26, 1.00),
            ],
        ],
    ),
}
# fmt: on
BOX, GLYPH, SCALE = 28, 20.0, 4  # px of a picture, px of the longer side of a digit, oversampling
REACH = 11.2  # px from the centre to the pen's path, at most: nothing is cut off by the box
POINTS_A_SEGMENT = 6
FRACTION_BITS = 4  # of OpenCV's fixed-point coordinates


def draw_stroke_digits(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """`count` random digits, the same for the same seed.

    Returns:
        images uint8 (count, 28, 28), white on black, and labels int64 (count,).
    """
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 10, count)
    variants = np.array([rng.integers(len(SHAPES[int(label)])) for label in labels])
    pictures = np.zeros((count, BOX, BOX), np.uint8)
    for label, shapes in SHAPES.items():
        for variant, strokes in enumerate(shapes):
            rows = np.flatnonzero((labels == label) & (variants == variant))
            paths = random_pen_paths(strokes, len(rows), rng)
            pens = np.clip(rng.lognormal(np.log(2.15), 0.28, len(rows)), 1.4, 4.0)
            for i, row in enumerate(rows):
                pictures[row] = draw_paths([path[i] for path in paths], pens[i])
    return pictures, labels


def random_pen_paths(strokes: list[list[tuple[float, float]]], count: int, rng: np.random.Generator) -> list[np.ndarray]:
    """`count` deformed instances of one shape: for each stroke float (count, points, 2), px relative to the centre of mass."""
    deform = random_affine(count, rng)
    paths = []
    for stroke in strokes:
        control = jitter(np.array(stroke), count, rng)
        smooth = np.einsum("sp,npc->nsc", spline_weights(len(stroke)), control)
        paths.append((smooth - 0.5) @ deform)
    points = np.concatenate(paths, axis=1)
    extent = np.ptp(points, axis=1).max(axis=1)[:, None, None]
    scale = (GLYPH - 2.0) * rng.uniform(0.88, 1.04, (count, 1, 1)) / extent
    low, high = points.min(axis=1, keepdims=True), points.max(axis=1, keepdims=True)
    centre = np.clip(points.mean(axis=1, keepdims=True), high - REACH / scale, low + REACH / scale)
    return [(path - centre) * scale for path in paths]


def jitter(stroke: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """(count, points, 2): control points with random offsets, the same for both halves of a corner."""
    moves = rng.normal(0.0, 0.035, (count, *stroke.shape))
    corners = 1 + np.flatnonzero((stroke[1:] == stroke[:-1]).all(axis=1))
    moves[:, corners] = moves[:, corners - 1]
    return stroke + moves


def random_affine(count: int, rng: np.random.Generator) -> np.ndarray:
    """(count, 2, 2), to be multiplied from the right: squeeze, slant, then a small rotation."""
    width, slant, angle = rng.uniform(0.62, 1.0, count), rng.normal(0.14, 0.22, count), rng.normal(0.0, 0.09, count)
    zero, one = np.zeros(count), np.ones(count)
    squeeze = np.array([[width, zero], [-slant, one]]).transpose(2, 0, 1)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]).transpose(2, 0, 1)
    return squeeze @ turn


def spline_weights(points: int) -> np.ndarray:
    """(samples, points): weights of a uniform Catmull-Rom spline through the points, its end points doubled."""
    weights = np.zeros(((points - 1) * POINTS_A_SEGMENT + 1, points))
    for row in range(len(weights)):
        segment = min(row // POINTS_A_SEGMENT, points - 2)
        u = row / POINTS_A_SEGMENT - segment
        basis = (-u + 2 * u**2 - u**3, 2 - 5 * u**2 + 3 * u**3, u + 4 * u**2 - 3 * u**3, u**3 - u**2)
        for offset, weight in enumerate(basis):
            weights[row, np.clip(segment + offset - 1, 0, points - 1)] += weight / 2
    return weights


def draw_paths(paths: list[np.ndarray], pen: float) -> np.ndarray:
    """uint8 (28, 28): paths, each (points, 2) px from the image's centre, drawn with a round pen of `pen` px."""
    import cv2

    canvas = np.zeros((BOX * SCALE, BOX * SCALE), np.uint8)
    # OpenCV counts from the centre of the first pixel
    lines = [np.round(((path + BOX / 2) * SCALE - 0.5) * 2**FRACTION_BITS).astype(np.int32) for path in paths]
    cv2.polylines(canvas, lines, False, 255, max(1, round(pen * SCALE)), cv2.LINE_8, FRACTION_BITS)
    return cv2.resize(canvas, (BOX, BOX), interpolation=cv2.INTER_AREA)
