"""KTH human actions (Schuldt et al. 2004): persons walk, jog, run, box, wave and clap before a still camera.

The files lie in one folder or in class folders, `00sequences.txt` beside them or above: four stretches of each video that show
the person, so that the empty frames between are never drawn. Persons 1-20 are for training as published, 21-25 for the test; 7
and 9 are held out of training for validation. The 160x120 pictures are squeezed into a square, as in the published experiments: a
centre square would lose people who walk in from the side.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from ..recording import Found, Recording, Watch, unwatched
from .files import VIDEOS, below, files
from .videos import video

NAME = re.compile(r"person(\d+)_([a-z]+)(?:_(d\d))?(?:_uncomp)?", re.IGNORECASE)
LINE = re.compile(r"^(person\d+_[a-z]+_d\d)\s+frames\s+([\d\s,-]+)$", re.IGNORECASE | re.MULTILINE)
LIST = "00sequences.txt"
VAL, TEST = (7, 9), range(21, 26)
LOOKS_FOR = "person01_boxing_d1_uncomp.avi and so on, in class folders or not"


def read(root: Path, watch: Watch = unwatched) -> Found:
    found, paths = Found(), files(root)
    listed = next((path for path in (*paths, root.parent / LIST) if path.name == LIST and path.is_file()), None)
    stretches = read_list(listed) if listed else {}
    if not stretches:
        found.notes.append(f"There is no {LIST} with stretches of frames, so empty frames are not excluded.")
    for path in watch([path for path in paths if path != listed], "files"):
        found.take(below(path, root), lambda: [clip(path, root, stretches)])
    return found


def clip(path: Path, root: Path, stretches: dict[str, tuple[tuple[int, int], ...]]) -> Recording:
    match = NAME.fullmatch(path.stem)
    if path.suffix.lower() not in VIDEOS or not match:
        raise ValueError("not named like a KTH clip, person01_boxing_d1_uncomp.avi")
    person, action, scene = match.groups()
    parts = stretches.get(f"person{int(person):02}_{action.lower()}_{(scene or '').lower()}", ())
    recording = replace(video(path, root, f"person{int(person):02}", split_of(int(person)), squeeze=True), parts=parts)
    if not recording.spans():
        raise ValueError(f"{LIST} gives it no frames below {recording.promised}")
    return recording


def split_of(person: int) -> str:
    return "test" if person in TEST else "val" if person in VAL else "train"


def read_list(path: Path) -> dict[str, tuple[tuple[int, int], ...]]:
    """Clip's name -> its stretches [first, end), counted from 0; the file counts from 1, both ends included."""
    out = {}
    for name, text in LINE.findall(path.read_text(encoding="utf-8", errors="replace")):
        pairs = re.findall(r"(\d+)\s*-\s*(\d+)", text)
        out[name.lower()] = tuple(sorted((int(first) - 1, int(last)) for first, last in pairs))
    return out
