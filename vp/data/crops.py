"""Training windows cut at random from whole frames: position, frame rate, direction and mirroring are drawn for every clip."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from ..core.crops import Crops
from ..core.video import Batch
from .cutting import Cut, cut_window
from .framing import Framing
from .pixel_cache import PixelCache
from .recorded import unusable_message
from .recording import Recording

TRIES = 1_000  # maximum number of windows drawn for one clip
LOOKED_AT = 4  # stride, in px, of the grid on which motion is measured


class CroppedClips:
    """An endless source of clips of `crops.side` px from recordings of any size.

    What is drawn depends on the generator and the files alone, so that training resumes exactly.

    Args:
        name: of the data set.
        recordings: of one split.
        root: the data's folder.
        crops: how windows are drawn.
        channels: 1 or 3.
        device: where clips go.
    """

    def __init__(
        self, name: str, recordings: Sequence[Recording], root: Path, crops: Crops, channels: int,
        device: torch.device | str = "cpu",
    ):  # fmt: skip
        self.name, self.crops, self.channels, self.device = name, crops, channels, torch.device(device)
        self.recordings, self.size, self.fps = list(recordings), crops.side, recordings[0].fps
        self.cache = PixelCache(name, root, Framing(short_side=crops.short_side), channels)
        self.refused: dict[str, str] = {}  # damaged recordings, and why
        self.opened: dict[int, np.ndarray] = {}

    def prepare(self, progress: Callable[[int, int], None]) -> None:
        """Decodes what is not in the cache yet; `progress` is called with (recordings done, recordings in all)."""
        for done, recording in enumerate(self.recordings, 1):
            if not self.cache.path(recording).exists():
                self.frames(done - 1)
            progress(done, len(self.recordings))

    def frames(self, index: int) -> np.ndarray | None:
        """uint8 (T, H, W, C) of the recording of this index, None where it is damaged."""
        recording = self.recordings[index]
        if index not in self.opened and recording.name not in self.refused:
            try:
                self.opened[index] = self.cache.frames(recording)
            except ValueError as error:
                self.refused[recording.name] = str(error)
        return self.opened.get(index)

    def batch(self, clips: int, length: int, generator: torch.Generator) -> Batch:
        """`clips` clips of `length` frames: uint8 (B, T, C, side, side).

        Raises:
            ValueError: no recording is long enough, or all of those are damaged.
        """
        cuts = self.draw_cuts(clips, length, generator)
        frames = np.stack([cut_window(self.frames(cut.index), cut, length, self.size) for cut in cuts])
        return Batch(torch.from_numpy(frames).permute(0, 1, 4, 2, 3).contiguous().to(self.device))

    def draw_cuts(self, clips: int, length: int, generator: torch.Generator) -> list[Cut]:
        """The windows of `batch`, as numbers; errors as there."""
        seed = torch.randint(2**31, (), generator=generator, device=generator.device)
        random = np.random.default_rng(int(seed))
        groups, shares = self.usable_groups(length)
        return [self.draw_cut(groups, shares, length, random) for _ in range(clips)]

    def usable_groups(self, length: int) -> tuple[list[list[int]], np.ndarray]:
        """The recordings that promise `length` frames, by group.

        Returns:
            the indices of the recordings of each group, and float (groups,), the probability with which each group is drawn.

        Raises:
            ValueError: no recording is that long.
        """
        found: dict[str, list[int]] = {}
        for index, recording in enumerate(self.recordings):
            if recording.longest >= length and recording.name not in self.refused:
                found.setdefault(recording.group, []).append(index)
        if not found:
            raise ValueError(unusable_message(self.name, length, self.refused, "all are shorter"))
        shares = np.sqrt([len(group) for group in found.values()])
        most = max(self.crops.most_of_group, 1 / len(found))
        shares = np.minimum(shares / shares.sum(), most)
        return list(found.values()), shares / shares.sum()

    def draw_cut(self, groups: list[list[int]], shares: np.ndarray, length: int, random: np.random.Generator) -> Cut:
        """The first drawn window with enough motion, or the last of TRIES.

        Args:
            groups, shares: see `usable_groups`.
        """
        cut = None
        for _ in range(TRIES):
            group = groups[random.choice(len(groups), p=shares)]
            index = group[random.integers(len(group))]
            stride, keep = int(random.choice(self.crops.strides)), random.random()
            frames = self.frames(index)
            if frames is None:
                continue
            spans = self.recordings[index].spans(len(frames))
            first, end = spans[random.integers(len(spans))]
            stride = stride if end - first > (length - 1) * stride else 1
            if end - first < length:
                continue
            start = first + random.integers(end - first - (length - 1) * stride)
            top, left, side = self.draw_square(*frames.shape[1:3], random)
            cut = Cut(index, start, stride, top, left, side)
            window = frames[start : start + (length - 1) * stride + 1 : stride, top : top + side, left : left + side]
            if keep < self.crops.still + mean_change(window) / self.crops.lively:
                break
        if cut is None:
            raise ValueError(unusable_message(self.name, length, self.refused))
        return self.augment(cut, random)

    def draw_square(self, height: int, width: int, random: np.random.Generator) -> tuple[int, int, int]:
        """Top, left and side in px of a square at a random position; it may be smaller than `crops.side`."""
        side = self.crops.side
        if random.random() < self.crops.closer:
            side = round(side * random.uniform(self.crops.nearest, 1))
        top, left = (int(random.integers(extent - side + 1)) for extent in (height, width))
        return top, left, side

    def augment(self, cut: Cut, random: np.random.Generator) -> Cut:
        """The window, by chance tinted, reversed in time, mirrored, flipped or transposed."""
        tinted = draw_tint(self.channels, random) if random.random() < self.crops.tinted else None
        backwards, mirrored, headlong, turned = random.random(4)
        return replace(
            cut,
            tint=tinted,
            backwards=backwards < self.crops.reversed,
            mirrored=mirrored < 0.5,
            headlong=headlong < 0.2,
            turned=turned < self.crops.turned,
        )


def draw_tint(channels: int, random: np.random.Generator) -> np.ndarray:
    """A random change of colours as of `Cut.tint`: channels mixed and permuted, contrast and brightness changed."""
    grey, contrast = random.uniform(0, 0.8), random.uniform(0.7, 1.2, channels)
    mix = (1 - grey) * np.eye(channels)[random.permutation(channels)] + grey / channels
    mix = (contrast[:, None] * mix).astype(np.float32)
    middle = 127.5 * (1 - mix.sum(1)) + random.uniform(-25, 25)
    return np.column_stack([mix, middle.astype(np.float32)])


def mean_change(frames: np.ndarray) -> float:
    """Mean absolute difference of frames (T, H, W, C) to the middle one, in grey levels, at every LOOKED_AT-th pixel."""
    few = frames[:, ::LOOKED_AT, ::LOOKED_AT].astype(np.int16)
    return float(np.abs(few - few[len(few) // 2]).mean())
