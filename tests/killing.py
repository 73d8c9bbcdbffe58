"""Ends a process, or fills the disk, at a chosen operation on files, or a training after a chosen step."""

import errno
import os
import signal

from vp.core import files
from vp.training.trainer import Trainer


class Killed(BaseException):
    """The process ends here; nothing that is done afterwards reaches the disk."""


class Fault:
    """Counts operations.

    Args:
        at: the operation, from 1, before which the process dies; None: it only counts.
        full: the disk is full from there on instead: files can be removed, but not written.
    """

    def __init__(self, at=None, full=False):
        self.at, self.full, self.count, self.seen = at, full, 0, []

    def __call__(self, kind, path):
        self.count += 1
        self.seen.append((kind, path.name))
        if self.at is None or self.count < self.at or self.full and kind in ("remove", "rename"):
            return
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        if self.count == self.at and kind == "sync" and path.is_file():
            os.truncate(path, path.stat().st_size // 2)  # what was not yet on the disk
        raise Killed


def count_operations(monkeypatch, do) -> int:
    """How many operations `do()` takes."""
    fault = Fault()
    with monkeypatch.context() as patch:
        patch.setattr(files, "operation", fault)
        do()
    return fault.count


def signal_after_step(step: int, number: signal.Signals, monkeypatch) -> None:
    """Lets a training get a signal from the system as soon as it has taken so many steps."""
    advance = Trainer.advance

    def advance_and_signal(trainer):
        terms = advance(trainer)
        if trainer.step == step:
            os.kill(os.getpid(), number)
        return terms

    monkeypatch.setattr(Trainer, "advance", advance_and_signal)
