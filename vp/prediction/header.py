"""The header of a .safetensors file, read from regular files only and checked before anything is allocated."""

from __future__ import annotations

import json
import math
import os
import stat
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeGuard

HEADER_LIMIT = 1_000_000  # bytes; ours have about 10,000
FILE_LIMIT = 2 * 2**30  # bytes; the largest published network has 0.9 GB in float32
DEPTH_LIMIT = 20  # of nested JSON
BYTES = {"BOOL": 1, "U8": 1, "I8": 1, "I16": 2, "F16": 2, "BF16": 2, "I32": 4, "F32": 4, "I64": 8, "F64": 8}
DAMAGED = "is damaged or is not a vp checkpoint"
REMEDY = "train or download it again"


@dataclass(frozen=True)
class Stored:
    """Type, such as "F16", and shape of a tensor in a file."""

    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Header:
    """What a file holds.

    Args:
        metadata: text by name.
        tensors: name -> type and shape.
    """

    metadata: Mapping[str, str]
    tensors: Mapping[str, Stored]


def printable(name: str) -> str:
    """A file's name with whatever cannot be shown in one line escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)


def named(path: Path) -> str:
    """The file with its folder, for a sentence."""
    return printable(str(path))


@contextmanager
def open_checkpoint(path: Path) -> Iterator[tuple[BinaryIO, Header]]:
    """Opens a file and reads its header; the file then stands behind it.

    Raises:
        ValueError: there is no such file, it is not a regular one, it cannot be read, or it is damaged, in one sentence that
            names it.
    """
    try:
        with open_regular(path) as file:
            yield file, read_header(file, path)
    except FileNotFoundError:
        if path.is_symlink():
            raise ValueError(f"{named(path)} is a link to a file that does not exist") from None
        raise ValueError(f"{named(path)} does not exist; `python -m vp info` lists the checkpoints there are") from None
    except OSError as error:
        raise ValueError(f"{named(path)} cannot be read ({(error.strerror or str(error)).lower()})") from None


@contextmanager
def open_regular(path: Path) -> Iterator[BinaryIO]:
    """Opens a regular file for reading, without waiting for the other end of a pipe.

    Raises:
        ValueError: it is a folder, a device, a pipe or a socket.
        OSError: as `open`.
    """
    wrong = ValueError(f"{named(path)} is not a regular file; give a .safetensors file")
    if not stat.S_ISREG(path.stat().st_mode):  # asked before opening, which some devices act on
        raise wrong
    waits_not = getattr(os, "O_NONBLOCK", 0)
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | waits_not)) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):  # asked again, of what was opened
            raise wrong
        yield file


def read_header(file: BinaryIO, path: Path) -> Header:
    """Reads and checks the header of a file: `path` names it in the sentence of a ValueError."""
    size = os.fstat(file.fileno()).st_size
    try:
        if size > FILE_LIMIT:
            raise ValueError(f"it has more than {FILE_LIMIT / 2**30:.0f} GiB")
        if size < 8:
            raise ValueError("it is too short")
        (length,) = struct.unpack("<Q", file.read(8))
        if length > min(size - 8, HEADER_LIMIT):
            raise ValueError("its header is too long")
        header = parse_json(file.read(length))
        metadata = header.pop("__metadata__", {})
        if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
            raise ValueError("its metadata are not text by name")
        return Header(metadata, check_tensors(header, size - 8 - length))
    except ValueError as error:
        raise ValueError(f"{named(path)} {DAMAGED} ({error}); {REMEDY}") from None


def parse_json(text: bytes | str) -> dict[str, Any]:
    """The JSON object in a text of a foreign file.

    Raises:
        ValueError: it is not JSON, not an object, or nested too deeply.
    """
    try:
        value = json.loads(text if isinstance(text, str) else text.decode("utf-8"))
    except (ValueError, RecursionError):
        raise ValueError("its header is not JSON") from None
    if not isinstance(value, dict):
        raise ValueError("its header is not an object")
    level: list[Any] = [value]
    for _ in range(DEPTH_LIMIT):
        level = [x for parent in level for x in (parent.values() if isinstance(parent, dict) else parent)]
        level = [x for x in level if isinstance(x, (dict, list))]
    if level:
        raise ValueError("its header is nested too deeply")
    return value


def check_tensors(header: Mapping[str, Any], size: int) -> dict[str, Stored]:
    """Name -> type and shape of the tensors that a header lists; together they take exactly the `size` bytes behind it.

    Raises:
        ValueError: an entry is not one, or places overlap, leave gaps or lie outside, in words that name the tensor.
    """
    found, places = {}, []
    for name, value in header.items():
        shown, entry = printable(name[:100]), value if isinstance(value, dict) else {}
        dtype, shape, place = entry.get("dtype"), entry.get("shape"), entry.get("data_offsets")
        if not isinstance(dtype, str) or dtype not in BYTES:
            raise ValueError(f"tensor {shown} has an unknown type")
        if not (are_sizes(shape) and are_sizes(place)) or len(place) != 2 or len(shape) > 8:
            raise ValueError(f"tensor {shown} has no shape or place")
        if place[1] - place[0] != math.prod(shape) * BYTES[dtype]:
            raise ValueError(f"tensor {shown} has another size than its shape")
        found[name] = Stored(dtype, tuple(shape))
        places.append((place[0], place[1], shown))
    end = 0
    for begin, stop, shown in sorted(places):
        if begin != end:
            raise ValueError(f"tensor {shown} does not follow the one before it")
        end = stop
    if end != size:
        raise ValueError(f"its tensors take {end} bytes and the file has {size} for them")
    return found


def are_sizes(value: Any) -> TypeGuard[list[int]]:
    """Whether a JSON value is a list of whole numbers that may count bytes of a file."""
    return isinstance(value, list) and all(type(x) is int and 0 <= x <= FILE_LIMIT for x in value)
