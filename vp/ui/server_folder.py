"""One folder for all that a server process writes on disk: made when it starts, gone when it ends, however it ends.

It lies below the folder for temporary files (or GRADIO_TEMP_DIR), lets nobody else in (mode 700) and holds a lock that the kernel
gives back when the process ends. A server that starts removes the folders whose lock nobody holds: those of servers that were
killed. Gradio is told to keep its files there too.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import tempfile
import threading
import time
from functools import cache
from pathlib import Path
from typing import Any

LOCK = ".lock"
JUST_MADE_S = 60.0  # in which another server has made its folder and not yet its lock


@cache
def server_folder() -> Path:
    """The folder of this process, made at the first call, before Gradio's components are."""
    parent = Path(os.environ.get("GRADIO_TEMP_DIR") or tempfile.gettempdir())
    parent.mkdir(parents=True, exist_ok=True)
    sweep(parent)
    folder = create(parent)
    os.environ["GRADIO_TEMP_DIR"] = str(folder)
    remove_at_end(folder)
    return folder


def prefix() -> str:
    """With which the names of this user's folders begin."""
    return f"vp-server-{os.getuid() if hasattr(os, 'getuid') else 0}-"


def create(parent: Path) -> Path:
    """Makes a folder of mode 700 and takes its lock, for as long as this process lives."""
    folder = Path(tempfile.mkdtemp(prefix=prefix(), dir=parent)).resolve()
    take_lock(folder)
    return folder


def take_lock(folder: Path) -> bool:
    """Takes a folder's lock, which ends with this process; False where another process holds it."""
    try:
        import fcntl
    except ImportError:  # not on Windows
        return False
    number = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(number)
        return False
    os.set_inheritable(number, False)
    return True


def sweep(parent: Path) -> list[Path]:
    """Removes the folders of this user's servers that have ended; returns them."""
    removed = []
    for folder in sorted(parent.glob(f"{prefix()}*")):
        try:
            about = folder.lstat()
            ours = not hasattr(os, "getuid") or about.st_uid == os.getuid()
            fresh = not (folder / LOCK).exists() and time.time() - about.st_mtime < JUST_MADE_S
            if folder.is_symlink() or not folder.is_dir() or not ours or fresh or not take_lock(folder):
                continue
            shutil.rmtree(folder, ignore_errors=True)
            removed.append(folder)
        except OSError:  # another server has swept it
            continue
    return removed


def remove_at_end(folder: Path) -> None:
    """Removes a folder when this process ends by itself or by SIGTERM; a child that it forks leaves it alone."""
    owner = os.getpid()

    def remove() -> None:
        if os.getpid() == owner:
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        return

    def end(number: int, _: Any) -> None:
        remove()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    signal.signal(signal.SIGTERM, end)
