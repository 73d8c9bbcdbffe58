"""Folders of frames (0.png, 1.png, ...) and multi-page images as recordings."""

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

FPS = 25.0  # nominal: images carry no rate
PAGED = frozenset((".tif", ".tiff", ".webp"))  # formats whose files may hold several images
Spans = tuple[tuple[int, int], ...]


def frame_folder_recording(paths: Sequence[Path], root: Path, split: str | None = None, fps: float = FPS) -> Recording:
    """A recording of the images of one folder, in the order given; the first one is decoded to check that it is an image.

    No window spans a jump in the numbers of the frames, or two sequences of names.

    Raises:
        ValueError: there is one image only, or the first one is damaged.
    """
    index_of = {path: index for index, path in enumerate(paths)}
    parts = tuple(sorted(span for found in find_sequences(paths) for span in spans_in_folder(found, index_of)))
    return image_recording(paths, name_below(paths[0].parent, root), split, fps, parts if len(parts) > 1 else ())


def spans_in_folder(found: FrameSequence, index_of: dict[Path, int]) -> Spans:
    """The stretches [first, end) of indices in a folder at which a sequence's frames are consecutive and have no jump.

    Args:
        found: the sequence.
        index_of: path -> index in the folder.
    """
    indices = [index_of[path] for path in found.paths]
    cuts = {first for first, _ in found.parts} | {0}
    cuts |= {index for index in range(1, len(indices)) if indices[index] != indices[index - 1] + 1}
    bounds = [*sorted(cuts), len(indices)]
    return tuple((indices[first], indices[end - 1] + 1) for first, end in zip(bounds, bounds[1:]))


def sequence_recording(found: FrameSequence, root: Path, split: str | None, alone: bool, squeeze: bool = False) -> Recording:
    """A recording of a sequence of images; raises ValueError as `frame_folder_recording` does.

    Args:
        alone: it is the only sequence in its folder, whose name is then used.
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
    """A recording of images, named `name`; raises ValueError as `frame_folder_recording` does.

    Args:
        parts: stretches [first, end) of consecutive frames; none: all frames.
        squeeze: see `Framing.fit`.
    """
    if len(paths) < 2:
        raise ValueError(f"{name.rpartition('/')[2]} has one picture only; give 2 frames or more")
    deep = read_image(paths[0]).dtype != np.uint8
    form = "own range" if deep else ""
    return Recording(
        name, name, len(paths), fps, partial(load_images, tuple(paths), squeeze=squeeze), split, parts=parts, form=form
    )


def load_images(paths: Sequence[Path], framing: Framing, squeeze: bool = False) -> Clip:
    """The clip of these images, frames uint8 (T, H, W, 3).

    Raises:
        ValueError: an image is damaged, or images differ in size or depth.
    """
    return fit_images(map(read_image, paths), paths[0].parent.name, framing, squeeze)


def fit_images(images: Iterable[np.ndarray], name: str, framing: Framing, squeeze: bool = False) -> Clip:
    """The clip of images RGB (H, W, 3); those of more than 8 bits are scaled by the range of values of the whole clip.

    Args:
        name: of the clip, for messages.
        squeeze: see `Framing.fit`.

    Raises:
        ValueError: images differ in size or depth, or hold numbers that are not finite.
    """
    frames, first, low, high = [], None, np.inf, -np.inf
    for image in images:
        first = image if first is None else first
        if image.shape != first.shape:
            sizes = " and ".join(f"{width}x{height}" for height, width, _ in (first.shape, image.shape))
            raise ValueError(f"{name} holds pictures of {sizes}; frames of one clip have one size")
        if image.dtype != first.dtype:
            raise ValueError(f"{name} holds pictures of {first.dtype} and {image.dtype}; frames of one clip have one depth")
        if image.dtype != np.uint8:
            low, high = min(low, float(image.min())), max(high, float(image.max()))
        frames.append(framing.fit(image, squeeze))
    if frames[0].dtype == np.uint8:
        return Clip(np.stack(frames))
    if not np.isfinite(high - low):
        raise ValueError(f"{name} holds numbers that are not finite; give pictures of 8 or 16 bits")
    scale = 255 / (high - low) if high > low else 0.0
    scaled = [((frame.astype(np.float64) - low) * scale + 0.5).clip(0, 255).astype(np.uint8) for frame in frames]
    said = f"Its pictures have more than 8 bits: their own range, {low:g} to {high:g}, is shown from black to white."
    return Clip(np.stack(scaled), notes=(said,))


def read_image(path: Path) -> np.ndarray:
    """RGB (H, W, 3), uint8 or of more bits; raises ValueError where the file is damaged or no image."""
    return decode_image(path.read_bytes(), path.name)


def decode_image(data: bytes, name: str) -> np.ndarray:
    """RGB (H, W, 3), uint8 or of more bits, from a file's bytes; raises ValueError, with `name`, where they are damaged."""
    import cv2

    packed = np.frombuffer(data, np.uint8)
    level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # damage is reported by us, once
    try:
        image = cv2.imdecode(packed, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
        if image is None:  # grey float images cannot be decoded as colour
            image = cv2.imdecode(packed, cv2.IMREAD_UNCHANGED)
    except cv2.error:
        image = None
    finally:
        cv2.utils.logging.setLogLevel(level)
    if image is None:
        raise ValueError(f"{name} is damaged or no picture")
    return cv2.cvtColor(image, cv2.COLOR_GRAY2RGB if image.ndim == 2 else cv2.COLOR_BGR2RGB)


def count_pages(path: Path) -> int:
    """The number of images in a file; 1 where its format has no pages, or it is damaged."""
    import cv2

    if path.suffix.lower() not in PAGED:
        return 1
    try:
        return max(1, cv2.imcount(str(path)))
    except cv2.error:
        return 1


def paged_recording(path: Path, root: Path, split: str | None = None) -> Recording:
    """A recording of a multi-page image, as microscopes write them."""
    name = name_below(path, root)
    return Recording(name, name, count_pages(path), FPS, partial(load_pages, path), split, form="pages")


def load_pages(path: Path, framing: Framing) -> Clip:
    """The clip of a multi-page image; raises ValueError where it is damaged."""
    import cv2

    try:
        read, pages = cv2.imreadmulti(str(path), flags=cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
    except cv2.error:
        read, pages = False, ()
    if not read or len(pages) < 2:
        raise ValueError(f"{path.name} is damaged")
    return fit_images((cv2.cvtColor(page, cv2.COLOR_BGR2RGB) for page in pages), path.name, framing)


def read_masks(paths: Sequence[Path], framing: Framing) -> np.ndarray:
    """uint8 (T, 1, H, W), masks of the framing's size: the indices of palette images or the levels of grey ones."""
    return np.stack([framing.fit(read_mask(path), nearest=True) for path in paths])[:, None]


def read_mask(path: Path) -> np.ndarray:
    """uint8 (H, W) of one mask; raises ValueError where the file is damaged or neither a palette nor a grey image."""
    from PIL import Image

    try:
        with Image.open(path) as picture:
            mode, mask = picture.mode, np.asarray(picture)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:  # what Pillow raises for damage
        raise ValueError(f"{path.name} is damaged or no picture") from error
    if mode not in ("P", "L"):
        raise ValueError(f"{path.name} has mode {mode}; masks are palette or grey pictures")
    return mask
