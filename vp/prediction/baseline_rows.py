"""Baselines shown beside every prediction: copying the last known frame, and extrapolating optical flow."""

from __future__ import annotations

from collections.abc import Iterator

from vp.core.predictor import seed_grid
from vp.core.runtime import Runtime
from vp.core.video import Observation

from ..result.result import Row
from .assemble import to_uint8
from .model import load_on

COPY, FLOW, BETWEEN = "copy-last", "flow", "flow-between"
LABELS = {
    COPY: ("Copying the last frame", "Nothing moves any more."),
    FLOW: ("Optical flow", "Every pixel keeps its last velocity."),
    BETWEEN: ("Optical flow between", "The known frames on both sides, moved and mixed."),
}


def baseline_rows(observation: Observation, name: str) -> Iterator[Row]:
    """Yields the rows of copy-last and, where two or more frames are known, of optical flow.

    Args:
        observation: of one clip, (1, T, C, H, W); without a known frame nothing is yielded.
        name: of the model shown; where it is itself a baseline, that row is left out.
    """
    known = int(observation.known.sum())
    flow = FLOW if observation.is_prefix else BETWEEN
    for baseline in (COPY, flow) if known > 1 else (COPY,) * known:
        if baseline == name:
            continue
        label, note = LABELS[baseline]
        *_, last = load_on(Runtime.pick("cpu"), baseline).predictor.stream(observation, seed_grid(0, 1, 1))
        assert last.prediction is not None, "the last step of a stream has the prediction"
        yield Row("baseline", label, to_uint8(last.prediction.frames[0])[0], note)
