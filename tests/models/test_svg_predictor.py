"""Sampling from SVG: which prior means what, and what is refused."""

import dataclasses
from dataclasses import replace

import pytest
import torch

from vp.core.latent_options import LatentOptions
from vp.core.predictor import seed_grid
from vp.core.runtime import Runtime
from vp.core.video import Observation
from vp.models.svg import networks, predictor, tiny
from vp.models.svg.config import SVGConfig

from ..recorders import replayed


def make(latent: str = "learned"):
    cfg = dataclasses.replace(tiny(), latent=latent)
    nets = networks(cfg)
    with torch.no_grad():  # spread the latents, so that different z give visibly different frames
        for p in nets.parameters():
            p.mul_(1.7)
    return predictor(cfg, nets, Runtime.pick("cpu", "fp32"))


@pytest.fixture
def clip():
    return torch.rand(2, 6, 1, 32, 32)


def futures(model, clip, seed=0, samples=2, target=None, **options):
    observation = Observation.prefix(clip, 3, target=target)
    return model.predict(observation, seed_grid(seed, len(clip), samples), LatentOptions(**options))


def test_temperature_zero_follows_the_mean_and_ignores_seeds(clip):
    model = make()
    a, b = (futures(model, clip, seed=s, temperature=0.0).frames for s in (0, 1))
    assert torch.equal(a, b)
    assert not torch.equal(a, futures(model, clip, seed=0, temperature=1.0).frames)


def test_the_posterior_reads_the_true_future_and_no_other_prior_does(clip):
    model, other = make(), clip.clone()
    other[:, 4:] = torch.rand_like(other[:, 4:])
    for prior, changes in {"learned": False, "fixed": False, "posterior": True, "posterior-mean": True}.items():
        a, b = (futures(model, clip, target=t, prior=prior).frames for t in (clip, other))
        assert torch.equal(a, b) is not changes, prior


def test_posterior_mean_has_no_noise_and_posterior_sample_has(clip):
    model = make()
    mean = futures(model, clip, target=clip, prior="posterior-mean").frames
    sampled = futures(model, clip, target=clip, prior="posterior").frames
    assert torch.equal(mean[:, 0], mean[:, 1]) and not torch.equal(sampled[:, 0], sampled[:, 1])


def test_traces_cover_every_step_after_the_first(clip):
    traces = futures(make(), clip, target=clip, prior="posterior").traces
    for name in ("prior_mean", "prior_std", "posterior_mean", "posterior_std"):
        assert traces[name].shape == (2, 2, 6, 4)
        assert traces[name][:, :, 0].isnan().all() and traces[name][:, :, 1:].isfinite().all()
    assert (traces["kl"][:, :, 1:] >= 0).all() and traces["kl"].shape == (2, 2, 6)
    prior_run = futures(make(), clip).traces
    assert prior_run["kl"][:, :, 3:].isnan().all(), "a prior sample has no posterior beyond the context"


def test_what_a_model_does_not_offer_is_refused_with_the_reason(clip):
    with pytest.raises(ValueError, match="trained with a fixed prior; it has no learned one"):
        futures(make("fixed"), clip, prior="learned")
    with pytest.raises(ValueError, match="needs the true future"):
        futures(make(), clip, prior="posterior")
    assert make("none").capabilities.reasons["n_futures"].startswith("this model is deterministic")


def test_known_frames_at_the_end_of_a_clip_need_no_future(clip):
    """All but the last frame known: how the learned prior is read along a true clip."""
    observation = Observation.prefix(clip, 5)
    traces = make().predict(observation, seed_grid(0, 2, 1)).traces
    assert traces["prior_std"][:, :, 1:].isfinite().all()


@pytest.mark.parametrize("latent", ["none", "fixed", "learned"])
@pytest.mark.parametrize("last_frame_skip", [False, True])
def test_the_published_networks_sample_too(latent, last_frame_skip):
    cfg = SVGConfig(latent=latent, backbone="dcgan", z_dim=10, last_frame_skip=last_frame_skip)
    model = predictor(cfg, networks(cfg), Runtime.pick("cpu", "fp32"))
    clip = torch.rand(1, 5, 1, 64, 64)
    frames = model.predict(Observation.prefix(clip, 3), seed_grid(0, 1, 2)).frames
    assert frames.shape == (1, 2, 5, 1, 64, 64) and frames.isfinite().all()
    assert torch.equal(frames[:, 0, :3], clip[:, :3])


def test_a_published_network_gives_the_same_frames_whatever_else_is_in_the_batch():
    """The release samples in training mode, where BatchNorm ties the rows of a batch together."""
    cfg = SVGConfig(latent="fixed", backbone="dcgan", z_dim=10)
    model = predictor(cfg, networks(cfg), Runtime.pick("cpu", "fp32"))
    clip = torch.rand(2, 4, 1, 64, 64)
    seeds = seed_grid(3, 2, 1)
    both = model.predict(Observation.prefix(clip, 3), seeds).frames
    alone = model.predict(Observation.prefix(clip[1:], 3), seeds[1:]).frames
    torch.testing.assert_close(both[1:], alone, atol=1e-4, rtol=0)


@pytest.mark.parametrize("prior", ["learned", "fixed", "posterior", "posterior-mean"])
def test_recorded_and_watched_predictions_are_the_same(clip, prior):
    """Where calls are recorded, what a step returned is overwritten by the next: nothing may depend on it by then."""
    plain = make()
    recorded = predictor(plain.cfg, torch.nn.ModuleDict({"svg": plain.network}), replace(plain.runtime, recorder=replayed))
    observation, options = Observation.prefix(clip, 3, target=clip), LatentOptions(prior=prior)
    seeds = seed_grid(0, 2, 3)
    want = plain.predict(observation, seeds, options)
    for model in (plain, recorded):
        for _ in range(3):  # computed, recorded, replayed
            *steps, last = model.stream(observation, seeds, options)
            whole = model.predict(observation, seeds, options)
            for got in (last.prediction, whole):
                torch.testing.assert_close(got.frames, want.frames)
                for name, trace in want.traces.items():
                    torch.testing.assert_close(got.traces[name], trace, equal_nan=True)
            assert torch.equal(steps[0].preview[:, :, :4], last.prediction.frames[:, :, :4])
