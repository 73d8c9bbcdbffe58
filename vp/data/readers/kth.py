"""KTH human actions (Schuldt et al. 2004): persons walk, jog, run, box, wave and clap before a still camera.

The videos, or folders with their frames, are in one folder or in class folders, `00sequences.txt` beside them or above: four
stretches of each video that show the person, so that the empty frames between are never drawn. Persons 1-20 are for training as
published, 21-25 for the test; 7 and 9 are held out of training for validation. The 160x120 frames are squeezed into a square,
as in the published experiments: a centre square would lose people who walk in from the side.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from ..recording import Found, Recording, Watch, without_progress_bar
from .files import VIDEOS, is_image, name_below, walk_folders
from .numbering import FrameSequence, find_sequences
from .pictures import sequence_recording
from .videos import video_recording

NAME = re.compile(r"person(\d+)_([a-z]+)(?:_(d\d))?(?:_uncomp)?", re.IGNORECASE)
LINE = re.compile(r"^(person\d+_[a-z]+_d\d)\s+frames\s+([\d\s,-]+)$", re.IGNORECASE | re.MULTILINE)
LIST = "00sequences.txt"
VAL, TEST = (7, 9), range(21, 26)
FPS = 25.0
LOOKS_FOR = "person01_boxing_d1_uncomp.avi and so on, in class folders or not, or folders of frames of these names"
Stretches = dict[str, tuple[tuple[int, int], ...]]


def read(root: Path, watch: Watch = without_progress_bar) -> Found:
    """Finds the videos and folders of frames of KTH below a folder."""
    found, folders = Found(), list(walk_folders(root))
    paths = [path for _, its in folders for path in its]
    listed = next((path for path in (*paths, root.parent / LIST) if path.name == LIST and path.is_file()), None)
    stretches = read_stretches(listed) if listed else {}
    if not stretches:
        found.notes.append(f"There is no {LIST} with stretches of frames, so empty frames are not excluded.")
    jobs: list[tuple[Path, list[Path]]] = [(path, []) for path in paths if path != listed and not is_image(path)]
    jobs += [(folder, pictures) for folder, its in folders if (pictures := list(filter(is_image, its)))]
    for path, pictures in watch(jobs, "files"):
        found.collect(
            name_below(path, root),
            lambda: folder_recordings(pictures, root, stretches) if pictures else [person_video_recording(path, root, stretches)],
        )
    return found


def person_video_recording(path: Path, root: Path, stretches: Stretches) -> Recording:
    """The recording of a video; raises ValueError where its name is not that of a KTH clip."""
    match = NAME.fullmatch(path.stem)
    if path.suffix.lower() not in VIDEOS or not match:
        raise ValueError("not named like a KTH clip, person01_boxing_d1_uncomp.avi")
    parts = stretches.get(name_in_list(match), ())
    return with_person(replace(video_recording(path, root, squeeze=True), parts=parts), match)


def folder_recordings(paths: list[Path], root: Path, stretches: Stretches) -> Iterator[Recording]:
    """Yields the recordings of the frames in one folder, as SVG's script writes them.

    The folder, or one above it, has the clip's name. The frames may be those of the listed stretches alone: their numbers state
    which, counted from 1 as in the list, or from 0.

    Raises:
        ValueError: no folder has the name of a KTH clip, or a clip has no usable frames.
    """
    clips = find_sequences(paths)
    for found in clips:
        names = (found.key, *reversed(PurePosixPath(name_below(found.paths[0].parent, root)).parts), root.name)
        match = next(filter(None, (NAME.match(name) for name in names)), None)
        if match is None:
            raise ValueError("no folder of frames named like a KTH clip, person01_boxing_d1_uncomp/image-001.png")
        whole = replace(sequence_recording(found, root, None, alone=len(clips) == 1, squeeze=True), fps=FPS)
        yield with_person(replace(whole, parts=spans_in_stretches(found, stretches.get(name_in_list(match), ()))), match)


def spans_in_stretches(found: FrameSequence, stretches: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """The spans [first, end) of indices of frames within one of the stretches and without a jump in their numbers."""
    first = 0 if min(found.numbers) == 0 else 1
    out = []
    for begin, end in found.parts or ((0, len(found.paths)),):
        for low, high in stretches or ((0, math.inf),):
            there = [place for place in range(begin, end) if low <= found.numbers[place] - first < high]
            out += [(there[0], there[-1] + 1)] if there else []
    return tuple(out) or ((0, 0),)


def with_person(recording: Recording, match: re.Match[str]) -> Recording:
    """The recording with its person's group and split; raises ValueError where none of its frames is in the list's stretches."""
    person = int(match[1])
    if not recording.spans():
        raise ValueError(f"{LIST} gives it no frames below {recording.promised}")
    return replace(recording, group=f"person{person:02}", split=split_of_person(person))


def name_in_list(match: re.Match[str]) -> str:
    """A clip's name as 00sequences.txt writes it."""
    person, action, scene = match.groups()
    return f"person{int(person):02}_{action.lower()}_{(scene or '').lower()}"


def split_of_person(person: int) -> str:
    """The split of a person's number."""
    return "test" if person in TEST else "val" if person in VAL else "train"


def read_stretches(path: Path) -> Stretches:
    """Clip's name -> its stretches [first, end), counted from 0; the file counts from 1, both ends included."""
    out = {}
    for name, text in LINE.findall(path.read_text(encoding="utf-8-sig", errors="replace")):
        pairs = re.findall(r"(\d+)\s*-\s*(\d+)", text)
        out[name.lower()] = tuple(sorted((int(first) - 1, int(last)) for first, last in pairs))
    return out
