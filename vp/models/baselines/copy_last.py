"""Copy-last baseline: a still future. Over short horizons many predictors are no better."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from vp.core.noise import Seeds
from vp.core.options import Options
from vp.core.predictor import Predictor
from vp.core.video import Capabilities, Observation, Prediction, Step

from .untrained import untrained_family


class CopyLast(Predictor):
    """Repeats the last known frame before each unknown one; frames before the first known one repeat that."""

    capabilities = Capabilities(any_mask=True, reasons={"seed": "copying has no randomness: every future is the same"})

    def stream(self, observation: Observation, seeds: Seeds, options: Options | None = None) -> Iterator[Step]:
        self.check(observation)
        copied = observation.frames[:, source_indices(observation.known)]
        yield Step(1, 1, prediction=Prediction(copied[:, None].repeat(1, seeds.shape[1], 1, 1, 1, 1)))


def source_indices(known: Tensor) -> Tensor:
    """Index of the frame that each frame is copied from, int64 (T,); a known frame is its own source."""
    frames = torch.arange(len(known), device=known.device)
    first = known.nonzero()[0]
    return torch.where(known, frames, first).cummax(0).values


COPY_LAST = untrained_family(
    "copy-last",
    "Copy the last frame",
    "The customary floor of video prediction.",
    CopyLast,
)
