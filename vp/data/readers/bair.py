"""BAIR robot pushing (Ebert et al. 2017), in the three forms it goes around in.

TFRecord files {train,test}/*.tfrecords, as published; folders of pictures processed_data/{train,test}/NAME/K/0.png, as SVG's
script writes them; arrays with `frames`, `aux` and `actions`, of which `aux` shows the view that the TFRecords' aux1 shows.
"""

from __future__ import annotations

from pathlib import Path

from ..recording import Found, Watch, unwatched
from . import lab
from .arrays import array_file, npz_headers
from .files import below, files, split_by_folder
from .robot_records import RecordFiles, is_records, unpack_bair

FPS = 10.0  # nominal
LOOKS_FOR = "{train,test}/*.tfrecords, or {train,test}/NAME/K/0.png and so on, or .npz files with frames and actions"


def read(root: Path, watch: Watch = unwatched) -> Found:
    paths = files(root)
    if not any(is_records(path) or path.suffix == ".npz" for path in paths):
        return lab.read(root, watch)
    found, record_files = Found(), RecordFiles(root, unpack_bair, split_by_folder, FPS)
    for path in watch(paths, "files"):
        name = below(path, root)
        if is_records(path):
            record_files.read(path, found)
        elif path.suffix == ".npz":
            found.take(name, lambda: trajectory(path, root, split_by_folder(name)))
        else:
            found.left_out.append((name, "neither a .tfrecords nor an .npz file"))
    return found


def trajectory(path: Path, root: Path, split: str | None):
    key = "aux" if "aux" in npz_headers(path) else "frames"
    return array_file(path, root, split, key, FPS)
