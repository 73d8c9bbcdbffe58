"""Stands in for `vp.core.files.operation`: kills or fills the disk at the n-th operation on files."""

import errno
import os

from vp.core import files


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
