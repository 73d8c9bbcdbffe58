"""Where things that go straight on between walls will be: many hypotheses at once, weighed by where they were found (a particle
filter, Gordon et al. 1993, whose particles are laid out evenly instead of drawn).

What there is to learn are a few numbers: where the walls are, what they give back, and which speeds and which offsets there
are. Things are drawn at whole pixels while they move by fractions, so they are found a whole number of pixels, and an offset
that is each thing's own, from the canvas' edge: a hypothesis fits a finding or it does not, and sixteen findings leave hardly
more than one course.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

BANK = 4096  # speeds remembered from training
SLOWLY = 0.02  # share of what is known that is new with every lesson
TURNED, ENOUGH = 1e-4, 8  # px a frame by which the speed changes at a wall, and how often each must have been met to learn of it
FEW = 4  # findings after which most speeds are given up


class Pass(NamedTuple):
    """One time through all findings: how many `speeds` are kept at first and after FEW findings, how many `starts` of each on
    either axis, `apart` px, and `sure`, the std (px) of a finding's error."""

    speeds: tuple[int, int]
    starts: int
    apart: float
    sure: float


COARSE, FINE = Pass((512, 128), 20, 0.2, 0.25), Pass((64, 64), 16, 1 / 32, 0.05)
LEFT = 32  # speeds that are followed in the end
WRONG = 1.5  # px: where a finding counts as a mistake and no more
EXACT = 0.01  # px to which walls are known: what lies at one is shown at a whole number
SPAN = 32  # px about their mean, either way, within which hypotheses are told apart
FITS = 0.5  # share of the findings that the best course must explain


class Crowd(NamedTuple):
    """Hypotheses about things (N,), all (N, V, 2, S): on each axis, x first, the place in px from the canvas' edge, the speed in
    px a frame, how much they count, and the offset (px) from the pixel that shows a place to where the thing is found. trusted
    (N,), bool: one of them fits."""

    place: Tensor
    speed: Tensor
    weight: Tensor
    offset: Tensor
    trusted: Tensor


