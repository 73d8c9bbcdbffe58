"""Fits a person's clip to a model: crop, resizing, grey conversion, and the mask of known frames."""

from __future__ import annotations

import re

import cv2
import numpy as np

from vp.data.video_file import centre_square, to_grey

GREY = "This model knows grey pictures only: the clip was converted from colour to grey."
LONG_SIDE = 512  # px, for models that take any size, where no other is asked for
MOST_PIXELS = 100e6  # of all rows of a result: a browser takes four bytes for each


def fit_to_model(
    frames: np.ndarray, size: int | None, channels: tuple[int, ...], long_side: int = LONG_SIDE
) -> tuple[np.ndarray, list[str]]:
    """Clip frames in the size and channels that a model takes.

    Args:
        frames: uint8 (T, H, W, C), C 1 or 3 (RGB).
        size: side in pixels (centre crop to a square, then INTER_AREA), or None: the whole frame, shrunk only where its longer
            side exceeds `long_side` px.
        channels: accepted channel counts.

    Returns:
        uint8 (T, H', W', C'), and sentences that say what was changed.
    """
    notes = []
    if size is not None and frames.shape[1] != frames.shape[2]:
        notes.append(f"The middle square of the {frames.shape[2]}x{frames.shape[1]} clip is used.")
        frames = np.stack([centre_square(frame) for frame in frames])
    if frames.shape[-1] not in channels and frames.shape[-1] == 1:
        frames = np.repeat(frames, 3, axis=-1)
    elif frames.shape[-1] not in channels:
        frames, coloured = to_grey(frames)
        notes += [GREY] if coloured else []
    height, width = frames.shape[1:3]
    scale = (size or min(long_side, max(height, width))) / max(height, width)
    if scale != 1:
        frames = resize(frames, max(1, round(height * scale)), max(1, round(width * scale)))
    return frames, notes


def largest_long_side(height: int, width: int, long_side: int, frames: int) -> int:
    """The longer side in px, at most `long_side`, at which `frames` frames of aspect height:width hold MOST_PIXELS or fewer."""
    side = min(long_side, max(height, width))
    share = MOST_PIXELS / (frames * height * width) * (max(height, width) / side) ** 2
    return side if share >= 1 else max(1, int(side * share**0.5))


def resize(frames: np.ndarray, height: int, width: int) -> np.ndarray:
    """uint8 (T, H, W, C) -> (T, height, width, C), INTER_AREA."""
    shrunk = [cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA) for frame in frames]
    return np.stack(shrunk).reshape(len(frames), height, width, frames.shape[-1])


def parse_mask(text: str, length: int) -> np.ndarray:
    """bool (length,) from a text such as '0-4' or '0,5,10-12' (frame indices from 0), or 'none'.

    Raises:
        ValueError: any other text, or a frame outside the clip.
    """
    mask = np.zeros(length, bool)
    if text.strip().lower() == "none":
        return mask
    for part in filter(None, (part.strip() for part in text.split(","))):
        span = re.fullmatch(r"(\d{1,6})(?:\s*-\s*(\d{1,6}))?", part)
        if not span:
            raise ValueError(f"known is {text!r}; give frames counted from 0, such as '0-4' or '0,5,10', or 'none'")
        first, last = int(span[1]), int(span[2] or span[1])
        if not first <= last < length:
            raise ValueError(f"known frame {part} is outside the {length} frames; give frames from 0 to {length - 1}")
        mask[first : last + 1] = True
    return mask
