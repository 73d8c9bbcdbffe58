"""Folders of frames (0.png, 1.png, ...) as recordings."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from ..clip import Clip
from ..framing import Framing
from ..recording import Recording
from .files import below

FPS = 25.0  # nominal: pictures carry no rate


def frame_folder(paths: Sequence[Path], root: Path, split: str | None = None, fps: float = FPS) -> Recording:
    """A recording of the pictures of one folder, in the order given; the first one is decoded to see that it is one.

    Raises:
        ValueError: one picture only, or the first one is damaged.
    """
    if len(paths) < 2:
        raise ValueError(f"{paths[0].parent.name} has one picture only; give 2 frames or more")
    read_picture(paths[0])
    name = below(paths[0].parent, root)
    return Recording(name, name, len(paths), fps, partial(load, tuple(paths)), split)


def load(paths: Sequence[Path], framing: Framing) -> Clip:
    return Clip(read_pictures(paths, framing))


def read_pictures(paths: Sequence[Path], framing: Framing) -> np.ndarray:
    """uint8 (T, H, W, 3), as frames.

    Raises:
        ValueError: a damaged picture, or pictures that differ in size.
    """
    frames, shape = [], None
    for path in paths:
        picture = read_picture(path)
        shape = shape or picture.shape
        if picture.shape != shape:
            sizes = " and ".join(f"{width}x{height}" for height, width, _ in (shape, picture.shape))
            raise ValueError(f"{path.parent.name} holds pictures of {sizes}; frames of one clip have one size")
        frames.append(framing.fit(picture))
    return np.stack(frames)


def read_picture(path: Path) -> np.ndarray:
    """uint8 RGB (H, W, 3); raises ValueError where the file is damaged or no picture."""
    return decode_picture(path.read_bytes(), path.name)


def decode_picture(data: bytes, name: str) -> np.ndarray:
    import cv2

    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        picture = None
    if picture is None:
        raise ValueError(f"{name} is damaged or no picture")
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def read_masks(paths: Sequence[Path], framing: Framing) -> np.ndarray:
    """uint8 (T, 1, H, W), as frames: the palette's numbers, from palette or grey pictures."""
    return np.stack([framing.fit(read_mask(path), nearest=True) for path in paths])[:, None]


def read_mask(path: Path) -> np.ndarray:
    """uint8 (H, W)."""
    from PIL import Image

    try:
        with Image.open(path) as picture:
            mode, mask = picture.mode, np.asarray(picture)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:  # what Pillow raises for damage
        raise ValueError(f"{path.name} is damaged or no picture") from error
    if mode not in ("P", "L"):
        raise ValueError(f"{path.name} has mode {mode}; masks are palette or grey pictures")
    return mask
