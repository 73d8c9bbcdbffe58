"""Compares a clip with the data that a model was trained on."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from vp.data import DATASETS
from vp.data.domain import CANVAS, Domain
from vp.data.video_file import is_coloured

from .known_frames import fit_to_model


def dataset_domains(datasets: Iterable[str]) -> list[Domain]:
    """The distinct domains (what clips look like) of the data sets of these names; data sets without one are left out."""
    known = set(datasets)
    return list(dict.fromkeys(data.domain for name, data in DATASETS.items() if name in known and data.domain is not None))


def clip_kind(frames: np.ndarray, data: str = "") -> str | None:
    """The kind of a clip, such as digits or the push world, by the domains that name one; None for any other clip.

    Of 430 real clips none passes for the push world, and of those without colour one, a game, for digits.

    Args:
        frames: uint8 (T, H, W, C), the first ones of a clip, of any size.
        data: the data set that the clip is known to come from, or "".
    """
    named = [(data, domain) for data, domain in ((x, x.domain) for x in DATASETS.values()) if domain is not None and domain.kind]
    own = [domain.kind for domain in dataset_domains([data]) if domain.kind]
    if own:
        return own[0]
    views = {channels: fit_to_model(frames, CANVAS, (channels,))[0] for channels in (1, 3)}
    coloured = is_coloured(views[3])
    for data_set, domain in sorted(named, key=lambda pair: -pair[0].channels):  # what is known by its colour comes first
        if data_set.channels == 1 and coloured:
            continue
        if domain.can_be_kind(frames) and domain.describe(views[data_set.channels]) is None:
            return domain.kind
    return None


def domain_note(frames: np.ndarray, datasets: Iterable[str]) -> str | None:
    """One sentence where the clip is unlike the training data, else None.

    Args:
        frames: uint8 (T, H, W, C), the known frames as the model takes them; where empty the answer is None.
        datasets: names of the training data; a clip needs to be like one of them only.
    """
    known = dataset_domains(datasets)
    if not known or not len(frames):
        return None
    said = [domain.describe(frames) for domain in known]
    if None in said:
        return None
    widest = -1  # of several the catalogue names the one that varies most last
    return f"This model has only seen {known[widest].seen}; here {said[widest]}, so do not trust what it shows."


def walls_note(clip_dataset: str, datasets: Iterable[str]) -> str | None:
    """One sentence where the walls in a clip's data set behave differently from those that a model learned, else None.

    Args:
        clip_dataset: name of the data set that the clip comes from, "" where that is not known.
        datasets: names of the training data.
    """
    here, learned = ([domain.walls for domain in dataset_domains(names) if domain.walls] for names in ([clip_dataset], datasets))
    if not here or not learned or here[0] in learned:
        return None
    return f"In this clip the walls {here[0]}; this model learned walls that {learned[0]}."
