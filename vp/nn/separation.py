"""What teaches sprites to hold one thing each and to move as it does: the simulator's own pictures of single things, where
training clips come with them.

Left to the error of the frames alone sprites stay empty: before one has learned to hold and move a thing, the moved previous
frame and the drawn picture explain a frame better, and from then on nothing improves it (docs/LOG.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import permutations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .paths import INK, middles
from .sprites import Sprites

Heard = list[tuple[str, Tensor]]
MOTION = 0.003  # weight of an error of one pixel against a squared error of the pictures


@contextmanager
def overheard(network: nn.Module) -> Iterator[Heard]:
    """A list to which all sprites within `network` add, in order: what they have 'stored' and how they have 'moved', each
    (B, K, C, H, W), with which 'velocity' and, where they follow paths, to which 'place', (B, K, 2); 'begun' where a clip begins
    anew."""
    heard: Heard = []
    within = [layer for layer in network.modules() if isinstance(layer, Sprites)]
    for layer in within:
        layer.heard = heard
    try:
        yield heard
    finally:
        for layer in within:
            layer.heard = None


def passes(heard: Heard) -> list[Heard]:
    """What was heard of each time that a clip was gone through."""
    begins = [i for i, (kind, _) in enumerate(heard) if kind == "begun"]
    return [heard[a + 1 : b] for a, b in zip(begins, [*begins[1:], None])]


def separation(
    heard: Heard, things: Tensor, rows: int | None = None, times: Sequence[int] | None = None
) -> tuple[Tensor, Tensor]:
    """Mean squared error of what was stored and of what was moved, together, against the pictures of single things, and mean
    error of the places in pixels, or where there are none of the velocities in pixels a frame (Huber's, from one pixel on).

    Of each clip the order of its sprites counts in which their pictures are nearest.

    Args:
        heard: of one pass through a clip, which moves from every frame to the next, and stores some.
        things: uint8 (B, T, D, H, W), of the same frames, D no more than there are sprites. rows: clips that count, the first of
            the batch; None: all. times: where the frames lie in time; None: one after another.
    """
    count = heard[0][1].shape[1]
    true = F.pad(things[:rows].to(heard[0][1]) / 255, (0, 0, 0, 0, 0, count - things.shape[2]))
    middle, ink = middles(true)
    there = (ink[:, 1:] > INK) & (ink[:, :-1] > INK)
    gaps = torch.tensor(times or range(true.shape[1]), device=true.device).diff().to(middle)
    motion = middle.diff(dim=1) / gaps[:, None, None]
    followed = "place" if any(kind == "place" for kind, _ in heard) else "velocity"
    orders = [list(order) for order in permutations(range(count))]
    sums = {kind: [0.0] * len(orders) for kind in ("stored", "moved", followed)}
    counts, t = dict.fromkeys(sums, 0), 0 if heard[0][0] == "stored" else -1
    for kind, x in heard:
        x, t = x[:rows], t + (kind == "moved")
        if kind not in sums or (kind == followed and t < 1):
            continue
        counts[kind] += 1
        for i, order in enumerate(orders):
            if kind == followed:
                where = middle[:, t, order] if kind == "place" else -motion[:, t - 1, order]  # backward flow
                error = F.smooth_l1_loss(x.float(), where, reduction="none").sum(-1)
                error = (error * there[:, t - 1, order]).mean(1)
            else:
                error = (x.mean(2) - true[:, t, order]).square().mean((1, 2, 3))
            sums[kind][i] = sums[kind][i] + error
    mean = {kind: torch.stack(x, 1) / counts[kind] for kind, x in sums.items() if counts[kind]}
    pictures, best = sum(mean[kind] for kind in ("stored", "moved") if kind in mean).min(1)
    return pictures.mean(), mean[followed].gather(1, best[:, None]).mean()


def taught(*passed: tuple[Tensor, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
    """Of what `separation` gave for one pass or several: the loss, and its parts by name."""
    pictures, motion = (torch.stack(parts).mean() for parts in zip(*passed))
    return pictures + MOTION * motion, {"separation": pictures, "motion": motion}
