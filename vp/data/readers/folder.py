"""Any folder of clips, folders of frames and array files, in whatever subfolders; {train,val,test}/ on top say the split.

Where an index.csv says more about its clips, it is read as `indexed` reads it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..recording import Found, Recording, Watch, unwatched
from . import indexed
from .arrays import array_file
from .files import ARRAYS, PICTURES, VIDEOS, below, split_by_folder, walk
from .pictures import frame_folder
from .videos import video

LOOKS_FOR = "clips (gif, mp4, avi, mkv, webm, mov), folders of png or jpg frames, .npz or .npy files"


def read(root: Path, watch: Watch = unwatched) -> Found:
    if indexed.is_indexed(root):
        return indexed.read(root, watch)
    jobs: list[list[Path]] = []  # the pictures of a folder together, every other file by itself
    for _, paths in walk(root):
        pictures = [path for path in paths if is_picture(path)]
        jobs += [pictures] if pictures else []
        jobs += [[path] for path in paths if not is_picture(path)]
    found = Found()
    for paths in watch(jobs, "files"):
        name = below(paths[0].parent if is_picture(paths[0]) else paths[0], root)
        found.take(name, lambda: recordings(paths, root))
    return found


def is_picture(path: Path) -> bool:
    return path.suffix.lower() in PICTURES


def recordings(paths: list[Path], root: Path) -> Iterable[Recording]:
    kind, split = paths[0].suffix.lower(), split_by_folder(below(paths[0], root))
    if kind in PICTURES:
        return [frame_folder(paths, root, split)]
    if kind in VIDEOS:
        return [video(paths[0], root, split=split)]
    if kind in ARRAYS:
        return array_file(paths[0], root, split)
    raise ValueError("neither a clip, a picture nor an array file")
