"""Any folder of clips, folders of frames and array files, in whatever subfolders; {train,val,test}/ on top say the split.

Where an index.csv says more about its clips, it is read as `indexed` reads it. Pictures of a folder are as many clips as their
names tell apart (see `numbering`), and clips that names tell to be of one person or one source are never torn apart by a split.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

from ..recording import Found, Recording, Watch, unwatched
from . import indexed
from .arrays import array_file
from .files import ARRAYS, PICTURES, VIDEOS, below, is_picture, source_of, split_by_folder, walk
from .numbering import sequences
from .pictures import frame_sequence, page_count, paged
from .videos import video

LOOKS_FOR = "clips (gif, mp4, avi, mkv, webm, mov), folders of png, jpg, tif, webp or ppm frames, .npz or .npy files"
Job = tuple[str, Callable[[], Iterable[Recording]]]


def read(root: Path, watch: Watch = unwatched, axes: str = "") -> Found:
    """`axes`: of array files, see `arrays.array_file`."""
    if indexed.is_indexed(root):
        return indexed.read(root, watch)
    jobs = [job for _, paths in walk(root) for job in jobs_of(paths, root, axes)]
    found = Found()
    for name, make in watch(jobs, "files"):
        found.take(name, make)
    found.recordings = grouped(found.recordings)
    return found


def jobs_of(paths: list[Path], root: Path, axes: str) -> Iterable[Job]:
    """(name, what makes its recordings) of what lies in one folder."""
    pictures = [path for path in paths if is_picture(path)]
    stacks = {path for path in pictures if page_count(path) > 1}
    clips = sequences([path for path in pictures if path not in stacks])
    for clip in clips:
        whole, first = len(clips) == 1, clip.paths[0]
        split = split_by_folder(below(first, root))
        name = below(first.parent if whole or len(clip.paths) > 1 else first, root)
        yield name, lambda clip=clip, split=split, whole=whole: [frame_sequence(clip, root, split, whole)]
    for path in paths:
        if path in stacks or path not in pictures:
            yield below(path, root), partial(recordings, path, root, axes)


def recordings(path: Path, root: Path, axes: str) -> Iterable[Recording]:
    kind, split = path.suffix.lower(), split_by_folder(below(path, root))
    if kind in PICTURES:
        return [paged(path, root, split)]
    if kind in VIDEOS:
        return [video(path, root, split=split)]
    if kind in ARRAYS:
        return array_file(path, root, split, axes=axes)
    raise ValueError("neither a clip, a picture nor an array file")


def grouped(recordings: list[Recording]) -> list[Recording]:
    """The same with those of one person, one source or one file in one group; a group is named after the first of its own."""
    first: dict[str, str] = {}
    out = []
    for recording in recordings:
        person, source = source_of(recording.name if recording.group == recording.name else recording.group)
        if person:
            group = f"{recording.split}/{person}" if recording.split else person
        else:
            group = first.setdefault(source, recording.name)
        out.append(replace(recording, group=group))
    return out
