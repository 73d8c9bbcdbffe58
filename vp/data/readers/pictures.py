"""Folders of frames (0.png, 1.png, ...) as recordings, and pictures of many pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from ..clip import Clip
from ..framing import Framing
from ..recording import Recording
from .files import name_below, to_printable
from .numbering import FrameSequence, find_sequences

FPS = 25.0  # nominal: pictures carry no rate
PAGED = frozenset((".tif", ".tiff", ".webp"))  # formats whose files may hold many pictures
Spans = tuple[tuple[int, int], ...]


def frame_folder_recording(paths: Sequence[Path], root: Path, split: str | None = None, fps: float = FPS) -> Recording:
    """A recording of the pictures of one folder, in the order given; the first one is decoded to see that it is one.

    No window goes across a jump in the numbers of the frames, or from one sequence of names to another.

    Raises:
        ValueError: one picture only, or the first one is damaged.
    """
    place = {path: index for index, path in enumerate(paths)}
    parts = tuple(sorted(span for found in find_sequences(paths) for span in spans_in_folder(found, place)))
    return image_recording(paths, name_below(paths[0].parent, root), split, fps, parts if len(parts) > 1 else ())


def spans_in_folder(found: FrameSequence, place: dict[Path, int]) -> Spans:
    """Stretches [first, end) of places in a folder that a sequence has without a jump, as far as it lies there in one piece."""
    places = [place[path] for path in found.paths]
    cuts = {first for first, _ in found.parts} | {0}
    cuts |= {index for index in range(1, len(places)) if places[index] != places[index - 1] + 1}
    bounds = [*sorted(cuts), len(places)]
    return tuple((places[first], places[end - 1] + 1) for first, end in zip(bounds, bounds[1:]))


def sequence_recording(found: FrameSequence, root: Path, split: str | None, alone: bool, squeeze: bool = False) -> Recording:
    """A recording of a sequence of pictures; raises ValueError as `frame_folder_recording` does.

    Args:
        alone: there is no other in its folder, whose name is then enough.
        squeeze: see `Framing.fit`.
    """
    name, last = name_below(found.paths[0].parent, root), found.paths[-1]
    if alone:
        return image_recording(found.paths, name, split, FPS, found.parts, squeeze)
    if len(found.paths) < 2:
        raise ValueError(f"{last.name} has one picture only; give 2 frames or more")
    whole = f"{name}/{to_printable(found.paths[0].stem)} to {to_printable(last.stem)}"
    return replace(
        image_recording(found.paths, whole, split, FPS, found.parts, squeeze), group=f"{name}/{to_printable(found.key)}"
    )


def image_recording(
    paths: Sequence[Path], name: str, split: str | None, fps: float, parts: Spans, squeeze: bool = False
) -> Recording:
    if len(paths) < 2:
        raise ValueError(f"{name.rpartition('/')[2]} has one picture only; give 2 frames or more")
    deep = read_image(paths[0]).dtype != np.uint8
    form = "own range" if deep else ""
    return Recording(
        name, name, len(paths), fps, partial(load_images, tuple(paths), squeeze=squeeze), split, parts=parts, form=form
    )


def load_images(paths: Sequence[Path], framing: Framing, squeeze: bool = False) -> Clip:
    """Frames uint8 (T, H, W, 3).

    Raises:
        ValueError: a damaged picture, or pictures that differ in size or depth.
    """
    return fit_images(map(read_image, paths), paths[0].parent.name, framing, squeeze)


def fit_images(pictures: Iterable[np.ndarray], name: str, framing: Framing, squeeze: bool = False) -> Clip:
    """Pictures RGB (H, W, 3) of one clip as frames; those of more than 8 bits are scaled by the range that all of them have.

    Args:
        name: of the clip, for messages.
        squeeze: see `Framing.fit`.

    Raises:
        ValueError: pictures that differ in size or depth, or numbers that are not finite.
    """
    frames, first, low, high = [], None, np.inf, -np.inf
    for picture in pictures:
        first = picture if first is None else first
        if picture.shape != first.shape:
            sizes = " and ".join(f"{width}x{height}" for height, width, _ in (first.shape, picture.shape))
            raise ValueError(f"{name} holds pictures of {sizes}; frames of one clip have one size")
        if picture.dtype != first.dtype:
            raise ValueError(f"{name} holds pictures of {first.dtype} and {picture.dtype}; frames of one clip have one depth")
        if picture.dtype != np.uint8:
            low, high = min(low, float(picture.min())), max(high, float(picture.max()))
        frames.append(framing.fit(picture, squeeze))
    if frames[0].dtype == np.uint8:
        return Clip(np.stack(frames))
    if not np.isfinite(high - low):
        raise ValueError(f"{name} holds numbers that are not finite; give pictures of 8 or 16 bits")
    scale = 255 / (high - low) if high > low else 0.0
    scaled = [((frame.astype(np.float64) - low) * scale + 0.5).clip(0, 255).astype(np.uint8) for frame in frames]
    said = f"Its pictures have more than 8 bits: their own range, {low:g} to {high:g}, is shown from black to white."
    return Clip(np.stack(scaled), notes=(said,))


def read_image(path: Path) -> np.ndarray:
    """RGB (H, W, 3), uint8 or of more bits; raises ValueError where the file is damaged or no picture."""
    return decode_image(path.read_bytes(), path.name)


def decode_image(data: bytes, name: str) -> np.ndarray:
    import cv2

    packed = np.frombuffer(data, np.uint8)
    level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # damage is reported by us, once
    try:
        picture = cv2.imdecode(packed, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
        if picture is None:  # grey pictures of floats cannot be asked for in colour
            picture = cv2.imdecode(packed, cv2.IMREAD_UNCHANGED)
    except cv2.error:
        picture = None
    finally:
        cv2.utils.logging.setLogLevel(level)
    if picture is None:
        raise ValueError(f"{name} is damaged or no picture")
    return cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB if picture.ndim == 2 else cv2.COLOR_BGR2RGB)


def count_pages(path: Path) -> int:
    """Pictures in a file; 1 where its format has no pages, or it is damaged."""
    import cv2

    if path.suffix.lower() not in PAGED:
        return 1
    try:
        return max(1, cv2.imcount(str(path)))
    except cv2.error:
        return 1


def paged_recording(path: Path, root: Path, split: str | None = None) -> Recording:
    """A recording of a picture of many pages, as microscopes write them."""
    name = name_below(path, root)
    return Recording(name, name, count_pages(path), FPS, partial(load_pages, path), split, form="pages")


def load_pages(path: Path, framing: Framing) -> Clip:
    import cv2

    try:
        read, pages = cv2.imreadmulti(str(path), flags=cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
    except cv2.error:
        read, pages = False, ()
    if not read or len(pages) < 2:
        raise ValueError(f"{path.name} is damaged")
    return fit_images((cv2.cvtColor(page, cv2.COLOR_BGR2RGB) for page in pages), path.name, framing)


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
