"""The lab's layout: ROOT/{train,validate,test}/GROUP/CLIP/ with 0.png, 1.png, ..., actions.csv and endeffector_positions.csv.

The tables have no header and one row a frame; without actions.csv a clip has frames alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from ..clip import Clip
from ..framing import Framing
from ..recording import Found, Recording, Watch, align_rows, without_progress_bar
from .files import is_image, name_below, split_from_folder, walk_folders
from .pictures import frame_folder_recording, load_images

ACTIONS, POSITIONS = "actions.csv", "endeffector_positions.csv"
FPS = 10.0  # nominal
LOOKS_FOR = "{train,validate,test}/GROUP/CLIP/0.png, 1.png and so on with actions.csv"


def read(root: Path, watch: Watch = without_progress_bar) -> Found:
    """Finds the clips below a folder, one for each folder with images."""
    found = Found()
    for folder, paths in watch([(folder, paths) for folder, paths in walk_folders(root) if paths], "folders"):
        frames = [path for path in paths if is_image(path)]
        if frames:
            found.collect(name_below(folder, root), lambda: [clip_recording(frames, root)])
        others = [path for path in paths if not is_image(path) and path.name not in (ACTIONS, POSITIONS)]
        found.left_out += [(name_below(path, root), "neither a picture nor a table of the lab's layout") for path in others]
    return found


def clip_recording(frames: Sequence[Path], root: Path) -> Recording:
    """The recording of a folder of frames and its actions.csv."""
    recording = frame_folder_recording(frames, root, split_from_folder(name_below(frames[0], root)), FPS)
    table = frames[0].with_name(ACTIONS)
    actions = count_columns(table) if table.is_file() else 0
    return replace(recording, actions=actions, load=partial(load_clip, tuple(frames), bool(actions)))


def load_clip(frames: Sequence[Path], has_actions: bool, framing: Framing) -> Clip:
    """The clip of these frames, with actions where `has_actions`, and extras["state"] where there is a table of positions."""
    positions = frames[0].with_name(POSITIONS)
    clip = load_images(frames, framing)
    actions = read_table(frames[0].with_name(ACTIONS), len(frames)) if has_actions else None
    return replace(clip, actions=actions, extras={"state": read_table(positions, len(frames))} if positions.is_file() else {})


def count_columns(path: Path) -> int:
    """The number of columns of a table; raises ValueError where its first row is not numbers."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        cells = file.readline().strip().split(",")
    try:
        return len([float(cell) for cell in cells])
    except ValueError as error:
        raise ValueError(f"row 1 of {path.name} is no row of numbers; its files have no header") from error


def read_table(path: Path, frames: int) -> np.ndarray:
    """float32 (frames, columns) of a table; raises ValueError where it is not numbers or has another number of rows."""
    try:
        table = np.loadtxt(path, delimiter=",", ndmin=2, encoding="utf-8-sig")
    except ValueError as error:
        raise ValueError(f"{path.name} is no table of numbers ({error})") from error
    return align_rows(table, frames, path.name)
