"""Where things were in frames that were seen before it was known what they look like: they are followed back in time.

A thing is where drawing it brings the frame's free pixels, those that no other thing covers, most squared error closer.
"""

from __future__ import annotations

import torch
from torch import Tensor

REACH = 8  # pixels that a thing may move from frame to frame, either way
FAR = 0.001  # share of its energy by which a thing must fit better for each square pixel farther away
ROUNDS = 2  # times that every thing is looked for, each time beside what the others cover


def looked_for(pictures: Tensor, frames: Tensor) -> Tensor:
    """How far things were from where they are in the end, in whole pixels, float32 (B, K, T, 2), x first; the last are 0.

    Args:
        pictures: (B, K, H, W), each thing at the last frame. frames: (B, T, H, W).
    """
    spectra, powers = torch.fft.rfft2(pictures), torch.fft.rfft2(pictures.square())
    energy = pictures.square().sum((-2, -1))
    away = [pictures.new_zeros(*pictures.shape[:2], 2)]
    for frame in frames[:, :-1].flip(1).unbind(1):
        now = list(away[0].unbind(1))
        shifts = [phases(place, frame) for place in now]
        expected = [(spectra[:, k] * shift, powers[:, k] * shift) for k, shift in enumerate(shifts)]
        for _ in range(ROUNDS):
            for k in range(len(now)):
                covers = [drawn(spectra[:, j], now[j], frame) for j in range(len(now)) if j != k]
                free = 1 - torch.stack(covers).amax(0).clamp(0, 1) if covers else torch.ones_like(frame)
                spectrum, power = expected[k]
                gain = 2 * matched(spectrum, free * frame) - matched(power, free)
                now[k] = away[0][:, k] + highest(gain, energy[:, k])
        away.insert(0, torch.stack(now, 1))
    return torch.stack(away, 2)


def drawn(spectrum: Tensor, away: Tensor, like: Tensor) -> Tensor:
    """A thing (B, H, W) so far away, (B, 2) whole px; what leaves on one side comes in on the other."""
    return torch.fft.irfft2(spectrum * phases(away, like), like.shape[-2:])


def phases(away: Tensor, like: Tensor) -> Tensor:
    """What a shift does to the spectrum (B, H, W/2 + 1)."""
    height, width = like.shape[-2:]
    x, y = (-2 * torch.pi * away)[..., None, None].unbind(1)
    down, across = torch.fft.fftfreq(height, device=away.device), torch.fft.rfftfreq(width, device=away.device)
    angle = y * down[:, None] + x * across
    return torch.polar(torch.ones_like(angle), angle)


def matched(spectrum: Tensor, shown: Tensor) -> Tensor:
    """Correlations (B, 2 REACH + 1, 2 REACH + 1) of a thing with what is shown (B, H, W), so much farther in y and x."""
    scores = torch.fft.irfft2(torch.fft.rfft2(shown) * spectrum.conj(), shown.shape[-2:])
    steps = torch.arange(-REACH, REACH + 1, device=shown.device)
    return scores[:, steps][..., steps]


def highest(gain: Tensor, energy: Tensor) -> Tensor:
    """Where it gains most, (B, 2) px from the middle, x first; of places that gain alike the nearest."""
    steps = torch.arange(-REACH, REACH + 1, device=gain.device)
    near = gain - FAR * energy[:, None, None] * (steps.square()[:, None] + steps.square())
    best = near.flatten(1).argmax(1)
    return torch.stack([steps[best % len(steps)], steps[best // len(steps)]], -1)
