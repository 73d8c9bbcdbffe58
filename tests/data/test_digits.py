"""Digit sources: files in torchvision's layout, splits, and the strokes we draw."""

from __future__ import annotations

import gzip
import os

import numpy as np
import pytest
import torch

from vp.data.digits.banks import find_mnist_file, load_digits
from vp.data.digits.strokes import SHAPES, draw_stroke_digits


def write_idx(path, array: np.ndarray) -> None:
    data = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes() + array.tobytes()
    path.write_bytes(gzip.compress(data, 1) if path.suffix == ".gz" else data)


@pytest.fixture(scope="module")
def fake_mnist(tmp_path_factory):
    """The layout of MNIST with every picture filled by its own number, 5,100 training and 5,010 test digits."""
    root = tmp_path_factory.mktemp("mnist")
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part, count, suffix in (("train", 5_100, ".gz"), ("t10k", 5_010, "")):
        numbers = np.arange(count)
        images = np.zeros((count, 28, 28), np.uint8)
        images[:, 0, 0], images[:, 0, 1] = numbers % 256, numbers // 256
        write_idx(raw / f"{part}-images-idx3-ubyte{suffix}", images)
        write_idx(raw / f"{part}-labels-idx1-ubyte{suffix}", (numbers % 10).astype(np.uint8))
    return root


def numbers(bank) -> set[int]:
    return set((bank.images[:, 0, 0].int() + 256 * bank.images[:, 0, 1].int()).tolist())


def test_mnist_splits_are_the_first_the_last_and_the_test_file(fake_mnist):
    (train,), (val,), (test,) = (load_digits("mnist", split, fake_mnist) for split in ("train", "val", "test"))
    assert numbers(train) == set(range(100)) and numbers(val) == set(range(100, 5_100))
    assert len(test) == 5_010 and train.labels[:3].tolist() == [0, 1, 2]


def test_auto_takes_mnist_where_it_is_found(fake_mnist, tmp_path, monkeypatch):
    assert [bank.source for bank in load_digits("auto", "test", fake_mnist)] == ["mnist"]
    assert [bank.source for bank in load_digits("auto", "test", tmp_path)] == ["strokes"]
    monkeypatch.setenv("VP_DATA", str(fake_mnist))
    assert [bank.source for bank in load_digits("mixed", "test")] == ["mnist", "strokes"]


def test_missing_mnist_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.delenv("VP_DATA", raising=False)
    with pytest.raises(ValueError, match=r"VP_DATA.*download_mnist") as error:
        load_digits("mnist", "train", tmp_path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("damage", [b"", b"\0\0\x08", b"\0\0\x08\x03" + b"\0\0\0\x05" * 3, b"not an idx file at all"])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_damaged_file_is_named(damage, suffix, tmp_path):
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    (raw / f"train-images-idx3-ubyte{suffix}").write_bytes(damage)
    with pytest.raises(ValueError, match="train-images-idx3-ubyte"):
        load_digits("mnist", "train", tmp_path)


@pytest.mark.parametrize(("source", "split"), [("svhn", "train"), ("strokes", "dev")])
def test_unknown_names_list_the_known_ones(source, split):
    with pytest.raises(ValueError, match="give one of"):
        load_digits(source, split)


def test_stroke_digits_repeat_with_a_seed_and_splits_share_none():
    images, labels = draw_stroke_digits(50, seed=3)
    again, same = draw_stroke_digits(50, seed=3)
    assert (images == again).all() and (labels == same).all()
    splits = [load_digits("strokes", split)[0].images for split in ("train", "val", "test")]
    train, val, test = ({image.numpy().tobytes() for image in images} for images in splits)
    assert not train & val and not train & test and not val & test


def test_stroke_digits_look_like_mnist_in_the_numbers():
    """MNIST's test digits: 105 px above half white, mean 0.13, centre of mass at the box's centre, 20 px long."""
    images, labels = draw_stroke_digits(1_000, seed=5)
    ink = images > 127
    assert set(labels.tolist()) == set(SHAPES) == set(range(10))
    assert ink.sum((1, 2)).mean() == pytest.approx(105, abs=12)
    assert images.mean() / 255 == pytest.approx(0.133, abs=0.02)
    height = np.array([np.ptp(np.flatnonzero(picture.any(1))) + 1 for picture in ink])
    assert height.mean() == pytest.approx(19, abs=1.5)
    across = (images.sum(1) @ np.arange(28)) / images.sum((1, 2))
    assert abs(across.mean() - 13.5) < 0.5
    inner = np.zeros((28, 28), bool)
    inner[1:-1, 1:-1] = True
    assert ink[:, ~inner].any(1).mean() < 0.005, "digits are cut off by their box"
    assert ink.any((1, 2)).all() and (images > 0).mean() < 0.35


def test_real_mnist_has_the_known_sizes():
    root = os.environ.get("VP_DATA")
    if not root or find_mnist_file("train", "images-idx3", root) is None:
        pytest.skip("VP_DATA names no folder with MNIST")
    sizes = [len(load_digits("mnist", split)[0]) for split in ("train", "val", "test")]
    assert sizes == [55_000, 5_000, 10_000]
    assert torch.bincount(load_digits("mnist", "test")[0].labels).tolist()[:2] == [980, 1135]
