"""Optical flow between the known frames on both sides: the classic way to fill in and to slow down."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat

import torch
from torch import Tensor

from vp.core.options import Options
from vp.core.predictor import Predictor
from vp.core.video import Capabilities, Observation, Prediction, Step

from .dense_flow import FlowOptions, estimate_flow, warp_exact
from .flow import extrapolate
from .untrained import untrained_family


class FlowBetween(Predictor):
    """Warps the known frames on either side by their share of the flow between them, and mixes them, the nearer the more.

    Beyond the outermost known frames the motion of the two nearest goes on, evenly over the frames between these; with one known
    frame nothing moves.
    """

    capabilities = Capabilities(any_mask=True, reasons={"seed": "the flow has no randomness: every future is the same"})
    options_type = FlowOptions

    def stream(self, observation: Observation, seeds: Tensor, options: Options | None = None) -> Iterator[Step]:
        options = options or FlowOptions()
        self.check(observation, options)
        out, unknown = observation.frames.clone(), int((~observation.known).sum())
        for index, (t, frame) in enumerate(fill_unknown(observation, options.method), 1):
            out[:, t] = frame
            yield Step(index, unknown + 1)
        yield Step(unknown + 1, unknown + 1, prediction=Prediction(out[:, None].repeat(1, seeds.shape[1], 1, 1, 1, 1)))


def fill_unknown(observation: Observation, method: str) -> Iterator[tuple[int, Tensor]]:
    """(t, frame (B, C, H, W)) of every unknown frame."""
    frames, known = observation.frames, observation.known.nonzero().flatten().tolist()
    for a, b in zip(known, known[1:]):
        if b - a > 1:
            yield from zip(range(a + 1, b), interpolate_between(frames[:, a], frames[:, b], b - a, method))
    if known[0] > 0:
        yield from zip(range(known[0] - 1, -1, -1), extrapolate_beyond(frames, known[:2], method))
    if known[-1] < frames.shape[1] - 1:
        yield from zip(range(known[-1] + 1, frames.shape[1]), extrapolate_beyond(frames, known[:-3:-1], method))


def interpolate_between(a: Tensor, b: Tensor, steps: int, method: str) -> Iterator[Tensor]:
    """The frames between two that are `steps` apart."""
    there, back = estimate_flow(a, b, method), estimate_flow(b, a, method)
    for share in (step / steps for step in range(1, steps)):
        yield torch.lerp(warp_partway(a, there, share), warp_partway(b, back, 1 - share), share).clamp(0, 1)


def warp_partway(frame: Tensor, flow: Tensor, share: float) -> Tensor:
    """A frame whose pixels have gone a share of their flow; each pixel's is looked up where it came from, to first order."""
    flow = share * warp_exact(flow, -share * flow)
    return warp_exact(frame, -flow)


def extrapolate_beyond(frames: Tensor, nearest: list[int], method: str) -> Iterator[Tensor]:
    """The frames that come after, or before, the first of the two nearest known ones, outwards and without end."""
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
