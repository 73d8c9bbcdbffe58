"""What a recorded call returns is overwritten by the predictor's next one: no prediction may depend on it by then."""

from dataclasses import replace

import pytest
import torch

from vp.catalog import FAMILIES
from vp.core.latent_options import LatentOptions
from vp.core.predictor import seed_grid
from vp.core.runtime import Runtime
from vp.core.video import Observation
from vp.models.fusion.predictor import FusionOptions
from vp.models.ramvid.motion.predictor import MotionDiffusionOptions
from vp.models.ramvid.options import RamvidOptions
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


@pytest.mark.parametrize(
    ("name", "wishes"),
    [
        ("svg", [LatentOptions(temperature=x) for x in (0.5, 0.7, 1.0)]),
        ("svg-motion", [MotionOptions(temperature=x) for x in (0.5, 0.7, 1.0)]),
        ("ramvid", [RamvidOptions(steps=2, guidance=x) for x in (1.2, 2.0, 3.0)]),
        ("ramvid", [RamvidOptions(steps=2, context_noise=x) for x in (0.05, 0.1, 0.3)]),
        ("ramvid-motion", [MotionDiffusionOptions(steps=2, temperature=x) for x in (0.5, 0.7, 1.0)]),
    ],
    ids=str,
)
def test_one_recording_serves_every_place_of_a_slider(name, wishes):
    family, recorded = FAMILIES[name], []
    cfg = family.tiny()
    nets = family.networks(cfg)

    def recorder(call, pool):
        recorded.append(1)
        return replayed(call, pool)

    size = getattr(cfg, "size", 24)
    model = family.predictor(cfg, nets, replace(CPU, recorder=recorder))
    plain = family.predictor(cfg, nets, CPU)
    clip, seeds = torch.rand(1, cfg.n_past + cfg.n_future, cfg.channels, size, size), seed_grid(0, 1, 2)
    observation = Observation.prefix(clip, cfg.n_past)
    for _ in range(2):
        model.predict(observation, seeds, wishes[0])
    before = len(recorded)
    for wish in wishes[1:]:
        torch.testing.assert_close(model.predict(observation, seeds, wish).frames, plain.predict(observation, seeds, wish).frames)
    assert before and len(recorded) == before


def test_what_noise_a_sampler_draws_is_found_once_for_all_places_of_its_sliders(monkeypatch):
    family, found = FAMILIES["ramvid"], []
    cfg = family.tiny()
    model = family.predictor(cfg, family.networks(cfg), replace(CPU, recorder=replayed))
    find = model.sampler.find_noise_shapes
    monkeypatch.setattr(model.sampler, "find_noise_shapes", lambda *given: found.append(1) or find(*given))
    observation = Observation.prefix(torch.rand(1, cfg.n_past + 2, cfg.channels, cfg.size, cfg.size), cfg.n_past)
    for guidance in (1.5, 2.0):
        for steps in (2, 3):
            model.predict(observation, seed_grid(0, 1, 1), RamvidOptions(steps=steps, guidance=guidance))
    assert len(found) == 2
