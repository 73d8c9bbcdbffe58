"""Which model a clip gets: one made for digits, for the push world, or for clips of any kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vp.prediction.familiarity import ANYTHING, CANVAS, KINDS, domain_note, kind_of, trained_on
from vp.prediction.known_frames import fit

from .clips import Choice

FAVOURITES = ("svg-lp-smmnist", "svg-lp-push", "svg-lp-real")  # of several that suit, these
LOOKED_AT = 5  # frames


def suited(cards: Mapping[str, Mapping[str, Any]], choice: Choice, chosen: str, by_hand: bool) -> tuple[str, str]:
    """The name of the model that a clip gets, and one sentence on why, "" where it is the one chosen.

    Args:
        cards: name -> card of all models. choice: the clip.
        chosen: the model that was chosen before. by_hand: by a person, so that it stays if it is made for any clip.
    """
    frames = choice.clip.frames[:LOOKED_AT]
    kind = kind_of(frames, choice.data)
    if knows(cards[chosen], frames, kind, by_hand):
        return chosen, ""
    wanted = KINDS[kind] if kind else ANYTHING
    names = sorted(cards, key=lambda name: name not in FAVOURITES)
    found = [name for name in names if set(trained_on(cards[name])) & set(wanted)]
    if not found:
        return chosen, ""
    why = f"the clip shows {kind}" if kind else "it takes clips of any kind and size"
    return found[0], f"Model {found[0]} was chosen: {why}."


def knows(card: Mapping[str, Any], frames: Any, kind: str | None, by_hand: bool) -> bool:
    """Whether a model may keep a clip of this kind."""
    data = set(trained_on(card))
    if kind is None:
        made_for_kinds = any(data & set(names) for names in KINDS.values())
        return not made_for_kinds and domain_note(fit(frames, CANVAS, (3,))[0], data) is None
    return bool(data & set(KINDS[kind])) or (by_hand and (not data or bool(data & set(ANYTHING))))
