"""The camera: a pinhole that looks down at the bin at an angle."""

from __future__ import annotations

import numpy as np

SIZE = 64
ELEVATION = np.deg2rad(57.0)
DISTANCE, FOCAL = 5.2, 122.0  # half widths of the bin, px
LOOKS_AT = np.array([0.0, 0.16, 0.0])
AWAY = np.array([0.0, np.cos(ELEVATION), -np.sin(ELEVATION)])  # along the optical axis
UP = np.array([0.0, np.sin(ELEVATION), np.cos(ELEVATION)])
EYE = LOOKS_AT - DISTANCE * AWAY


def project(points: np.ndarray) -> np.ndarray:
    """points (..., 3), z up, in half widths of the bin -> px (..., 2): x to the right, y down, 0 at the corner."""
    ray = points - EYE
    scale = FOCAL / (ray @ AWAY)
    return SIZE / 2 + np.stack([ray[..., 0] * scale, -(ray @ UP) * scale], -1)


def unproject(px: np.ndarray, z: float = 0.0) -> np.ndarray:
    """px (..., 2) -> the point (x, y) (..., 2) at height `z` seen there: turns a path drawn on a frame into one of the arm."""
    across, down = np.moveaxis(np.asarray(px, float) - SIZE / 2, -1, 0) / FOCAL
    ray = AWAY + across[..., None] * (1.0, 0.0, 0.0) - down[..., None] * UP
    return (EYE + ray * ((z - EYE[2]) / ray[..., 2:]))[..., :2]


def pixels_per_unit(points: np.ndarray) -> np.ndarray:
    """points (..., 3) -> (...): px that a length of 1 at each point covers, perpendicular to the line of sight."""
    return FOCAL / ((points - EYE) @ AWAY)


def with_height(xy: np.ndarray, z: float = 0.0) -> np.ndarray:
    """(..., 2) -> (..., 3), all at height `z`."""
    return np.concatenate([xy, np.full_like(xy[..., :1], z)], -1)
