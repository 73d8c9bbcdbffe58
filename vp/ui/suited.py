"""Which model a clip gets: one made for digits, for the push world, or for clips of any kind; and one sentence on why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from vp.data import Clip
from vp.data.domain import CANVAS, Domain
from vp.prediction.domain import domains, kind_of, trained_on
from vp.prediction.known_frames import fit

FAVOURITES = ("svg-lp-smmnist", "svg-lp-push", "svg-lp-real")  # of several that suit, these
LOOKED_AT = 5  # frames


def suited(cards: Mapping[str, Mapping[str, Any]], clip: Clip, chosen: str, by_hand: bool) -> tuple[str, str]:
    """The name of the model that a clip gets, and one sentence on why, "" where no model is made for such clips.

    Args:
        cards: name -> card of all models.
        clip: the clip.
        chosen: the model that was chosen before.
        by_hand: by a person, so that it stays unless it does not know such clips.
    """
    frames = clip.frames[:LOOKED_AT]
    kind = kind_of(frames, clip.data)
    found = made_for(cards, kind)
    if not found:
        return chosen, ""
    why = f"the clip shows {kind}" if kind else "it takes clips of any kind and size"
    if found == chosen:
        return chosen, f"Model {chosen} stays: {why}."
    if by_hand and knows(cards[chosen], frames, kind):
        return chosen, f"Model {chosen} stays, as you chose it; {found} is the usual one: {why}."
    return found, f"Model {found} was chosen: {why}."


def made_for(cards: Mapping[str, Mapping[str, Any]], kind: str | None) -> str | None:
    """The name of the model made for clips of a kind, or of none; None where there is none."""
    names = sorted(cards, key=lambda name: name not in FAVOURITES)
    return next((name for name in names if any(is_for(domain, kind) for domain in domains(trained_on(cards[name])))), None)


def is_for(domain: Domain, kind: str | None) -> bool:
    """Whether models trained on such data are made for clips of this kind, or for clips that are of none."""
    return domain.kind == kind if kind else domain.is_unrestricted


def knows(card: Mapping[str, Any], frames: np.ndarray, kind: str | None) -> bool:
    """Whether a model that a person chose may keep a clip: baselines, and those that nothing is known of, keep every one."""
    known, view = domains(trained_on(card)), fit(frames, CANVAS, (3,))[0]
    return not known or any(domain.kind == kind or domain.describe(view) is None for domain in known)
