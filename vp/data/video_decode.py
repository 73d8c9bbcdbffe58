"""Decoding: OpenCV first, and the ffmpeg of imageio-ffmpeg where OpenCV yields nothing (its wheels lack AV1).

OpenCV stops at damage, keeps time stamps and honours rotation; ffmpeg conceals damage and pads to a constant rate, so
it comes second. Headers are never trusted for the number of frames.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

Shot = tuple[np.ndarray, float]  # RGB uint8 (H, W, 3), seconds
FORMATS = "give an mp4, webm, mov, mkv, avi or GIF"
MAX_FRAME_PIXELS = 7_680 * 4_320
PLAYLISTS = (b"#EXTM3U", b"ffconcat", b"<?xml", b"<MPD", b"v=0")  # they name other files for the decoder to open
USUAL_FPS = 25.0


@dataclass
class Stream:
    """A video being decoded.

    Args:
        rest: the shots not taken yet, times strictly rising.
        fps: by the header.
        promised: frames by the header, 0 where it says nothing; often wrong.
        first: taken from `rest` to see whether anything can be decoded.
        decoded: shots handed out so far.
    """

    rest: Iterator[Shot]
    fps: float
    promised: int
    first: Shot | None = None
    decoded: int = 0

    def shots(self) -> Iterator[Shot]:
        for shot in chain([self.first], self.rest):
            self.decoded += 1
            yield shot

    def close(self) -> None:
        self.rest.close()


def open_video(path: str | Path) -> Stream:
    """A stream with its first shot taken; close it when done.

    Raises:
        ValueError: nothing in the file can be decoded, in one sentence.
    """
    path = Path(path)
    refuse_what_is_no_video(path)
    for opener in (open_with_opencv, open_with_ffmpeg):
        stream = opener(path)
        stream.first = next(stream.rest, None)
        if stream.first is not None:
            return stream
    why = "not a video, sound only, or too damaged"
    raise ValueError(f"{path.name} has no pictures that can be decoded ({why}); {FORMATS}")


def refuse_what_is_no_video(path: Path) -> None:
    """Raises ValueError for a missing or empty file, a text or a playlist; anything else is for the decoder to judge."""
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


def check_pixels(path: Path, width: int, height: int) -> None:
    if width * height > MAX_FRAME_PIXELS:
        raise ValueError(f"{path.name} is {width}x{height}; videos up to 7680x4320 are read: make it smaller first")


def open_with_opencv(path: Path) -> Stream:
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # damage is reported by us, once
    import cv2

    level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
    # an absolute path is never taken for an address; naming the backend keeps OpenCV from trying picture sequences
    capture = cv2.VideoCapture(str(path.resolve()), cv2.CAP_FFMPEG)
    cv2.utils.logging.setLogLevel(level)
    fps, promised = capture.get(cv2.CAP_PROP_FPS), capture.get(cv2.CAP_PROP_FRAME_COUNT)
    check_pixels(path, int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)))
    fps = fps if 0 < fps <= 1_000 else USUAL_FPS
    return Stream(opencv_frames(capture, fps), fps, int(promised) if 0 < promised < 1e9 else 0)


def opencv_frames(capture, fps: float) -> Iterator[Shot]:
    import cv2

    time = -1 / fps
    try:
        while capture.isOpened():
            decoded, frame = capture.read()
            if not decoded:
                return
            stamp = capture.get(cv2.CAP_PROP_POS_MSEC) / 1_000
            time = stamp if stamp > time else time + 1 / fps
            yield cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), time
    except cv2.error:  # the rest is damaged beyond this decoder
        return
    finally:
        capture.release()


def open_with_ffmpeg(path: Path) -> Stream:
    import imageio_ffmpeg

    reader = imageio_ffmpeg.read_frames(str(path.resolve()), input_params=["-protocol_whitelist", "file,pipe"])
    try:
        header = next(reader)
    except (OSError, RuntimeError, StopIteration, KeyError, IndexError, ValueError):
        return Stream(iter(()), USUAL_FPS, 0)
    width, height = header["size"]
    fps = header.get("fps") or USUAL_FPS
    try:
        check_pixels(path, width, height)
    except ValueError:
        reader.close()
        raise
    return Stream(ffmpeg_frames(reader, width, height, fps), fps, round(fps * (header.get("duration") or 0)))


def ffmpeg_frames(reader, width: int, height: int, fps: float) -> Iterator[Shot]:
    try:
        for index, frame in enumerate(reader):
            yield np.frombuffer(frame, np.uint8).reshape(height, width, 3), index / fps
    except (OSError, RuntimeError, ValueError):  # the pipe broke: what came before is good
        return
    finally:
        reader.close()
