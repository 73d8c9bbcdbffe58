"""Helpers of all readers: listing folders, and what paths say about recordings."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from ..splits import WORDS

VIDEOS = frozenset(
    (".3gp", ".avi", ".flv", ".gif", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv", ".ts", ".webm", ".wmv")
)
PICTURES = frozenset((".bmp", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp"))
ARRAYS = frozenset((".npy", ".npz"))

PERSON = re.compile(r"(?<![a-z])(person|subject|subj|actor|speaker|signer|participant|patient)[-_ ]?(\d+)", re.IGNORECASE)
PIECE = re.compile(
    r"(.*[^/])[-_. ](?:(?:part|clip|cut|seg|segment|seq|scene|shot|take|chunk|c)[-_ ]?\d+|\d{5,}[-_]\d{5,})", re.IGNORECASE
)


def natural_key(path: Path | str) -> list[tuple[int, str]]:
    """A sort key by which numbers in names count as numbers: 2.png before 10.png."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", str(path))]


def walk_folders(root: Path) -> Iterator[tuple[Path, list[Path]]]:
    """Yields (folder, its files) for `root` and every folder below it, in natural order; a file yields itself.

    Hidden files are skipped, and so are folders reached a second time through links.
    """
    if root.is_file():
        yield root.parent, [root]
        return
    seen: set[str] = set()
    for folder, below, files in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        below[:] = [] if real in seen else sorted((name for name in below if name[0] != "."), key=natural_key)
        if real not in seen:
            yield Path(folder), [Path(folder, name) for name in sorted(files, key=natural_key) if name[0] != "."]
        seen.add(real)


def is_image(path: Path) -> bool:
    """Whether the file's ending is that of an image."""
    return path.suffix.lower() in PICTURES


def list_files(root: Path) -> list[Path]:
    """All files below `root`, in natural order."""
    return [path for _, paths in walk_folders(root) for path in paths]


def name_below(path: Path, root: Path) -> str:
    """A recording's name in its data set: the path below the root, with forward slashes."""
    return to_printable(path.name if path == root else path.relative_to(root if root.is_dir() else root.parent).as_posix())


def to_printable(name: str) -> str:
    """A file name that is no UTF-8 with its broken characters replaced, so that it can be hashed and printed."""
    return name.encode(errors="replace").decode()


def split_from_folder(name: str) -> str | None:
    """The split that the outermost folder named train, val, validate, test or the like stands for, None without such a folder."""
    return next((WORDS[folder] for folder in name.lower().split("/")[:-1] if folder in WORDS), None)


def person_and_source(name: str) -> tuple[str, str]:
    """What a recording's name says about its origin.

    Returns:
        the person it shows, such as "person01", or "" (the innermost of several), and its source: the name without ending and
        without a part's number (film_part2.mp4, v_Archery_g01_c03, ID_000010_000020).
    """
    people = PERSON.findall(name)
    person = f"{people[-1][0].lower()}{int(people[-1][1]):02}" if people else ""
    path, hash, number = name.partition("#")  # recordings of one array file are as different as files
    stem = path.removesuffix(Path(path).suffix) if Path(path).suffix.lower() in VIDEOS | PICTURES | ARRAYS else path
    piece = PIECE.fullmatch(stem)
    return person, (piece[1] if piece else stem) + hash + number
