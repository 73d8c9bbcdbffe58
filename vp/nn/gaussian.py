"""Diagonal Gaussians over the latent z, and the KL divergence between them."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

LOGVAR_LIMIT = 8.0  # std between 0.018 and 55: keeps exp() and its gradient finite in any precision


class Gaussian(NamedTuple):
    """N(mean, exp(logvar)), both float32 (..., Z)."""

    mean: Tensor
    logvar: Tensor

    @property
    def std(self) -> Tensor:
        return torch.exp(0.5 * self.logvar)

    def sample(self, noise: Tensor) -> Tensor:
        """mean + std * noise (reparametrisation, Kingma & Welling 2014)."""
        return self.mean + self.std * noise

    @staticmethod
    def standard(like: Tensor) -> Gaussian:
        """N(0, I) of the shape of `like`."""
        return Gaussian(torch.zeros_like(like), torch.zeros_like(like))

    @staticmethod
    def from_outputs(mean: Tensor, logvar: Tensor) -> Gaussian:
        """From raw network outputs: float32, log-variance limited by tanh to (-8, 8)."""
        return Gaussian(mean.float(), LOGVAR_LIMIT * torch.tanh(logvar.float() / LOGVAR_LIMIT))


def kl(q: Gaussian, p: Gaussian) -> Tensor:
    """KL(q || p) per dimension, float32 (..., Z), in nats; from log-variances, for numerical range."""
    difference = q.logvar - p.logvar
    return 0.5 * (torch.exp(difference) + (q.mean - p.mean).square() * torch.exp(-p.logvar) - 1 - difference)


class LatentStats(NamedTuple):
    """Statistics of the latent of a step, float32 (M, Z), and the KL, (M,); None where there is no posterior."""

    prior_mean: Tensor
    prior_std: Tensor
    posterior_mean: Tensor | None = None
    posterior_std: Tensor | None = None
    kl: Tensor | None = None

    @classmethod
    def from_gaussians(cls, prior: Gaussian, posterior: Gaussian | None) -> LatentStats:
        """Statistics of the two distributions, with KL(posterior || prior) summed over z."""
        if posterior is None:
            return cls(prior.mean, prior.std)
        return cls(prior.mean, prior.std, posterior.mean, posterior.std, kl(posterior, prior).sum(-1))

    def with_standard_prior(self) -> LatentStats:
        """The same posterior beside N(0, I), for z that was drawn from that."""
        prior = Gaussian.standard(self.prior_mean)
        if self.posterior_mean is None:
            return LatentStats.from_gaussians(prior, None)
        return LatentStats.from_gaussians(prior, Gaussian(self.posterior_mean, 2 * self.posterior_std.log()))
