"""A decoded clip: the one record of it, whether a data set, a simulator or a person gave it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

ASSUMED_FPS = 10.0
EVERY = {2: "every second frame", 3: "every third frame", 4: "every fourth frame"}


@dataclass(frozen=True)
class Clip:
    """
    Args:
        frames: uint8 (T, H, W, C), RGB or grey.
        fps: frames a second, as measured from time stamps where there are any; 0 where nobody says.
        notes: sentences to show.
        actions: float32 (T, A) or None; `actions[t]` leads from frame t to t + 1.
        extras: name -> array (T, ...): masks uint8 (T, 1, H, W), pictures uint8 (T, C, H, W), states float32 (T, S).
        events: (frame, label) pairs that its maker knows.
        data: the data set that it comes from, "" for none.
        path: its file where it is a person's own.
        first, every: which of the file's frames these are: number `first`, counted from 0, and then one of so many.
        total: frames of the file, 0 where they were not counted.
    """

    frames: np.ndarray
    fps: float = 0.0
    notes: tuple[str, ...] = ()
    actions: np.ndarray | None = None
    extras: Mapping[str, np.ndarray] = field(default_factory=dict)
    events: tuple[tuple[int, str], ...] = ()
    data: str = ""
    path: str = ""
    first: int = 0
    every: int = 1
    total: int = 0

    @property
    def rate(self) -> float:
        """Frames a second, ASSUMED_FPS where nobody says."""
        return self.fps or ASSUMED_FPS

    def cut(self, first: int) -> Clip:
        """The same clip from frame `first` on, with what belongs to its frames."""
        if not first:
            return self
        return replace(
            self,
            frames=self.frames[first:],
            first=self.first + first * self.every,
            actions=None if self.actions is None else self.actions[first:],
            extras={name: values[first:] for name, values in self.extras.items()},
            events=tuple((t - first, label) for t, label in self.events if t >= first),
        )

    def described(self, count: int, width: int, height: int) -> str:
        """Which `count` frames of the video these are, at the size in which they are used, in one line."""
        last = self.first + (count - 1) * self.every
        parts = [f"{width}x{height}", f"frames {self.first}-{last}" + (f" of {self.total}" if self.total else "")]
        if self.fps:
            thinned = "" if self.every == 1 else f" ({EVERY.get(self.every, f'one frame in {self.every}')})"
            parts += [f"{self.fps:.3g} a second{thinned}", f"{count / self.fps:.1f} s"]
        return ", ".join(parts)

    def with_note(self, said: str | None) -> Clip:
        """The same clip with a sentence among its notes, where there is one."""
        return replace(self, notes=(*self.notes, said)) if said else self
