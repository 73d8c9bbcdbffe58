"""Sources of digits: MNIST in torchvision's folder layout, and our own stroke digits."""

from __future__ import annotations

import gzip
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .strokes import draw_stroke_digits

SPLITS = ("train", "val", "test")
SOURCES = ("auto", "mnist", "strokes", "mixed")
MNIST_FILES = {"train": "train", "val": "train", "test": "t10k"}
VAL_DIGITS = 5_000  # the last of the 60,000 training digits
STROKE_BANKS = {"train": (6_000, 101), "val": (1_500, 202), "test": (1_500, 303)}  # count, seed


@dataclass(frozen=True)
class DigitBank:
    """Digits of one source: `images` uint8 (N, 28, 28), white on black, `labels` int64 (N,)."""

    source: str
    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.images)


def load_digits(source: str = "auto", split: str = "train", data_root: str | Path | None = None) -> tuple[DigitBank, ...]:
    """The digit banks of a split; digits of different splits never overlap.

    Args:
        source: "mnist", "strokes", "mixed" (both banks), or "auto" (MNIST where it is found, else strokes).
        split: MNIST: "train", the first 55,000 training digits; "val", the last 5,000; "test", the 10,000 test digits.
        data_root: the folder that holds MNIST/raw; None: the environment variable VP_DATA.

    Raises:
        ValueError: unknown source or split, or MNIST asked for and not found or not readable.
    """
    source = resolve_digits(source, split, data_root)
    banks = ()
    if source in ("mnist", "mixed"):
        banks += (load_mnist_bank(split, data_root),)
    if source in ("strokes", "mixed"):
        banks += (make_stroke_bank(split),)
    return banks


def resolve_digits(source: str, split: str, data_root: str | Path | None = None) -> str:
    """The source "mnist", "strokes" or "mixed" that `source` stands for; "auto" is "mnist" where its files are found.

    Raises:
        ValueError: an unknown source or split.
    """
    if source not in SOURCES:
        raise ValueError(f"digits is {source!r}; give one of {', '.join(SOURCES)}")
    if split not in SPLITS:
        raise ValueError(f"split is {split!r}; give one of {', '.join(SPLITS)}")
    if source != "auto":
        return source
    return "mnist" if find_mnist_file(split, "images-idx3", data_root) else "strokes"


def load_mnist_bank(split: str, data_root: str | Path | None = None) -> DigitBank:
    """The MNIST digits of a split, from the idx files, plain or .gz.

    Raises:
        ValueError: the files are missing or damaged.
    """
    files = [find_mnist_file(split, part, data_root) for part in ("images-idx3", "labels-idx1")]
    if files[0] is None:
        root = data_root or os.environ.get("VP_DATA") or "DIR"
        fetch = f"from vp.data import download_mnist; download_mnist('{root!s}')"
        raise ValueError(
            f"no MNIST under {root!s} (looked for MNIST/raw/{MNIST_FILES[split]}-images-idx3-ubyte, plain or .gz): "
            f'give its folder by --data-root or VP_DATA, or fetch it by python -c "{fetch}"'
        )
    images = torch.from_numpy(read_idx(files[0]))
    labels = torch.from_numpy(read_idx(files[1])).long() if files[1] else torch.full((len(images),), -1)
    if images.shape != (len(labels), 28, 28) or len(images) <= VAL_DIGITS:
        came = f"{tuple(images.shape)} pictures and {len(labels)} labels"
        raise ValueError(f"{files[0]} holds {came}; MNIST has (N, 28, 28) and N: fetch it again")
    part = {"train": slice(None, -VAL_DIGITS), "val": slice(-VAL_DIGITS, None), "test": slice(None)}[split]
    return DigitBank("mnist", images[part], labels[part])


@lru_cache(maxsize=len(SPLITS))
def make_stroke_bank(split: str) -> DigitBank:
    """Our stroke digits of a split, drawn on first use and cached."""
    images, labels = draw_stroke_digits(*STROKE_BANKS[split])
    return DigitBank("strokes", torch.from_numpy(images), torch.from_numpy(labels))


def find_mnist_file(split: str, part: str, data_root: str | Path | None) -> Path | None:
    """The idx file of a split, None where there is none.

    Args:
        part: "images-idx3" or "labels-idx1".
    """
    root = data_root or os.environ.get("VP_DATA")
    if not root:
        return None
    plain = Path(root) / "MNIST" / "raw" / f"{MNIST_FILES[split]}-{part}-ubyte"
    return next((path for path in (plain, plain.with_name(plain.name + ".gz")) if path.is_file()), None)


def read_idx(path: Path) -> np.ndarray:
    """An idx file of unsigned bytes (two zeros, type 8, number of axes, big-endian sizes, data) as an array.

    Raises:
        ValueError: the file is damaged or is not idx.
    """
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        if data[:3] != b"\0\0\x08":
            raise ValueError("wrong magic number")
        shape = np.frombuffer(data, ">i4", count=data[3], offset=4)
        return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape).copy()
    except (OSError, EOFError, ValueError, IndexError) as error:
        raise ValueError(f"{path} is damaged or is not an idx file ({error}); fetch MNIST again") from error


def download_mnist(root: str | Path) -> None:
    """Downloads MNIST into `root`/MNIST/raw with torchvision."""
    from torchvision.datasets import MNIST

    for train in (True, False):
        MNIST(str(root), train=train, download=True)
