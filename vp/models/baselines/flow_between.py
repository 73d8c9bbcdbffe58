"""Infilling and slow motion by optical flow between the known frames on both sides."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat

import torch
from torch import Tensor

from vp.core.noise import Seeds
from vp.core.options import Options
from vp.core.predictor import Predictor
from vp.core.video import Capabilities, Observation, Prediction, Step

from .dense_flow import FlowOptions, estimate_flow, warp_exact
from .flow import extrapolate
from .untrained import untrained_family


class FlowBetween(Predictor):
    """Warps the known frames on either side to the time of each unknown one and blends them, the nearer with more weight.

    Before the first and after the last known frame the mean velocity between the two nearest known frames is extrapolated; one
    known frame is copied.
    """

    capabilities = Capabilities(any_mask=True, reasons={"seed": "the flow has no randomness: every future is the same"})
    options_type = FlowOptions

    def stream(self, observation: Observation, seeds: Seeds, options: Options | None = None) -> Iterator[Step]:
        options = options or FlowOptions()
        self.check(observation, options)
        out, unknown = observation.frames.clone(), int((~observation.known).sum())
        for index, (t, frame) in enumerate(fill_unknown(observation, options.method), 1):
            out[:, t] = frame
            yield Step(index, unknown + 1)
        yield Step(unknown + 1, unknown + 1, prediction=Prediction(out[:, None].repeat(1, seeds.shape[1], 1, 1, 1, 1)))


def fill_unknown(observation: Observation, method: str) -> Iterator[tuple[int, Tensor]]:
    """Yields (index t, frame (B, C, H, W)) of every unknown frame."""
    frames, known = observation.frames, observation.known.nonzero().flatten().tolist()
    for a, b in zip(known, known[1:]):
        if b - a > 1:
            yield from zip(range(a + 1, b), interpolate_between(frames[:, a], frames[:, b], b - a, method))
    if known[0] > 0:
        yield from zip(range(known[0] - 1, -1, -1), extrapolate_beyond(frames, known[:2], method))
    if known[-1] < frames.shape[1] - 1:
        yield from zip(range(known[-1] + 1, frames.shape[1]), extrapolate_beyond(frames, known[:-3:-1], method))


def interpolate_between(a: Tensor, b: Tensor, steps: int, method: str) -> Iterator[Tensor]:
    """Yields the `steps` - 1 frames between `a` and `b`, each (B, C, H, W) in [0, 1]."""
    there, back = estimate_flow(a, b, method), estimate_flow(b, a, method)
    for share in (step / steps for step in range(1, steps)):
        yield torch.lerp(warp_partway(a, there, share), warp_partway(b, back, 1 - share), share).clamp(0, 1)


def warp_partway(frame: Tensor, flow: Tensor, share: float) -> Tensor:
    """Warps a frame by a share of its forward flow; the flow is inverted to first order."""
    flow = share * warp_exact(flow, -share * flow)
    return warp_exact(frame, -flow)


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
