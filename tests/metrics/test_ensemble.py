"""What samples are worth together, against sums over pairs, closed forms and ensembles that are calibrated by construction."""

import math

import pytest
import torch

from vp.metrics import Ensemble, crps, diversity, sample_spread, spread_skill
from vp.metrics import ensemble as module


def by_pairs(samples, truth):
    """error and difference (B, T) from (B, N, T, C, H, W) and (B, T, C, H, W), pair by pair."""
    n = samples.shape[1]
    error = (samples - truth[:, None]).abs().mean((1, 3, 4, 5))
    apart = sum((samples[:, i] - samples[:, j]).abs().mean((2, 3, 4)) for i in range(n) for j in range(n))
    return error, apart / (n * (n - 1))


def test_two_pixels_by_hand():
    """One clip, one frame of 1x2 pixels, samples (0, 0.5), (1, 0.5) and (0.5, 0.5), truth (0, 0.5)."""
    samples = torch.tensor([[0.0, 0.5], [1.0, 0.5], [0.5, 0.5]]).view(1, 3, 1, 1, 1, 2)
    got = Ensemble.from_samples(samples, torch.tensor([0.0, 0.5]).view(1, 1, 1, 1, 2))
    assert got.error.item() == pytest.approx((0 + 1 + 0.5) / 3 / 2)
    assert got.difference.item() == pytest.approx((1 + 0.5 + 0.5) / 3 / 2)
    assert got.variance.item() == pytest.approx(0.25 / 2) and got.error_of_mean.item() == pytest.approx(0.25 / 2)
    assert crps(got).item() == pytest.approx((0.5 - 2 / 3 / 2) / 2)
    assert diversity(got).item() == pytest.approx(4 / 3)
    assert spread_skill(got).item() == pytest.approx(math.sqrt(4 / 3))
    squared = ((1 - 0) ** 2 + (1 - 0.5) ** 2 + (0.5 - 0) ** 2) / 3
    assert sample_spread(got, pixels=2).item() == pytest.approx(squared), "the squared difference of two samples, pixels summed"


@pytest.mark.parametrize("values", [1, 100, 10**6])
def test_sorting_gives_the_mean_over_pairs_in_chunks_of_any_size(values, monkeypatch):
    monkeypatch.setattr(module, "VALUES_CPU", values)
    samples, truth = torch.rand(2, 5, 3, 3, 4, 7), torch.rand(2, 3, 3, 4, 7)
    got = Ensemble.from_samples(samples, truth)
    error, difference = by_pairs(samples, truth)
    torch.testing.assert_close(got.error, error)
    torch.testing.assert_close(got.difference, difference)
    assert torch.equal(got.select_clips(torch.tensor([False, True])).error, got.error[1:])
    parts = [Ensemble.from_samples(samples[[i]], truth[[i]]) for i in range(2)]
    torch.testing.assert_close(Ensemble.concatenate(parts).difference, got.difference)


def test_crps_of_a_normal_ensemble_is_the_closed_form():
    """Of N(0, 1) at y: y (2 F(y) - 1) + 2 f(y) - 1 / sqrt(pi) (Gneiting and Raftery 2007), for any number of samples."""
    normal = torch.distributions.Normal(0.0, 1.0)
    for n, pixels in ((3, 300_000), (100, 20_000)):
        for y in (0.0, 0.7, -2.0):
            truth = torch.full((1, 1, 1, 1, pixels), y)
            samples = normal.sample((1, n, 1, 1, 1, pixels))
            y = torch.tensor(y)
            want = y * (2 * normal.cdf(y) - 1) + 2 * normal.log_prob(y).exp() - 1 / math.sqrt(math.pi)
            assert crps(Ensemble.from_samples(samples, truth)).item() == pytest.approx(want.item(), abs=0.005), (n, y)


@pytest.mark.parametrize("n", [2, 5, 50])
def test_an_ensemble_drawn_as_the_truth_is_calibrated_whatever_its_size(n):
    centre = torch.rand(40, 1, 1, 1, 20, 30)
    samples, truth = (centre + 0.2 * torch.randn(40, k, 1, 1, 20, 30) for k in (n, 1))
    got = Ensemble.from_samples(samples, truth[:, 0])
    assert spread_skill(got).item() == pytest.approx(1, abs=0.02)
    assert diversity(got).item() == pytest.approx(1, abs=0.02)
    assert sample_spread(got, 600).mean().item() == pytest.approx(600 * 2 * 0.2**2, rel=0.02)
    narrow = Ensemble.from_samples(centre + 0.5 * (samples - centre), truth[:, 0])
    assert spread_skill(narrow).item() < 0.75 and crps(narrow).mean() > crps(got).mean()


def test_one_future_has_its_absolute_error_and_no_spread():
    future, truth = torch.rand(2, 1, 3, 3, 4, 6), torch.rand(2, 3, 3, 4, 6)
    got = Ensemble.from_samples(future, truth)
    torch.testing.assert_close(crps(got), (future[:, 0] - truth).abs().mean((2, 3, 4)))
    assert (sample_spread(got, 72) == 0).all() and spread_skill(got) == 0 and diversity(got) == 0
    assert spread_skill(Ensemble.from_samples(truth[:, None], truth)).isnan(), (
        "an exact single future has neither spread nor error"
    )


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_a_gpu_gives_the_same():
    samples, truth = torch.rand(2, 9, 3, 3, 20, 24), torch.rand(2, 3, 3, 20, 24)
    here, there = Ensemble.from_samples(samples, truth), Ensemble.from_samples(samples.cuda(), truth.cuda())
    for name in ("error", "difference", "variance", "error_of_mean"):
        torch.testing.assert_close(getattr(there, name), getattr(here, name))