class Law(nn.Module):
    """How things move: straight on, and where they would leave, a wall stops them and turns them back.

    What is learned are buffers in float64, which checkpoints store unrounded; hypotheses are float32.
    """

    def __init__(self) -> None:
        super().__init__()
        exact = {"dtype": torch.float64}
        self.register_buffer("walls", torch.zeros(2, 2, **exact))  # (low and high, axis), px
        self.register_buffer("bounce", torch.ones(2, **exact))  # shares of the rest of a step, and of the speed, that come back
        self.register_buffer("offset", torch.zeros(2, 2, **exact))  # (mean and std, axis), px
        self.register_buffer("speeds", torch.zeros(BANK, 2, **exact))
        self.register_buffer("lessons", torch.zeros((), **exact))

    def forward(self, place: Tensor, speed: Tensor) -> tuple[Tensor, Tensor]:
        """One frame on; both (..., 2, S)."""
        low, high = self.walls.to(place)[..., None]
        rest, kept = self.bounce.to(place)
        coming = place + speed
        inside = torch.minimum(torch.maximum(coming, low), high)
        return inside + rest * (inside - coming), torch.where((coming <= low) | (coming >= high), -kept * speed, speed)

    @torch.no_grad()
    def learn(self, states: Tensor, found: Tensor) -> None:
        """From paths (N, T, 4), places and speeds, and where things were found on them, (N, T, 2) px.

        Speeds are remembered until there are enough of them; the rest follows with every lesson.
        """
        states, found = states.to(self.walls), found.to(self.walls)
        (place, speed), (there, after) = states[:, :-1].split(2, -1), states[:, 1:].split(2, -1)
        coming, turned = place + speed, (after - speed).abs() > TURNED
        met = [(turned & side)[..., axis] for side in (speed < 0, speed > 0) for axis in (0, 1)]
        if min(int(rows.sum()) for rows in met) < ENOUGH:
            return
        lines = [line(coming[..., k % 2][rows], there[..., k % 2][rows]) for k, rows in enumerate(met)]
        slope, height = torch.stack(lines).view(2, 2, 2).unbind(-1)
        away = found - states[..., :2].floor()
        lessons, count = round(float(self.lessons)), min(len(states), BANK)
        new = max(SLOWLY, 1 / (1 + lessons))
        self.walls.lerp_(height / (1 - slope), new)
        self.bounce.lerp_(torch.stack([-slope.mean(), -line(speed[turned], after[turned])[0]]), new)
        self.offset.lerp_(torch.stack([away.mean((0, 1)), away.std((0, 1))]), new)
        if not lessons:
            self.speeds.copy_(states[torch.arange(BANK, device=states.device) % len(states), 0, 2:])
        elif (lessons + 1) * count <= BANK:
            self.speeds[lessons * count : (lessons + 1) * count] = states[:count, -1, 2:]
        self.lessons += 1

    @torch.no_grad()
    def weigh(self, found: Tensor) -> Crowd:
        """What is likely after things have been found at (N, T, 2) px, frame after frame."""
        speeds, (mean, _) = self.speeds.to(found), self.offset.to(found)
        steps = found.diff(dim=1).abs()[:, None] - speeds.abs()[:, None]  # those that turn back count alike
        near = steps.abs().clamp(max=1).square().sum((2, 3)).topk(COARSE.speeds[0], largest=False).indices
        middle = (found[:, 0] - mean)[:, None].expand(-1, len(near[0]), -1)
        starts, first, _, _, fit, _ = self.go(COARSE, found, middle, speeds[near])
        best = starts.gather(3, fit.argmax(3, keepdim=True))
        best, first = likeliest(FINE.speeds[0], fit, best, first[..., :1])
        _, _, *parts = self.go(FINE, found, best[..., 0], first[..., 0])
        fit = parts[2]
        trusted = fit.amax(3).sum(2).amax(1) > -FITS * 2 * found.shape[1] * cost(WRONG, FINE.sure)
        place, speed, fit, offset = likeliest(LEFT, fit, *parts)
        of_speed = fit.logsumexp(3).sum(2).softmax(1)
        return Crowd(place, speed, fit.softmax(3) * of_speed[:, :, None, None], offset, trusted)

    def go(self, how: Pass, found: Tensor, middle: Tensor, speeds: Tensor) -> list[Tensor]:
        """Hypotheses that start about `middle` with these speeds, both (N, V, 2), after all findings: their places and speeds at
        first and at last, log-likelihoods and offsets, each (N, V, 2, S)."""
        spread = (torch.arange(how.starts, device=found.device) - (how.starts - 1) / 2) * how.apart
        starts = middle[..., None] + spread
        offset = found[:, :1, :, None] - (starts + EXACT).floor()
        mean, std = self.offset.to(found)[..., None]
        fit = -((offset - mean) / std).square() / 2
        first = speeds[..., None].expand_as(starts)
        place, speed = starts, first
        for t in range(found.shape[1]):
            if t:
                place, speed = self(place, speed)
            ahead = place + offset - found[:, t, None, :, None]  # 0 to 1 within the pixel that shows it
            fit = fit - cost(((ahead - 0.5).abs() - 0.5).clamp_min(0), how.sure)
            if t == FEW and how.speeds[1] < fit.shape[1]:
                parts = likeliest(how.speeds[1], fit, starts, first, place, speed, fit, offset)
                starts, first, place, speed, fit, offset = parts
        return [starts, first, place, speed, fit, offset]

    def advance(self, crowd: Crowd) -> Crowd:
        """One frame on."""
        place, speed = self(crowd.place, crowd.speed)
        return crowd._replace(place=place, speed=speed)

    @staticmethod
    def mean(crowd: Crowd) -> Tensor:
        """Where things are shown, (N, 2) px, on average over all that is likely."""
        return (crowd.weight * seen_at(crowd)).sum((1, 3))

    @classmethod
    def mode(cls, crowd: Crowd) -> Tensor:
        """Where things are most likely shown, (N, 2) px: what every speed gives each whole pixel on either axis, multiplied, and
        the sum over all speeds."""
        shown = seen_at(crowd)
        some = shown[:, 0, :, 0]  # they differ by whole pixels
        middle = some + (cls.mean(crowd) - some).round()
        bins = (shown - middle[:, None, :, None]).round().long().clamp(-SPAN, SPAN) + SPAN
        shares = torch.zeros(*bins.shape[:3], 2 * SPAN + 1, device=bins.device).scatter_add_(3, bins, crowd.weight)
        across, down = shares.unbind(2)
        of_speed = crowd.weight.sum((2, 3))[:, :, None].clamp_min(1e-20) / 2  # counted on both axes
        best = (across.transpose(1, 2) @ (down / of_speed)).flatten(1).argmax(1)
        return middle + torch.stack([best // (2 * SPAN + 1), best % (2 * SPAN + 1)], -1) - SPAN


def seen_at(crowd: Crowd) -> Tensor:
    """Where each hypothesis shows the thing, (N, V, 2, S) px."""
    return (crowd.place + EXACT).floor() + crowd.offset


def likeliest(count: int, fit: Tensor, *parts: Tensor) -> list[Tensor]:
    """Of `parts` (N, V, 2, ...) those of the `count` speeds that fit best."""
    index = fit.logsumexp(3).sum(2).topk(min(count, fit.shape[1])).indices[:, :, None, None]
    return [part.gather(1, index.expand(-1, -1, *part.shape[2:])) for part in parts]


def line(x: Tensor, y: Tensor) -> Tensor:
    """Slope and height of the straight line through points: least squares."""
    slope = ((x - x.mean()) * (y - y.mean())).sum() / (x - x.mean()).square().sum().clamp_min(1e-6)
    return torch.stack([slope, y.mean() - slope * x.mean()])


def cost(error: Tensor | float, sure: float) -> Tensor | float:
    """Of a finding so far off (px), in nats."""
    error = error.clamp(max=WRONG) if isinstance(error, Tensor) else min(error, WRONG)
    return error * error / (2 * sure * sure)
