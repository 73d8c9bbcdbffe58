"""The pose lab's layout: frames in *_img folders and, under the same names, label images in *_label folders beside them.

train_img with train_label, val_img with val_label, test_img with test_label, at the root or in {train,val,test}/, optionally with
a folder of frames for each clip. Label images become `extras["pose"]`, uint8 (B, T, 3, H, W).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from pathlib import Path

from ..clip import Clip
from ..framing import Framing
from ..recording import Found, Recording, Watch, without_progress_bar
from ..splits import WORDS
from .files import is_image, name_below, walk_folders
from .pictures import FPS, frame_folder_recording, load_images

IMG, LABEL = "_img", "_label"
LOOKS_FOR = "train_img/0.png and so on with train_label/0.png, and val_img with val_label"


def read(root: Path, watch: Watch = without_progress_bar) -> Found:
    """Finds the runs of consecutive frames that have label images; frames without one are left out."""
    found, folders = Found(), []
    for folder, paths in walk_folders(root):
        stem = next((part.removesuffix(IMG) for part in folder.relative_to(root).parts if part.endswith(IMG)), None)
        frames = [path for path in paths if is_image(path)]
        if stem and frames:
            folders.append((stem, frames))
    for stem, frames in watch(folders, "folders"):
        runs = [list(run) for has, run in groupby(frames, lambda path: label_path(path).is_file()) if has]
        missing = [name_below(path, root) for path in frames if not label_path(path).is_file()]
        found.left_out += [(name, "no label picture of this name") for name in missing]
        for run in runs:
            found.collect(name_below(run[0], root), lambda: [clip_recording(run, root, WORDS.get(stem.lower()))])
    return found


def label_path(frame: Path) -> Path:
    """The label image of a frame: the same path with _label for _img in the innermost folder that has it."""
    parts = list(frame.parts)
    at = max(index for index, part in enumerate(parts[:-1]) if part.endswith(IMG))
    parts[at] = parts[at].removesuffix(IMG) + LABEL
    return Path(*parts)


def clip_recording(frames: Sequence[Path], root: Path, split: str | None) -> Recording:
    """The recording of a run of frames that all have label images."""
    name = f"{name_below(frames[0].parent, root)}/{frames[0].stem}-{frames[-1].stem}"
    load_both = partial(load_clip, tuple(frames), tuple(map(label_path, frames)))
    return replace(frame_folder_recording(frames, root, split, FPS), name=name, group=name, load=load_both)


def load_clip(frames: Sequence[Path], labels: Sequence[Path], framing: Framing) -> Clip:
    """The clip of these frames, with extras["pose"] from the label images."""
    pose = load_images(labels, framing).frames.transpose(0, 3, 1, 2).copy()
    return replace(load_images(frames, framing), extras={"pose": pose})
