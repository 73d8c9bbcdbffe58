"""TFRecord files without TensorFlow: only the framing; `tf_example` parses what is in a record.

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
    """A record's location: `size` bytes from `offset` on in `path`; `crc`: its stored checksum; `index`: in the file, from 0."""

    path: Path
    index: int
    offset: int
    size: int
    crc: int


def scan_records(path: Path) -> Iterator[Record]:
    """Yields the records of a file, by their framing alone.

    Raises:
        ValueError: the file is cut off, compressed or no TFRecord file; the records before the damage have been yielded by then.
    """
    end, at, index = path.stat().st_size, 0, 0
    with path.open("rb") as file:
        if file.read(2) == GZIP:
            raise ValueError(f"{path.name} is gzip-compressed; unpack it first")
        while at < end:
            file.seek(at)
            head = file.read(HEADER.size)
            if len(head) < HEADER.size or masked_crc32c(head[:8]) != HEADER.unpack(head)[1]:
                raise ValueError(f"{path.name} is damaged or no TFRecord file {damage_position(index)}")
            size = HEADER.unpack(head)[0]
            if at + HEADER.size + size + FOOTER.size > end:
                raise ValueError(f"{path.name} is cut off {damage_position(index)}")
            file.seek(at + HEADER.size + size)
            yield Record(path, index, at + HEADER.size, size, FOOTER.unpack(file.read(FOOTER.size))[0])
            at, index = at + HEADER.size + size + FOOTER.size, index + 1


def damage_position(index: int) -> str:
    """Where in a file the damage is, in words, after `index` good records."""
    return f"after {index} records" if index else "from its start"


def read_record(record: Record) -> bytes:
    """The bytes of a record.

    Raises:
        ValueError: they do not match their checksum.
    """
    with record.path.open("rb") as file:
        file.seek(record.offset)
        data = file.read(record.size)
    if len(data) != record.size or masked_crc32c(data) != record.crc:
        raise ValueError(f"record {record.index} of {record.path.name} is damaged (wrong checksum)")
    return data
