"""BridgeData as TensorFlow Datasets stores it: bridge_dataset-train.tfrecord-00000-of-00001 and so on, 7 numbers an action."""

from __future__ import annotations

from pathlib import Path

from ..recording import Found, Watch, without_progress_bar
from ..splits import WORDS
from .files import list_files
from .robot_records import RecordFiles, is_tfrecord, unpack_bridge

FPS = 5.0  # of the robot's control
LOOKS_FOR = "NAME-train.tfrecord-00000-of-00001 and so on"


def read(root: Path, watch: Watch = without_progress_bar) -> Found:
    """Finds the trajectories in the TFRecord files below a folder."""
    found, record_files = Found(), RecordFiles(root, unpack_bridge, split_from_name, FPS)
    paths = [path for path in list_files(root) if is_tfrecord(path)]
    for path in watch(paths, "files"):
        record_files.read(path, found)
    return found


def split_from_name(name: str) -> str | None:
    """The split of a file NAME-SPLIT.tfrecord-..., None where the name states none."""
    return WORDS.get(name.rpartition("/")[2].partition(".tfrecord")[0].rpartition("-")[2].lower())
