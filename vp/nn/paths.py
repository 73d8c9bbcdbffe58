"""Where a thing goes: a filter that predicts its place and corrects it by where it is found (Kalman 1960 in form), learned.

What it is told is a few numbers a thing and frame, so that it sees a million paths in the time in which networks that look at
pictures see some thousands. The state is explicit: a place and a speed that go on by themselves. What is learned is how far to
trust a finding, and when and how a thing turns back; places are told as waves too, or walls would blur (Tancik et al. 2020).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .crowd import Crowd, Law

HIDDEN = 128
FAST = 4.0  # pixels a frame, a usual speed
OCTAVES = 5  # waves of two frame widths down to an eighth of one
RARELY = -3.0  # how readily things turn back, at first
INK = 1.0  # a thing with less, summed over pixels in [0, 1], is nowhere


class Path(NamedTuple):
    """Of things (...,): hidden (..., HIDDEN); place (..., 2) px, x first, and speed (..., 2) px a frame, both as believed; and
    once all known frames have been seen, hypotheses about them that foresee better."""

    hidden: Tensor
    place: Tensor
    speed: Tensor
    crowd: Crowd | None = None


class PathFilter(nn.Module):
    """Sees where things are, and foresees where they will be; all in float32.

    Args:
        size: side of the frame, px. committed: things are foreseen where they most likely are, instead of where they are on
            average; not in training, where networks would learn from it to fade what may be wrong.
    """

    def __init__(self, size: int, committed: bool = False):
        super().__init__()
        self.size, self.committed = size, committed
        told = 4 + 8 * OCTAVES
        self.correct, self.predict = nn.GRUCell(told + 2, HIDDEN), nn.GRUCell(told, HIDDEN)
        self.law = Law()
        self.gains = nn.Linear(HIDDEN, 4)
        self.turn = nn.Sequential(
            nn.Linear(HIDDEN + told, HIDDEN), nn.SiLU(), nn.Linear(HIDDEN, HIDDEN), nn.SiLU(), nn.Linear(HIDDEN, 6)
        )
        for last in (self.gains, self.turn[-1]):
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)
        nn.init.constant_(self.turn[-1].bias[:2], RARELY)

    def begin(self, found: Tensor) -> Path:
        """The paths of things that are first found at (..., 2) px."""
        path = Path(found.new_zeros(*found.shape[:-1], HIDDEN), found, torch.zeros_like(found))
        return self.see(path, found)

    def told(self, path: Path) -> Tensor:
        coming = path.place + path.speed
        return torch.cat([2 * path.place / self.size - 1, path.speed / FAST, self.waves(path.place), self.waves(coming)], -1)

    def waves(self, place: Tensor) -> Tensor:
        """(..., 2) px to (..., 4 * OCTAVES)."""
        pitches = math.pi / self.size * 2 ** torch.arange(OCTAVES, device=place.device)
        angles = (place[..., None] * pitches).flatten(-2)
        return torch.cat([angles.sin(), angles.cos()], -1)

    def see(self, path: Path, found: Tensor) -> Path:
        """Corrected by where things are found, (..., 2) px."""
        error = found - path.place
        hidden = self.step(self.correct, torch.cat([self.told(path), error / FAST], -1), path.hidden)
        near, fast = self.gains(hidden).sigmoid().chunk(2, -1)
        return Path(hidden, path.place + near * error, path.speed + fast * error)

    def settle(self, path: Path, found: Tensor) -> Path:
        """With the hypotheses that fit where things were found, (..., T, 2) px, if a law has been learned."""
        return path._replace(crowd=self.law.weigh(found.flatten(0, -3))) if self.law.lessons else path

    def foresee(self, path: Path) -> Path:
        """One frame on."""
        path = self.follow(path)
        if path.crowd is None:
            return path
        crowd = self.law.advance(path.crowd)
        place = (self.law.mode if self.committed and not self.training else self.law.mean)(crowd)
        place = torch.where(crowd.trusted[:, None], place, path.place.flatten(0, -2)).view_as(path.place)
        return path._replace(place=place, crowd=crowd)

    def follow(self, path: Path) -> Path:
        """One frame on, by what the filter alone has learned."""
        told = self.told(path)
        hidden = self.step(self.predict, told, path.hidden)
        back, faster, aside = self.turn(torch.cat([hidden, told], -1)).chunk(3, -1)
        speed = path.speed * (1 - 2 * back.sigmoid()) + faster
        return path._replace(hidden=hidden, place=path.place + speed + FAST * aside, speed=speed)

    @staticmethod
    def step(cell: nn.GRUCell, told: Tensor, hidden: Tensor) -> Tensor:
        return cell(told.flatten(0, -2), hidden.flatten(0, -2)).view_as(hidden)


def middles(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """The middle of the ink of pictures (..., H, W), (..., 2) px, x first, and how much ink there is, (...,)."""
    ys, xs = (torch.arange(side, device=pictures.device, dtype=pictures.dtype) for side in pictures.shape[-2:])
    columns = pictures.sum(-2)
    ink, middle = columns.sum(-1), torch.stack([(columns * xs).sum(-1), (pictures.sum(-1) * ys).sum(-1)], -1)
    return middle / ink.clamp_min(1e-3)[..., None], ink
