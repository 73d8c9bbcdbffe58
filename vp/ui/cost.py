"""How long a prediction will take, estimated before it is let in, from its size and what earlier ones of the model took."""

from __future__ import annotations

import math
from dataclasses import dataclass

from vp.core.options import Options
from vp.prediction.request import Request

NS = 6000.0  # per pixel, future frame and step: the shipped models take 2700 to 7800 on one core of a server
MEMORY = 0.7  # weight of what is known when a prediction is added to it
FARTHEST = 30.0  # factor by which a measured speed may differ from NS: none makes a limit meaningless


@dataclass(frozen=True)
class Cost:
    """What a prediction computes.

    Args:
        model: name.
        n, frames, steps: futures, frames to predict, and network calls for each of them.
        pixels: of a frame.
    """

    model: str
    n: int
    frames: int
    steps: int
    pixels: int

    @property
    def work(self) -> float:
        """Pixels times futures, frames and steps."""
        return float(self.n) * self.frames * self.steps * self.pixels

    def what_to_lower(self) -> str:
        """The numbers that a visitor can lower, as words."""
        numbers = {"futures": self.n, "future frames": self.frames, "steps": self.steps}
        *others, last = [name for name, number in numbers.items() if number > 1] + ["size of the clip"]
        return f"{', '.join(others)} or {last}" if others else last


def cost(model: str, request: Request) -> Cost:
    """The cost of a checked request to the model of this name."""
    frames = max(1, int((~request.known).sum()))
    height, width = request.frames.shape[1:3]
    return Cost(model, request.n, frames, calls(request.options), height * width)


def calls(options: Options) -> int:
    """Network calls for each frame: the steps of a diffusion, times how often each is taken; 1 of other models."""
    return int(getattr(options, "steps", 1)) * int(getattr(options, "resample", 1))


class Speeds:
    """What predictions took on this machine, by model."""

    def __init__(self) -> None:
        self.took: dict[str, tuple[float, float]] = {}  # model -> (seconds, work), older ones counting less

    def estimate(self, wanted: Cost) -> float:
        """Estimated seconds of computing."""
        seconds, work = self.took.get(wanted.model, (NS / 1e9, 1.0))
        ns = min(max(seconds / work * 1e9, NS / FARTHEST), NS * FARTHEST)
        return ns / 1e9 * wanted.work

    def add(self, done: Cost, seconds: float) -> None:
        """Learns from a finished prediction."""
        before = self.took.pop(done.model, (0.0, 0.0))
        self.took[done.model] = (MEMORY * before[0] + seconds, MEMORY * before[1] + done.work)
        while len(self.took) > 100:  # adapted models have names of their own
            self.took.pop(next(iter(self.took)))


def in_words(seconds: float) -> str:
    """A duration such as "15 s", "3 min" or "29 h"."""
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= 1.5 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{math.ceil(seconds)} s"
