"""Clips and a row of an evaluation to scores: a chunk at a time, so that memory does not grow with the clips."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from vp.core.video import Batch
from vp.metrics import ERRORS, METRICS, Ensemble

from ..prediction.watch import observe
from .eval_rows import FLOW, EvalRow, Key
from .scores import PerClip, Scores, differences, of_each_clip, row_of
from .touched import psnr_of_touched, touched_pixels

Metrics = Mapping[str, Callable[[Tensor, Tensor], Tensor]]


def score(
    row: EvalRow, data: Batch, known: Tensor, scale: int, seeds: Tensor, batch: int, metrics: Metrics = METRICS
) -> Iterator[Scores]:
    """Scores of `batch` clips at a time, on the CPU; `seeds` int64 (clips, samples)."""
    touched = touched_pixels(data, known)
    data = data if data.actions is None else Batch(data.frames, row.actions(data.actions), data.extras)
    for start in range(0, len(data.frames), batch):
        chunk = slice(start, start + batch)
        observation = observe(data, chunk, known, scale, row.device)
        truth = observation.target[:, ~known]
        futures = row.futures(observation, seeds[chunk])[:, :, ~known].to(truth)
        yield scores_of(futures, truth, row.one_future, None if touched is None else touched[chunk][:, ~known], metrics)


def scores_of(
    futures: Tensor, truth: Tensor, one_future: bool = True, touched: Tensor | None = None, metrics: Metrics = METRICS
) -> Scores:
    """Scores, on the CPU, of predicted frames (B, N, T, C, H, W), not clipped, against the true ones (B, T, C, H, W).

    Args:
        one_future: see `Scores`.
        touched: bool (B, T, H, W), pixels that are scored for themselves as well.
        metrics: METRICS, or METRICS_ANY_SIZE where clips may differ in size.
    """
    clipped, against = futures.clamp(0, 1), truth[:, None]
    frames = {name: metric(futures if name in ERRORS else clipped, against).cpu() for name, metric in metrics.items()}
    if touched is not None:
        frames["psnr_touched_db"] = psnr_of_touched(clipped, against, touched).cpu()
    return Scores(frames, Ensemble.from_samples(futures, truth), truth[0, 0].numel() if "mse" in metrics else 1, one_future)


def joined(parts: Sequence[Scores]) -> Scores:
    """The scores of all parts' clips, in order."""
    frames = {name: torch.cat([part.frames[name] for part in parts]) for name in parts[0].frames}
    return replace(parts[0], frames=frames, ensemble=Ensemble.concatenate([part.ensemble for part in parts]))


def tabled(
    scores: Mapping[Key, Scores | None], groups: Tensor | None
) -> tuple[dict[Key, dict[str, Any] | None], dict[Key, PerClip]]:
    """Every row as `row_of` has it, with what it has more than flow where flow can work, and its scores clip by clip."""
    rows = {key: None if row is None else row_of(row, groups) for key, row in scores.items()}
    of_clips = {key: of_each_clip(row) for key, row in scores.items() if row is not None}
    if FLOW in of_clips:
        for key in of_clips.keys() - {FLOW}:
            rows[key]["against_flow"] = differences(of_clips[key], of_clips[FLOW], groups)
    return rows, of_clips
