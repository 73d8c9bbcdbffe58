"""Optical flow between known frames with others missing in between."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from .optical_flow import dis_flow, resize_flow, resize_short_side
from .warp import warp

WINDOW = 9  # px in which frames are compared


def flows_between(frames: Tensor, times: Sequence[int], size: tuple[int, int], estimated_at: int) -> tuple[Tensor, Tensor]:
    """Flow between each known frame and the next one, both ways.

    Across a gap motion is large, and what the flow estimator matches may be wrong. There it starts from other guesses too: the
    speed on its own side, half of that, and the mean of the speeds on both sides. Of these flows every pixel takes the one under
    which the frames are most alike around it.

    Args:
        frames: float32 (B, K, 3, H, W) in [0, 1].
        times: of these frames.
        size: (h, w) of the grid of the result.
        estimated_at: px of the short side at which flow is estimated.

    Returns:
        float32 (B, K - 1, 2, h, w) twice, in pixels of that grid, x first: number k from frame k + 1 to k, and from k to k + 1.
    """
    frames = resize_short_side(frames, estimated_at)
    pairs = list(zip(frames.unbind(1), frames[:, 1:].unbind(1)))
    forth, back = [dis_flow(a, b) for a, b in pairs], [dis_flow(b, a) for a, b in pairs]
    spans = [b - a for a, b in zip(times, times[1:])]
    both = forth.copy(), back.copy()
    for k, (a, b) in enumerate(pairs):
        if spans[k] > 1:
            before = -spans[k] / spans[k - 1] * back[k - 1] if k else None
            after = spans[k] / spans[k + 1] * forth[k + 1] if k + 1 < len(pairs) else None
            both[0][k] = best_flow(a, b, forth[k], before, after)
            both[1][k] = best_flow(b, a, back[k], None if after is None else -after, None if before is None else -before)
    empty = frames.new_zeros(len(frames), 0, 2, *size)
    there, here = (torch.stack([resize_flow(x, size) for x in flows], 1) if flows else empty for flows in both)
    return here, there


def best_flow(a: Tensor, b: Tensor, plain: Tensor, own: Tensor | None, other: Tensor | None) -> Tensor:
    """Of several flows from frames `a` to `b`, at each pixel the one under which they are most alike.

    Args:
        a, b: (B, 3, H, W).
        plain: (B, 2, H, W), as the estimator finds it.
        own: how far pixels of `a` go at their speed outside the gap; None: that is not known.
        other: how far pixels of `b` have come at theirs; likewise.
    """
    guesses = [] if own is None else [own, own / 2]
    if own is not None and other is not None:
        guesses.append((own + warp(other, plain)) / 2)
    candidates = [plain, *(flow_from_guess(a, b, guess) for guess in guesses)]
    misses = [F.avg_pool2d((warp(b, x) - a).abs().mean(1), WINDOW, 1, WINDOW // 2, count_include_pad=False) for x in candidates]
    least, chosen = torch.stack(misses).argmin(0)[:, None], plain
    for index, candidate in enumerate(candidates):
        chosen = torch.where(least == index, candidate, chosen)
    return chosen


def flow_from_guess(a: Tensor, b: Tensor, guess: Tensor) -> Tensor:
    """The flow (B, 2, H, W) from frames `a` to `b` that is estimated after a guess has been taken off."""
    rest = dis_flow(a, warp(b, guess))
    return rest + warp(guess, rest)
