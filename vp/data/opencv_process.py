"""OpenCV in a process of its own, which a file may end without ending ours: started once, and asked for a few frames at a time.

Where the process dies, ffmpeg gives the frames that are left.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from . import video_decode
from .video_decode import USUAL_FPS, Stream, TimedFrame

MOST_AT_ONCE, AT_ONCE_BYTES = 16, 4_000_000  # frames, and about the bytes of them, that are decoded before they are looked at
ROOT = Path(__file__).resolve().parents[2]


class Died(Exception):
    """The process has ended, or answers what cannot be read."""


class OpenCVProcess:
    """A running `opencv_worker`, which decodes one file at a time."""

    def __init__(self) -> None:
        paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        command, pipe = [sys.executable, "-m", "vp.data.opencv_worker"], subprocess.PIPE
        self.process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env=os.environ | {"PYTHONPATH": paths}
        )

    def ask(self, **wish: Any) -> tuple[dict[str, Any], list[TimedFrame]]:
        """What the process answers to a wish, see `opencv_worker`, and the frames that it sends.

        Raises:
            Died: it has ended.
        """
        asked, answers = self.process.stdin, self.process.stdout
        assert asked is not None and answers is not None
        try:
            asked.write(json.dumps(wish).encode() + b"\n")
            asked.flush()
            answer = json.loads(answers.readline())
            return answer, [(read_frame(answers, height, width), at) for height, width, at in answer.get("frames", ())]
        except (OSError, ValueError) as error:
            self.end()
            raise Died from error
        except BaseException:  # interrupted in the middle of an answer
            self.end()
            raise

    def end(self) -> None:
        """Ends the process."""
        self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            with suppress(OSError):
                pipe.close()  # type: ignore[union-attr]
        self.process.wait()


def read_frame(answers: Any, height: int, width: int) -> np.ndarray:
    """A frame uint8 (H, W, 3) from a pipe.

    Raises:
        ValueError: the pipe ends before, or the frame is too large.
    """
    if not 0 < height * width <= video_decode.MAX_FRAME_PIXELS:
        raise ValueError(f"a frame of {width}x{height}")
    frame = np.empty((height, width, 3), np.uint8)
    left = memoryview(frame).cast("B")
    while left:
        count = answers.readinto(left)
        if not count:
            raise ValueError("the decoder has ended")
        left = left[count:]
    return frame


IDLE: list[OpenCVProcess] = []
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=IDLE.clear)  # they are the parent's


def open_apart(path: Path) -> Stream:
    """`video_decode.open_with_opencv_here` in a process of its own; without frames where the file ends that one.

    Raises:
        ValueError: frames too large.
    """
    while True:
        kept = IDLE.pop() if IDLE else None
        process = kept or OpenCVProcess()
        try:
            answer, _ = process.ask(open=os.path.abspath(path), pixels=video_decode.MAX_FRAME_PIXELS)
        except Died:
            if kept:  # it had ended before: those that nobody asks for long do
                continue
            return Stream(iter(()), USUAL_FPS, 0)
        if "error" in answer:
            IDLE.append(process)
            raise ValueError(answer["error"])
        about = {name: answer[name] for name in ("fps", "promised", "trusted", "form")}
        return Stream(frames_of(process, path), **about)


def frames_of(process: OpenCVProcess, path: Path) -> Iterator[TimedFrame]:
    """Yields the time-stamped frames of the file at `path`, which the process has open, then leaves it to the next file."""
    given, count = 0, 1  # the first frame is often all that is wanted
    try:
        while True:
            _, frames = process.ask(next=count)
            yield from frames
            given += len(frames)
            if len(frames) < count:
                break
            count = max(1, min(2 * count, MOST_AT_ONCE, AT_ONCE_BYTES // frames[0][0].nbytes))
    except Died:
        yield from islice(video_decode.open_with_ffmpeg(path).rest, given, None)
    finally:
        if process.process.poll() is None:
            with suppress(Died):
                process.ask(close=1)
                IDLE.append(process)
