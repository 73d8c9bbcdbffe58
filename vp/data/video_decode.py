"""Video decoding: by OpenCV first, and by the ffmpeg of imageio-ffmpeg where OpenCV yields nothing (its wheels lack AV1).

Either has a process of its own: some files end the one that OpenCV reads them in, such as uncompressed AVIs stored bottom-up.

OpenCV stops at damage, keeps time stamps and honours rotation; ffmpeg conceals damage and pads to a constant rate, so
it comes second. The number of frames in headers is never trusted. Frames are yielded as they are to be displayed: rotated and
mirrored as the file says, and with square pixels.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from .containers import Matrix, count_indexed_frames, is_avi, read_mirror_matrix

APART, HERE, NOWHERE = "apart", "here", "nowhere"
TimedFrame = tuple[np.ndarray, float]  # RGB uint8 (H, W, 3), seconds
FORMATS = "give an mp4, webm, mov, mkv, avi or GIF"
MAX_FRAME_PIXELS = 7_680 * 4_320
PLAYLISTS = (b"#EXTM3U", b"ffconcat", b"<?xml", b"<MPD", b"v=0")  # they name other files for the decoder to open
USUAL_FPS = 25.0
PIXEL_ASPECTS = 0.1, 10.0  # width over height; values outside are mistakes in the file
SQUARE = "if(between(sar,{:g},{:g}),max(1,round(iw*sar)),iw)".format(*PIXEL_ASPECTS)


@dataclass
class Effort:
    """What decoding may cost in this process; without limit where nothing sets it.

    Args:
        cpu_s: CPU seconds of the process, its start included, after which no further frame is decoded.
        clip_bytes: of a clip's frames, which are shrunk to fit.
        ffmpeg: gives options that limit ffmpeg, when it is started.
        opencv: where OpenCV decodes: APART, HERE or NOWHERE.
    """

    cpu_s: float = math.inf
    clip_bytes: float = math.inf
    ffmpeg: Callable[[], Sequence[str]] = tuple
    opencv: str = APART


EFFORT = Effort()  # of this process, see `decode_worker`


@dataclass
class Stream:
    """A video being decoded.

    Args:
        rest: the time-stamped frames not taken yet, times strictly rising.
        fps: by the header.
        promised: frames by the header, 0 where it does not say; often wrong.
        trusted: whether `promised` comes from an index of the frames, not from a header that may be wrong by any amount.
        form: how frames differ from what is stored, "" where they do not.
        first: the first frame, taken from `rest` to see whether anything can be decoded.
        decoded: frames yielded so far.
        late: whether it stopped because `EFFORT` was spent.
    """

    rest: Iterator[TimedFrame]
    fps: float
    promised: int
    trusted: bool = True
    form: str = ""
    first: TimedFrame | None = None
    decoded: int = 0
    late: bool = False

    def timed_frames(self) -> Iterator[TimedFrame]:
        """Yields (RGB uint8 (H, W, 3), seconds) of every frame, and counts them in `decoded`."""
        for timed_frame in chain([self.first], self.rest):
            if time.process_time() > EFFORT.cpu_s:
                self.late = True
                return
            self.decoded += 1
            yield timed_frame

    def close(self) -> None:
        """Releases the decoder."""
        self.rest.close()


def open_video(path: str | Path) -> Stream:
    """A stream with its first frame taken; close it when done.

    Raises:
        ValueError: nothing in the file can be decoded, in one sentence.
    """
    path = Path(path)
    check_is_video(path)
    for opener in (open_with_opencv, open_with_ffmpeg):
        stream = opener(path)
        stream.first = next(stream.rest, None)
        if stream.first is not None:
            return stream
    why = "not a video, sound only, or too damaged"
    raise ValueError(f"{path.name} has no pictures that can be decoded ({why}); {FORMATS}")


def check_is_video(path: Path) -> None:
    """Raises ValueError for a missing or empty file, a text or a playlist; anything else is left to the decoders."""
    if not path.is_file():
        raise ValueError(f"there is no file {path}; {FORMATS}")
    if any("\ud800" <= letter <= "\udfff" for letter in str(path)):  # OpenCV crashes on them
        raise ValueError("the file's name is no UTF-8; rename it")
    with path.open("rb") as file:
        head = file.read(2_048)
    if not head:
        raise ValueError(f"{path.name} is empty; {FORMATS}")
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(PLAYLISTS):
        raise ValueError(f"{path.name} is a playlist, not a video; {FORMATS}")
    if all(byte in b"\t\r\n\f" or byte >= 32 for byte in head):
        raise ValueError(f"{path.name} is a text file, not a video; {FORMATS}")


def check_frame_size(path: Path, width: int, height: int) -> None:
    """Raises ValueError for frames of more than MAX_FRAME_PIXELS pixels."""
    if width * height > MAX_FRAME_PIXELS:
        raise ValueError(f"{path.name} is {width}x{height}; videos up to 7680x4320 are read: make it smaller first")


def open_with_opencv(path: Path) -> Stream:
    """A stream by OpenCV, in a process of its own unless EFFORT says otherwise; without frames where it cannot decode the file.

    Raises:
        ValueError: as for `check_frame_size`.
    """
    if EFFORT.opencv == NOWHERE:
        return Stream(iter(()), USUAL_FPS, 0)
    if EFFORT.opencv == HERE:
        return open_with_opencv_here(path)
    from .opencv_process import open_apart

    return open_apart(path)


def open_with_opencv_here(path: Path) -> Stream:
    """The same in this process, which the file may end."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # damage is reported by us, once
    import cv2

    level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
    # an absolute path is never taken for an address; naming the backend keeps OpenCV from trying picture sequences
    capture = cv2.VideoCapture(str(path.resolve()), cv2.CAP_FFMPEG)
    cv2.utils.logging.setLogLevel(level)
    fps, promised = capture.get(cv2.CAP_PROP_FPS), capture.get(cv2.CAP_PROP_FRAME_COUNT)
    mirrored = read_mirror_matrix(path)
    if mirrored:  # OpenCV would take it for a rotation
        capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 0)
    aspect = pixel_aspect(capture, bool(mirrored))
    width, height = (int(capture.get(name)) for name in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
    check_frame_size(path, round(width * max(aspect, 1 / aspect)), height)
    fps = fps if 0 < fps <= 1_000 else USUAL_FPS
    promised = int(promised) if 0 < promised < 1e9 else 0
    counted = count_indexed_frames(path) if is_avi(path) else promised
    form = " ".join(word for word, is_so in (("mirrored", mirrored), (f"pixels {aspect:.4g}:1", aspect != 1)) if is_so)
    return Stream(read_opencv_frames(capture, fps, mirrored, aspect), fps, counted or promised, counted > 0, form)


def pixel_aspect(capture, mirrored: bool) -> float:
    """Width over height of a pixel of OpenCV's frames, which are rotated unless `mirrored`; 1 where the file does not say.

    Args:
        capture: an open cv2.VideoCapture.
    """
    import cv2

    num, den = capture.get(cv2.CAP_PROP_SAR_NUM), capture.get(cv2.CAP_PROP_SAR_DEN)
    aspect = num / den if num > 0 and den > 0 else 1.0
    if not PIXEL_ASPECTS[0] <= aspect <= PIXEL_ASPECTS[1]:
        return 1.0
    sideways = not mirrored and capture.get(cv2.CAP_PROP_ORIENTATION_META) % 180 == 90
    return 1 / aspect if sideways else aspect


def to_displayed(frame: np.ndarray, mirrored: Matrix | None, aspect: float) -> np.ndarray:
    """A stored frame uint8 (H, W, 3), mirrored and rotated by a display matrix, and resized to square pixels.

    Args:
        mirrored: see `containers.read_mirror_matrix`.
        aspect: see `pixel_aspect`.
    """
    import cv2

    if mirrored:
        a, b, c, d = mirrored
        if not a:
            frame, aspect = frame.swapaxes(0, 1), 1 / aspect
        frame = frame[:: d or b, :: a or c]
    if aspect == 1:
        return np.ascontiguousarray(frame)
    height, width = frame.shape[:2]
    how = cv2.INTER_AREA if aspect < 1 else cv2.INTER_LINEAR
    return cv2.resize(np.ascontiguousarray(frame), (max(1, round(width * aspect)), height), interpolation=how)


def read_opencv_frames(capture, fps: float, mirrored: Matrix | None = None, aspect: float = 1.0) -> Iterator[TimedFrame]:
    """Yields the time-stamped frames of a cv2.VideoCapture up to its end or damage, then releases it."""
    import cv2

    at = -1 / fps
    try:
        while capture.isOpened():
            decoded, frame = capture.read()
            if not decoded:
                return
            stamp = capture.get(cv2.CAP_PROP_POS_MSEC) / 1_000
            at = stamp if stamp > at else at + 1 / fps
            if frame.shape[0] * frame.shape[1] > MAX_FRAME_PIXELS:  # whatever the header said
                return
            yield to_displayed(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), mirrored, aspect), at
    except cv2.error:  # the rest is damaged beyond this decoder
        return
    finally:
        capture.release()


