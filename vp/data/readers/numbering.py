"""Which images of a folder follow each other, by their names.

Names are split into texts and numbers. A differing text or other number means another clip; the last number that counts within a
clip is the frame's. Where that number jumps, as from 9 to 500, frames are not consecutive.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

JUMP = 4  # usual steps; a frame may be dropped now and then, but what leaps further does not follow
NUMBER = re.compile(r"(\d+)")
MOMENT = re.compile(r"(?<!\d)(\d{4})[-_.]?(\d\d)[-_.]?(\d\d)[-_ T.]?(\d\d)[-_.:h]?(\d\d)[-_.:m]?(\d\d)(?!\d)")


@dataclass(frozen=True)
class FrameSequence:
    """The images of one clip.

    Args:
        key: what their names share, "" for nothing.
        paths: in order.
        numbers: of the frames, by their names; their indices where names have no numbers.
        parts: stretches [first, end) of indices without a jump between; none: there is no jump.
    """

    key: str
    paths: tuple[Path, ...]
    numbers: tuple[float, ...]
    parts: tuple[tuple[int, int], ...] = ()


def find_sequences(paths: Sequence[Path]) -> list[FrameSequence]:
    """The clips among the images of one folder, which are in natural order.

    Names without numbers form one clip in that order; so do all images, where no two names differ in numbers alone.
    """
    alike: dict[tuple[str, ...], list[Path]] = defaultdict(list)
    for path in paths:
        pieces = split_name(path)
        alike[(*(pieces[::2] if len(pieces) > 1 else ("",)), path.suffix.lower())].append(path)
    if len(alike) > 1 and max(map(len, alike.values())) == 1:
        return [sort_by_number("", paths, range(len(paths)))]
    return [found for group in alike.values() for found in group_by_counter(group)]


def split_name(path: Path) -> list[str]:
    """The texts of a name and the numbers between them, alternating; a date with a time of day is one number, in seconds."""
    return NUMBER.split(MOMENT.sub(moment_to_seconds, path.stem))


def moment_to_seconds(moment: re.Match[str]) -> str:
    """A matched date and time as seconds; the matched text itself where it is no valid date."""
    try:
        return str(round((datetime(*map(int, moment.groups())) - datetime(1, 1, 1)).total_seconds()))
    except ValueError:  # no such day or time: just digits
        return moment[0]


def group_by_counter(paths: Sequence[Path]) -> list[FrameSequence]:
    """Splits images whose names differ in numbers alone: one clip for each value of the numbers that do not count frames."""
    rows = join_decimals([split_name(path) for path in paths])
    changing = [place for place in range(1, len(rows[0]), 2) if len({float(row[place]) for row in rows}) > 1]
    for counter in reversed(changing):
        clips: dict[tuple[float, ...], list[int]] = defaultdict(list)
        for index, row in enumerate(rows):
            clips[tuple(float(row[place]) for place in changing if place != counter)].append(index)
        if len(clips) <= len(paths) / 2:
            return [
                sort_by_number(
                    name_without_counter(rows[its[0]], counter), [paths[i] for i in its], [float(rows[i][counter]) for i in its]
                )
                for its in clips.values()
            ]
    return [sort_by_number("", paths, [float(row[changing[0]]) for row in rows] if changing else range(len(paths)))]


def join_decimals(rows: list[list[str]]) -> list[list[str]]:
    """Pieces of names with decimals such as 12.50 joined to one number, where all rows have as many digits after the point."""
    place = 1
    while place + 2 < len(rows[0]):
        if rows[0][place + 1] == "." and len({len(row[place + 2]) for row in rows}) == 1:
            rows = [[*row[:place], "".join(row[place : place + 3]), *row[place + 3 :]] for row in rows]
        place += 2
    return rows


def name_without_counter(pieces: Sequence[str], counter: int) -> str:
    """An image's name without the frame's number, and without the separator before it."""
    return "".join(pieces[:counter]).rstrip("_-. ") + "".join(pieces[counter + 1 :])


def sort_by_number(key: str, paths: Sequence[Path], numbers: Sequence[float]) -> FrameSequence:
    """The images sorted by their numbers as one sequence."""
    order = sorted(range(len(paths)), key=lambda place: numbers[place])
    counted = np.array([numbers[place] for place in order], float)
    return FrameSequence(key, tuple(paths[place] for place in order), tuple(counted.tolist()), spans_without_jumps(counted))


def spans_without_jumps(numbers: np.ndarray) -> tuple[tuple[int, int], ...]:
    """Stretches [first, end) of increasing numbers without a jump; none where all are one stretch."""
    steps = np.diff(numbers)
    if not (steps > 0).any():
        return ()
    ends = 1 + np.flatnonzero(steps > JUMP * np.median(steps[steps > 0]))
    return tuple(zip([0, *ends.tolist()], [*ends.tolist(), len(numbers)])) if len(ends) else ()
