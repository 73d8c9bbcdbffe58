"""Parses tf.train.Example from its protobuf wire format: a map of names to lists of bytes, floats or integers.

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
    """The features by name: a list of bytes, float32 (N,) or int64 (N,).

    Raises:
        ValueError: the bytes are no tf.train.Example.
    """
    out: dict[str, Values] = {}
    try:
        for features in read_field_contents(memoryview(data), 1):
            for entry in read_field_contents(features, 1):
                parts = {number: content for number, _, content in read_fields(entry)}
                out[bytes(parts[1]).decode()] = parse_feature(parts.get(2, memoryview(b"")))
    except (IndexError, KeyError, TypeError, UnicodeDecodeError, ValueError) as error:
        raise ValueError(f"a record is no tf.train.Example ({error})") from error
    return out


def parse_feature(data: memoryview) -> Values:
    """The values of a Feature message: a list of bytes, float32 (N,) or int64 (N,); an empty list for an empty message."""
    for kind, _, values in read_fields(data):
        if kind == 1:
            return [bytes(value) for value in read_field_contents(values, 1)]
        if kind == 2:
            return np.frombuffer(b"".join(read_field_contents(values, 1)), "<f4").astype(np.float32)
        if kind == 3:
            return np.array([to_signed(value) for value in read_integers(values)], np.int64)
    return []


def read_field_contents(data: memoryview, field_number: int) -> Iterator[memoryview]:
    """Yields the contents of a message's length-delimited or fixed-size fields of this number (varints are skipped)."""
    for number, wire, content in read_fields(data):
        if number == field_number and wire != VARINT:
            yield content


def read_integers(data: memoryview) -> Iterator[int]:
    """Yields the varints of an Int64List, packed or not, as unsigned 64-bit integers."""
    for _, wire, content in read_fields(data):
        if wire == VARINT:
            yield content
        else:  # packed
            at = 0
            while at < len(content):
                value, at = read_varint(content, at)
                yield value


def read_fields(data: memoryview) -> Iterator[Field]:
    """Yields (number, wire type, content) of each field of a message; raises ValueError where it is cut off or malformed."""
    at = 0
    while at < len(data):
        key, at = read_varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == VARINT:
            content, at = read_varint(data, at)
        else:
            if wire == BYTES:
                size, at = read_varint(data, at)
            elif wire in SIZES:
                size = SIZES[wire]
            else:
                raise ValueError(f"wire type {wire}")
            if at + size > len(data):
                raise ValueError("a field is cut off")
            content, at = data[at : at + size], at + size
        yield number, wire, content


def read_varint(data: memoryview, at: int) -> tuple[int, int]:
    """(value, index after it) of the varint at index `at`; raises ValueError where it is longer than 10 bytes."""
    value, shift = 0, 0
    while shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
    raise ValueError("a whole number has no end")


def to_signed(value: int) -> int:
    """An unsigned 64-bit integer as a signed one (two's complement)."""
    value &= 2 * SIGN - 1
    return value - 2 * SIGN if value >= SIGN else value
