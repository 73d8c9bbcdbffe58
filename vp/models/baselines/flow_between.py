"""Infilling and slow motion by optical flow between the known frames on both sides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat

import torch
from torch import Tensor

from vp.core.noise import Seeds
from vp.core.options import Options, choice
from vp.core.predictor import Predictor
from vp.core.video import Capabilities, Observation, Prediction, Step
from vp.nn.paths import lead_back, place_at, places_between

from .dense_flow import FlowOptions, estimate_flow, warp_exact
from .flow import extrapolate
from .untrained import untrained_family

STRAIGHT, CURVED = "straight", "curved"
PATHS = {STRAIGHT: "straight, at an even speed", CURVED: "curved, through the known frames around"}


@dataclass(frozen=True)
class BetweenOptions(FlowOptions):
    """Sampling options of the baseline."""

    path: str = choice(STRAIGHT, PATHS, "how pixels go from one known frame to the next", "Path between known frames")


class FlowBetween(Predictor):
    """Warps the known frames on either side to the time of each unknown one and blends them, the nearer with more weight.

    Curved paths lead through a pixel's places in the next known frame on either side as well, see `places_between`.

    Before the first and after the last known frame the mean velocity between the two nearest known frames is extrapolated; one
    known frame is copied.
    """

    capabilities = Capabilities(any_mask=True, reasons={"seed": "the flow has no randomness: every future is the same"})
    options_type = BetweenOptions

    def stream(self, observation: Observation, seeds: Seeds, options: Options | None = None) -> Iterator[Step]:
        options = options or BetweenOptions()
        self.check(observation, options)
        out, unknown = observation.frames.clone(), int((~observation.known).sum())
        for index, (t, frame) in enumerate(fill_unknown(observation, options), 1):
            out[:, t] = frame
            yield Step(index, unknown + 1)
        yield Step(unknown + 1, unknown + 1, prediction=Prediction(out[:, None].repeat(1, seeds.shape[1], 1, 1, 1, 1)))


def fill_unknown(observation: Observation, options: BetweenOptions) -> Iterator[tuple[int, Tensor]]:
    """Yields (index t, frame (B, C, H, W)) of every unknown frame."""
    frames, known, method = observation.frames, observation.known.nonzero().flatten().tolist(), options.method
    for index, (a, b) in enumerate(zip(known, known[1:])):
        if b - a > 1:
            around = known[max(0, index - 1) : index + 3] if options.path == CURVED else [a, b]
            yield from zip(range(a + 1, b), interpolate_between(frames, around, a, method))
    if known[0] > 0:
        yield from zip(range(known[0] - 1, -1, -1), extrapolate_beyond(frames, known[:2], method))
    if known[-1] < frames.shape[1] - 1:
        yield from zip(range(known[-1] + 1, frames.shape[1]), extrapolate_beyond(frames, known[:-3:-1], method))


def interpolate_between(frames: Tensor, around: Sequence[int], before: int, method: str) -> Iterator[Tensor]:
    """Yields the frames after frame `before` up to the next known one, each (B, C, H, W) in [0, 1].

    Args:
        frames: (B, T, C, H, W).
        around: the two to four known frames through which pixels go, `before` and the next one among them.
    """
    index = around.index(before)
    after = around[index + 1]
    back, forth = (
        {k: estimate_flow(frames[:, around[k + one]], frames[:, around[k + other]], method) for k in range(len(around) - 1)}
        for one, other in ((1, 0), (0, 1))
    )
    sides = places_between(around, index, back, forth)
    for t in range(before + 1, after):
        there, here = (
            warp_exact(frames[:, end], lead_back(place_at(side, t), warp_exact)) for end, side in zip((before, after), sides)
        )
        yield torch.lerp(there, here, (t - before) / (after - before)).clamp(0, 1)


def extrapolate_beyond(frames: Tensor, nearest: list[int], method: str) -> Iterator[Tensor]:
    """Yields frames outwards from frame `nearest[0]`, without end; `nearest`: the one or two outermost known indices."""
    outer, inner = frames[:, nearest[0]], frames[:, nearest[-1]]
    if len(nearest) == 1:
        return repeat(outer)
    return extrapolate(outer, -estimate_flow(outer, inner, method) / abs(nearest[0] - nearest[1]))


FLOW_BETWEEN = untrained_family(
    "flow-between",
    "Optical flow between known frames",
    "What filling in has to beat: both neighbours warped to the frame between them.",
    FlowBetween,
)
