"""Which model a clip gets: one made for digits, for the push world, or for clips of any kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vp.data import Clip
from vp.data.domain import CANVAS, Domain
from vp.prediction.domain import domain_note, domains, kind_of, trained_on
from vp.prediction.known_frames import fit

FAVOURITES = ("svg-lp-smmnist", "svg-lp-push", "svg-lp-real")  # of several that suit, these
LOOKED_AT = 5  # frames


def suited(cards: Mapping[str, Mapping[str, Any]], clip: Clip, chosen: str, by_hand: bool) -> tuple[str, str]:
    """The name of the model that a clip gets, and one sentence on why, "" where it is the one chosen.

    Args:
        cards: name -> card of all models.
        clip: the clip.
        chosen: the model that was chosen before.
        by_hand: by a person, so that it stays if it is made for any clip.
    """
    frames = clip.frames[:LOOKED_AT]
    kind = kind_of(frames, clip.data)
    if knows(cards[chosen], frames, kind, by_hand):
        return chosen, ""
    names = sorted(cards, key=lambda name: name not in FAVOURITES)
    found = [name for name in names if any(is_for(domain, kind) for domain in domains(trained_on(cards[name])))]
    if not found:
        return chosen, ""
    why = f"the clip shows {kind}" if kind else "it takes clips of any kind and size"
    return found[0], f"Model {found[0]} was chosen: {why}."


def knows(card: Mapping[str, Any], frames: Any, kind: str | None, by_hand: bool) -> bool:
    """Whether a model may keep a clip of this kind."""
    data = trained_on(card)
    known = domains(data)
    if kind is None:
        return not any(domain.kind for domain in known) and domain_note(fit(frames, CANVAS, (3,))[0], data) is None
    return any(is_for(domain, kind) for domain in known) or (by_hand and (not data or any(x.anything for x in known)))


def is_for(domain: Domain, kind: str | None) -> bool:
    """Whether models trained on such data are made for clips of this kind, or for clips that are of none."""
    return domain.kind == kind if kind else domain.anything
