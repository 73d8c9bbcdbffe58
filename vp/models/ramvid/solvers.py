"""Samplers: functions of a callable that guesses the clean clip, and of nothing else.

A noisy clip is x = a x0 + s eps, eps ~ N(0, 1). `Levels` holds the (a, s) that a sampler visits, from noise to (1, 0), and
`guess(x, i)` estimates x0 from x at level i. A solver is a generator: it yields, step after step, the clip at the next level
and the guess that led there; the last clip is the sample.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

Guess = Callable[[Tensor, int], Tensor]
Noise = Callable[[], Tensor]  # fresh N(0, 1), shaped like the clip
Steps = Iterator[tuple[Tensor, Tensor]]
DDPM_STEPS = 1000


class Levels(NamedTuple):
    """Signal `a` and noise `s` at each level visited, the last (1, 0); `time` is the network's input, in [0, 1]."""

    a: tuple[float, ...]
    s: tuple[float, ...]
    time: tuple[float, ...]

    @property
    def steps(self) -> int:
        """One less than the number of levels."""
        return len(self.a) - 1


def shift_levels(u: Any, noise_shift: float) -> Any:
    """Levels u in [0, 1], 1 clean, shifted towards noise (Esser et al. 2024, eq. 23): large frames tell much even when noisy."""
    return u / (u + noise_shift * (1 - u))


def flow_levels(steps: int, noise_shift: float = 1.0, terminal_level: float | None = None) -> Levels:
    """x = tau x0 + (1 - tau) eps at evenly spaced tau (rectified flow: Liu et al. 2023, eq. 1), then shifted; time is tau.

    With `terminal_level` the levels end there instead of at 1, and a last step goes from it to the clean clip.
    """
    if terminal_level is None or steps == 1:
        tau = tuple(shift_levels(i / steps, noise_shift) for i in range(steps + 1))
    else:
        tau = (*(terminal_level * shift_levels(i / (steps - 1), noise_shift) for i in range(steps)), 1.0)
    return Levels(tau, tuple(1 - t for t in tau), tau)


def ddpm_signal() -> Tensor:
    """Cumulative products of 1 - beta over 1000 linear betas from 1e-4 to 0.02, float64 (1000,) (Ho et al. 2020, sec. 4)."""
    return torch.cumprod(1 - torch.linspace(1e-4, 0.02, DDPM_STEPS, dtype=torch.float64), 0)


def ddpm_levels(steps: int) -> Levels:
    """`steps` of the 1000 levels, evenly spaced back from the noisiest (respacing: Nichol & Dhariwal 2021, sec. 4, the trailing
    one of Lin et al. 2024, table 2, which leaves no step for the last traces of noise); time is t / 1000."""
    visited = [round(DDPM_STEPS * (1 - i / steps)) - 1 for i in range(steps)]
    signal = ddpm_signal()[visited].tolist()
    a, s = (*(math.sqrt(x) for x in signal), 1.0), (*(math.sqrt(1 - x) for x in signal), 0.0)
    return Levels(a, s, (*(t / DDPM_STEPS for t in visited), 0.0))


def solve(name: str, guess: Guess, x: Tensor, levels: Levels, noise: Noise, resample: int = 1) -> Steps:
    """The steps of the solver 'dpm', 'ddpm', 'euler' or 'ancestral'; DPM-Solver++ ignores `noise` and `resample`."""
    if name == "dpm":
        return dpm_solver(guess, x, levels)
    if name == "ddpm":
        return ddpm(guess, x, levels, noise, resample)
    return ddim(guess, x, levels, noise, float(name == "ancestral"), resample)


def step_towards(x: Tensor, x0: Tensor, levels: Levels, i: int) -> Tensor:
    """The clip at level i + 1 if `x0` holds over the whole step: Euler's method on a flow, DDIM without noise on a DDPM."""
    keep = levels.s[i + 1] / levels.s[i]
    return keep * x + (levels.a[i + 1] - levels.a[i] * keep) * x0


