"""TFRecords without TensorFlow, against a writer of our own and against published check values."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from vp.data.crc32c import crc32c, masked_crc32c
from vp.data.tf_example import parse_example
from vp.data.tfrecord import read_record, scan_records

from .makers import example, masked, number, piece, plain_crc32c, write_tfrecord


def test_published_check_values():
    """RFC 3720, appendix B.4, and the usual check of nine digits."""
    assert crc32c(b"123456789") == 0xE3069283 and crc32c(b"") == 0
    assert crc32c(bytes(32)) == 0x8A9136AA and crc32c(b"\xff" * 32) == 0x62A8AB43
    assert crc32c(bytes(range(32))) == 0x46DD794E


@pytest.mark.parametrize("size", [1, 3, 63, 64, 65, 127, 128, 1_000, 4_097, 30_011])
def test_rows_side_by_side_give_what_one_byte_after_the_other_gives(size):
    data = np.random.default_rng(size).integers(0, 256, size, np.uint8).tobytes()
    assert crc32c(data) == plain_crc32c(data)
    assert struct.pack("<I", masked_crc32c(data)) == masked(data)


def test_records_come_back_whole_and_in_order(tmp_path):
    contents = [b"first", b"", b"x" * 70_000]
    found = list(scan_records(write_tfrecord(tmp_path / "a.tfrecords", contents)))
    assert [read_record(record) for record in found] == contents and [record.index for record in found] == [0, 1, 2]


def test_a_flipped_bit_is_noticed_in_the_record_it_is_in(tmp_path):
    path = write_tfrecord(tmp_path / "a.tfrecords", [b"first" * 99, b"second" * 99])
    data = bytearray(path.read_bytes())
    data[100] ^= 4
    path.write_bytes(data)
    first, second = scan_records(path)
    with pytest.raises(ValueError, match="record 0 of a.tfrecords is damaged"):
        read_record(first)
    assert read_record(second) == b"second" * 99


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda data: data[:-1], "cut off after 1 records"),
        (lambda data: data[:60], "damaged or no TFRecord file after 1 records"),
        (lambda data: data[:3] + b"\x01" + data[4:], "damaged or no TFRecord file from its start"),
        (lambda data: b"\x1f\x8b" + data, "gzip"),
        (lambda data: b"no records at all, but long enough", "from its start"),
    ],
)
def test_damaged_framing_is_named_after_what_came_before(tmp_path, damage, says):
    path = write_tfrecord(tmp_path / "a.tfrecords", [b"a" * 40, b"b" * 40])
    path.write_bytes(damage(path.read_bytes()))
    came = []
    with pytest.raises(ValueError, match=says) as error:
        for record in scan_records(path):
            came.append(record)
    assert len(came) == ("after 1" in says) and "a.tfrecords" in str(error.value)


def test_an_example_gives_bytes_floats_and_whole_numbers_of_either_sign():
    data = {"picture": [b"\0\xff", b""], "action": [0.5, -2.0], "label": [3, -1, 2**40, -(2**62)], "one": b"x"}
    out = parse_example(example(data))
    assert out["picture"] == [b"\0\xff", b""] and out["one"] == [b"x"]
    assert out["action"].dtype == np.float32 and out["action"].tolist() == [0.5, -2.0]
    assert out["label"].dtype == np.int64 and out["label"].tolist() == [3, -1, 2**40, -(2**62)]


def test_unpacked_numbers_and_unknown_fields_are_read_too():
    floats = piece(2, b"".join(number(1 * 8 + 5) + struct.pack("<f", x) for x in (1.5, 2.5)))
    whole = piece(3, b"".join(number(1 * 8 + 0) + number(x) for x in (7, -7)))
    entries = b"".join(piece(1, piece(1, name) + piece(2, value)) for name, value in ((b"f", floats), (b"i", whole), (b"e", b"")))
    unknown = number(9 * 8 + 0) + number(5) + number(10 * 8 + 1) + bytes(8)
    out = parse_example(piece(1, entries) + unknown)
    assert out["f"].tolist() == [1.5, 2.5] and out["i"].tolist() == [7, -7] and out["e"] == []


@pytest.mark.parametrize("data", [b"\xff" * 30, b"\x0a\xff", b"\x0a\x02\x0a", b"\x0b\x01", b"\x0a\x04\x0a\x02\x12\x00"])
def test_what_is_no_example_is_said(data):
    with pytest.raises(ValueError, match="no tf.train.Example"):
        parse_example(data)
