"""Solvers on Gaussian data, where the best guess is known exactly: errors fall at their order, spreads come out right."""

import math

import pytest
import torch

from vp.models.ramvid import process
from vp.models.ramvid.config import RamvidConfig
from vp.models.ramvid.solvers import (
    DDPM_STEPS,
    ddim,
    ddpm,
    ddpm_levels,
    ddpm_signal,
    dpm_solver,
    flow_levels,
    one_step_noise_std,
    renoise,
)

MEAN, STD = 0.7, 0.4


def exact(levels):
    """E[x0 | x] for x0 ~ N(MEAN, STD^2)."""

    def guess(x, i):
        a, s = levels.a[i], levels.s[i]
        return MEAN + a * STD**2 / (a**2 * STD**2 + s**2) * (x - a * MEAN)

    return guess


def last(steps):
    return list(steps)[-1][0]


def truth(x, levels):
    """Where the probability-flow ODE takes x: it keeps the number of standard deviations from the mean."""
    a, s = levels.a[0], levels.s[0]
    return MEAN + STD * (x - a * MEAN) / math.sqrt(a**2 * STD**2 + s**2)


def errors(solver, make_levels, counts):
    x = torch.linspace(-2, 2, 9, dtype=torch.float64)
    out = []
    for steps in counts:
        levels = make_levels(steps)
        out.append((last(solver(exact(levels), x, levels)) - truth(x, levels)).abs().max().item())
    return out


def test_shifted_levels_begin_and_end_alike_and_dwell_on_noise():
    even, shifted = flow_levels(4), flow_levels(4, noise_shift=3.0)
    assert even.a == (0, 0.25, 0.5, 0.75, 1) and shifted.a == pytest.approx((0, 0.1, 0.25, 0.5, 1))
    assert all(a + s == 1 for a, s in zip(shifted.a, shifted.s))


@pytest.mark.parametrize("make_levels", [flow_levels, lambda n: flow_levels(n, 3.0), ddpm_levels])
def test_first_order_errors_halve_when_the_steps_double(make_levels):
    """Euler on the flow and DDIM (eta 0) are one formula."""
    few, many = errors(lambda g, x, levels: ddim(g, x, levels, noise=None), make_levels, (100, 200))
    assert few / many == pytest.approx(2, rel=0.2)


def test_second_order_errors_fall_four_times_and_beat_the_first_order():
    """On levels of even log(a / s), where the method is second order to the last step."""

    def even(steps):
        half = [-4 + 8 * i / steps for i in range(steps + 1)]
        tau = tuple(1 / (1 + math.exp(-x)) for x in half)
        return type(flow_levels(1))(tau, tuple(1 - t for t in tau), tau)

    def error(solver, steps):
        levels = even(steps)
        x = torch.linspace(-2, 2, 9, dtype=torch.float64)
        a, s = levels.a[-1], levels.s[-1]
        end = a * MEAN + math.sqrt(a**2 * STD**2 + s**2) * (truth(x, levels) - MEAN) / STD
        return (last(solver(exact(levels), x, levels)) - end).abs().max().item()

    second = [error(dpm_solver, n) for n in (40, 80)]
    assert second[0] / second[1] == pytest.approx(4, rel=0.25)
    assert second[0] < 0.3 * error(lambda g, x, levels: ddim(g, x, levels, noise=None), 40)


def test_the_second_order_solver_is_better_at_eight_steps_of_the_flow():
    first, second = (errors(s, flow_levels, (8,))[0] for s in (lambda g, x, levels: ddim(g, x, levels, None), dpm_solver))
    assert second < 0.7 * first


@pytest.mark.parametrize(
    "sample",
    [
        lambda g, x, levels, noise: ddim(g, x, levels, noise, eta=1.0),
        lambda g, x, levels, noise: ddim(g, x, levels, noise, eta=0.5, resample=2),
        lambda g, x, levels, noise: ddpm(g, x, levels, noise),
    ],
)
def test_ancestral_samplers_draw_the_data_distribution(sample):
    levels, generator = ddpm_levels(250), torch.Generator().manual_seed(0)
    x = torch.randn(20_000, generator=generator, dtype=torch.float64)
    got = last(sample(exact(levels), x, levels, lambda: torch.randn(x.shape, generator=generator, dtype=torch.float64)))
    assert got.mean().item() == pytest.approx(MEAN, abs=0.02)
    assert got.std().item() == pytest.approx(STD, rel=0.05)


def test_without_respacing_the_one_step_noise_is_the_published_beta_and_resampling_uses_that_of_its_own_step():
    levels = ddpm_levels(DDPM_STEPS)
    betas = torch.linspace(1e-4, 0.02, DDPM_STEPS, dtype=torch.float64)
    assert levels.time[:2] == (0.999, 0.998) and levels.time[-2] == 0.0
    for i in (0, 500, 998):
        assert one_step_noise_std(levels, i) ** 2 == pytest.approx(betas[DDPM_STEPS - 1 - i].item(), rel=1e-6)
    assert ddpm_signal()[0].item() == pytest.approx(1 - 1e-4)
    i = 700  # back from i + 1 keeps the marginal of level i
    generator = torch.Generator().manual_seed(0)
    x = levels.s[i + 1] * torch.randn(200_000, generator=generator, dtype=torch.float64)
    again = renoise(x, levels, i, lambda: torch.randn(x.shape, generator=generator, dtype=torch.float64))
    assert again.std().item() == pytest.approx(levels.s[i], rel=0.01)


def test_a_solver_can_be_stopped_and_yields_every_step():
    levels, calls = flow_levels(8), []

    def guess(x, i):
        calls.append(i)
        return x

    steps = dpm_solver(guess, torch.zeros(3), levels)
    next(steps)
    next(steps)
    steps.close()
    assert calls == [0, 1]
    assert len(list(ddim(guess, torch.zeros(3), levels, noise=None))) == 8


def test_levels_with_a_leap_visit_noise_and_end_clean():
    levels = flow_levels(4, noise_shift=3.0, terminal_level=0.6)
    assert levels.a[0] == 0 and levels.a[-2:] == (0.6, 1.0) and list(levels.a) == sorted(levels.a) and levels.steps == 4
    assert flow_levels(1, 3.0, 0.6).a == (0.0, 1.0)


def test_a_sampler_visits_levels_of_its_own_where_asked():
    trained, stated = RamvidConfig(noise_shift=3.0), RamvidConfig(noise_shift=3.0, sampler_noise_shift=12.0)
    assert process.sampling_levels(trained, 8) == flow_levels(8, 3.0, trained.terminal_level)
    assert process.sampling_levels(stated, 8) == flow_levels(8, 12.0, stated.terminal_level)
