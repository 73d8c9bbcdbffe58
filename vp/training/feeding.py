"""Where the clips of a training come from: from a device's own memory where they fit, else from the CPU's, read ahead."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import torch
from tqdm import tqdm

from ..core.processes import is_first_process, local_count
from ..data import ClipSource
from ..data.crops import CroppedClips
from ..data.digits.moving_digits import MovingDigits
from ..data.digits.robust import DigitsRobust
from ..data.drawn import Feed, HostFeed
from ..data.recorded import RecordedClips
from ..data.resident_clips import NotResident, ResidentClips, decoded_bytes
from ..data.resident_crops import ResidentCrops

DEVICE_SHARE = 0.5  # of the GPU memory that is free before the networks are there: what pixels may take
MEMORY_SHARE = 0.25  # of the memory that is free: what decoded clips may take; several trainings may run side by side

Progress = Callable[[int, int], None]  # (done, in all)


def open_feed(source: ClipSource, length: int, device: torch.device, most: int | None = None) -> Feed:
    """A source's clips for training on a device; for recordings one line on stderr says where their pixels are.

    Args:
        source: on the CPU.
        length: frames of a clip.
        most: bytes of the device's memory that its pixels may take; None: DEVICE_SHARE of what is free on a GPU, 0 on a CPU.
    """
    if isinstance(source, (MovingDigits, DigitsRobust)):
        return source if device.type == "cpu" else source.placed(device)
    if not isinstance(source, (RecordedClips, CroppedClips)):
        return HostFeed(source)
    most = most if most is not None else device_room(device)
    why = ""
    if most:
        try:
            with progress_bar(f"{source.name}: to the GPU") as progress:
                feed: Feed = (
                    ResidentClips(source, length, device, most, progress)
                    if isinstance(source, RecordedClips)
                    else ResidentCrops(source, device, most, progress)
                )
            say(f"{source.name}: all pixels are on the GPU, uploaded once")
            return feed
        except NotResident as error:
            why = f"its pixels stay off the GPU, since {error}; "
    ahead = "mini-batches are read ahead; " if device.type == "cuda" else ""
    say(f"{source.name}: {why}{ahead}{bound_cache(source, length)}")
    return HostFeed(source)


def say(line: str) -> None:
    """Prints a line on stderr, once for all processes."""
    if is_first_process():
        print(line, file=sys.stderr)


def bound_cache(source: RecordedClips | CroppedClips, length: int) -> str:
    """Lets a source keep what it decodes, up to MEMORY_SHARE of the free memory; returns what was done, in words."""
    if isinstance(source, CroppedClips):
        return "frames come from the files of the cache"
    whole, room = decoded_bytes(source, length), int(MEMORY_SHARE * free_memory() / local_count())
    source.cache.most = room if whole is None else min(whole, room)
    if whole is not None and whole <= room:
        return f"all decoded clips stay in memory, {whole / 1e9:.2f} GB"
    return f"decoded clips stay in memory up to {source.cache.most / 1e9:.2f} GB" + (f" of {whole / 1e9:.2f}" if whole else "")


def device_room(device: torch.device) -> int:
    """Bytes of a device's memory that pixels may take."""
    return int(DEVICE_SHARE * torch.cuda.mem_get_info(device)[0]) if device.type == "cuda" else 0


def free_memory() -> int:
    """Bytes of the machine's memory that programs can have."""
    try:
        with open("/proc/meminfo") as file:
            return next(1024 * int(line.split()[1]) for line in file if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2 if hasattr(os, "sysconf") else 4 * 2**30


class progress_bar:
    """A context that gives a function to call with (done, in all), shown as a bar once it takes longer than a second."""

    def __init__(self, what: str):
        self.bar = tqdm(desc=what, mininterval=2, delay=1, disable=not is_first_process())

    def __enter__(self) -> Progress:
        return self.report

    def __exit__(self, *_) -> None:
        self.bar.close()

    def report(self, done: int, total: int) -> None:
        self.bar.total = total
        self.bar.update(done - self.bar.n)
