"""What a recorded call returns is overwritten by the predictor's next one: no prediction may depend on it by then."""

from dataclasses import replace

import pytest
import torch

from vp.catalog import FAMILIES
from vp.core.predictor import seed_grid
from vp.core.runtime import Runtime
from vp.core.video import Observation
from vp.models.fusion.predictor import FusionOptions
from vp.models.ramvid.motion.predictor import MotionDiffusionOptions
from vp.models.svg_motion.options import MotionOptions

from ..recorders import replayed

CPU = Runtime(torch.device("cpu"), bf16=False)
CASES = [
    ("vpn", {}, None),
    ("vpn", {"network": "convlstm"}, None),
    ("vpn", {"network": "lstm", "widths": (8, 8, 16, 16)}, None),
    ("fusion", {}, None),
    ("fusion", {}, FusionOptions(pictures="true", sharpen=False)),
    *(("svg-motion", {}, MotionOptions(prior=prior)) for prior in ("learned", "fixed", "posterior", "posterior-mean")),
    ("svg-motion", {"latent": "none"}, None),
    ("ramvid-motion", {}, MotionDiffusionOptions(steps=3)),
    ("ramvid-motion", {}, MotionDiffusionOptions(steps=3, solver="dpm")),
    ("ramvid-motion", {}, MotionDiffusionOptions(temperature=0.0)),
]


@pytest.mark.parametrize(("name", "settings", "options"), CASES, ids=str)
def test_recorded_predictions_are_those_computed_directly(name, settings, options):
    family = FAMILIES[name]
    cfg = replace(family.tiny(), **settings)
    torch.manual_seed(0)
    nets = family.networks(cfg)
    with torch.no_grad():
        for p in nets.parameters():  # away from zeros at the start
            p.add_(0.02 * torch.randn(p.shape))
    plain, recorded = (family.predictor(cfg, nets, replace(CPU, recorder=recorder)) for recorder in (None, replayed))
    size = getattr(cfg, "size", 24)
    clip, seeds = torch.rand(2, cfg.n_past + cfg.n_future + 1, cfg.channels, size, size), seed_grid(0, 2, 3)
    observation = Observation.prefix(clip, cfg.n_past, target=clip)
    want = plain.predict(observation, seeds, options)
    for _ in range(3):  # computed, recorded, replayed
        *steps, last = recorded.stream(observation, seeds, options)
        whole = recorded.predict(observation, seeds, options)
        for got in (last.prediction, whole):
            torch.testing.assert_close(got.frames, want.frames)
            for part in ("traces", "pictures"):
                torch.testing.assert_close(getattr(got, part), getattr(want, part), equal_nan=True)
        assert all(step.preview.isfinite().all() for step in steps)


@pytest.mark.parametrize("several", [False, True])
def test_the_motion_of_ends_and_of_every_second_frame_is_recorded_too(several):
    family = FAMILIES["ramvid-motion"]
    cfg = family.tiny()
    nets = family.networks(cfg)
    plain, recorded = (family.predictor(cfg, nets, replace(CPU, recorder=recorder)) for recorder in (None, replayed))
    known = torch.tensor([True, False] * 6 if several else [True, True, False, False, False, False, True])  # two windows, or one
    observation, seeds = Observation(torch.rand(1, len(known), 3, 24, 32), known), seed_grid(1, 1, 2)
    want = plain.predict(observation, seeds, MotionDiffusionOptions(steps=2)).frames
    for _ in range(3):
        torch.testing.assert_close(recorded.predict(observation, seeds, MotionDiffusionOptions(steps=2)).frames, want)
