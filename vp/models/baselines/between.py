"""Copy-nearest and blend: what filling in has to beat."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from vp.core.options import Options
from vp.core.predictor import Predictor
from vp.core.video import Capabilities, Observation, Prediction, Step

from .copy_last import source_indices
from .untrained import untrained_family

SEEDLESS = {"seed": "mixing known frames has no randomness: every future is the same"}


class Blend(Predictor):
    """Mixes the known frames on either side, each the more the nearer it is; beyond the outermost ones it copies."""

    capabilities = Capabilities(any_mask=True, reasons=SEEDLESS)

    def stream(self, observation: Observation, seeds: Tensor, options: Options | None = None) -> Iterator[Step]:
        self.check(observation)
        before, after, share = neighbours(observation.known)
        share = self.mix(share).view(-1, 1, 1, 1).to(observation.frames.device)
        frames = torch.lerp(observation.frames[:, before], observation.frames[:, after], share)
        frames = torch.where(observation.known.view(-1, 1, 1, 1), observation.frames, frames)
        yield Step(1, 1, prediction=Prediction(frames[:, None].repeat(1, seeds.shape[1], 1, 1, 1, 1)))

    def mix(self, share: Tensor) -> Tensor:
        """How much of the later frame to show, from how far on the way to it one is."""
        return share


class CopyNearest(Blend):
    """Repeats the nearest known frame, of two equally near ones the earlier."""

    def mix(self, share: Tensor) -> Tensor:
        return (share > 0.5).float()


def neighbours(known: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """For each frame the known ones at or before and at or after it, int64 (T,), and how far between them it lies, (T,)."""
    frames = torch.arange(len(known), device=known.device)
    before, after = source_indices(known), len(known) - 1 - source_indices(known.flip(0)).flip(0)
    share = (frames - before) / (after - before).clamp(min=1)
    return before, after, share.clamp(0, 1)


BLEND = untrained_family("blend", "Blend of known neighbours", "What filling in has to beat.", Blend)
COPY_NEAREST = untrained_family("copy-nearest", "Copy the nearest known frame", "What filling in has to beat.", CopyNearest)
