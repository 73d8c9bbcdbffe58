"""An overview of a whole video: thumbnails, and where and when most of its motion is."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from .clip import Clip
from .region import Region
from .video_decode import open_video
from .video_file import MAX_DECODED, resize_frame, size_within

THUMBNAILS = 24
SIDE = 160  # px of the longer side of a thumbnail
LOOKED_AT = 48  # px of the longer side at which motion is measured
CUT, CUT_SHARE, NEAR = 12.0, 4.0, 5  # a cut exceeds CUT grey levels and CUT_SHARE times the median of NEAR frames on both sides
STILL = 0.5  # grey levels a frame: less is the camera's noise


@dataclass(frozen=True)
class Overview:
    """
    Args:
        thumbnails: uint8 (K, h, w, 3), spread evenly over the video.
        times: float (T,), seconds of each frame from the first one.
        motion: float32 (T, h, w), mean absolute difference to the frame before, in grey levels, on a coarse grid; 0 at the first.
        width, height: of the video, px.
    """

    thumbnails: np.ndarray
    times: np.ndarray
    motion: np.ndarray
    width: int
    height: int

    @property
    def seconds(self) -> float:
        """Time of the last frame from the first one."""
        return float(self.times[-1])

    def busiest_moment(self, past: float, future: float) -> float:
        """Start, in seconds, of the window of past + future seconds whose future has most motion; 0 where there is hardly any.

        Windows across a cut are avoided.
        """
        change, cut = self.motion.mean((1, 2)), self.cuts()
        last = self.seconds - past - future
        if change[~cut].max() < STILL or last <= 0:
            return 0.0
        moved, cuts = (np.concatenate([[0.0], values.cumsum()]) for values in (np.where(cut, 0, change), cut))
        starts = self.times[self.times <= last + 1e-6]
        begin, first, end = (np.searchsorted(self.times, starts + gap - 1e-6) for gap in (0, past, past + future))
        across = cuts[end] > cuts[np.minimum(begin + 1, end)]  # no motion leads over a cut
        return float(starts[int((moved[end] - moved[first] - 1e6 * across).argmax())])

    def cuts(self) -> np.ndarray:
        """bool (T,): whether a cut precedes each frame: its change is large and far above that of the frames around it."""
        change = self.motion.mean((1, 2))
        around = np.array([np.median(change[max(1, t - NEAR) : t + NEAR + 1]) if t else 0.0 for t in range(len(change))])
        return (change > CUT) & (change > CUT_SHARE * around)

    def busiest_square(self, start: float, seconds: float) -> Region:
        """The largest square of the frame with most motion within `seconds` from `start` on; the centre square without motion."""
        inside = (self.times >= start - 1e-6) & (self.times <= start + seconds)
        motion = self.motion[inside].mean(0)
        height, width = motion.shape
        lying = self.width >= self.height
        line, side = (motion.sum(0), height) if lying else (motion.sum(1), width)
        side = min(side, len(line))
        sums = np.convolve(line, np.ones(side), "valid")
        middle = (len(sums) - 1) / 2
        best = min(np.flatnonzero(sums >= sums.max() - 1e-6), key=lambda k: abs(k - middle)) if motion.max() >= STILL else middle
        share = min(self.width, self.height) / max(self.width, self.height)
        edge = (1 - share) * (best / max(1, len(sums) - 1))
        return Region(edge, 0.0, share, 1.0) if lying else Region(0.0, edge, 1.0, share)


def read_overview(path: str | Path) -> Overview:
    """The overview of a video file, of its first MAX_DECODED frames.

    Raises:
        ValueError: nothing in it can be decoded.
    """
    looked = Looking()
    with closing(open_video(path)) as stream:
        for frame, time in islice(stream.timed_frames(), MAX_DECODED):
            looked(frame, time)
    return looked.overview()


class Looking:
    """Makes an overview of frames that are shown to it one by one."""

    def __init__(self) -> None:
        self.frames: list[np.ndarray] = []
        self.times: list[float] = []
        self.shape = (0, 0)

    def __call__(self, frame: np.ndarray, time: float) -> None:
        """Looks at a frame uint8 (H, W, 3) of `time` seconds."""
        self.shape = self.shape if self.frames else frame.shape[:2]
        self.frames.append(shrink(frame, size_within(self.shape, SIDE)))
        self.times.append(time)

    def overview(self) -> Overview:
        """The overview of all frames so far, one at least."""
        return make_overview(self.frames, np.array(self.times), self.shape[1], self.shape[0])


def clip_overview(clip: Clip) -> Overview:
    """The overview of a decoded clip."""
    height, width = clip.frames.shape[1:3]
    frames = clip.frames if clip.frames.shape[-1] == 3 else clip.frames.repeat(3, -1)
    small = [shrink(frame, size_within((height, width), SIDE)) for frame in frames]
    return make_overview(small, np.arange(len(frames)) / clip.rate, width, height)


def make_overview(frames: Sequence[np.ndarray], times: np.ndarray, width: int, height: int) -> Overview:
    """The overview of all frames of a video.

    Args:
        frames: T times uint8 (h, w, 3), shrunk to SIDE.
        times: float (T,), seconds.
        width, height: of the original video, px.
    """
    import cv2

    grid = size_within(frames[0].shape[:2], LOOKED_AT)
    grey = np.stack([cv2.resize(frame, grid[::-1], interpolation=cv2.INTER_AREA).mean(-1) for frame in frames]).astype(np.float32)
    motion = np.abs(np.diff(grey, axis=0, prepend=grey[:1]))
    chosen = np.linspace(0, len(frames) - 1, min(THUMBNAILS, len(frames))).round().astype(int)
    return Overview(np.stack([frames[k] for k in chosen]), times - times[0], motion, width, height)


def shrink(frame: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """uint8 (H, W, 3) resized to `shape`, also where the frames of a video differ in size."""
    return resize_frame(frame, shape, square=False)
