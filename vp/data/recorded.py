"""Clips drawn from recordings: the counterpart of `MovingDigits` for data in files."""

from __future__ import annotations

import statistics
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from ..core.video import Batch
from .framing import Framing
from .recording import Recording


@dataclass(frozen=True)
class ClipTensors:
    """A decoded clip, or a window of one, as tensors: `frames` uint8 (T, C, H, W), `actions` float32 (T, A), `extras` (T, ...);
    `notes` as of `Clip`.
    """

    frames: Tensor
    actions: Tensor | None = None
    extras: dict[str, Tensor] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def nbytes(self) -> int:
        """Bytes of all tensors."""
        rest = [] if self.actions is None else [self.actions]
        return sum(x.nbytes for x in (self.frames, *rest, *self.extras.values()))


class Cache:
    """An LRU cache of clips by name, of at most `most` bytes, for any number of threads; the newest clip is always kept."""

    def __init__(self, most: float):
        self.most, self.held = most, 0
        self.clips: OrderedDict[str, ClipTensors] = OrderedDict()
        self.lock = threading.Lock()

    def get(self, name: str) -> ClipTensors | None:
        """The clip of this name, None where it is not cached."""
        with self.lock:
            if name in self.clips:
                self.clips.move_to_end(name)
            return self.clips.get(name)

    def put(self, name: str, clip: ClipTensors) -> None:
        """Adds a clip and drops the least recently used ones while there are too many bytes."""
        with self.lock:
            before = self.clips.pop(name, None)  # two threads may have decoded it
            self.clips[name] = clip
            self.held += clip.nbytes - (before.nbytes if before else 0)
            while self.held > self.most and len(self.clips) > 1:
                self.held -= self.clips.popitem(last=False)[1].nbytes


