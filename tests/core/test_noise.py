"""Noise of samples, and mixes of several samples' noise."""

import pytest
import torch

from vp.core.noise import SampleNoise, SeedMix, draw_noise, spread_noise
from vp.core.predictor import seed_grid

CPU = torch.device("cpu")
SEEDS = torch.tensor([[[3, 5, 8], [5, 3, 9]]])


def test_a_mix_of_noise_is_the_weighted_sum_brought_back_to_unit_variance():
    mix = SeedMix(SEEDS, torch.tensor([[[1.0, 2.0, 2.0], [0.0, 0.25, 0.0]]]))
    assert mix.shape == (1, 2)
    own = draw_noise(torch.tensor([[3, 5, 8]]), 4, 1000)[0]
    mixed = draw_noise(mix, 4, 1000)[0]
    torch.testing.assert_close(mixed[0], (own[0] + 2 * own[1] + 2 * own[2]) / 3)
    assert torch.equal(mixed[1], own[0]), "one weight alone is that seed's own noise"
    assert abs(mixed[0].std() - 1) < 0.03


def test_later_draws_of_a_mix_mix_later_draws():
    noise, single = SampleNoise(SeedMix(SEEDS[:, :1], torch.tensor([[[0.0, 0.0, 1.0]]])), CPU), SampleNoise(SEEDS[:, 0, 2:], CPU)
    assert torch.equal(noise((3,)), single((3,))) and torch.equal(noise((2, 2)), single((2, 2)))


@pytest.mark.parametrize("seed", [0, 1, 77, 2**32 - 1])
def test_spread_noise_is_normal_and_even_in_every_run_of_samples(seed):
    noise = spread_noise(seed_grid(seed, 3, 4000))
    assert noise.shape == (3, 4000) and abs(noise.mean()) < 0.01 and abs(noise.std() - 1) < 0.01
    for few in (2, 4, 8, 16):
        quantiles = torch.special.ndtr(noise[:, : 4000 // few * few]).reshape(-1, few).sort().values
        gaps = torch.cat([quantiles, quantiles[:, :1] + 1], 1).diff()
        assert gaps.min() > 0.35 / few and gaps.max() < 2 / few, "samples beside one another are neither alike nor far apart"


def test_spread_noise_of_a_sample_depends_on_its_own_seed_alone():
    noise = spread_noise(seed_grid(5, 2, 8))
    assert torch.equal(spread_noise(seed_grid(5, 1, 3)), noise[:1, :3])
    mix = SeedMix(SEEDS, torch.tensor([[[1.0, 2.0, 2.0], [0.0, 0.25, 0.0]]]))
    own = spread_noise(SEEDS[0])
    torch.testing.assert_close(spread_noise(mix)[0], torch.stack([own[0] @ torch.tensor([1.0, 2, 2]) / 3, own[1, 1]]))


@pytest.mark.parametrize(
    "weights",
    [torch.zeros(1, 2, 3), torch.full((1, 2, 3), float("nan")), torch.tensor([[[1.0, 0, 0], [0, 0, 0]]]), torch.ones(1, 2)],
)
def test_weights_that_mean_nothing_are_refused(weights):
    with pytest.raises(ValueError, match="give"):
        SeedMix(SEEDS, weights)
