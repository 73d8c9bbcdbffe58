"""The latent of every frame as numbers, and one dimension of it set by hand, in every family that has a latent."""

import dataclasses

import pytest
import torch

from vp.catalog import FAMILIES
from vp.core.latent_steps import LatentChange, LatentPredictor
from vp.core.noise import SampleNoise
from vp.core.predictor import seed_grid
from vp.core.video import Observation
from vp.models.svg.conditions import Conditions

from ..shaken import shaken_predictor

PAST, LENGTH, SEEDS = 3, 7, seed_grid(3, 1, 2)


def make(name, **changed):
    family = FAMILIES[name]
    return shaken_predictor(family, dataclasses.replace(family.tiny(), **changed))


CASES = {"svg": {"latent": "learned"}, "svg with actions": {"latent": "learned", "conditions": Conditions(3, width=8)}}
CASES |= {"svg fixed": {"latent": "fixed"}, "svg-motion": {"latent": "learned"}}


@pytest.fixture(scope="module", params=CASES)
def predictor(request):
    return make(request.param.partition(" ")[0], **CASES[request.param])


def observe(predictor, target=True):
    able = predictor.capabilities
    side = able.size or 32
    clip = torch.rand((1, LENGTH, able.channels[0], side, side), generator=torch.Generator().manual_seed(1))
    return Observation.prefix(clip[:, :PAST], PAST, LENGTH, target=clip if target else None)


def test_the_frames_are_those_of_a_prediction_and_the_posterior_comes_with_the_truth(predictor):
    seen, blind = observe(predictor), observe(predictor, target=False)
    frames = predictor.predict(blind, SEEDS).frames
    prediction, steps = predictor.predict_with_latent(seen, SEEDS)
    assert isinstance(predictor, LatentPredictor) and (prediction.frames - frames).abs().max() < 1e-5
    shape = (1, 2, LENGTH, len(predictor.latent_names))
    assert steps.prior_mean.shape == steps.prior_std.shape == steps.posterior_mean.shape == steps.posterior_std.shape == shape
    future = slice(PAST, None)
    assert all(x[:, :, future].isfinite().all() for x in vars(steps).values()) and (steps.kl[:, :, future] > 0).all()
    _, without = predictor.predict_with_latent(blind, SEEDS)
    assert without.prior_std[:, :, future].isfinite().all()
    assert without.kl[:, :, future].isnan().all() and without.posterior_mean[:, :, future].isnan().all()


def test_a_changed_dimension_changes_the_frames_from_there_on_alone(predictor):
    observation = observe(predictor)
    plain, steps = predictor.predict_with_latent(observation, SEEDS)
    changed, after = predictor.predict_with_latent(observation, SEEDS, change=LatentChange(PAST + 1, 1, 3.0))
    apart = (changed.frames - plain.frames).abs().amax((0, 1, 3, 4, 5))
    assert (apart[: PAST + 1] == 0).all() and (apart[PAST + 1 :] > 1e-4).all()
    assert torch.equal(after.prior_mean[:, :, PAST + 1], steps.prior_mean[:, :, PAST + 1]), "it is drawn after the prior is known"
    other, _ = predictor.predict_with_latent(observation, SEEDS, change=LatentChange(PAST + 1, 2, 3.0))
    assert (other.frames - changed.frames).abs().max() > 1e-4


def test_the_value_is_in_standard_deviations_whatever_the_temperature():
    predictor, options = make("svg", latent="learned"), {"temperature": 0.5}
    options = predictor.options_type.parse(options)
    noise = SampleNoise(SEEDS[:, :1], torch.device("cpu"))((LENGTH, len(predictor.latent_names)))[0]
    own = LatentChange(PAST, 0, 0.5 * float(noise[PAST, 0]))
    (plain, _), (same, _) = (
        predictor.predict_with_latent(observe(predictor), SEEDS[:, :1], options, change) for change in (None, own)
    )
    assert torch.equal(plain.frames, same.frames)


def test_z_from_a_fixed_prior_is_compared_with_that_one():
    predictor = make("svg", latent="learned")
    _, steps = predictor.predict_with_latent(observe(predictor), SEEDS, predictor.options_type.parse({"prior": "fixed"}))
    mean, std = steps.posterior_mean[:, :, 1:], steps.posterior_std[:, :, 1:]
    assert (steps.prior_mean[:, :, 1:] == 0).all() and (steps.prior_std[:, :, 1:] == 1).all()
    expected = (0.5 * (mean.square() + std.square() - 1) - std.log()).sum(-1)
    torch.testing.assert_close(steps.kl[:, :, 1:], expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("change, said", [((PAST - 1, 0, 1.0), "frame 2"), ((PAST, 99, 1.0), "dimension 99"),
                                          ((PAST, 0, float("nan")), "nan standard")])  # fmt: skip
def test_what_cannot_be_changed_is_said(change, said):
    predictor = make("svg", latent="learned")
    with pytest.raises(ValueError, match=said):
        predictor.predict_with_latent(observe(predictor), SEEDS, change=LatentChange(*change))


@pytest.mark.parametrize("name", ["svg", "svg-motion"])
def test_a_model_without_a_latent_says_so(name):
    predictor = make(name, latent="none")
    assert predictor.latent_names == ()
    with pytest.raises(ValueError, match="deterministic"):
        predictor.predict_with_latent(observe(predictor), SEEDS)
