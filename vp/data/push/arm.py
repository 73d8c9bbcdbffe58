"""Inverse kinematics of the arm: a two-link arm behind the bin, elbow up and a little to the side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SHOULDER = np.array([0.58, 2.42, 0.95])
LINKS = (2.45, 1.30)  # shoulder to elbow, elbow to wrist
PALM, WRIST = 0.36, 0.68  # above the finger's tip
SWIVEL = np.deg2rad(55.0)  # of the elbow around the line from shoulder to wrist


@dataclass(frozen=True)
class Joints:
    """float64 (T, 3), positions of the finger's `tip`, `palm`, `wrist`, `elbow`, `shoulder`; (T,), its `turn`, radians."""

    tip: np.ndarray
    palm: np.ndarray
    wrist: np.ndarray
    elbow: np.ndarray
    shoulder: np.ndarray
    turn: np.ndarray


def solve_joints(position: np.ndarray) -> Joints:
    """The joints for the finger's positions (T, 4): x, y, height of its tip, turn."""
    tip = position[:, :3]
    wrist = tip + (0, 0, WRIST)
    reach = wrist - SHOULDER
    length = np.linalg.norm(reach, axis=1, keepdims=True)
    along = reach / length
    upper, fore = LINKS
    share = (upper**2 - fore**2 + length**2) / (2 * length)  # of the way, below the elbow
    height = np.sqrt(np.maximum(upper**2 - share**2, 0.0))
    side = np.cross(along, (0.0, 0.0, 1.0))
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    rise = np.cross(side, along)
    elbow = SHOULDER + share * along + height * (np.cos(SWIVEL) * rise - np.sin(SWIVEL) * side)
    return Joints(tip, tip + (0, 0, PALM), wrist, elbow, np.broadcast_to(SHOULDER, tip.shape), position[:, 3])
