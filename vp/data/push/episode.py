"""One episode as arrays: an arm that explores a scene."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .camera import SIZE
from .draw import render
from .physics import Table
from .policy import Explorer
from .scene import MOST_OBJECTS, random_scene

BURN_IN = 5  # frames before the first one shown: the arm is under way
EPISODE_FRAMES = 30  # of an episode in a pool, as in BAIR's recordings; the world itself never ends


@dataclass(frozen=True)
class Episode:
    """Frames of one episode.

    Args:
        frames: uint8 (T, 64, 64, 3), RGB.
        labels: uint8 (T, 64, 64): k + 1 where object k is visible, 255 the arm, 0 neither.
        actions: float32 (T, 4), `actions[t]` leads from frame t to t + 1.
        positions: float32 (T, 3), x, y and height of the finger's tip.
        contacts: bool (T, 6): the arm touched object k between frames t - 1 and t.
    """

    frames: np.ndarray
    labels: np.ndarray
    actions: np.ndarray
    positions: np.ndarray
    contacts: np.ndarray

    @staticmethod
    def layout() -> dict[str, tuple[type, tuple[int, ...]]]:
        """Field -> dtype and shape of one frame."""
        return {
            "frames": (np.uint8, (SIZE, SIZE, 3)),
            "labels": (np.uint8, (SIZE, SIZE)),
            "actions": (np.float32, (4,)),
            "positions": (np.float32, (3,)),
            "contacts": (np.bool_, (MOST_OBJECTS,)),
        }

    def window(self, start: int, length: int) -> Episode:
        """Frames start .. start + length - 1."""
        return Episode(*(getattr(self, name)[start : start + length] for name in self.layout()))


def simulate(seed: tuple[int, ...], length: int, start: int = 0) -> Episode:
    """Frames start .. start + length - 1 of the episode of a seed; the same frames whatever `start` and `length` are."""
    look, world, will = (np.random.default_rng([*seed, stream]) for stream in range(3))
    scene = random_scene(world)
    table, explorer = Table(scene), Explorer(scene, will)
    poses, positions, actions = [], [], []
    contacts = np.zeros((BURN_IN + start + length, MOST_OBJECTS), bool)
    for t in range(BURN_IN + start + length):
        poses.append(table.poses)
        positions.append(table.position)
        actions.append(explorer.act(positions[-1], poses[-1]))
        touched = table.advance(actions[-1])
        if t + 1 < len(contacts):
            contacts[t + 1, list(touched)] = True
    shown = slice(BURN_IN + start, None)
    poses, positions = np.stack(poses)[shown], np.stack(positions)[shown]
    frames, labels = render(scene, poses, positions, look)
    return Episode(frames, labels, np.float32(actions)[shown], positions[:, :3].astype(np.float32), contacts[shown])
