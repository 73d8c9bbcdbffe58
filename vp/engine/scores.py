"""From a score per clip, sample and frame to the numbers of a table: best, mean and worst of the samples."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from vp.metrics import ERRORS

CURVES = ("psnr_db", "ssim", "mse", "sharpness")  # shown frame by frame
PARTLY = ("psnr_touched_db",)  # NaN at frames, and clips, where there is nothing to score
DECIMALS = 5


def summary(scores: Mapping[str, Tensor]) -> dict[str, Any]:
    """One row of an evaluation.

    The best sample of a clip is chosen by each metric for itself, by its mean over the predicted frames: the protocol
    of SVG's figures and of the tables of SRVP and SLAMP. For sharpness the best is the sample nearest to 1, for errors the
    smallest.

    Args:
        scores: metric -> float (clips, samples, predicted frames).

    Returns:
        {"metrics": {metric: {"best", "mean", "worst", "ci95"}}, "per_frame": {metric: {"best": [...], "mean": [...]}}};
        ci95 is the half width of the interval of the mean over clips of the best sample; what is undefined is None.
    """
    metrics, per_frame = {}, {}
    for name, of_frames in scores.items():
        of_frames = of_frames.double()
        of_clips = of_frames.mean(-1)
        if name in PARTLY:
            of_clips = of_frames.nanmean(-1)
            of_clips = of_clips[~of_clips.isnan().any(1)]
        rank = -(of_clips - 1).abs() if name == "sharpness" else -of_clips if name in ERRORS else of_clips
        clip = torch.arange(len(of_clips))
        best, worst = rank.argmax(1), rank.argmin(1)
        metrics[name] = {
            "best": number(of_clips[clip, best].mean()),
            "mean": number(of_clips.mean()),
            "worst": number(of_clips[clip, worst].mean()),
            "ci95": half_width(of_clips[clip, best]),
        }
        if name in CURVES:
            curves = {"best": of_frames[clip, best].mean(0), "mean": of_frames.mean((0, 1))}
            per_frame[name] = {kind: [number(x) for x in curve] for kind, curve in curves.items()}
    return {"metrics": metrics, "per_frame": per_frame}


def around_hit(sharpness: Tensor, hits: Tensor, n_past: int, lag: int) -> dict[str, float | None]:
    """Mean sharpness of single samples before and after the first wall hit that the context does not settle.

    Args:
        sharpness: float (clips, samples, predicted frames).
        hits: bool (clips, T, digits), the frames at which a digit meets a wall.
        n_past: known frames. lag: frames from a hit to the first frame that cannot be foreseen.
    """
    hit = hits.any(-1)
    hit[:, : n_past - lag] = False
    seen = hit.cumsum(1)
    before = (seen == 0)[:, n_past:]
    after = (seen > hit)[:, n_past:]  # the frame of the first hit itself belongs to neither
    by_frame = sharpness.double().mean(1)
    means = {"sharpness_before_hit": by_frame[before].mean(), "sharpness_after_hit": by_frame[after].mean()}
    return {name: number(mean) for name, mean in means.items()}


def half_width(values: Tensor) -> float | None:
    """Of the 95 % interval of a mean: 1.96 standard deviations over the root of the count."""
    return number(1.96 * values.std() / math.sqrt(len(values))) if len(values) > 1 else None


def number(value: Tensor | float) -> float | None:
    """A float that JSON can hold, rounded; None for NaN and infinities."""
    value = float(value)
    return round(value, DECIMALS) if math.isfinite(value) else None
