"""tf.train.Example from its protobuf wire format: a map of names to lists of bytes, floats or whole numbers.

Example { Features = 1 }, Features { map entry = 1 }, entry { name = 1, Feature = 2 }, and a Feature is one of a BytesList = 1,
a FloatList = 2 and an Int64List = 3, each with repeated values = 1, packed or not.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

Values = list[bytes] | np.ndarray
Field = tuple[int, int, memoryview | int]  # number, wire type, content
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
SIZES = {FIXED64: 8, FIXED32: 4}
SIGN = 1 << 63


def parse_example(data: bytes) -> dict[str, Values]:
    """name -> list of bytes, float32 (N,) or int64 (N,).

    Raises:
        ValueError: the bytes are no tf.train.Example.
    """
    out: dict[str, Values] = {}
    try:
        for features in nested(memoryview(data), 1):
            for entry in nested(features, 1):
                parts = {number: content for number, _, content in fields(entry)}
                out[bytes(parts[1]).decode()] = feature(parts.get(2, memoryview(b"")))
    except (IndexError, KeyError, TypeError, UnicodeDecodeError, ValueError) as error:
        raise ValueError(f"a record is no tf.train.Example ({error})") from error
    return out


def feature(data: memoryview) -> Values:
    for kind, _, values in fields(data):
        if kind == 1:
            return [bytes(value) for value in nested(values, 1)]
        if kind == 2:
            return np.frombuffer(b"".join(nested(values, 1)), "<f4").astype(np.float32)
        if kind == 3:
            return np.array([signed(value) for value in integers(values)], np.int64)
    return []


def nested(data: memoryview, wanted: int) -> Iterator[memoryview]:
    """The contents of the fields of a number, bytes only (a FloatList's values are fixed32 or packed: both are bytes)."""
    for number, wire, content in fields(data):
        if number == wanted and wire != VARINT:
            yield content


def integers(data: memoryview) -> Iterator[int]:
    for _, wire, content in fields(data):
        if wire == VARINT:
            yield content
        else:  # packed
            at = 0
            while at < len(content):
                value, at = varint(content, at)
                yield value


def fields(data: memoryview) -> Iterator[Field]:
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == VARINT:
            content, at = varint(data, at)
        else:
            if wire == BYTES:
                size, at = varint(data, at)
            elif wire in SIZES:
                size = SIZES[wire]
            else:
                raise ValueError(f"wire type {wire}")
            if at + size > len(data):
                raise ValueError("a field is cut off")
            content, at = data[at : at + size], at + size
        yield number, wire, content


def varint(data: memoryview, at: int) -> tuple[int, int]:
    """(value, place after it)."""
    value, shift = 0, 0
    while shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
    raise ValueError("a whole number has no end")


def signed(value: int) -> int:
    """A 64-bit pattern as a whole number with a sign."""
    value &= 2 * SIGN - 1
    return value - 2 * SIGN if value >= SIGN else value
