"""Where a picture that was expected somewhere really is: the peak of its correlation with the frame, to a fraction of a pixel."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .warp import warp

REACH = 5  # pixels at half the side that are searched either way, the outermost only beside a peak
CLOSER = 2  # pixels at the full side that are searched about what was found so, the outermost only beside a peak
FAR = 0.004  # of two places that fit alike the nearer one counts
INK, FIT = 1.0, 0.3  # energy of a picture, and share of it that is found again, below which nothing is said


@torch.no_grad()
def displaced(expected: Tensor, shown: Tensor) -> Tensor:
    """How far pictures are from where they were expected, float32 (M, 2) px, x first; 0 where nothing like them is shown.

    Args:
        expected, shown: (M, C, H, W) in [0, 1], black where there is nothing.
    """
    with torch.autocast(expected.device.type, enabled=False):  # half precision would be off by whole pixels
        return searched(*(x.float().mean(1, keepdim=True) for x in (expected, shown)))


def searched(expected: Tensor, shown: Tensor) -> Tensor:
    """See `displaced`; one channel."""
    scores, energy = fits(F.avg_pool2d(expected, 2), F.avg_pool2d(shown, 2), REACH)
    steps = torch.arange(-REACH, REACH + 1, device=scores.device, dtype=scores.dtype)
    place, _, found = peak(scores - FAR * (steps.square()[:, None] + steps.square()))
    near = warp(shown, 2 * place[..., None, None].expand(-1, -1, *shown.shape[-2:]))
    closer, beside, _ = peak(fits(expected, near, CLOSER)[0])
    return (2 * place + closer + beside) * ((energy > INK) & (found > FIT))[:, None]


def fits(picture: Tensor, shown: Tensor, reach: int) -> tuple[Tensor, Tensor]:
    """Correlations (M, 2 reach + 1, 2 reach + 1) of pictures (M, 1, h, w) with what is shown so far away, as shares of the
    pictures' energies, and those (M,)."""
    width = 2 * reach + 1
    energy = picture.square().sum((1, 2, 3))
    scores = F.unfold(shown, width, padding=reach) @ picture.flatten(1)[..., None]
    return scores.view(-1, width, width) / energy.clamp_min(1e-3)[:, None, None], energy


def peak(scores: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Of maps (M, w, w): the highest place off the edge (M, 2), counted from the middle, x first; the top of the parabolas
    through it and its neighbours (M, 2), from -1/2 to 1/2; and its height (M,)."""
    width = scores.shape[-1]
    best = scores[:, 1:-1, 1:-1].flatten(1).argmax(1)
    row, column, every = best // (width - 2) + 1, best % (width - 2) + 1, torch.arange(len(scores), device=scores.device)
    top = scores[every, row, column]
    sides = [(scores[every, row, column - 1], scores[every, row, column + 1])]
    sides += [(scores[every, row - 1, column], scores[every, row + 1, column])]
    beside = [(0.5 * (a - b) / (a + b - 2 * top).clamp_max(-1e-4)).clamp(-0.5, 0.5) for a, b in sides]
    return torch.stack([column, row], -1).to(scores) - width // 2, torch.stack(beside, -1), top
