"""TFRecord files without TensorFlow: the framing alone; what is inside a record is `tf_example`'s.

A record is its length (8 bytes, little-endian), a masked CRC32C of those, the bytes, and a masked CRC32C of the bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .crc32c import masked_crc32c

HEADER, FOOTER = struct.Struct("<QI"), struct.Struct("<I")
GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Record:
    """Where a record lies: `size` bytes from `offset` on; `crc` as stored; `index` counts from 0 within the file."""

    path: Path
    index: int
    offset: int
    size: int
    crc: int


def records(path: Path) -> Iterator[Record]:
    """The records of a file one by one, from their framing alone.

    Raises:
        ValueError: the file is cut off, compressed or no TFRecord file; records before the damage have come by then.
    """
    end, at, index = path.stat().st_size, 0, 0
    with path.open("rb") as file:
        if file.read(2) == GZIP:
            raise ValueError(f"{path.name} is gzip-compressed; unpack it first")
        while at < end:
            file.seek(at)
            head = file.read(HEADER.size)
            if len(head) < HEADER.size or masked_crc32c(head[:8]) != HEADER.unpack(head)[1]:
                raise ValueError(f"{path.name} is damaged or no TFRecord file {after(index)}")
            size = HEADER.unpack(head)[0]
            if at + HEADER.size + size + FOOTER.size > end:
                raise ValueError(f"{path.name} is cut off {after(index)}")
            file.seek(at + HEADER.size + size)
            yield Record(path, index, at + HEADER.size, size, FOOTER.unpack(file.read(FOOTER.size))[0])
            at, index = at + HEADER.size + size + FOOTER.size, index + 1


def after(index: int) -> str:
    return f"after {index} records" if index else "from its start"


def read_record(record: Record) -> bytes:
    """The bytes of a record.

    Raises:
        ValueError: they do not agree with their checksum.
    """
    with record.path.open("rb") as file:
        file.seek(record.offset)
        data = file.read(record.size)
    if len(data) != record.size or masked_crc32c(data) != record.crc:
        raise ValueError(f"record {record.index} of {record.path.name} is damaged (wrong checksum)")
    return data
