"""Does a clip look like the data that a model was trained on, and which data does it look like?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from vp.data import DATASETS
from vp.data.domain import CANVAS, Domain
from vp.data.video_file import is_coloured

from .known_frames import fit


def domains(datasets: Iterable[str]) -> list[Domain]:
    """What the data sets of these names say of their clips; those that say nothing are left out."""
    known = set(datasets)
    return list(dict.fromkeys(data.domain for name, data in DATASETS.items() if name in known and data.domain is not None))


def kind_of(frames: np.ndarray, data: str = "") -> str | None:
    """Which kind of clip this is, by the data sets that have a word for theirs, or None.

    Of 430 real clips none passes for the push world, and of those without colour one, a game, for digits.

    Args:
        frames: uint8 (T, H, W, C), the first ones of a clip, of any size.
        data: the data set that the clip is known to come from, or "".
    """
    named = [(data, domain) for data, domain in ((x, x.domain) for x in DATASETS.values()) if domain is not None and domain.kind]
    own = [domain.kind for domain in domains([data]) if domain.kind]
    if own:
        return own[0]
    views = {channels: fit(frames, CANVAS, (channels,))[0] for channels in (1, 3)}
    coloured = is_coloured(views[3])
    for data_set, domain in sorted(named, key=lambda pair: -pair[0].channels):  # what needs colour to be told comes first
        if data_set.channels == 1 and coloured:
            continue
        if domain.can_be_kind(frames) and domain.describe(views[data_set.channels]) is None:
            return domain.kind
    return None


def trained_on(card: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the data sets that a model's card gives: the mix it was trained on, or the one data set."""
    return tuple(card.get("data") or filter(None, [card.get("dataset")]))


def domain_note(frames: np.ndarray, datasets: Iterable[str]) -> str | None:
    """One sentence where the clip is unlike the training data, else None.

    Args:
        frames: uint8 (T, H, W, C), the known ones, as the model takes them; with none nothing is said.
        datasets: names of the training data; a clip need be like one of them only.
    """
    known = domains(datasets)
    if not known or not len(frames):
        return None
    said = [domain.describe(frames) for domain in known]
    if None in said:
        return None
    widest = -1  # of several the catalogue names the one that varies most last
    return f"This model has only seen {known[widest].seen}; here {said[widest]}, so do not trust what it shows."


def walls_note(clip: str, datasets: Iterable[str]) -> str | None:
    """One sentence where the walls of a clip's data set do otherwise than those that a model learned, else None.

    Args:
        clip: the data set that the clip comes from, "" where that is not known.
        datasets: names of the training data.
    """
    here, learned = ([domain.walls for domain in domains(names) if domain.walls] for names in ([clip], datasets))
    if not here or not learned or here[0] in learned:
        return None
    return f"In this clip the walls {here[0]}; this model learned walls that {learned[0]}."
