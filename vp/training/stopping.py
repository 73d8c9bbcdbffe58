"""What ends a training before its last step: signals, and a file system that refuses."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HANGUP = getattr(signal, "SIGHUP", None)  # not on Windows


class HungUp(ValueError):
    """The terminal is gone; the state was saved. `exit_code` is that of the CLI."""

    exit_code = 129  # as a shell gives it for SIGHUP


class DiskError(ValueError):
    """A file could not be written or read; the run's folder keeps the last good state. `exit_code` is that of the CLI."""

    exit_code = 4


class Stop(threading.Event):
    """Set by a signal; `hung_up` says that it was SIGHUP."""

    hung_up = False


@contextmanager
def stop_signal() -> Iterator[Stop]:
    """Set by SIGINT, SIGTERM or SIGHUP, so that the loop saves before it leaves; `nohup` is respected."""
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def handle(number: int, _: object) -> None:
        stop.hung_up = stop.hung_up or number == HANGUP
        stop.set()

    numbers = [signal.SIGINT, signal.SIGTERM]
    if HANGUP is not None and signal.getsignal(HANGUP) != signal.SIG_IGN:
        numbers.append(HANGUP)
    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def disk_error(error: OSError, out: Path, step: int, kept: int | None) -> DiskError:
    """The error to raise where the file system refused something.

    Args:
        out: the run's folder.
        step: that it was at.
        kept: step of the state that the folder holds, or None.
    """
    what = f"{error.filename}: " if error.filename else ""
    why = error.strerror or (os.strerror(error.errno) if error.errno else str(error))
    then = "holds no state yet: begin anew" if kept is None else f"keeps the state of step {kept}: go on from there with --resume"
    return DiskError(f"{what}{why}; the run in {out} ended at step {step} and {then} once that is put right")
