"""Chooses the model that suits a clip: one for digits, for the push world, or for any clip; with a sentence on why."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from vp.data import Clip
from vp.data.domain import CANVAS, Domain
from vp.prediction.card import Card
from vp.prediction.domain import clip_kind, dataset_domains
from vp.prediction.known_frames import fit_to_model

FAVOURITES = ("svg-lp-smmnist", "svg-lp-push", "svg-lp-real")  # of several that suit, these
LOOKED_AT = 5  # frames


def choose_model(cards: Mapping[str, Card], clip: Clip, chosen: str, by_hand: bool) -> tuple[str, str]:
    """The name of the model for a clip, and one sentence on why, "" where no model is made for such clips.

    Args:
        cards: name -> card of all models.
        clip: the clip.
        chosen: the current model.
        by_hand: a person chose it, so that it stays unless it does not suit the clip.
    """
    frames = clip.frames[:LOOKED_AT]
    kind = clip_kind(frames, clip.data)
    found = model_for_kind(cards, kind)
    if not found:
        return chosen, ""
    why = f"the clip shows {kind}" if kind else "it takes clips of any kind and size"
    if found == chosen:
        return chosen, f"Model {chosen} stays: {why}."
    if by_hand and can_keep_clip(cards[chosen], frames, kind):
        return chosen, f"Model {chosen} stays, as you chose it; {found} is the usual one: {why}."
    return found, f"Model {found} was chosen: {why}."


def model_for_kind(cards: Mapping[str, Card], kind: str | None) -> str | None:
    """The name of the model made for a kind of clip, or for any clip where `kind` is None; None where there is none."""
    names = sorted(cards, key=lambda name: name not in FAVOURITES)
    return next(
        (name for name in names if any(is_made_for(domain, kind) for domain in dataset_domains(cards[name].datasets))),
        None,
    )


def is_made_for(domain: Domain, kind: str | None) -> bool:
    """Whether models trained on such data are made for clips of this kind, or where `kind` is None for any clip."""
    return domain.kind == kind if kind else domain.is_unrestricted


def can_keep_clip(card: Card, frames: np.ndarray, kind: str | None) -> bool:
    """Whether a model that a person chose suits a clip: always for baselines and unknown training data.

    Args:
        frames: uint8 (T, H, W, C), the first ones of the clip.
        kind: of the clip, see `clip_kind`.
    """
    known, view = dataset_domains(card.datasets), fit_to_model(frames, CANVAS, (3,))[0]
    return not known or any(domain.kind == kind or domain.describe(view) is None for domain in known)
