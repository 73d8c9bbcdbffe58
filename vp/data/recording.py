"""Recordings: the clips of a data set, described without decoding them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from .clip import Clip
from .framing import Framing

Item = TypeVar("Item")
Watch = Callable[
    [Sequence[Item], str], Iterable[Item]
]  # (items, what they are) -> the items, with a progress bar while iterating


def without_progress_bar(items: Sequence[Item], what: str) -> Sequence[Item]:
    """The `Watch` that shows nothing: `items` as they are."""
    return items


@dataclass(frozen=True)
class Recording:
    """One clip of a data set, not decoded yet.

    Args:
        name: its path below the data's folder, unique in the data set.
        group: recordings of one group (a person, a trajectory, one source video) are alike, so they share a split.
        promised: frames by the header; decoding may give fewer.
        fps: frames a second, nominal where the files carry no rate.
        load: framing -> clip of the framing's size, at rate `fps`; raises ValueError where the file is damaged.
        split: one of `splits.SPLITS` where the data's own layout says so, else None.
        actions: number of action components, 0 without actions.
        licence: as its owner states it, "" where nothing is stated for this one.
        parts: stretches [first, end) of usable frames; none: all frames.
        form: how its pixels are decoded where there are several ways; part of the key of cached frames.
    """

    name: str
    group: str
    promised: int
    fps: float
    load: Callable[[Framing], Clip]
    split: str | None = None
    actions: int = 0
    parts: tuple[tuple[int, int], ...] = ()
    licence: str = ""
    form: str = ""

    def spans(self, frames: int | None = None) -> list[tuple[int, int]]:
        """The usable stretches [first, end) of a recording of `frames` frames (None: as many as promised)."""
        frames = self.promised if frames is None else frames
        parts = [(first, min(end, frames)) for first, end in self.parts or ((0, frames),)]
        return [(first, end) for first, end in parts if first < end]

    @property
    def longest(self) -> int:
        """Frames of the longest usable stretch, as promised."""
        return max((end - first for first, end in self.spans()), default=0)


@dataclass
class Found:
    """What a reader found: recordings, (name, reason) of each file left out, and notes in plain sentences."""

    recordings: list[Recording] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def collect(self, name: str, make_recordings: Callable[[], Iterable[Recording]]) -> None:
        """Adds the recordings that `make_recordings` yields; if it raises, keeps those so far and adds `name` to `left_out`."""
        try:
            self.recordings.extend(make_recordings())
        except (OSError, ValueError) as error:
            self.left_out.append((name, str(error)))

    def leave_out_odd_actions(self, recordings: Sequence[Recording]) -> None:
        """Moves those of the recordings to what was left out that have no such actions as more than half of them have."""
        counts = Counter(recording.actions for recording in recordings)
        usual, many = counts.most_common(1)[0] if counts else (0, 0)
        if not usual or 2 * many <= len(recordings):
            return
        odd = {recording.name: recording.actions for recording in recordings if recording.actions != usual}
        self.recordings = [recording for recording in self.recordings if recording.name not in odd]
        for name, numbers in odd.items():
            came = f"{numbers} numbers an action" if numbers else "no actions"
            self.left_out.append((name, f"has {came}, and {many} other recordings have {usual}"))


def align_rows(actions: np.ndarray, frames: int, what: str) -> np.ndarray:
    """float32 (frames, N): one row a frame; a missing last row, such as an action that would lead out of the clip, becomes zeros.

    Args:
        actions: (frames or frames - 1, N), actions or states.
        what: for messages.

    Raises:
        ValueError: another number of rows, or numbers that are not finite.
    """
    actions = np.asarray(actions, np.float32)
    if actions.ndim != 2 or len(actions) not in (frames, frames - 1):
        raise ValueError(f"{what} has shape {actions.shape} for {frames} frames; give one row a frame")
    if not np.isfinite(actions).all():
        raise ValueError(f"{what} holds numbers that are not finite")
    return np.pad(actions, ((0, frames - len(actions)), (0, 0)))
