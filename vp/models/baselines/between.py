"""Baselines of infilling: copy the nearest known frame, or blend the neighbouring known frames."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from vp.core.noise import Seeds
from vp.core.options import Options
from vp.core.predictor import Predictor
from vp.core.video import Capabilities, Observation, Prediction, Step

from .copy_last import source_indices
from .untrained import untrained_family

SEEDLESS = {"seed": "mixing known frames has no randomness: every future is the same"}


class Blend(Predictor):
    """Interpolates linearly in time between the known frames on either side; copies before the first and after the last one."""

    capabilities = Capabilities(any_mask=True, reasons=SEEDLESS)

    def stream(self, observation: Observation, seeds: Seeds, options: Options | None = None) -> Iterator[Step]:
        self.check(observation)
        before, after, share = neighbours(observation.known)
        share = self.mix(share).view(-1, 1, 1, 1).to(observation.frames.device)
        frames = torch.lerp(observation.frames[:, before], observation.frames[:, after], share)
        frames = torch.where(observation.known.view(-1, 1, 1, 1), observation.frames, frames)
        yield Step(1, 1, prediction=Prediction(frames[:, None].repeat(1, seeds.shape[1], 1, 1, 1, 1)))

    def mix(self, share: Tensor) -> Tensor:
        """Weight of the later frame, (T,), from the position between the two, (T,), 0 at the earlier and 1 at the later."""
        return share


class CopyNearest(Blend):
    """Repeats the nearest known frame; of two at the same distance the earlier one."""

    def mix(self, share: Tensor) -> Tensor:
        return (share > 0.5).float()


def neighbours(known: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Indices of the last known frame up to each frame and of the next from it on, int64 (T,) each, and its position between
    them from 0 to 1, (T,); beyond the outermost known frames both indices are theirs."""
    frames = torch.arange(len(known), device=known.device)
    before, after = source_indices(known), len(known) - 1 - source_indices(known.flip(0)).flip(0)
    share = (frames - before) / (after - before).clamp(min=1)
    return before, after, share.clamp(0, 1)


BLEND = untrained_family("blend", "Blend of known neighbours", "What filling in has to beat.", Blend)
COPY_NEAREST = untrained_family("copy-nearest", "Copy the nearest known frame", "What filling in has to beat.", CopyNearest)