class RecordedClips:
    """An endless source of clips from recordings, which are decoded when they are first drawn.

    What is drawn depends on the generator and the files alone, not on earlier draws, so that training resumes exactly.

    Args:
        name: of the data set, for messages.
        recordings: of one split, one or more.
        framing: size, rate and memory. With a short side clips may differ in height and width, and `size` is None.
        channels: 1 or 3.
        device: of the clips.

    Raises:
        ValueError: there are no recordings.
    """

    def __init__(
        self, name: str, recordings: Sequence[Recording], framing: Framing, channels: int, device: torch.device | str = "cpu"
    ):
        if not recordings:
            raise ValueError(f"{name} has no recordings; give one or more")
        self.name, self.recordings, self.framing = name, list(recordings), framing
        self.channels, self.device = channels, torch.device(device)
        self.size = framing.size if framing.short_side is None else None
        self.fps = round(statistics.median(r.fps / framing.stride_at(r.fps) for r in recordings), 3)
        dims = {r.actions for r in recordings}
        self.action_dim = dims.pop() if len(dims) == 1 else 0  # of a recording; recordings without actions rule them out
        self.cache = Cache(framing.cache_mb * 1e6)
        self.refused: dict[str, str] = {}  # recordings that turned out damaged or too short, and why

    def batch(self, clips: int, length: int, generator: torch.Generator) -> Batch:
        """`clips` clips of `length` frames, from different recordings as long as there are enough of them.

        Returns:
            frames uint8 (B, T, C, H, W); actions float32 (B, T, A) where every recording has them, `actions[:, t]` leads from
            frame t to t + 1 (with a stride of s, the s actions on the way side by side); extras that all of the clips have, and
            extras["recording"] int64 (B,), the index in `recordings` of the one that each clip comes from: clips of one
            recording are alike, so what is measured on them counts as one.

        Raises:
            ValueError: no recording is long enough, none of those can be decoded, or the clips differ in size.
        """
        return self.stack_windows(*self.draw_windows(clips, length, generator))

    def draw_windows(self, clips: int, length: int, generator: torch.Generator) -> tuple[list[ClipTensors], list[int]]:
        """The windows that `batch` stacks, which may differ in height and width, and the indices of their recordings.

        Use this to crop clips of one size from whole frames; errors as for `batch`, except that sizes may differ.
        """
        windows, numbers = [], []
        for number, start in self.draw_places(clips, length, generator, self.count_frames):
            recording = self.recordings[number]
            windows.append(self.cut_window(recording, self.decode(recording), length, start))
            numbers.append(number)
        return windows, numbers

    def draw_places(
        self, clips: int, length: int, generator: torch.Generator, count_frames: Callable[[int], int | None]
    ) -> Iterator[tuple[int, int]]:
        """Yields (index of a recording, first frame) of `clips` windows.

        Args:
            count_frames: index of a recording -> frames that can be decoded of it, None where it is damaged.

        Raises:
            ValueError: see `batch`.
        """
        pool, found, failures = self.find_long_enough(length), 0, 0
        for number, where in self.draw_endlessly(pool, generator):
            recording, frames = self.recordings[number], count_frames(number)
            start = None
            if frames is not None:
                start = pick_start(where, recording.spans(frames), self.frames_needed(recording, length))
            failures = failures + 1 if start is None else 0
            if failures >= 2 * len(pool):  # a whole round, wherever it began
                raise ValueError(unusable_message(self.name, length, self.refused))
            if start is not None:
                yield number, start
                found += 1
            if found == clips:
                return

    def count_frames(self, number: int) -> int | None:
        """Decoded frames of the recording of this index, None where it is damaged."""
        clip = self.decode(self.recordings[number])
        return None if clip is None else len(clip.frames)

    def find_long_enough(self, length: int) -> list[int]:
        """Indices of the recordings that promise `length` frames at the framing's rate; raises ValueError without any."""
        pool = [number for number, r in enumerate(self.recordings) if r.longest >= self.frames_needed(r, length)]
        if not pool:
            longest = max(1 + (r.longest - 1) // self.framing.stride_at(r.fps) for r in self.recordings)
            raise ValueError(f"no recording of {self.name} has {length} frames; the longest has {longest}: ask for shorter clips")
        return pool

    def frames_needed(self, recording: Recording, length: int) -> int:
        """Number of consecutive frames of a recording that a clip of `length` frames spans at the framing's stride."""
        return (length - 1) * self.framing.stride_at(recording.fps) + 1

    def draw_endlessly(self, pool: Sequence[int], generator: torch.Generator) -> Iterator[tuple[int, float]]:
        """Yields (index of a recording, number in [0, 1)) without end; each round is the whole pool in random order."""
        device = generator.device
        while True:
            order = torch.randperm(len(pool), generator=generator, device=device).tolist()
            places = torch.rand(len(pool), generator=generator, device=device, dtype=torch.float64).tolist()
            yield from zip((pool[index] for index in order), places)

    def decode(self, recording: Recording) -> ClipTensors | None:
        """The decoded recording, from the cache where possible; None where it is damaged."""
        clip = None if recording.name in self.refused else self.cache.get(recording.name)
        if clip is None:
            clip = self.decode_anew(recording)
            if clip is not None:
                self.cache.put(recording.name, clip)
        return clip

    def decode_anew(self, recording: Recording) -> ClipTensors | None:
        """As `decode`, without the cache."""
        if recording.name in self.refused:
            return None
        try:
            return to_tensors(recording, self.framing, self.channels)
        except (OSError, ValueError) as error:
            self.refused[recording.name] = str(error)
            return None

    def cut_window(self, recording: Recording, clip: ClipTensors, length: int, start: int) -> ClipTensors:
        """`length` frames from frame `start` of the recording on, at the framing's stride."""
        stride = self.framing.stride_at(recording.fps)
        taken = slice(start, start + self.frames_needed(recording, length), stride)
        actions = stack_strided_actions(clip.actions, start, length, stride) if self.action_dim else None
        return ClipTensors(clip.frames[taken], actions, {name: x[taken] for name, x in clip.extras.items()})

    def stack_windows(self, windows: Sequence[ClipTensors], numbers: Sequence[int]) -> Batch:
        """Windows of one size as a batch on the source's device; `numbers` become extras["recording"].

        Raises:
            ValueError: the windows differ in height or width.
        """
        sizes = {tuple(w.frames.shape[-2:]) for w in windows}
        if len(sizes) > 1:
            came = " and ".join(f"{width}x{height}" for height, width in sorted(sizes)[:2])
            raise ValueError(f"clips of {self.name} are {came} px; give square frames, one clip at a time, or crops of one size")
        frames = torch.stack([w.frames for w in windows]).to(self.device)
        actions = None
        if self.action_dim:
            actions = torch.stack([w.actions for w in windows]).to(self.device)
        shared = [name for name in windows[0].extras if all(name in w.extras for w in windows)]
        extras = {name: torch.stack([w.extras[name] for w in windows]).to(self.device) for name in shared}
        return Batch(frames, actions, extras | {"recording": torch.tensor(numbers, device=self.device)})


def unusable_message(
    name: str, length: int, refused: Mapping[str, str], why: str = "they have fewer frames than their headers say"
) -> str:
    """The error message where no recording can be used: with the first reason in `refused`, or else `why`."""
    return f"no recording of {name} with {length} frames can be used: {next(iter(refused.values()), why)}"


def pick_start(where: float, spans: Sequence[tuple[int, int]], length: int) -> int | None:
    """The index at the share `where` in [0, 1) of all starts of `length` frames in the spans; None without any."""
    room = [max(0, end - first - length + 1) for first, end in spans]
    index = int(where * sum(room))
    for (first, _), starts in zip(spans, room):
        if index < starts:
            return first + index
        index -= starts
    return None


def stack_strided_actions(actions: Tensor, start: int, length: int, stride: int) -> Tensor:
    """float32 (length, stride * A): the actions from each frame taken to the next, side by side; zeros after the end."""
    rows = actions[start : start + length * stride]
    return torch.nn.functional.pad(rows, (0, 0, 0, length * stride - len(rows))).reshape(length, -1)


def to_tensors(recording: Recording, framing: Framing, channels: int) -> ClipTensors:
    """Decodes a recording; raises ValueError where it is damaged or has another number of action components than promised."""
    clip = recording.load(framing)
    frames = torch.from_numpy(np.ascontiguousarray(to_channels(clip.frames, channels).transpose(0, 3, 1, 2)))
    actions = None if clip.actions is None else torch.from_numpy(clip.actions)
    came = 0 if actions is None else actions.shape[1]
    if came != recording.actions:
        raise ValueError(f"{recording.name} has {came} numbers an action and promised {recording.actions}")
    return ClipTensors(frames, actions, {name: torch.from_numpy(x) for name, x in clip.extras.items()}, clip.notes)


def to_channels(frames: np.ndarray, channels: int) -> np.ndarray:
    """uint8 (T, H, W, 1 or 3) -> (T, H, W, channels): grey repeated, or RGB converted to grey."""
    import cv2

    length, height, width, came = frames.shape
    if came == channels:
        return frames
    if channels == 3:
        return frames.repeat(3, axis=-1)
    return cv2.cvtColor(frames.reshape(length * height, width, came), cv2.COLOR_RGB2GRAY).reshape(length, height, width, 1)
