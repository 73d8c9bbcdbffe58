"""What `benchmarks.simulated_cuda` notices: waits, copies between host and device, random numbers in recordings."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

SOURCES = str(Path(__file__).resolve().parents[1] / "vp") + "/"
FRAMES = 3  # innermost frames of an event's stack that are kept


@dataclass(frozen=True)
class Event:
    """Something that a GPU's user pays for: kind, what did it, `file:line` of the innermost calls in vp, and whether recorded."""

    kind: str
    what: str
    where: tuple[str, ...]
    captured: bool

    def __str__(self) -> str:
        return (
            f"{self.kind}{' in a recording' if self.captured else ''}: {self.what} at {' < '.join(self.where) or 'no file of vp'}"
        )


def calls_in_vp() -> tuple[str, ...]:
    """`file:line` of the innermost FRAMES calls in files of vp."""
    found: list[str] = []
    frame = sys._getframe(1)
    while frame is not None and len(found) < FRAMES:
        name = frame.f_code.co_filename
        if name.startswith(SOURCES):
            found.append(f"{name.removeprefix(SOURCES)}:{frame.f_lineno}")
        frame = frame.f_back
    return tuple(found)
