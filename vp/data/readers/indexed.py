"""A folder of clips with an index.csv that states each one's length, source and split.

Columns: file (below the folder), source, fps, frames and split (train, dev, val, test or example), and licence where clips are to
be chosen by it; others are ignored. Clips of one source are alike, so they form one group, which shares a split. No clip is
opened before it is drawn.
"""

from __future__ import annotations

import csv
from functools import partial
from pathlib import Path, PurePosixPath

from ..recording import Found, Recording, Watch, without_progress_bar
from ..splits import SPLITS, WORDS
from .videos import MAX_FRAMES, load_video

INDEX = "index.csv"
COLUMNS = ("file", "source", "fps", "frames", "split")
LOOKS_FOR = f"{INDEX} with the columns {', '.join(COLUMNS)}, and the clips that it names"


def is_indexed(root: Path) -> bool:
    """Whether the folder has an index with every required column."""
    path = root / INDEX
    if not path.is_file():
        return False
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        return set(COLUMNS) <= set(next(csv.reader(file), ()))


def read(root: Path, watch: Watch = without_progress_bar) -> Found:
    """Finds the recordings that the index lists; none without an index."""
    found, splits = Found(), {}
    if not is_indexed(root):
        return found
    with (root / INDEX).open(encoding="utf-8-sig", errors="replace", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in watch(rows, "clips"):
        found.collect(row["file"] or "a line without a file", lambda: [row_recording(row, root, splits)])
    return found


def row_recording(row: dict[str, str | None], root: Path, splits: dict[str, str]) -> Recording:
    """The recording of a row of the index.

    Args:
        row: column -> text.
        splits: source -> split of the rows so far; this row is added.

    Raises:
        ValueError: the file is missing, a number is none, or the split is unknown or another one than its source has.
    """
    name, source, word = (row[column] or "" for column in ("file", "source", "split"))
    parts = PurePosixPath(name).parts
    if not parts or ".." in parts or PurePosixPath(name).is_absolute() or not (root / name).is_file():
        raise ValueError("no such file below the folder")
    try:
        fps, frames = float(row["fps"] or ""), int(row["frames"] or "")
    except ValueError:
        raise ValueError(f"fps is {row['fps']!r} and frames {row['frames']!r} in {INDEX}; give numbers") from None
    if not 0 < fps <= 1_000 or frames < 2:
        raise ValueError(f"fps is {fps:g} and frames {frames} in {INDEX}; give a rate up to 1000 and 2 frames or more")
    split = WORDS.get(word.lower(), word.lower())
    if split not in SPLITS:
        raise ValueError(f"split is {word!r} in {INDEX}; give one of {', '.join(SPLITS)}")
    if splits.setdefault(source or name, split) != split:
        raise ValueError(f"its source {source} is in {splits[source]} already; a source belongs to one split")
    return Recording(
        name,
        source or name,
        min(frames, MAX_FRAMES),
        fps,
        partial(load_video, root / name, False),
        split,
        licence=row.get("licence") or "",
    )
