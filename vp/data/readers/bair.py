"""BAIR robot pushing (Ebert et al. 2017), in the three forms in which it is distributed.

TFRecord files {train,test}/*.tfrecords, as published; folders of images processed_data/{train,test}/NAME/K/0.png, as SVG's
script writes them; arrays with `frames`, `aux` and `actions`, of which `aux` shows the view that the TFRecords' aux1 shows.
"""

from __future__ import annotations

from pathlib import Path

from ..recording import Found, Watch, without_progress_bar
from . import lab
from .arrays import array_recordings, read_npz_headers
from .files import list_files, name_below, split_from_folder
from .robot_records import RecordFiles, is_tfrecord, unpack_bair

FPS = 10.0  # nominal
LOOKS_FOR = "{train,test}/*.tfrecords, or {train,test}/NAME/K/0.png and so on, or .npz files with frames and actions"


def read(root: Path, watch: Watch = without_progress_bar, axes: str = "") -> Found:
    """Finds the recordings of all three forms below a folder; files of one form do not exclude those of another."""
    filed = [path for path in list_files(root) if is_tfrecord(path) or path.suffix == ".npz"]
    found, record_files = lab.read(root, watch), RecordFiles(root, unpack_bair, split_from_folder, FPS)
    names = {name_below(path, root) for path in filed}
    found.left_out = [(name, reason) for name, reason in found.left_out if name not in names]
    for path in watch(filed, "files"):
        if is_tfrecord(path):
            record_files.read(path, found)
        else:
            name = name_below(path, root)
            found.collect(name, lambda: trajectory_recordings(path, root, split_from_folder(name), axes))
    return found


def trajectory_recordings(path: Path, root: Path, split: str | None, axes: str):
    """The recordings of an .npz file, whose frames are `aux` where it has them."""
    key = "aux" if "aux" in read_npz_headers(path) else "frames"
    return array_recordings(path, root, split, key, FPS, axes)
