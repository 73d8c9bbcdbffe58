"""Files that are whole or not there: written under a temporary name beside the final one, brought to the disk, then renamed.

Every change to the file system calls `operation` first. It does nothing; tests put in its place what kills the process or fills
the disk there.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

WITHOUT_SYNC = (errno.EINVAL, errno.EACCES, errno.EPERM, errno.ENOTSUP, errno.EBADF)  # of folders, on some file systems
PARTS = ".*.part*"  # glob of temporary names, which only a killed process leaves behind


def operation(kind: str, path: Path) -> None:
    """Called before each operation: kind is 'make', 'write', 'sync', 'rename' or 'remove'."""


def make_folder(path: Path) -> None:
    """Creates a folder and its parents where missing."""
    operation("make", path)
    path.mkdir(parents=True, exist_ok=True)


def sync(path: Path) -> None:
    """Waits until a file's content, or a folder's list of names, is on the disk.

    Raises:
        OSError: it cannot be brought there; of a folder only file systems that know no such thing are forgiven.
    """
    operation("sync", path)
    folder = path.is_dir()
    try:
        number = os.open(path, os.O_RDONLY if folder else os.O_RDWR)
        try:
            os.fsync(number)
        finally:
            os.close(number)
    except OSError as error:
        if not folder or error.errno not in WITHOUT_SYNC:
            raise


def rename(old: Path, new: Path) -> None:
    """Gives a file its new name, in place of a file that had it."""
    operation("rename", new)
    os.replace(old, new)


def remove(path: Path) -> None:
    """Removes a file, if it is there."""
    operation("remove", path)
    path.unlink(missing_ok=True)


def part_name(path: Path) -> Path:
    """A temporary name beside `path`, with its extension, that no other process uses."""
    return path.with_name(f".{path.stem[:100]}-{secrets.token_hex(4)}.part{path.suffix}")


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yields a temporary path to write to; at the end the file takes the name `path`, whole and on the disk.

    After an error nothing has changed. A symbolic link stays one, and what is no regular file, such as /dev/stdout, is written to
    as it is. Missing folders are created.
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        yield path
        return
    path = path.resolve() if path.is_symlink() else path
    make_folder(path.parent)
    part = part_name(path)
    try:
        operation("write", part)
        yield part
        sync(part)
        rename(part, path)
    except BaseException:
        with suppress(OSError):
            remove(part)
        raise
    sync(path.parent)


def write_text(path: str | Path, text: str) -> None:
    """Replaces a file's content by `text`, in UTF-8."""
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file's content, as hex digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()
