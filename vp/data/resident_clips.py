"""Clips of recordings whose pixels all lie in a device's memory: a mini-batch is one gather there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor

from ..core.host_memory import to_device
from ..core.video import Batch
from .drawn import Drawn
from .recorded import ClipTensors, RecordedClips

DECODED_AHEAD = 4  # recordings decoded at a time while they are uploaded


class NotResident(ValueError):
    """These clips cannot lie in a device's memory; the message says why, as the end of a sentence."""


class ResidentClips:
    """The counterpart of `RecordedClips` on a device: the same clips from the same generators.

    Args:
        source: of square frames, every one taken (`stride` 1).
        length: frames of a clip; shorter recordings are not uploaded.
        device: where pixels, actions and extras go, once, as they were decoded.
        most: bytes that they may take.
        progress: called with (recordings done, recordings in all).

    Raises:
        NotResident: they take more, or recordings differ in what they hold. ValueError: see `RecordedClips.batch`.
    """

    reads = False

    def __init__(self, source: RecordedClips, length: int, device: torch.device, most: int, progress: Callable[[int, int], None]):
        self.source, self.device = source, device
        pool, room = source.find_long_enough(length), decoded_bytes(source, length)
        if room is None:
            raise NotResident("their size or rate differs from one to the other")
        if room > most:
            raise NotResident(f"they take {room / 1e9:.1f} GB there and may take {most / 1e9:.1f}")
        self.first = torch.zeros(len(source.recordings), dtype=torch.int64)  # row of each recording's first frame
        self.frames: dict[int, int] = {}  # decoded frames of each recording that can be used
        self.tensors: dict[str, Tensor] = {}
        self.taken, self.rows, self.most = 0, sum(source.recordings[number].promised for number in pool), most
        with ThreadPoolExecutor(DECODED_AHEAD) as threads:
            for begin in range(0, len(pool), DECODED_AHEAD):
                numbers = pool[begin : begin + DECODED_AHEAD]
                for number, clip in zip(numbers, threads.map(source.decode_anew, [source.recordings[n] for n in numbers])):
                    if clip is not None:
                        self.add(number, clip)
                progress(begin + len(numbers), len(pool))

    def add(self, number: int, clip: ClipTensors) -> None:
        """Uploads a recording to the rows after those of the one before."""
        actions = {"actions": clip.actions} if self.source.action_dim else {}
        parts = {"frames": clip.frames, **actions, **{f"extras.{name}": x for name, x in clip.extras.items()}}
        if not self.frames:
            if self.rows * sum(x[0].nbytes for x in parts.values()) > self.most:
                raise NotResident("what comes with their frames takes too much")
            self.tensors = {name: x.new_empty((self.rows, *x.shape[1:]), device=self.device) for name, x in parts.items()}
        if {name: x.shape[1:] for name, x in parts.items()} != {name: x.shape[1:] for name, x in self.tensors.items()}:
            raise NotResident("recordings differ in what comes with their frames")
        end = self.taken + len(clip.frames)
        if end > self.rows:
            raise NotResident("there are more frames than their headers say")
        for name, x in parts.items():
            self.tensors[name][self.taken : end].copy_(to_device(x, self.device))
        self.first[number], self.frames[number], self.taken = self.taken, len(clip.frames), end

    def draw(self, clips: int, length: int, generators: Sequence[torch.Generator]) -> Drawn:
        """The place of each clip; see `Feed`."""
        places = [place for g in generators for place in self.source.draw_places(clips, length, g, self.frames.get)]
        numbers, starts = torch.tensor(places).unbind(1)
        plain = set(self.tensors) == {"frames"}
        return Drawn({"places": torch.stack([numbers, self.first[numbers] + starts])}, (length,), plain=plain)

    def build(self, drawn: Drawn) -> Batch:
        """The clips; see `RecordedClips.batch`."""
        (numbers, first), (length,) = drawn.tensors["places"], drawn.counts
        rows = first[:, None] + torch.arange(length, device=first.device)
        cut = {name: x.index_select(0, rows.flatten()).unflatten(0, rows.shape) for name, x in self.tensors.items()}
        extras = {name.partition(".")[2]: x for name, x in cut.items() if name.startswith("extras.")}
        return Batch(cut["frames"], cut.get("actions"), extras | {"recording": numbers})


def decoded_bytes(source: RecordedClips, length: int) -> int | None:
    """Bytes of the frames of all recordings that promise `length` frames, decoded; None where frames differ in size or rate."""
    framing = source.framing
    if source.size is None or framing.stride != 1 or framing.fps is not None:
        return None
    frames = sum(source.recordings[number].promised for number in source.find_long_enough(length))
    return frames * source.size**2 * source.channels
