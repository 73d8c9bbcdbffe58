"""Container metadata that OpenCV does not pass on: the mirroring of MP4 and MOV tracks, and the frame index of AVI."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

Matrix = tuple[int, int, int, int]  # a, b, c, d, each -1, 0 or 1: pixel (x, y) is shown at (a x + c y, b x + d y)
BOXES = (b"moov", b"trak")  # boxes that contain other boxes
SHOWN_AT = {0: 40, 1: 52}  # version of a track's header -> byte offset of its display matrix


def read_mirror_matrix(path: Path) -> Matrix | None:
    """The display matrix of an MP4 or MOV file's first video track where it mirrors (and perhaps rotates) frames, else None.

    Source: ISO/IEC 14496-12, track header box.
    """
    with path.open("rb") as file:
        file.seek(4)
        if file.read(4) not in (b"ftyp", b"moov", b"wide", b"mdat", b"free", b"skip"):
            return None
        for header in read_track_headers(file, 0, os.path.getsize(path)):
            at = SHOWN_AT.get(header[0], 0) if header else 0
            if not at or len(header) < at + 44 or not any(header[at + 36 : at + 40]):
                continue  # damaged, or a track without a width: sound
            a, b, _, c, d = struct.unpack(">5i", header[at : at + 20])
            matrix = tuple((x > 0) - (x < 0) for x in (a, b, c, d))
            upright = matrix[1:3] == (0, 0) or (matrix[0], matrix[3]) == (0, 0)
            return matrix if upright and a * d - b * c < 0 else None
    return None


def read_track_headers(file: BinaryIO, offset: int, end: int) -> Iterator[bytes]:
    """Yields the contents of the tkhd boxes between the byte offsets `offset` and `end`."""
    while offset + 8 <= end:
        file.seek(offset)
        head = file.read(16)
        if len(head) < 8:
            return
        size, kind, begin = int.from_bytes(head[:4], "big"), head[4:8], offset + 8
        if size == 1:
            size, begin = int.from_bytes(head[8:16], "big"), offset + 16
        size = size or end - offset
        if size < begin - offset:  # damaged
            return
        if kind in BOXES:
            yield from read_track_headers(file, begin, min(end, offset + size))
        elif kind == b"tkhd":
            file.seek(begin)
            yield file.read(min(size, 256))
        offset += size


def is_avi(path: Path) -> bool:
    """Whether the file begins like an AVI file."""
    with path.open("rb") as file:
        head = file.read(12)
    return head[:4] == b"RIFF" and head[8:] == b"AVI "


def count_indexed_frames(path: Path) -> int:
    """Number of frames by the index at the end of an AVI file; 0 where it has none, or continues after it.

    The header is written before the frames, and often wrong. Source: AVI RIFF File Reference, 'idx1'.
    """
    end, offset = os.path.getsize(path), 12
    with path.open("rb") as file:
        while offset + 8 <= end:
            file.seek(offset)
            kind, size = struct.unpack("<4sI", file.read(8))
            if kind == b"RIFF":
                return 0
            if kind == b"idx1":
                index = file.read(size)
                rest = end - offset - 8 - size
                shown = [e for e in struct.iter_unpack("<4sIII", index[: len(index) // 16 * 16]) if e[0][2:] in (b"dc", b"db")]
                first = min((entry[0][:2] for entry in shown), default=b"")
                return 0 if rest > 16 else sum(entry[0][:2] == first and entry[3] > 0 for entry in shown)
            offset += 8 + size + size % 2
    return 0
