"""Which walls a clip has and which a model learned: one sentence where they differ, for no pixel of the known frames tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from vp.data.bounce import LAWS

from .clips import Choice


def walls(data: str) -> str | None:
    """What the walls of a data set do, or None where it has none."""
    if data not in LAWS:
        return None
    return "reflect digits as mirrors do" if LAWS[data].uncertain_after_hit is None else "throw digits back at random"


def other_walls(choice: Choice, card: Mapping[str, Any]) -> str | None:
    """The sentence, or None where the walls are alike or nothing is known about them.

    Args:
        choice: the clip. card: of the model.
    """
    here, learned = walls(choice.data), [known for known in map(walls, card.get("data", {})) if known]
    if here is None or not learned or here in learned:
        return None
    return f"In this clip the walls {here}; this model learned walls that {learned[0]}."


def noted(choice: Choice, card: Mapping[str, Any]) -> Choice:
    """The choice, its clip with that sentence among its notes."""
    said = other_walls(choice, card)
    return replace(choice, clip=replace(choice.clip, notes=(*choice.clip.notes, said))) if said else choice
