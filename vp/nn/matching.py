"""Where pictures have gone to in a noisy frame: a matched filter and Bayes' rule.

What a network's convolutions can only guess from a frame that is nine parts noise, correlation with the picture tells: under
white noise it is the log-likelihood of every displacement (Turin 1960), here by the Fourier transform.
"""

from __future__ import annotations

import torch
from torch import Tensor

REACH = 8  # pixels that things may move between frames
NEARLY_CLEAN = 0.6  # tau: from there on evidence counts no more than at it
STEADY = 0.35  # std (px) of the displacement of a thing that goes on as it did
CHANCE = 0.02  # least share of the prior that is even


def displacements(like: Tensor) -> Tensor:
    """(D, 2) px, x first."""
    steps = torch.arange(-REACH, REACH + 1, device=like.device, dtype=torch.float32)
    ys, xs = torch.meshgrid(steps, steps, indexing="ij")
    return torch.stack([xs, ys], -1).flatten(0, 1)


def likelihood(pictures: Tensor, noisy: Tensor, level: Tensor) -> Tensor:
    """Log-likelihoods (B, K, D), up to a constant, of the displacements that lead from pictures to a noisy frame.

    Args:
        pictures: (B, K, C, H, W) in [0, 1], 0 the background. noisy: (B, C, H, W), tau x + (1 - tau) noise of a frame x in
            [-1, 1]. level: (B,), tau.
    """
    tau = level.float()[:, None, None, None]
    height, width = noisy.shape[-2:]
    room = (height + REACH, width + REACH)  # so that nothing comes back in at the other side
    with torch.autocast(noisy.device.type, enabled=False):
        known = torch.fft.rfft2(pictures.float(), s=room)
        seen = torch.fft.rfft2(noisy.float() + tau, s=room)[:, None]
        overlap = torch.fft.irfft2((known.conj() * seen).sum(2), s=room).roll((REACH, REACH), (2, 3))
    overlap = overlap[..., : 2 * REACH + 1, : 2 * REACH + 1].flatten(2)
    tau = level.float().clamp(max=NEARLY_CLEAN)[:, None, None]
    return 2 * tau / (1 - tau).square() * overlap


def corrected(velocity: Tensor, before: Tensor, renewal: Tensor, evidence: Tensor, gap: float) -> tuple[Tensor, Tensor]:
    """Velocities (B, K, 2), pixels a frame as backward flow, in the light of `evidence` (see `likelihood`) over `gap` frames.

    Args:
        velocity: what is expected. before: what it was, which goes on but for the share `renewal` (B, K, 1).

    Returns:
        The velocities, `velocity` itself where there is no evidence; and of each how sure it is, (B, K, 2): the greatest
        probability after the evidence, and before.
    """
    places = displacements(velocity)
    away = (places + gap * before[:, :, None].float()).square().sum(-1)  # (B, K, D)
    even = CHANCE + (1 - 2 * CHANCE) * renewal.float()
    goes_on = (-away / (2 * STEADY**2)).log_softmax(-1) + torch.log1p(-even)
    prior = torch.logaddexp(goes_on, (even / len(places)).log().expand_as(goes_on))
    posterior = (evidence + prior).softmax(-1)
    prior = prior.exp()
    gained = ((posterior - prior)[..., None] * places).sum(2) / gap
    return velocity - gained.to(velocity), torch.stack([posterior.amax(-1), prior.amax(-1)], -1)
