"""Which recordings are for training, for choices and for reported numbers: whole groups, never windows of one recording.

Where the layout does not say, a hash of the group's name does, so that new files never move the old ones. Only where a split
would stay empty (few groups) does it borrow from the largest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from .recording import Recording

SPLITS = ("train", "dev", "val", "test", "example")  # dev: for choices, where val too is for reported numbers; example: to show
ALL = "all"  # asks for every recording
CHOICES = "choices"  # for those to choose by: dev where there is such a split, val elsewhere
VAL, TEST = 0.1, 0.1  # shares of the groups
WORDS = {
    "train": "train", "training": "train", "test": "test", "testing": "test",
    "val": "val", "valid": "val", "validate": "val", "validation": "val", "dev": "dev",
}  # fmt: skip


def assign(recordings: Sequence[Recording]) -> dict[str, str]:
    """group -> one of SPLITS.

    A layout's own split stands; if it has no recordings to choose by, val or dev, a tenth of its training groups (one at least,
    where there are two) become val. A missing training or test split of a layout stays missing. Of two groups without a layout
    one is for training and one for validation; a lone one is for training.
    """
    out = {r.group: r.split or by_hash(r.group) for r in recordings}
    if any(r.split for r in recordings):
        if "dev" not in out.values():
            borrow(out, "val", "train")
    elif len(out) < 3:
        out = dict(zip(sorted(out, key=place, reverse=True), ("train", "val")))
    else:
        for name in ("train", "val", "test"):
            split = list(out.values())
            borrow(out, name, max(("train", "val", "test"), key=split.count))
    return out


def borrow(split: dict[str, str], name: str, lender: str) -> None:
    """Gives an empty split a tenth of the lender's groups, one at least; a lender with a single group keeps it."""
    groups = sorted((group for group, its in split.items() if its == lender), key=place)
    if name in split.values() or len(groups) < 2:
        return
    lent = [group for group in groups if place(group) < VAL]
    for group in lent if 0 < len(lent) < len(groups) else groups[:1]:
        split[group] = name


def by_hash(group: str) -> str:
    where = place(group)
    return "val" if where < VAL else "test" if where < VAL + TEST else "train"


def place(group: str) -> float:
    """A number in [0, 1) that depends on the name alone, on every machine."""
    return int.from_bytes(hashlib.sha256(group.encode()).digest()[:8], "big") / 2**64
