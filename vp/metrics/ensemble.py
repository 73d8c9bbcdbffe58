"""Metrics of all samples of a clip together: CRPS, spread-skill ratio and diversity.

All are computed per pixel on unclipped predictions. A single sample is an ensemble of one, without spread.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

VALUES_CPU, VALUES_GPU = 2**22, 2**26  # samples times pixels per chunk, which bounds the memory


@dataclass(frozen=True)
class Ensemble:
    """Terms of the metrics below: means over the pixels of each frame, float32 (B, T), for samples x_i and the truth y.

    Args:
        n: samples per clip.
        error: mean of |x_i - y| over the samples.
        difference: mean of |x_i - x_j| over pairs of different samples.
        variance: unbiased variance of the samples.
        error_of_mean: squared error of the samples' mean.
    """

    n: int
    error: Tensor
    difference: Tensor
    variance: Tensor
    error_of_mean: Tensor

    @classmethod
    def from_samples(cls, samples: Tensor, truth: Tensor) -> Ensemble:
        """Computes the terms, on the CPU, of samples float32 (B, N, T, C, H, W) and the truth (B, T, C, H, W) on one device."""
        clips, n, length = samples.shape[:3]
        at_once = max(1, (VALUES_GPU if samples.is_cuda else VALUES_CPU) // max(1, n * samples[0, 0, 0].numel()))
        parts = []
        for indices in torch.cartesian_prod(torch.arange(clips), torch.arange(length)).to(samples.device).split(at_once):
            clip, frame = indices.unbind(1)
            parts.append(ensemble_terms(samples[clip, :, frame].float().flatten(2), truth[clip, frame].float().flatten(1)))
        return cls(n, *(torch.cat(term).cpu().view(clips, length) for term in zip(*parts)))

    @classmethod
    def concatenate(cls, parts: list[Ensemble]) -> Ensemble:
        """The clips of all parts, which must have the same number of samples."""
        return cls(parts[0].n, *(torch.cat([getattr(part, f.name) for part in parts]) for f in fields(cls)[1:]))

    def select_clips(self, which: Tensor) -> Ensemble:
        """The ensemble of the clips where `which`, bool (B,), is true."""
        return Ensemble(self.n, *(getattr(self, f.name)[which] for f in fields(self)[1:]))


def ensemble_terms(samples: Tensor, truth: Tensor) -> tuple[Tensor, ...]:
    """error, difference, variance and error_of_mean (F,) from samples (F, N, P) and the truth (F, P)."""
    n = samples.shape[1]
    error = (samples - truth[:, None]).abs().mean((1, 2))
    of_mean = (samples.mean(1) - truth).square().mean(1)
    if n == 1:
        return error, torch.zeros_like(error), torch.zeros_like(error), of_mean
    # in order, the k-th of N values is the larger one in k pairs and the smaller one in N - 1 - k
    weights = (2 * torch.arange(n, device=samples.device) - (n - 1)).to(samples)
    sums = (sort_samples(samples) * weights[:, None]).sum(1)
    return error, sums.mean(1) * 2 / (n * (n - 1)), samples.var(1).mean(1), of_mean


def sort_samples(samples: Tensor) -> Tensor:
    """Samples (F, N, P) sorted along N; on a CPU by NumPy, which is ten times as fast."""
    return samples.sort(1).values if samples.is_cuda else torch.from_numpy(np.sort(samples.numpy(), 1))


def crps(ensemble: Ensemble) -> Tensor:
    """Continuous ranked probability score of the pixels, float32 (B, T) in units of [0, 1] intensity: 0 is best.

    The fair estimator, whose mean does not depend on the number of samples: mean |x_i - y| - sum |x_i - x_j| / (2 N (N - 1)), the
    sum over all ordered pairs (Ferro 2014, "Fair scores for ensemble forecasts"). Of one future it is the absolute error.
    """
    return ensemble.error - ensemble.difference / 2


def spread_skill(ensemble: Ensemble) -> Tensor:
    """Spread over skill, float64 (), no unit: 1 is calibrated, below 1 overconfident, 0 for a single sample.

    sqrt((N + 1) / N) times the root of the samples' mean variance over the root mean squared error of their mean, both means over
    pixels, frames and clips (Fortin et al. 2014, "Why should ensemble spread match the RMSE of the ensemble mean?").
    NaN where the samples have no variance and their mean equals the truth.
    """
    share = ensemble.variance.double().mean() / ensemble.error_of_mean.double().mean()
    return ((ensemble.n + 1) / ensemble.n * share).sqrt()


def diversity(ensemble: Ensemble) -> Tensor:
    """Mean absolute difference of two samples over the mean absolute error to the truth, float64 (), no unit.

    1: samples differ from each other as much as from the truth, as for a perfect model; 0: a single sample.
    """
    return ensemble.difference.double().mean() / ensemble.error.double().mean()


def sample_spread(ensemble: Ensemble, pixels: int) -> Tensor:
    """Mean squared difference of two samples, summed over the pixels of a frame: float32 (B, T), in the unit of `mse`.

    The mean over pairs of different samples equals twice their variance. A perfect model has the same spread as the simulator.

    Args:
        pixels: channels times height times width of a frame.
    """
    return 2 * pixels * ensemble.variance
