"""The data sets by name."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import torch

from .digits import load_digits
from .moving_digits import ClipSource, MovingDigits

DATASETS = {
    "smmnist-svg": partial(MovingDigits, "smmnist-svg"),
    "smmnist-srvp": partial(MovingDigits, "smmnist-srvp"),
    "mmnist": partial(MovingDigits, "mmnist"),
}


def open_dataset(
    name: str,
    split: str = "train",
    data_root: str | Path | None = None,
    digits: str = "auto",
    device: torch.device | str = "cpu",
    n_digits: int = 2,
) -> ClipSource:
    """A source of clips.

    Args:
        name: a key of `DATASETS`. split: "train", "val" or "test"; their digits are disjoint.
        data_root: folder that holds MNIST/raw; None: the environment variable VP_DATA.
        digits: "mnist", "strokes", "mixed" (half of the clips each) or "auto" (MNIST where it is found, else strokes).
        device: where clips are made. n_digits: digits a clip.

    Raises:
        ValueError: an unknown name, split or kind of digits, or MNIST asked for and not found.
    """
    if name not in DATASETS:
        raise ValueError(f"there is no data set {name!r}; there are {', '.join(DATASETS)}")
    return DATASETS[name](load_digits(digits, split, data_root), n_digits=n_digits, device=device)

