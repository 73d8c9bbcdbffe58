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
        fps: frames a second, measured from time stamps where there are any; 0 where it is unknown.
        notes: sentences to show.
        actions: float32 (T, A) or None; `actions[t]` leads from frame t to t + 1.
        extras: name -> array (T, ...): masks uint8 (T, 1, H, W), pictures uint8 (T, C, H, W), states float32 (T, S).
        events: (frame, label) pairs that the clip's maker knows.
        data: the data set it comes from, "" for none.
        path: its file where a user uploaded it.
        first, every: which frames of the file these are: index `first`, counted from 0, then every `every`-th one.
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
        """Frames a second, ASSUMED_FPS where it is unknown."""
        return self.fps or ASSUMED_FPS

    def cut(self, first: int) -> Clip:
        """The clip from frame `first` on, with the actions, extras and events of these frames."""
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
        """One line about the first `count` frames: size in px, frame indices in the file, rate and duration.

        Args:
            width, height: px at which the frames are used.
        """
        last = self.first + (count - 1) * self.every
        parts = [f"{width}x{height}", f"frames {self.first}-{last}" + (f" of {self.total}" if self.total else "")]
        if self.fps:
            thinned = "" if self.every == 1 else f" ({EVERY.get(self.every, f'one frame in {self.every}')})"
            parts += [f"{self.fps:.3g} a second{thinned}", f"{count / self.fps:.1f} s"]
        return ", ".join(parts)

    def with_note(self, said: str | None) -> Clip:
        """The clip with `said` added to its notes; the clip itself where `said` is empty or None."""
        return replace(self, notes=(*self.notes, said)) if said else self
