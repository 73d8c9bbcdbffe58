"""Sprite sheets: many frames of one size in a few images that browsers can hold (at most 4096 px a side)."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"  # first bytes of a file
SIDE = 4096  # phones refuse larger canvases and textures
LARGE = 100  # px of the longer side: smaller frames are looked at pixel by pixel, larger ones may be photographs
DENSE = 0.04  # bytes of a PNG for each byte of a picture, from which on it counts as a photograph; drawings take less
QUALITY = [cv2.IMWRITE_JPEG_QUALITY, 90]
FAST = [cv2.IMWRITE_PNG_COMPRESSION, 1]  # four times faster than the default for a tenth more bytes


@dataclass(frozen=True)
class Layout:
    """Positions of frames: each row takes `lines_per_row` lines of `columns` frames; lines fill one sheet after another."""

    columns: int
    lines_per_sheet: int
    lines: int
    length: int
    height: int
    width: int

    @staticmethod
    def plan(rows: int, length: int, height: int, width: int) -> Layout:
        """The layout for `rows` rows of `length` frames.

        Raises:
            ValueError: a frame is larger than a sheet.
        """
        if max(height, width) > SIDE:
            raise ValueError(f"frames are {width}x{height}; a sheet holds at most {SIDE} px a side: scale them down")
        columns = min(length, SIDE // width)
        lines = rows * -(-length // columns)
        return Layout(columns, min(lines, SIDE // height), lines, length, height, width)

    @property
    def lines_per_row(self) -> int:
        return -(-self.length // self.columns)

    def place(self, line: int, t: int) -> tuple[int, slice, slice]:
        """(sheet index, vertical slice, horizontal slice) of frame `t` of the row that starts at `line`."""
        sheet, row = divmod(line + t // self.columns, self.lines_per_sheet)
        top, left = row * self.height, t % self.columns * self.width
        return sheet, slice(top, top + self.height), slice(left, left + self.width)


def pack_rows(rows: list[np.ndarray], layout: Layout) -> list[np.ndarray]:
    """Rows, uint8 (T, H, W, C) each, drawn into sheets uint8 (H', W', C); the last sheet is only as high as needed."""
    channels = rows[0].shape[-1]
    sheets = []
    for first in range(0, layout.lines, layout.lines_per_sheet):
        lines = min(layout.lines_per_sheet, layout.lines - first)
        sheets.append(np.zeros((lines * layout.height, layout.columns * layout.width, channels), np.uint8))
    for index, frames in enumerate(rows):
        for t, frame in enumerate(frames):
            sheet, vertical, horizontal = layout.place(index * layout.lines_per_row, t)
            sheets[sheet][vertical, horizontal] = frame
    return sheets


def unpack_row(sheets: list[np.ndarray], layout: Layout, line: int) -> np.ndarray:
    """uint8 (T, H, W, C), the frames of the row that starts at `line` of the layout."""
    frames = []
    for t in range(layout.length):
        sheet, vertical, horizontal = layout.place(line, t)
        frames.append(sheets[sheet][vertical, horizontal])
    return np.stack(frames)


def encode_png(picture: np.ndarray) -> bytes:
    """uint8 (H, W, 1 or 3) RGB -> PNG bytes."""
    done, data = cv2.imencode(".png", picture[..., ::-1] if picture.shape[-1] == 3 else picture, FAST)
    if not done:
        raise ValueError(f"OpenCV could not encode a {picture.shape} picture as PNG")
    return data.tobytes()


def is_photograph(frame: np.ndarray) -> bool:
    """Whether a frame, uint8 (H, W, C), is large and so detailed that JPEG artefacts would not be seen."""
    return max(frame.shape[:2]) > LARGE and len(encode_png(frame)) > DENSE * frame.size


def encode_jpeg(picture: np.ndarray) -> bytes:
    """uint8 (H, W, 1 or 3) RGB -> JPEG bytes."""
    done, data = cv2.imencode(".jpg", picture[..., ::-1] if picture.shape[-1] == 3 else picture, QUALITY)
    if not done:
        raise ValueError(f"OpenCV could not encode a {picture.shape} picture as JPEG")
    return data.tobytes()


def decode_image(data: bytes) -> np.ndarray:
    """PNG or JPEG bytes -> uint8 (H, W, 1) grey or (H, W, 3) RGB.

    Raises:
        ValueError: other data, or more than 8 bits per channel.
    """
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) if data.startswith((PNG, JPEG)) else None
    if picture is None or picture.dtype != np.uint8 or picture.shape[2:] not in ((), (3,)):
        raise ValueError("the sheet is no PNG or JPEG in grey or RGB with 8 bits a channel")
    return picture[..., None] if picture.ndim == 2 else np.ascontiguousarray(picture[..., ::-1])
