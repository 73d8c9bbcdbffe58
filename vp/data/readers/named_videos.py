"""Videos whose names state who or what they show, which decides groups and splits: UCF101 and the Georgia Tech actions."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ..recording import Found, Watch, without_progress_bar
from .files import VIDEOS, list_files, name_below
from .videos import video_recording

Split = Callable[[re.Match], str | None]


def read(pattern: str, example: str, split: Split, root: Path, watch: Watch = without_progress_bar) -> Found:
    """Finds the videos whose stems match `pattern`.

    Args:
        pattern: regular expression; its named groups together form the recording's group.
        example: a matching file name, for messages.
        split: match -> split or None.
    """
    name, found = re.compile(pattern, re.IGNORECASE), Found()

    def clips(path: Path):
        match = name.fullmatch(path.stem)
        if path.suffix.lower() not in VIDEOS or not match:
            raise ValueError(f"not named like {example}")
        yield replace(video_recording(path, root), group="-".join(match.groupdict().values()), split=split(match))

    for path in watch(list_files(root), "files"):
        found.collect(name_below(path, root), lambda: clips(path))
    return found


def ucf101_split(match: re.Match) -> str:
    """Official split 1: groups 1 to 7 are for the test; of the others, 8 and 9 are for validation here."""
    group = int(match["group"])
    return "test" if group <= 7 else "val" if group <= 9 else "train"


def no_published_split(match: re.Match) -> None:
    """None: without a published split, persons are assigned by their hash."""