def mirror_noise(x: Tensor, x0: Tensor, levels: Levels, i: int) -> Tensor:
    """The noisy clip at level i with the noise that x holds around x0 negated."""
    return 2 * levels.a[i] * x0 - x


def fresh_noise_std(levels: Levels, i: int) -> float:
    """Std of the noise that an ancestral step adds: that of x_(i+1) given x_i and x0 (Ho et al. 2020, eq. 7)."""
    return levels.s[i + 1] / levels.s[i] * one_step_noise_std(levels, i)


def one_step_noise_std(levels: Levels, i: int) -> float:
    """Std of the noise between level i + 1 and the noisier i: a DDPM's sqrt(beta)."""
    drop = levels.a[i] / levels.a[i + 1]
    return math.sqrt(max(levels.s[i] ** 2 - (drop * levels.s[i + 1]) ** 2, 0.0))


def renoise(x: Tensor, levels: Levels, i: int, noise: Noise) -> Tensor:
    """The clip at level i + 1 noised back to level i, for resampling (RePaint: Lugmayr et al. 2022, algorithm 1)."""
    return levels.a[i] / levels.a[i + 1] * x + one_step_noise_std(levels, i) * noise()


def ddim(guess: Guess, x: Tensor, levels: Levels, noise: Noise, eta: float = 0.0, resample: int = 1) -> Steps:
    """First-order sampling; eta scales the fresh noise: 0 is deterministic, 1 ancestral (Song et al. 2021, eq. 12 and 16).

    With `resample` above 1 every step is taken that many times, with noise added back in between.
    """

    def noise_scales(i: int) -> tuple[float, float]:
        fresh = eta * fresh_noise_std(levels, i)
        return fresh, fresh

    return first_order_steps(guess, x, levels, noise, resample, noise_scales)


def ddpm(guess: Guess, x: Tensor, levels: Levels, noise: Noise, resample: int = 1) -> Steps:
    """Ancestral sampling with the larger of the two fixed variances, as RaMViD was sampled (Ho et al. 2020, sec. 3.2)."""

    def noise_scales(i: int) -> tuple[float, float]:
        return fresh_noise_std(levels, i), one_step_noise_std(levels, i) if i + 1 < levels.steps else 0.0

    return first_order_steps(guess, x, levels, noise, resample, noise_scales)


def first_order_steps(
    guess: Guess, x: Tensor, levels: Levels, noise: Noise, resample: int, noise_scales: Callable[[int], tuple[float, float]]
) -> Steps:
    """Steps of first order, each taken `resample` times.

    Args:
        noise_scales: index of the step -> std of the old noise left out, and of the fresh noise added.
    """
    for i in range(levels.steps):
        for again in reversed(range(resample)):
            x0 = guess(x, i)
            eps = (x - levels.a[i] * x0) / levels.s[i]
            left_out, put_in = noise_scales(i)
            x = levels.a[i + 1] * x0 + math.sqrt(max(levels.s[i + 1] ** 2 - left_out**2, 0.0)) * eps
            x = x + put_in * noise() if put_in > 0 else x
            x = renoise(x, levels, i, noise) if again else x
        yield x, x0


def dpm_solver(guess: Guess, x: Tensor, levels: Levels, noise: Noise | None = None) -> Steps:
    """DPM-Solver++(2M): second order from the last two guesses (Lu et al. 2022, algorithm 2).

    The first step has no earlier guess and the last ends without noise; both are of first order.
    """
    earlier = None
    for i in range(levels.steps):
        x0 = guess(x, i)
        slope = 0.0
        if earlier is not None and levels.s[i + 1] > 0 and levels.a[i - 1] > 0:
            slope = 0.5 * log_snr_gain(levels, i) / log_snr_gain(levels, i - 1)
        extrapolated = x0 if earlier is None else x0 + slope * (x0 - earlier)
        x, earlier = step_towards(x, extrapolated, levels, i), x0
        yield x, x0


def log_snr_gain(levels: Levels, i: int) -> float:
    """Increase of log(a / s) over step i."""
    return math.log(levels.a[i + 1] / levels.s[i + 1]) - math.log(levels.a[i] / levels.s[i])
