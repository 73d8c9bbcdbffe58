"""Windows to evaluate on: of each recording one from its start and one from its middle, the same for every model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..core.video import Batch
from .recorded import RecordedClips, start_at, to_tensors

PLACES = (0.0, 0.5)  # where windows start, as a share of the places where they can


class Windows:
    """Windows of recordings, in the recordings' order; one that has room for a single window has one.

    Args:
        source: the recordings and their framing; frames go to the source's device.
        length: frames of a window.
        most: how many windows; None: all. Fewer are spread evenly over the recordings, half of them from a start: a second window
            of a recording comes only where every one has its first.

    Attributes:
        starts: (index of a recording, first frames of its windows), a recording a row.
        left_out: recording -> why it is left out: too short, or, found when it was gone through, damaged.

    Raises:
        ValueError: no recording is long enough.
    """

    def __init__(self, source: RecordedClips, length: int, most: int | None = None):
        self.source, self.length = source, length
        fit = source.long_enough(length)
        short = set(range(len(source.recordings))) - set(fit)
        self.left_out = {source.recordings[i].name: f"fewer than {length} frames" for i in sorted(short)}
        self.starts = chosen([(index, self.places(index)) for index in fit], most)

    def places(self, index: int) -> list[int]:
        recording = self.source.recordings[index]
        spans, span = recording.spans(), self.source.span(recording, self.length)
        return sorted({start_at(where, spans, span) for where in PLACES})

    def __len__(self) -> int:
        """Windows, as far as the recordings' promises go."""
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
            ends = [start + source.span(recording, self.length) for start in starts]
            try:
                clip = to_tensors(recording, replace(source.framing, most=max(ends) + stride - 1), source.channels)
            except (OSError, ValueError) as error:
                self.left_out[recording.name] = str(error)
                continue
            there = [start for start, end in zip(starts, ends) if end <= len(clip.frames)]
            if len(there) < len(starts):
                self.left_out[recording.name] = f"{len(clip.frames)} of {recording.promised} frames can be decoded"
            if there:
                cut = [source.cut(recording, clip, self.length, start) for start in there]
                yield there, source.stacked(cut, [index] * len(there))


def chosen(starts: Sequence[tuple[int, list[int]]], most: int | None) -> list[tuple[int, list[int]]]:
    """At most so many windows, evenly spread; see `Windows`."""
    if most is None:
        return list(starts)
    if most <= len(starts):
        few = [starts[i] for i in evenly(most, len(starts))]
        return [(index, [its[place % len(its)]]) for place, (index, its) in enumerate(few)]
    second = [i for i, (_, its) in enumerate(starts) if len(its) > 1]
    both = {second[i] for i in evenly(min(most - len(starts), len(second)), len(second))}
    return [(index, its if i in both else its[:1]) for i, (index, its) in enumerate(starts)]


def evenly(count: int, of: int) -> list[int]:
    """`count` of the numbers below `of`, evenly spread."""
    return [(2 * i + 1) * of // (2 * count) for i in range(count)]
