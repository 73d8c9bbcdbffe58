"""Video files: reads a stretch of any upload as a small clip. Decoders are in `video_decode`, writers in `video_write`."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import chain, islice
from pathlib import Path

import numpy as np

from .clip import Clip
from .region import Region, pixel_slices
from .video_decode import EFFORT, Stream, TimedFrame, open_video
from .video_write import write_gif, write_mp4

__all__ = ["read_clip", "write_gif", "write_mp4"]

END = "end"
MAX_FRAMES = 300  # of a clip
MAX_DECODED = 3_000  # looked at in a file
MAX_SIDE = 512  # px of the longer side, where no size is asked for
MAX_EVERY = 100
MAX_FPS = 30.0  # of what people upload: motion between frames is then of the size that models are trained on
TIMED = 13  # number of first frames whose time stamps give the rate of a file: headers are often wrong
SLOWEST_FPS, PLAYED_FPS = 0.1, 1.0  # a video slower than the first is played at the second
GAP = 10, 1.0  # usual steps and seconds: a step between frames that is longer than both is a gap, which no rate can play
LATE = "The video takes long to decode: only the frames before that became too long are used."
COLOUR_SPREAD = 6.0  # mean difference between the colour channels (0..255) from which a clip counts as coloured


def read_clip(
    path: str | Path,
    size: int | None = None,
    max_frames: int = MAX_FRAMES,
    fps: float | None = None,
    channels: int | None = None,
    max_side: int = MAX_SIDE,
    max_fps: float | None = None,
    start: float | str = 0.0,
    region: Region | None = None,
    every: int = 1,
    watch: Callable[[np.ndarray, float], None] | None = None,
) -> Clip:
    """Reads a stretch of a video file.

    Args:
        size: crop the centre square and resize it to size x size by area averaging, as everywhere in this project.
            None: keep the whole frame (shrunk to `max_side` px on its longer side where that is larger).
        max_frames: the maximum length of the clip.
        fps: subsample to about this rate, by the frames' time stamps; frames are dropped, never repeated.
        channels: 1 for grey; None or 3 for RGB.
        max_side: see `size`.
        max_fps: subsample a file of a higher rate by the smallest stride that keeps it at or below this rate.
        start: seconds from the first frame at which the clip begins, or END: the last `max_frames` of the file.
        region: the part of each frame to use, cropped before any resizing; None: all of it.
        every: take every `every`-th frame, after subsampling to `max_fps`.
        watch: is called with each frame uint8 (H, W, 3) and its time in seconds, for the first MAX_DECODED frames of the file,
            which are then decoded beyond the clip's end.

    Returns:
        A clip of 2 frames or more; its notes say in plain sentences what is missing or was changed.

    Raises:
        ValueError: not a video, fewer than 2 frames, frames too large, or an argument out of range; in one sentence.
    """
    check_arguments(size, max_frames, fps, channels, max_side, max_fps, every, start)
    with closing(open_video(path)) as stream:
        part = pixel_slices(region, stream.first[0].shape[:2])
        native = stream.first[0][part].shape[:2]
        target = (size, size) if size else size_within(native, min(max_side, affordable_side(native, max_frames)))
        stamps: list[float] = []
        there = islice(skip_before(record_times(stream.timed_frames(), stamps, watch), start), MAX_DECODED)
        fitted = ((resize_frame(frame[part], target, square=bool(size)), time) for frame, time in there)
        timed_frames, stride, rate = select_at_rate(fitted, fps, max_fps, every, start == END)
        kept = take_last(timed_frames, max_frames, stride) if start == END else list(islice(timed_frames, max_frames))
        late = stream.late
        more = late or next(timed_frames, None) is not None or next(stream.rest, None) is not None
        if watch:
            deque(there, 0)  # what is decoded for `watch` alone
    check_kept(Path(path).name, len(kept), start, more, fps, every, late)
    frames, times = np.stack([frame for frame, _ in kept]), [time for _, time in kept]
    played, said = playback_rate(times)
    notes = [LATE if late else "" if more else damage_note(stream), said, thinned_note(rate, stride)]
    if channels == 1:
        frames, note = to_grey(frames)
        notes.append(note)
    notes.append("" if size else shrunk_note(native, target))
    number, then = (stamps.index(time) for time in times[:2])
    total = 0 if (stream.late or len(stamps) >= MAX_DECODED if watch else more) else len(stamps)
    return Clip(frames, played, tuple(filter(None, notes)), first=number, every=then - number, total=total)


def read_video_size(path: str | Path) -> tuple[int, int]:
    """Width and height of a video in px; errors as for `read_clip`."""
    with closing(open_video(path)) as stream:
        height, width = stream.first[0].shape[:2]
    return width, height


def check_arguments(
    size: int | None,
    max_frames: int,
    fps: float | None,
    channels: int | None,
    max_side: int,
    max_fps: float | None,
    every: int,
    start: float | str,
) -> None:
    """Raises ValueError where an argument of `read_clip` is out of range or contradicts another one."""
    if start != END and not (isinstance(start, (int, float)) and start >= 0):
        raise ValueError(f"start is {start!r}; give seconds, 0 or more, or '{END}'")
    if not 1 <= every <= MAX_EVERY:
        raise ValueError(f"every is {every}; give 1 to take all frames, up to {MAX_EVERY}")
    if fps is not None and every > 1:
        raise ValueError(f"fps is {fps} and every {every}; give one of them")
    if not 1 <= max_side <= 8_192:
        raise ValueError(f"max_side is {max_side}; give 1 to 8192 pixels")
    if fps is not None and max_fps is not None:
        raise ValueError(f"fps is {fps} and max_fps {max_fps}; give one of them")
    if max_fps is not None and not 1 <= max_fps <= 1_000:
        raise ValueError(f"max_fps is {max_fps}; give a rate from 1 to 1000 frames a second")
    if size is not None and not 1 <= size <= 4_096:
        raise ValueError(f"size is {size}; give 1 to 4096 pixels, or none to keep the picture")
    if max_frames < 2:
        raise ValueError(f"max_frames is {max_frames}; give 2 or more")
    if fps is not None and not 0 < fps <= 1_000:
        raise ValueError(f"fps is {fps}; give a rate above 0 and up to 1000 frames a second")
    if channels not in (None, 1, 3):
        raise ValueError(f"channels is {channels}; give 1 (grey) or 3 (RGB)")


def check_kept(name: str, kept: int, start: float | str, more: bool, fps: float | None, every: int, late: bool) -> None:
    """Raises ValueError where fewer than 2 frames of a file were read, or its end is too far from its start.

    Args:
        kept: frames read.
        more: the file has more frames than were looked at.
        late: decoding was given up, see `video_decode.Effort`.
    """
    if late and (start == END or kept < 2):
        where = "to its end" if start == END else f"up to second {start:g}"
        raise ValueError(f"{name} takes too long to decode {where}; begin earlier, or give a shorter or smaller video")
    if start == END and more:
        raise ValueError(f"{name} has more than {MAX_DECODED} frames: its end is too far; give a start in seconds")
    if not kept:
        raise ValueError(f"{name} ends before second {start:g}; give an earlier start")
    if kept < 2:
        at = f" at {fps:g} frames a second" if fps else ""
        if start not in (0, END) or every > 1:
            raise ValueError(
                f"{name} has one frame only{at} where the clip was to be read; begin earlier, or leave fewer frames out"
            )
        raise ValueError(f"{name} has one picture only{at}; give a video of 2 frames or more")


def record_times(
    timed_frames: Iterator[TimedFrame], stamps: list[float], watch: Callable[[np.ndarray, float], None] | None
) -> Iterator[TimedFrame]:
    """Yields the frames unchanged, appends their times to `stamps`, and shows them to `watch`."""
    for frame, time in timed_frames:
        stamps.append(time)
        if watch and len(stamps) <= MAX_DECODED:
            watch(frame, time)
        yield frame, time


def skip_before(timed_frames: Iterator[TimedFrame], start: float | str) -> Iterator[TimedFrame]:
    """Yields the frames from `start` seconds after the first one on, all for END; stamps are whole milliseconds in many files."""
    begun = None
    for frame, time in timed_frames:
        begun = time if begun is None else begun
        if start == END or time - begun >= start - 1e-3:
            yield frame, time


def select_at_rate(
    timed_frames: Iterator[TimedFrame], fps: float | None, max_fps: float | None, every: int, at_end: bool
) -> tuple[Iterator[TimedFrame], int, float]:
    """Subsamples frames by time (`fps`) or by a whole stride (`max_fps` and `every`).

    Args:
        at_end: the clip is taken from the file's end, from which its stride is counted: nothing is left out here but for `fps`.

    Returns:
        the frames, the stride (1 where `fps` decides), and the rate of the file by its time stamps.
    """
    first = list(islice(timed_frames, TIMED if max_fps or every > 1 else 0))
    stride, rate = stride_for_rate([time for _, time in first], max_fps)
    stride *= every
    if at_end and fps is None:
        return chain(first, timed_frames), stride, rate
    return subsample(chain(first, timed_frames), fps if stride == 1 else rate / stride), stride, rate


def take_last(timed_frames: Iterator[TimedFrame], count: int, stride: int) -> list[TimedFrame]:
    """The last frame and every `stride`-th one before it, up to `count` in all, in order of time.

    Raises:
        ValueError: they do not fit into memory with those between them, which may be the last ones too.
    """
    held: deque[TimedFrame] = deque(maxlen=count * stride)
    for timed_frame in timed_frames:
        held.append(timed_frame)
        if len(held) * timed_frame[0].nbytes > 1.5 * EFFORT.clip_bytes:
            raise ValueError("the video's last frames take too much memory; leave fewer frames out, or choose a smaller size")
    return list(held)[::-1][::stride][::-1]


def subsample(timed_frames: Iterator[TimedFrame], fps: float | None) -> Iterator[TimedFrame]:
    """Yields the first frame at or after each tick of a clock of rate `fps`, by time stamp; all frames where fps is None."""
    ticks, start = 0, None
    for frame, time in timed_frames:
        start = time if start is None else start
        if fps is None:
            yield frame, time
        elif (time - start) * fps >= ticks - 0.05:  # stamps are whole milliseconds in many files
            ticks = int((time - start) * fps + 0.05) + 1
            yield frame, time


def stride_for_rate(times: list[float], max_fps: float | None) -> tuple[int, float]:
    """The stride that keeps a video at `max_fps` or below (a little above counts as at it), and the rate by its `times`."""
    if len(times) < 2:
        return 1, 0.0
    rate = float(1 / np.median(np.diff(times)))
    return 1 if max_fps is None else max(1, int(np.ceil(rate / max_fps - 0.04))), rate


def resize_frame(frame: np.ndarray, target: tuple[int, int], square: bool) -> np.ndarray:
    """uint8 (h, w, 3) -> (*target, 3) by area averaging; `square` crops to the centre square first."""
    import cv2

    if square:
        frame = centre_square(frame)
    return frame if frame.shape[:2] == target else cv2.resize(frame, target[::-1], interpolation=cv2.INTER_AREA)


def centre_square(frame: np.ndarray) -> np.ndarray:
    """The largest centred square of an image (H, W, ...)."""
    height, width = frame.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return frame[top : top + side, left : left + side]


def size_within(shape: tuple[int, int], longest: int) -> tuple[int, int]:
    """(height, width) scaled down, with its aspect ratio kept, so that neither exceeds `longest`."""
    scale = min(1.0, longest / max(shape))
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))


def affordable_side(shape: tuple[int, int], frames: int) -> int:
    """The longer side in px at which `frames` RGB frames of the aspect of `shape` (H, W) take `EFFORT.clip_bytes`."""
    scale = (EFFORT.clip_bytes / (3 * frames * shape[0] * shape[1])) ** 0.5
    return max(shape) if scale >= 1 else max(1, int(scale * max(shape)))


def playback_rate(times: list[float]) -> tuple[float, str]:
    """The frames a second at which to play frames of these times, and a note where it differs from their own rate.

    Gaps are ignored, and a time-lapse slower than SLOWEST_FPS is played at PLAYED_FPS.
    """
    steps = np.diff(times)
    usual = float(np.median(steps))
    gaps = (steps > GAP[0] * usual) & (steps > GAP[1])
    rate = float(1 / steps[~gaps].mean())
    if rate < SLOWEST_FPS:
        return PLAYED_FPS, f"The video has one frame every {duration_text(1 / rate)}; it is played at {PLAYED_FPS:g} a second."
    if not gaps.any():
        return round(rate, 3), ""
    first = int(gaps.argmax())
    where = f"{duration_text(steps[first])} between frames {first} and {first + 1}"
    more = f" and in {gaps.sum() - 1} more places" if gaps.sum() > 1 else ""
    return round(rate, 3), f"The video has a gap of {where}{more}; it is played as if there were none."


def duration_text(seconds: float) -> str:
    """A duration in h, min or s: the largest unit of which it has at least one."""
    unit, name = next(((unit, name) for unit, name in ((3_600, "h"), (60, "min")) if seconds >= unit), (1, "s"))
    return f"{seconds / unit:.3g} {name}"


def damage_note(stream: Stream) -> str:
    """A note where clearly fewer frames can be decoded than promised (estimates are a few frames off), else ""."""
    if stream.decoded >= 0.9 * stream.promised - 1:
        return ""
    promise = f"The file promises about {stream.promised} frames"
    return f"{promise}, but only {stream.decoded} can be decoded: it may be damaged."


def thinned_note(rate: float, stride: int) -> str:
    """A note where one frame in `stride` of a video of this rate is used, else ""."""
    if stride == 1:
        return ""
    return f"The video has {rate:.3g} frames a second; one in {stride} is used, {rate / stride:.3g} a second."


def shrunk_note(native: tuple[int, int], target: tuple[int, int]) -> str:
    """A note where frames were shrunk from one (H, W) to another, else ""."""
    if native == target:
        return ""
    return f"The picture was shrunk from {native[1]}x{native[0]} to {target[1]}x{target[0]} pixels."


def to_grey(frames: np.ndarray) -> tuple[np.ndarray, str]:
    """uint8 (T, H, W, 3) -> (T, H, W, 1), and a note where there was colour."""
    import cv2

    grey = np.stack([cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames])[..., None]
    return grey, "The video was converted from colour to grey." if is_coloured(frames) else ""


def is_coloured(frames: np.ndarray) -> bool:
    """Whether frames uint8 (T, H, W, 3) have visible colours."""
    spread = frames.max(-1).astype(np.float32) - frames.min(-1)
    return bool(spread.mean() >= COLOUR_SPREAD)
