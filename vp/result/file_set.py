"""Files that belong together in a folder: written beside their places, then put there at once, so that no two results mix.

One of them is the marker, a JSON that says it is a result of vp. Where it is, files of the set's names are an earlier result,
which a new one replaces; where it is not, they are somebody else's and stay, unless `force` is given.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..core import files

FORMAT = "vp-result"
ABANDONED_S = 3600.0  # age of a temporary file that nobody writes to any more


class FileSet:
    """A set on its way into a folder, which is created where missing; leaving the context removes what was not put in place.

    Args:
        folder: where the files go.
        marker: name of the marker.
        others: glob patterns of the other files of an earlier result, which `finish` removes.
    """

    def __init__(self, folder: Path, marker: str, others: Sequence[str]):
        self.folder, self.marker, self.others = folder, marker, others
        self.parts: dict[str, Path] = {}

    def __enter__(self) -> FileSet:
        files.make_folder(self.folder)
        for part in self.folder.glob(files.PARTS):  # of a process that was killed; a younger one may still be written
            with suppress(OSError):
                if time.time() - part.stat().st_mtime > ABANDONED_S:
                    files.remove(part)
        return self

    def __exit__(self, *_: Any) -> None:
        for part in self.parts.values():
            with suppress(OSError):
                files.remove(part)

    def add(self, name: str, write: Callable[[Path], Any]) -> None:
        """Writes the file `name` beside its place by calling `write` with a temporary path, and brings it to the disk."""
        part = files.part_name(self.folder / name)
        self.parts[name] = part
        try:
            files.operation("write", part)
            write(part)
            files.sync(part)
        except BaseException:
            del self.parts[name]
            with suppress(OSError):
                files.remove(part)
            raise

    def finish(self) -> tuple[dict[str, Path], dict[str, OSError]]:
        """Removes an earlier result but for its marker, then puts the files in place, the marker first.

        If it is killed in between, the marker still says that the rest is vp's, and no two results are mixed.

        Returns:
            name -> path of the files now in place, and name -> error of those whose place is taken, such as by a folder.
        """
        placed, failed = {}, {}
        for pattern in self.others:
            for old in sorted(self.folder.glob(pattern)):
                if old.name != self.marker and (old.is_file() or old.is_symlink()):
                    files.remove(old)
        for name in sorted(self.parts, key=lambda name: name != self.marker):
            try:
                files.rename(self.parts[name], self.folder / name)
                placed[name] = self.folder / name
            except OSError as error:
                failed[name] = error
                if name == self.marker:  # without it the others would not be known as vp's
                    return {}, dict.fromkeys(self.parts, error)
        files.sync(self.folder)
        self.parts = {name: part for name, part in self.parts.items() if name in failed}
        return placed, failed


def check_no_foreign_files(folder: Path, marker: str, others: Sequence[str], advice: str) -> None:
    """Raises ValueError where a folder holds files of these names that no earlier result of vp put there.

    Args:
        folder, marker, others: as for `FileSet`.
        advice: end of the sentence: what to do.
    """
    if is_result(folder / marker):
        return
    if (folder / marker).is_dir():
        raise ValueError(f"{folder / marker} is a folder; {advice}")
    for pattern in (marker, *others):
        for path in sorted(folder.glob(pattern)):
            if path.is_file():
                raise ValueError(f"{path} is there and was not written by vp (no {marker} of vp is beside it); {advice}")


def is_result(path: Path) -> bool:
    """Whether a file is a result's record."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(record, dict) and record.get("format") == FORMAT
