"""The data set `push`: windows of episodes, simulated on demand or read from a pool file; both give the same clips."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from vp.core.video import Actions, Batch

from .path import path_to_actions
from .policy import FASTEST

if TYPE_CHECKING:
    from .episode import Episode
    from .pool import Pool

SPLITS = {"train": 0, "val": 1, "test": 2}  # first part of every seed: episodes of different splits never meet
EPISODES = {"train": 4_000, "val": 300, "test": 1_000}
ACTIONS = Actions(("right", "away", "up", "turn"), tuple((-most, most) for most in FASTEST.tolist()), path=path_to_actions)


class PushWorld:
    """An arm that pushes objects in a bin: RGB, 64x64, about five frames a second.

    Positions are in half widths of the bin, whose inside spans -1 to 1 to the right and -1.1 to 1.1 away from the viewer.
    An action is the finger's commanded motion until the next frame: right, away, up, and turn (radians, anticlockwise from
    above), within the ranges of `ACTIONS`. The finger follows it exactly unless objects hold it up.

    Args:
        split: "train", "val" or "test"; their episodes are disjoint.
        data_root: a folder that may hold push/push-SPLIT-HASH.zip; None: the environment variable VP_DATA.
        device: of the clips. They are made on the CPU, so a CPU generator gives the same clips for every device.
        episodes: number of episodes to draw clips from; None: the split's own number (4,000, 300 and 1,000).

    Raises:
        ValueError: an unknown split, episodes below 1, or a damaged pool file.
    """

    name, channels, size, fps = "push", 3, 64, 5.0
    actions = ACTIONS

    def __init__(
        self,
        split: str = "train",
        data_root: str | Path | None = None,
        device: torch.device | str = "cpu",
        episodes: int | None = None,
    ):
        if split not in SPLITS:
            raise ValueError(f"split is {split!r}; give one of {', '.join(SPLITS)}")
        if episodes is not None and episodes < 1:
            raise ValueError(f"episodes is {episodes}; give 1 or more")
        self.split, self.data_root, self.device = split, data_root, torch.device(device)
        self.episodes = EPISODES[split] if episodes is None else episodes
        self.contents = {"episodes": self.episodes}
        self._pool: Pool | None = None

    @property
    def pool(self) -> Pool:
        """The split's pool, opened on first use."""
        if self._pool is None:
            from .pool import Pool, pool_folder

            self._pool = Pool(pool_folder(self.data_root), self.split)
        return self._pool

    def prepare(self, progress: Callable[[int, int], None] = lambda done, total: None) -> None:
        """Fills the pool file with all episodes, once for all later runs, so that batches cost little.

        Args:
            progress: called with (episodes done, episodes in all). What was made is kept if it raises, or on Ctrl-C.
        """
        self.pool.fill(self.episodes, self.seed, progress)

    def seed(self, number: int) -> tuple[int, int]:
        """The seed of the episode of this number."""
        return SPLITS[self.split], number

    def batch(self, clips: int, length: int, generator: torch.Generator) -> Batch:
        """`clips` windows of `length` frames, each from a random position in a random episode.

        Args:
            generator: decides everything; on the CPU or on the source's device.

        Returns:
            frames uint8 (B, T, 3, 64, 64); actions float32 (B, T, 4), see the class; extras:
            positions float32 (B, T, 3), x, y and height of the finger's tip;
            objects uint8 (B, T, 64, 64), k + 1 where object k is visible, 255 the arm, 0 elsewhere;
            contacts bool (B, T, 6), the arm touched object k between the frame before and this one;
            touched bool (B, T), it touched any; touched_objects bool (B, 6), it touched object k within the window.
        """
        from .episode import EPISODE_FRAMES

        draws = torch.rand(clips, 2, generator=generator, device=generator.device, dtype=torch.float64).cpu()
        numbers = (draws[:, 0] * self.episodes).long().tolist()
        starts = (draws[:, 1] * (max(EPISODE_FRAMES - length, 0) + 1)).long().tolist()
        windows = [self.window(number, start, length) for number, start in zip(numbers, starts)]

        def stacked(name: str) -> Tensor:
            return torch.stack([torch.from_numpy(getattr(window, name).copy()) for window in windows]).to(self.device)

        contacts = stacked("contacts")
        extras = {"positions": stacked("positions"), "objects": stacked("labels"), "contacts": contacts}
        extras |= {"touched": contacts.any(-1), "touched_objects": contacts.any(1)}
        return Batch(stacked("frames").movedim(-1, 2).contiguous(), stacked("actions"), extras)

    def window(self, number: int, start: int, length: int) -> Episode:
        """Frames start .. start + length - 1 of an episode, read from the pool where it holds them, else simulated."""
        from .episode import EPISODE_FRAMES, simulate

        if number < len(self.pool) and start + length <= EPISODE_FRAMES:
            return self.pool.read(number).window(start, length)
        return simulate(self.seed(number), length, start)
