"""Evaluation windows: one from the start and one from the middle of each recording, the same for every model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..core.video import Batch
from .recorded import RecordedClips, pick_start, to_tensors

START_SHARES = (0.0, 0.5)  # where windows start, as a share of all possible starts


class Windows:
    """Evaluation windows of recordings, in the recordings' order; a recording with room for a single window has one.

    Args:
        source: the recordings and their framing; frames go to the source's device.
        length: frames of a window.
        most: maximum number of windows; None: all. Fewer are spread evenly over the recordings, half of them from a start: a
            recording gets a second window only where every one has its first.

    Attributes:
        starts: (index of a recording, first frames of its windows), a recording a row.
        left_out: recording -> why it is left out: too short, or, found while iterating, damaged.

    Raises:
        ValueError: no recording is long enough.
    """

    def __init__(self, source: RecordedClips, length: int, most: int | None = None):
        self.source, self.length = source, length
        fit = source.find_long_enough(length)
        short = set(range(len(source.recordings))) - set(fit)
        self.left_out = {source.recordings[i].name: f"fewer than {length} frames" for i in sorted(short)}
        self.starts = choose_windows([(index, self.window_starts(index)) for index in fit], most)

    def window_starts(self, index: int) -> list[int]:
        """The first frames of the windows of the recording of this index, at the shares START_SHARES of all possible starts."""
        recording = self.source.recordings[index]
        spans, span = recording.spans(), self.source.frames_needed(recording, self.length)
        return sorted({pick_start(where, spans, span) for where in START_SHARES})

    def __len__(self) -> int:
        """Number of windows, by the frames that recordings promise."""
        return sum(len(starts) for _, starts in self.starts)

    def __iter__(self) -> Iterator[tuple[list[int], Batch]]:
        """Decodes one recording after the other, no further than its last window needs.

        Yields:
            the first frames of a recording's windows, and the windows: frames uint8 (1 or 2, length, C, H, W), actions and extras
            as of `RecordedClips.batch`, extras["recording"] among them.
        """
        source = self.source
        for index, starts in self.starts:
            recording = source.recordings[index]
            stride = source.framing.stride_at(recording.fps)
            ends = [start + source.frames_needed(recording, self.length) for start in starts]
            try:
                clip = to_tensors(recording, replace(source.framing, most=max(ends) + stride - 1), source.channels)
            except (OSError, ValueError) as error:
                self.left_out[recording.name] = str(error)
                continue
            there = [start for start, end in zip(starts, ends) if end <= len(clip.frames)]
            if len(there) < len(starts):
                self.left_out[recording.name] = f"{len(clip.frames)} of {recording.promised} frames can be decoded"
            if there:
                cut = [source.cut_window(recording, clip, self.length, start) for start in there]
                yield there, source.stack_windows(cut, [index] * len(there))


def choose_windows(starts: Sequence[tuple[int, list[int]]], most: int | None) -> list[tuple[int, list[int]]]:
    """At most `most` windows, evenly spread over the recordings.

    Args:
        starts: (index of a recording, first frames of its windows), a recording a row.
        most: None: all.

    Returns:
        Rows as in `starts`, of the chosen windows.
    """
    if most is None:
        return list(starts)
    if most <= len(starts):
        few = [starts[i] for i in evenly_spaced_indices(most, len(starts))]
        return [(index, [its[place % len(its)]]) for place, (index, its) in enumerate(few)]
    second = [i for i, (_, its) in enumerate(starts) if len(its) > 1]
    both = {second[i] for i in evenly_spaced_indices(min(most - len(starts), len(second)), len(second))}
    return [(index, its if i in both else its[:1]) for i, (index, its) in enumerate(starts)]


def evenly_spaced_indices(count: int, of: int) -> list[int]:
    """`count` of the indices 0 to `of` - 1, evenly spaced."""
    return [(2 * i + 1) * of // (2 * count) for i in range(count)]