def open_with_ffmpeg(path: Path) -> Stream:
    """A stream by ffmpeg, without frames where it cannot decode the file; raises ValueError as `check_frame_size` does."""
    import imageio_ffmpeg

    rules, square = ["-protocol_whitelist", "file,pipe", *EFFORT.ffmpeg()], ["-vf", f"scale=w='{SQUARE}':h=ih,setsar=1"]
    reader = imageio_ffmpeg.read_frames(str(path.resolve()), input_params=rules, output_params=square)
    try:
        header = next(reader)
    except (OSError, RuntimeError, StopIteration, KeyError, IndexError, ValueError):
        return Stream(iter(()), USUAL_FPS, 0)
    width, height = header["size"]
    fps = header.get("fps") or USUAL_FPS
    try:
        check_frame_size(path, width, height)
    except ValueError:
        reader.close()
        raise
    return Stream(read_ffmpeg_frames(reader, width, height, fps), fps, round(fps * (header.get("duration") or 0)))


def read_ffmpeg_frames(reader, width: int, height: int, fps: float) -> Iterator[TimedFrame]:
    """Yields the frames of an imageio-ffmpeg reader, time-stamped at a constant rate, up to its end or damage, then closes it."""
    try:
        for index, frame in enumerate(reader):
            yield np.frombuffer(frame, np.uint8).reshape(height, width, 3), index / fps
    except (OSError, RuntimeError, ValueError):  # the pipe broke: what came before is good
        return
    finally:
        reader.close()
