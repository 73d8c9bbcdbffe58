"""One process trains in a folder: a lock that the kernel gives back when its process ends, however it ends."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK = ".lock"


@contextmanager
def lock_run(folder: Path) -> Iterator[None]:
    """Holds the lock of a run's folder, which is created where missing, and removed again if nothing else came into it.

    Raises:
        ValueError: another process holds it.
        OSError: the folder cannot be written to.
    """
    try:
        import fcntl
    except ImportError:  # not on Windows
        yield
        return
    fresh = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = f"process {file.read().strip()}"
            raise ValueError(
                f"{folder} is in use by {holder}, which trains in it; wait for its end or choose another --out"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        try:
            yield
        finally:
            if fresh and [x.name for x in folder.iterdir()] == [LOCK]:  # a run that was refused leaves nothing behind
                (folder / LOCK).unlink()
                folder.rmdir()
