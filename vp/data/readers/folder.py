"""Any folder of clips, folders of frames and array files, at any depth; {train,val,test}/ on top state the split.

Where an index.csv describes the clips, it is read as `indexed` reads it. The images of one folder form as many clips as their
names distinguish (see `numbering`), and clips whose names show one person or one source share a split.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

from ..recording import Found, Recording, Watch, without_progress_bar
from . import indexed, shards
from .arrays import array_recordings
from .files import ARRAYS, PICTURES, VIDEOS, is_image, name_below, person_and_source, split_from_folder, walk_folders
from .numbering import find_sequences
from .pictures import count_pages, paged_recording, sequence_recording
from .videos import video_recording

LOOKS_FOR = "clips (gif, mp4, avi, mkv, webm, mov), folders of png, jpg, tif, webp or ppm frames, .npz or .npy files"
Job = tuple[str, Callable[[], Iterable[Recording]]]


def read(root: Path, watch: Watch = without_progress_bar, axes: str = "") -> Found:
    """Finds all recordings below a folder, and in the shards in it; `axes`: of array files, see `arrays.array_recordings`."""
    if indexed.is_indexed(root):
        return indexed.read(root, watch)
    unpacked = shards.unpack_shards(root)
    places = [root] if unpacked is None else [root, unpacked]
    jobs = [job for place in places for _, paths in walk_folders(place) for job in reading_jobs(paths, place, axes)]
    found = Found()
    for name, make in watch(jobs, "files"):
        found.collect(name, make)
    found.recordings = with_shared_groups(found.recordings)
    return found


def reading_jobs(paths: list[Path], root: Path, axes: str) -> Iterable[Job]:
    """Yields (name, function that makes its recordings) for the files of one folder."""
    pictures = [path for path in paths if is_image(path)]
    stacks = {path for path in pictures if count_pages(path) > 1}
    clips = find_sequences([path for path in pictures if path not in stacks])
    for clip in clips:
        whole, first = len(clips) == 1, clip.paths[0]
        split = split_from_folder(name_below(first, root))
        name = name_below(first.parent if whole or len(clip.paths) > 1 else first, root)
        yield name, lambda clip=clip, split=split, whole=whole: [sequence_recording(clip, root, split, whole)]
    for path in paths:
        if path in stacks or path not in pictures and path.suffix.lower() != shards.SHARD:
            yield name_below(path, root), partial(file_recordings, path, root, axes)


def file_recordings(path: Path, root: Path, axes: str) -> Iterable[Recording]:
    """The recordings of one file by its ending; raises ValueError where it is no clip, multi-page image or array file."""
    kind, split = path.suffix.lower(), split_from_folder(name_below(path, root))
    if kind in PICTURES:
        return [paged_recording(path, root, split)]
    if kind in VIDEOS:
        return [video_recording(path, root, split=split)]
    if kind in ARRAYS:
        return array_recordings(path, root, split, axes=axes)
    raise ValueError("neither a clip, a picture nor an array file")


def with_shared_groups(recordings: list[Recording]) -> list[Recording]:
    """The recordings with those of one person, source or file in one group, which is named after the first of them."""
    first: dict[str, str] = {}
    out = []
    for recording in recordings:
        person, source = person_and_source(recording.name if recording.group == recording.name else recording.group)
        if person:
            group = f"{recording.split}/{person}" if recording.split else person
        else:
            group = first.setdefault(source, recording.name)
        out.append(replace(recording, group=group))
    return out
