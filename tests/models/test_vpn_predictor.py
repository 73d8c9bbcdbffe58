"""Predicting with a VPN network: one future, what is accepted, and what was given before clipping."""

import pytest
import torch

from vp.core.predictor import seed_grid
from vp.core.video import Observation

from .vpn_configs import KINDS, model

every = pytest.mark.parametrize(("name", "output"), KINDS)


def futures(predictor, clip, n_past, length, samples=1):
    return predictor.predict(Observation.prefix(clip, n_past, length), seed_grid(0, len(clip), samples))


@every
def test_every_future_is_the_same_and_known_frames_stay(name, output):
    clip = torch.rand(2, 9, 1, 32, 32)
    got = futures(model(name, output), clip, 4, 9, samples=3)
    assert torch.equal(got.frames[:, 0], got.frames[:, 2]) and torch.equal(got.frames[:, 1, :4], clip[:, :4])
    assert got.frames.shape == (2, 3, 9, 1, 32, 32)


@every
def test_bounded_outputs_need_no_clipping_and_the_unbounded_one_says_what_it_gave(name, output):
    got = futures(model(name, output), torch.rand(1, 7, 1, 32, 32), 4, 7)
    if output != "linear":
        assert got.raw is None
        return
    assert (got.raw[:, :, 4:] < 0).any() and torch.equal(got.raw.clamp(0, 1), got.frames)


def test_fewer_known_frames_than_it_has_learned_from_are_refused_with_the_reason():
    predictor, clip = model("convlstm", "linear"), torch.rand(1, 12, 1, 32, 32)
    for n_past in (3, 4, 9):
        assert futures(predictor, clip, n_past, 12).frames.isfinite().all()
    with pytest.raises(ValueError, match="2 known frames came; this model takes 3 or more: it was trained on 3 to 4"):
        futures(predictor, clip, 2, 12)
    assert predictor.capabilities.reasons["n_futures"].startswith("this model is deterministic")


def test_steps_count_the_frames_made_in_blocks_of_the_networks_own():
    clip, seeds = torch.rand(1, 11, 1, 32, 32), seed_grid(0, 1, 1)
    for name, counts in {"convlstm": [1, 2, 3, 4, 5, 6, 7], "simvp": [3, 6, 7]}.items():
        steps = list(model(name, "linear").stream(Observation.prefix(clip, 4, 11), seeds))
        assert [step.index for step in steps] == counts and {step.total for step in steps} == {7}
        assert all(torch.equal(step.preview[:, :, : 4 + step.index], steps[-1].preview[:, :, : 4 + step.index]) for step in steps)
