"""Scores a model's intermediate pictures (fusion pictures: one image that fuses a clip's motion) against those of the true
clip."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from vp.core.options import Options
from vp.core.predictor import Predictor, seed_grid
from vp.core.video import Batch
from vp.metrics import METRICS

from ..prediction.watch import observe_clips
from .scores import summarise_samples

TRUE = "_true"  # pictures NAME and NAME_true belong together
CLIPS_AT_ONCE = 50


def score_pictures(predictor: Predictor, options: Options, data: Batch, known: Tensor, scale: int = 1) -> dict[str, Any]:
    """Label -> `scores.summarise_samples` of the pictures of predicted frames; {} for a model without pictures.

    "NAME" are the predicted pictures; the baseline "NAME copied" repeats the picture of the last known frame.
    """
    if not predictor.capabilities.pictures:
        return {}
    parts: dict[str, list[dict[str, Tensor]]] = {}
    for start in range(0, len(data.frames), CLIPS_AT_ONCE):
        observation = observe_clips(data, slice(start, start + CLIPS_AT_ONCE), known, scale)
        shown = predictor.predict(observation, seed_grid(0, len(observation.frames), 1), options).pictures
        for label, guess, truth in picture_pairs(predictor.capabilities.pictures, shown, known):
            parts.setdefault(label, []).append({name: metric(guess, truth).cpu() for name, metric in METRICS.items()})
    return {
        label: summarise_samples({name: torch.cat([x[name] for x in rows]) for name in METRICS}) for label, rows in parts.items()
    }


def picture_pairs(names: Iterable[str], pictures: Mapping[str, Tensor], known: Tensor) -> Iterator[tuple[str, Tensor, Tensor]]:
    """Yields (label, pictures, true pictures), both (B, N, F, C, H, W), of the frames to predict.

    For each name: the predicted pictures, then as the baseline "NAME copied" the last known true one repeated.
    """
    for name in names:
        guess, truth = pictures[name][:, :, ~known], pictures[name + TRUE]
        yield name, guess, truth[:, :, ~known]
        if known.any():
            last = int(known.nonzero().max())
            yield f"{name} copied", truth[:, :, [last]].expand_as(guess), truth[:, :, ~known]
