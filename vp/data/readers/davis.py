"""DAVIS video object segmentation: JPEGImages/480p/NAME/00000.jpg and palette masks Annotations/480p/NAME/00000.png.

Masks become `extras["masks"]`, uint8 (B, T, 1, H, W) with the numbers of the palette: 0 background, 1, 2, ... objects.
The lists ImageSets/{2017,2016}/{train,val}.txt, where they are, say which recordings are for training and which for validation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from ..clip import Clip
from ..framing import Framing
from ..recording import Found, Recording, Watch, without_progress_bar
from .files import is_image, natural_key, walk_folders
from .pictures import frame_folder_recording, load_images, read_masks

FPS = 24.0
LOOKS_FOR = "JPEGImages/480p/NAME/00000.jpg and so on, with Annotations/480p/NAME/00000.png"


def read(root: Path, watch: Watch = without_progress_bar) -> Found:
    """Finds the recordings in the first folder below JPEGImages (480p before Full-Resolution), with their masks and splits."""
    found, sizes = Found(), sorted((folder for folder in root.glob("JPEGImages/*") if folder.is_dir()), key=natural_key)
    if not sizes:
        return found
    chosen, splits = sizes[0], read_splits(root)  # 480p before Full-Resolution
    for folder, paths in watch([(folder, paths) for folder, paths in walk_folders(chosen) if paths], "folders"):
        frames = [path for path in paths if is_image(path)]
        name = folder.relative_to(chosen).as_posix()
        if frames:
            found.collect(name, lambda: [clip_recording(frames, root, splits.get(name))])
        masks = [path for path in map(mask_path, frames) if path.is_file()]
        if len(masks) < len(frames):
            found.notes.append(f"{name} has {len(masks)} masks for {len(frames)} frames and is used without.")
    return found


def read_splits(root: Path) -> dict[str, str]:
    """Recording -> split, by the lists in ImageSets; 2017 counts where both years have one."""
    out = {}
    for year in ("2016", "2017"):
        for split in ("train", "val"):
            path = root / "ImageSets" / year / f"{split}.txt"
            for line in path.read_text(encoding="utf-8-sig", errors="replace").split("\n") if path.is_file() else ():
                words = line.split()  # 2016: two paths a line
                if words:
                    name = Path(words[0])
                    out[name.parent.name if name.suffix else name.name] = split
    return out


def mask_path(frame: Path) -> Path:
    """The path of a frame's mask: Annotations/480p/NAME/00000.png for JPEGImages/480p/NAME/00000.jpg."""
    root, size = frame.parents[3], frame.parents[1].name
    return root / "Annotations" / size / frame.parent.name / f"{frame.stem}.png"


def clip_recording(frames: Sequence[Path], root: Path, split: str | None) -> Recording:
    """The recording of a folder of frames, with masks where every frame has one."""
    recording = replace(frame_folder_recording(frames, root, split, FPS), group=frames[0].parent.name)
    masks = tuple(map(mask_path, frames))
    return replace(recording, load=partial(load_clip, tuple(frames), masks if all(path.is_file() for path in masks) else ()))


def load_clip(frames: Sequence[Path], masks: Sequence[Path], framing: Framing) -> Clip:
    """The clip of these frames; extras["masks"] where there are `masks`."""
    return replace(load_images(frames, framing), extras={"masks": read_masks(masks, framing)} if masks else {})
