"""The log of a run: JSON lines always, TensorBoard where it is installed."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from ..core.processes import ALONE, Processes

EVERY = 20  # steps between two lines


class TermMeans:
    """Means of the loss terms of steps, over all processes; every one adds the same steps."""

    def __init__(self, processes: Processes = ALONE):
        self.processes, self.terms, self.count = processes, {}, 0

    def add_step(self, step: int, terms: Mapping[str, Tensor]) -> None:
        """Adds this process's terms of a step, and every EVERY steps gives `write_terms` the means since the last time."""
        for name, value in terms.items():
            total, times = self.terms.get(name, (0.0, 0))
            self.terms[name] = (total + value.detach().float(), times + 1)
        self.count += 1
        if self.count == EVERY:
            of_processes = self.processes.gather({name: (float(total), times) for name, (total, times) in self.terms.items()})
            sums: dict[str, tuple[float, int]] = {}
            for name, (total, times) in ((name, pair) for its in of_processes for name, pair in its.items()):
                before, already = sums.get(name, (0.0, 0))
                sums[name] = (before + total, already + times)
            self.write_terms(step, {name: total / times for name, (total, times) in sums.items()})
            self.terms, self.count = {}, 0

    def write_terms(self, step: int, means: Mapping[str, float]) -> None:
        """Keeps the means; not in processes that only train along."""


class RunLog(TermMeans):
    """Appends to `train.jsonl` and `validation.jsonl` in the run's folder, and to TensorBoard where installed.

    A training line holds each term's mean over the steps since the last line, and what `speed()` returns.
    """

    def __init__(self, folder: Path, speed: Callable[[], Mapping[str, float]], processes: Processes = ALONE):
        super().__init__(processes)
        self.folder, self.speed = folder, speed
        for kind in ("train", "validation"):
            drop_half_line(folder / f"{kind}.jsonl")
        try:
            from torch.utils.tensorboard import SummaryWriter

            self.board = SummaryWriter(str(folder / "tensorboard"))
        except ImportError:
            self.board = None

    def __enter__(self) -> RunLog:
        return self

    def __exit__(self, *_: Any) -> None:
        if self.board is not None:
            self.board.close()

    def write_terms(self, step: int, means: Mapping[str, float]) -> None:
        """Writes a line."""
        self.write("train", step, {**means, **self.speed()})

    def add_validation(self, step: int, scores: Mapping[str, float]) -> None:
        """Writes the scores of one validation."""
        self.write("validation", step, scores)

    def write(self, kind: str, step: int, numbers: Mapping[str, float]) -> None:
        """Appends one line to `kind`.jsonl."""
        with (self.folder / f"{kind}.jsonl").open("a") as file:
            file.write(json.dumps({"step": step, "time": round(time.time(), 1), **numbers}) + "\n")
        if self.board is not None:
            for name, value in numbers.items():
                self.board.add_scalar(f"{kind}/{name}", value, step)


def drop_half_line(path: Path) -> None:
    """Removes the end of a file after its last line break, which a killed process or a full disk left there."""
    content = path.read_bytes() if path.is_file() else b""
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)
