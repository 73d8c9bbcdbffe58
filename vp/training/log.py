"""The log of a run: JSON lines always, TensorBoard where it is installed."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

EVERY = 20  # steps between two lines


class RunLog:
    """Appends to `train.jsonl` and `validation.jsonl` in the run's folder, and to TensorBoard where installed.

    A training line holds each term's mean over the steps since the last line, and what `speed()` returns.
    """

    def __init__(self, folder: Path, speed: Callable[[], Mapping[str, float]]):
        self.folder, self.speed, self.terms, self.count = folder, speed, {}, 0
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

    def add_step(self, step: int, terms: Mapping[str, Tensor]) -> None:
        """Adds a step's loss terms, and writes a line after every EVERY steps."""
        for name, value in terms.items():
            total, times = self.terms.get(name, (0.0, 0))
            self.terms[name] = (total + value.detach().float(), times + 1)
        self.count += 1
        if self.count == EVERY:
            means = {name: float(total) / times for name, (total, times) in self.terms.items()}
            self.write("train", step, {**means, **self.speed()})
            self.terms, self.count = {}, 0

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
