"""Where things were in frames that were seen before it was known what they look like: they are followed back in time.

A thing is where drawing it brings the frame's free pixels, those that no other thing covers, most squared error closer.
"""

from __future__ import annotations

import torch
from torch import Tensor

REACH = 8  # pixels that a thing may move from frame to frame, either way
FAR = 0.001  # share of its energy by which a thing must fit better for each square pixel farther away
MISSED = (0.0, 0.15, 0.3, 0.45)  # shares of the known frames in which a thing may not be where it was found
SLACK = 4e-3  # mean squared error by which a better guess may explain the last frame worse
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


def seen(stored: Tensor, frames: Tensor, away: Tensor) -> Tensor:
    """What things look like at the last frame, (B, K, C, H, W): where they hide each other by turns and lie on black, at every
    pixel nearly the least that the frames show there that are drawn as far away as the thing was. How nearly, or whether
    `stored` it is, is chosen by what explains a clip's frames best, its last no worse than `stored` does.

    Args:
        stored: (B, K, C, H, W), what is believed so far. frames: (B, T, C, H, W). away: (B, K, T, 2) whole px, see `looked_for`.
    """
    ordered = elsewhere(frames[:, None], away).sort(2).values
    guesses = torch.stack([stored, *(ordered[:, :, round(share * (frames.shape[1] - 1))] for share in MISSED)])
    errors = torch.stack([together(guess, away).sub(frames).square().mean((2, 3, 4)) for guess in guesses])
    # where nothing was found right, the darkest errs least on the whole
    last, whole = errors[..., -1], errors.mean(-1)
    best = whole.where(last <= last[0] + SLACK, torch.inf).argmin(0)
    return guesses[best, torch.arange(len(stored), device=stored.device)]


def together(things: Tensor, away: Tensor) -> Tensor:
    """All things (B, K, C, H, W) so far away, (B, T, C, H, W)."""
    return elsewhere(things[:, :, None], -away).amax(1)


def elsewhere(pictures: Tensor, away: Tensor) -> Tensor:
    """What pictures (B, K or 1, T or 1, C, H, W) show so many whole px away, (B, K, T, 2), x first; black beyond their edges."""
    channels, height, width = pictures.shape[-3:]
    ys, xs = (torch.arange(side, device=pictures.device) for side in (height, width))
    x, y = (part[..., None] + places for part, places in zip(away.long().unbind(-1), (xs, ys)))  # (B, K, T, W), (B, K, T, H)
    inside = ((y >= 0) & (y < height))[..., None] & ((x >= 0) & (x < width))[..., None, :]
    index = y.clamp(0, height - 1)[..., None] * width + x.clamp(0, width - 1)[..., None, :]
    index = index.flatten(-2)[..., None, :].expand(-1, -1, -1, channels, -1)
    there = pictures.flatten(-2).expand(*index.shape[:-1], -1).gather(-1, index).unflatten(-1, (height, width))
    return there * inside[..., None, :, :]
