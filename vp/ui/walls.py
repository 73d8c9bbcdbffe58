"""Which walls a clip has and which a model learned: one sentence where they differ, for no pixel of the known frames tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from vp.data import Clip

from .clips import Choice

WALLS = {  # data set -> what its walls do
    "smmnist-svg": "throw digits back at random",
    "smmnist-srvp": "throw digits back at random",
    "mmnist": "reflect digits as mirrors do",
}


def other_walls(choice: Choice, card: Mapping[str, Any]) -> str | None:
    """The sentence, or None where the walls are alike or nothing is known about them.

    Args:
        choice: the clip. card: of the model.
    """
    here, learned = WALLS.get(choice.data), [WALLS[name] for name in card.get("data", {}) if name in WALLS]
    if here is None or not learned or here in learned:
        return None
    return f"In this clip the walls {here}; this model learned walls that {learned[0]}. New random clip shows some of those."


def noted(choice: Choice, card: Mapping[str, Any]) -> Choice:
    """The choice, its clip with that sentence among its notes."""
    said = other_walls(choice, card)
    clip: Clip = choice.clip
    return replace(choice, clip=replace(clip, notes=(*clip.notes, said))) if said else choice
