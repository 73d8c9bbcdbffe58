"""The data sets by name."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import torch

from .digits import load_digits
from .moving_digits import ClipSource, MovingDigits
from .push.source import PushWorld

DATASETS = {
    "smmnist-svg": partial(MovingDigits, "smmnist-svg"),
    "smmnist-srvp": partial(MovingDigits, "smmnist-srvp"),
    "mmnist": partial(MovingDigits, "mmnist"),
    "push": PushWorld,
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
        name: a key of `DATASETS`. split: "train", "val" or "test"; their digits or episodes are disjoint.
        data_root: folder that holds MNIST/raw, or push/ with pool files; None: the environment variable VP_DATA.
        digits: "mnist", "strokes", "mixed" (half of the clips each) or "auto" (MNIST where it is found, else strokes).
        device: where clips are made. n_digits: digits a clip. Where there are no digits, both are ignored.

    Raises:
        ValueError: an unknown name, split or kind of digits, or MNIST asked for and not found.
    """
    if name not in DATASETS:
        raise ValueError(f"there is no data set {name!r}; there are {', '.join(DATASETS)}")
    if name == "push":
        return PushWorld(split, data_root, device)
    return DATASETS[name](load_digits(digits, split, data_root), n_digits=n_digits, device=device)
