"""Decodes files of strangers in a process of its own, with limits that the server itself need not have."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .clip import Clip
from .decode_worker import OPENCV_OPTIONS
from .overview import Overview

LOG = logging.getLogger(__name__)
ROOT = Path(__file__).resolve().parents[2]
MB = 10**6
ACCEPTED = "mp4, webm, mov, mkv, avi and GIF are read"
# of the environment: what finds the interpreter and its libraries, and no secrets
PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "IMAGEIO_FFMPEG_EXE", "LANG", "LC_ALL")
LONGEST_ANSWER = 64_000  # characters
ENDED = "the decoder ended with {}"
CRASHES = {ENDED.format(-number) for number in (signal.SIGABRT, signal.SIGSEGV)}  # of OpenCV, where ffmpeg may do better


@dataclass(frozen=True)
class Limits:
    """What decoding a file may take.

    Args:
        cpu_s: CPU seconds, of the process and the ffmpeg that it may start.
        wall_s: seconds from the start to the answer.
        memory: bytes that either may allocate.
        clip_bytes: of the clip's frames, which are shrunk to fit.
        file_bytes: of the largest file written.
    """

    cpu_s: float = 10.0
    wall_s: float = 40.0
    memory: int = 600 * MB
    clip_bytes: int = 180 * MB
    file_bytes: int = 200 * MB


LIMITS = Limits()


def decode_apart(
    path: str, folder: Path, overview: bool = False, limits: Limits = LIMITS, **arguments: Any
) -> tuple[Clip, Overview | None]:
    """`read_clip` in a process of its own.

    Args:
        path: of the file.
        folder: an empty one of the caller's, where the frames lie as long as the clip is used.
        overview: the overview of the whole file is made too, from the same frames.
        limits: see `Limits`.
        arguments: of `read_clip`.

    Returns:
        the clip, its frames mapped from a file (writes stay in memory), and the overview or None.

    Raises:
        ValueError: as for `read_clip`, or a limit was reached; in one sentence.
    """
    path, region = os.path.abspath(path), arguments.pop("region", None)
    parts = None if region is None else [region.left, region.top, region.width, region.height]
    given = {"path": path, "folder": str(folder), "overview": overview, "arguments": arguments | {"region": parts}}
    why = run_worker(given | {"opencv": True} | asdict(limits), folder, limits)
    if why in CRASHES:
        why = run_worker(given | {"opencv": False} | asdict(limits), folder, limits)
    answer = read_answer(folder)
    if "error" in answer:
        raise ValueError(str(answer["error"]))
    if why is None and not answer:
        why = "the decoder ended without an answer"
    if why is None and "memory" in answer:
        why = f"decoding takes more than {limits.memory // MB} MB of memory"
    if why is not None:
        raise ValueError(f"{Path(path).name} cannot be used: {why}; {ACCEPTED}: give a shorter or smaller video in one of these")
    try:
        return load_clip(folder, path, answer), load_overview(folder, answer) if overview else None
    except (OSError, KeyError, TypeError, ValueError) as error:
        LOG.warning("the decoder's answer cannot be read: %s", error)
        raise ValueError(f"{Path(path).name} cannot be decoded; {ACCEPTED}: convert it to one of these") from None


def run_worker(job: dict[str, Any], folder: Path, limits: Limits) -> str | None:
    """Runs the worker to its end or to a limit, and ends all that it started; returns what was wrong, or None."""
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    environment |= {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "TMPDIR": str(folder)}
    environment |= {"OPENCV_FFMPEG_CAPTURE_OPTIONS": OPENCV_OPTIONS, "OPENCV_FFMPEG_LOGLEVEL": "-8", "PYTHONUTF8": "1"}
    command = [sys.executable, "-m", "vp.data.decode_worker", json.dumps(job)]
    silent = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
    worker = subprocess.Popen(command, cwd=folder, env=environment, start_new_session=True, **silent)  # type: ignore[call-overload]
    try:
        ended = worker.wait(limits.wall_s)
    except subprocess.TimeoutExpired:
        return f"decoding takes more than {limits.wall_s:g} seconds"
    finally:
        end_group(worker)
    if sys.platform != "win32" and ended in (-signal.SIGXCPU, -signal.SIGKILL):  # the second where its own handling is stuck
        return f"decoding takes more than {limits.cpu_s:g} seconds of computing"
    return ENDED.format(ended) if ended else None


def end_group(worker: subprocess.Popen) -> None:
    """Ends the worker and its ffmpeg."""
    with suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            worker.kill()
        else:
            os.killpg(worker.pid, signal.SIGKILL)  # its session's group, which lasts as long as one of them
    worker.wait()


def read_answer(folder: Path) -> dict[str, Any]:
    """The worker's answer; {} where it left none that can be read."""
    try:
        with (folder / "answer.json").open(encoding="utf-8") as file:
            answer = json.loads(file.read(LONGEST_ANSWER))
    except (OSError, ValueError):
        return {}
    return answer if isinstance(answer, dict) else {}


def load_clip(folder: Path, path: str, answer: dict[str, Any]) -> Clip:
    """The clip that the worker left in `folder`; raises ValueError or KeyError where it is none."""
    frames = load_array(folder / "frames.npy", np.uint8, 4)
    if len(frames) < 2 or frames.shape[-1] not in (1, 3):
        raise ValueError(f"frames {frames.shape}")
    numbers = {name: int(answer[name]) for name in ("first", "every", "total")}
    return Clip(frames, float(answer["fps"]), tuple(map(str, answer["notes"])), path=path, **numbers)


def load_overview(folder: Path, answer: dict[str, Any]) -> Overview:
    """The overview that the worker left in `folder`; errors as for `load_clip`."""
    thumbnails = load_array(folder / "thumbnails.npy", np.uint8, 4)
    times, motion = load_array(folder / "times.npy", np.float64, 1), load_array(folder / "motion.npy", np.float32, 3)
    return Overview(thumbnails, times, motion, int(answer["width"]), int(answer["height"]))


def load_array(path: Path, dtype: type, dimensions: int) -> np.ndarray:
    """An array of a file, mapped; what is written into it stays in memory.

    Raises:
        ValueError: it has another type or number of dimensions.
    """
    array = np.load(path, mmap_mode="c", allow_pickle=False)
    if array.dtype != dtype or array.ndim != dimensions:
        raise ValueError(f"{path.name} is {array.dtype} {array.shape}")
    return array.view(np.ndarray)
