"""Where pictures have gone to in a noisy frame: a matched filter and Bayes' rule.

What a network's convolutions can only guess from a frame that is nine parts noise, correlation with the picture tells: under
white noise it is the log-likelihood of every displacement (Turin 1960), here by the Fourier transform.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..core.constant import constant

REACH = 8  # pixels that things may move between frames
NEARLY_CLEAN = 0.6  # tau: from there on evidence counts no more than at it
STEADY = 0.35  # std (px) of the displacement of a thing that goes on as it did
CHANCE = 0.02  # least share of the prior that is even


@constant
def displacements(device: torch.device) -> Tensor:
    """(D, 2) px, x first."""
    steps = torch.arange(-REACH, REACH + 1, device=device, dtype=torch.float32)
    ys, xs = torch.meshgrid(steps, steps, indexing="ij")
    return torch.stack([xs, ys], -1).flatten(0, 1)


def spectrum(noisy: Tensor, level: Tensor) -> Tensor:
    """What `likelihood` reads of noisy frames, complex64 (M, C, H + REACH, (W + REACH) // 2 + 1).

    Args:
        noisy: (M, C, H, W), tau x + (1 - tau) noise of a frame x in [-1, 1]. level: (M,), tau.
    """
    tau = level.float()[:, None, None, None]
    told = tau.clamp(max=NEARLY_CLEAN)
    with torch.autocast(noisy.device.type, enabled=False):
        return torch.fft.rfft2(noisy.float() + tau, s=room(noisy)).conj() * (2 * told / (1 - told).square())


def room(pictures: Tensor) -> tuple[int, int]:
    """The size at which nothing that moves comes back in at the other side."""
    height, width = pictures.shape[-2:]
    return height + REACH, width + REACH


def likelihood(pictures: Tensor, seen: Tensor) -> Tensor:
    """Log-likelihoods (B, K, D), up to a constant, of the displacements that lead from pictures to a noisy frame.

    Args:
        pictures: (B, K, C, H, W) in [0, 1], 0 the background. seen: the frame's `spectrum`, (B, C, h, w).
    """
    with torch.autocast(pictures.device.type, enabled=False):
        overlap = torch.fft.rfft2(pictures.float(), s=room(pictures)) * seen[:, None]
        overlap = overlap[:, :, 0] if overlap.shape[2] == 1 else overlap.sum(2)
        down, across = back(*room(pictures), pictures.device)
        return (torch.view_as_real(down @ overlap).flatten(-2) @ across).flatten(2)


@constant
def back(height: int, width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """From the product of a picture's spectrum and the conjugate of a frame's to their overlap at all displacements, by products:
    complex64 (R, height) from the left, then float32 (width // 2 * 2 + 2, R) from the right of real and imaginary parts."""
    steps, half = torch.arange(-REACH, REACH + 1, dtype=torch.float64), width // 2 + 1
    angles = 2 * torch.pi / height * steps[:, None] * torch.arange(height)
    down = torch.exp(-1j * angles) / (height * width)
    angles = 2 * torch.pi / width * torch.arange(half)[:, None] * steps
    counts = torch.tensor([1.0 if k in (0, width / 2) else 2.0 for k in range(half)])[:, None]
    across = torch.stack([counts * angles.cos(), counts * angles.sin()], 1).flatten(0, 1)
    return down.to(device, torch.complex64), across.to(device, torch.float32)


def corrected(velocity: Tensor, before: Tensor, renewal: Tensor, evidence: Tensor, gap: float) -> tuple[Tensor, Tensor]:
    """Velocities (B, K, 2), pixels a frame as backward flow, in the light of `evidence` (see `likelihood`) over `gap` frames.

    Args:
        velocity: what is expected. before: what it was, which goes on but for the share `renewal` (B, K, 1).

    Returns:
        The velocities, `velocity` itself where there is no evidence; and of each how sure it is, (B, K, 2): the greatest
        probability after the evidence, and before.
    """
    places, near = displacements(velocity.device), steadiness(velocity.device)
    even = CHANCE + (1 - 2 * CHANCE) * renewal.float()
    with torch.autocast(velocity.device.type, enabled=False):
        # -|place + gap before|^2 / (2 STEADY^2), but for what is the same at every place
        goes_on = near - (before.float() @ places.T) * (gap / STEADY**2)
        goes_on = goes_on.log_softmax(-1) + torch.log1p(-even)
        prior = torch.logaddexp(goes_on, (even / len(places)).log().expand_as(goes_on))
        posterior, prior = (evidence + prior).softmax(-1), prior.exp()
        gained = (posterior - prior) @ places / gap
    return velocity - gained.to(velocity), torch.stack([posterior.amax(-1), prior.amax(-1)], -1)


@constant
def steadiness(device: torch.device) -> Tensor:
    """Log-likelihood (D,), up to a constant, of the displacements of a thing that stayed where it was."""
    return -displacements(device).square().sum(-1) / (2 * STEADY**2)
