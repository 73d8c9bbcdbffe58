"""Which recordings are for training, for choosing a model and for reported numbers; a group never spans two splits.

Where the layout does not say, a hash of the group's name decides, so that new files never move the old ones. Only where a split
would stay empty (few groups) are groups taken from the largest one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from .recording import Recording

SPLITS = ("train", "dev", "val", "test", "example")  # dev: for choosing a model, where val too is reported; example: to show
ALL = "all"  # asks for every recording
CHOICES = "choices"  # asks for the split to choose a model by: dev where there is one, else val
VAL, TEST = 0.1, 0.1  # shares of the groups
WORDS = {
    "train": "train", "training": "train", "test": "test", "testing": "test",
    "val": "val", "valid": "val", "validate": "val", "validation": "val", "dev": "dev",
}  # fmt: skip


def assign_splits(recordings: Sequence[Recording]) -> dict[str, str]:
    """The split of each group: group -> one of SPLITS.

    A layout's own split is kept; if it has neither val nor dev, a tenth of its training groups (at least one, where there are
    two) become val. A missing training or test split of a layout stays missing. Without a layout, of two groups one is for
    training and one for validation, and a single one is for training.
    """
    out = {r.group: r.split or split_by_hash(r.group) for r in recordings}
    if any(r.split for r in recordings):
        if "dev" not in out.values():
            fill_empty_split(out, "val", "train")
    elif len(out) < 3:
        out = dict(zip(sorted(out, key=hash_fraction, reverse=True), ("train", "val")))
    else:
        for name in ("train", "val", "test"):
            split = list(out.values())
            fill_empty_split(out, name, max(("train", "val", "test"), key=split.count))
    return out


def fill_empty_split(split: dict[str, str], name: str, lender: str) -> None:
    """Moves a tenth of the lender's groups, at least one, to the split `name` if it is empty; a lender of one group keeps it.

    Args:
        split: group -> split, changed in place.
    """
    groups = sorted((group for group, its in split.items() if its == lender), key=hash_fraction)
    if name in split.values() or len(groups) < 2:
        return
    lent = [group for group in groups if hash_fraction(group) < VAL]
    for group in lent if 0 < len(lent) < len(groups) else groups[:1]:
        split[group] = name


def split_by_hash(group: str) -> str:
    """The split of a group by the hash of its name: "train", "val" or "test"."""
    where = hash_fraction(group)
    return "val" if where < VAL else "test" if where < VAL + TEST else "train"


def hash_fraction(group: str) -> float:
    """A number in [0, 1) that depends on the name alone, the same on every machine."""
    return int.from_bytes(hashlib.sha256(group.encode()).digest()[:8], "big") / 2**64
