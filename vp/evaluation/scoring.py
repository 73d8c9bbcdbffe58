"""Scores a row on clips in chunks, so that memory does not grow with their number."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from vp.core.processes import Processes
from vp.core.video import Batch
from vp.metrics import ERRORS, METRICS, Ensemble

from ..prediction.watch import observe_clips
from .eval_rows import FLOW, EvalRow, Key
from .scores import PerClip, Scores, paired_differences, scores_per_clip, summarise_row
from .touched import psnr_of_touched, touched_pixels

Metrics = Mapping[str, Callable[[Tensor, Tensor], Tensor]]


class Turns:
    """The chunks of an evaluation, numbered in the order in which one process would score them; several processes go round.

    Chunks are those of one process, so that the scores are the same however many there are.
    """

    def __init__(self, processes: Processes):
        self.processes, self.number = processes, 0

    def is_mine(self) -> bool:
        """Whether the next chunk is this process's to score."""
        mine = self.processes.takes(self.number)
        self.number += 1
        return mine

    def gather(self, parts: Mapping[Key, Sequence[Scores | None]]) -> dict[Key, list[Scores]]:
        """The scores of all chunks of each row, in every process; `parts` has those that this process scored, None elsewhere."""
        of_all = self.processes.gather(parts)
        return {
            key: [next(x for x in same if x is not None) for same in zip(*(its[key] for its in of_all), strict=True)]
            for key in parts
        }


def score_chunks(
    row: EvalRow,
    data: Batch,
    known: Tensor,
    scale: int,
    seeds: Tensor,
    batch: int,
    metrics: Metrics = METRICS,
    turns: Turns | None = None,
) -> Iterator[Scores | None]:
    """Yields the scores, on the CPU, of `batch` clips at a time; None for those that another process scores.

    Args:
        known: bool (T,); only other frames are scored.
        scale: see `observe_clips`.
        seeds: int64 (clips, samples).
        metrics: see `compute_scores`.
        turns: of several processes; None: this one scores all.
    """
    touched = touched_pixels(data, known)
    data = data if data.actions is None else Batch(data.frames, row.actions(data.actions), data.extras)
    for start in range(0, len(data.frames), batch):
        if turns and not turns.is_mine():
            yield None
            continue
        chunk = slice(start, start + batch)
        observation = observe_clips(data, chunk, known, scale, row.device)
        truth = observation.target[:, ~known]
        futures = row.futures(observation, seeds[chunk])[:, :, ~known].to(truth)
        yield compute_scores(futures, truth, row.one_future, None if touched is None else touched[chunk][:, ~known], metrics)


def compute_scores(
    futures: Tensor, truth: Tensor, one_future: bool = True, touched: Tensor | None = None, metrics: Metrics = METRICS
) -> Scores:
    """Scores, on the CPU, of predicted frames against the true ones.

    Args:
        futures: float (B, N, T, C, H, W), not clipped; errors use them as they are, other metrics clamp them to [0, 1].
        truth: float (B, T, C, H, W) in [0, 1].
        one_future: see `Scores`.
        touched: bool (B, T, H, W), pixels of touched objects, which are also scored separately; None for no such score.
        metrics: METRICS, or METRICS_ANY_SIZE where clips may differ in size.
    """
    clipped, against = futures.clamp(0, 1), truth[:, None]
    frames = {name: metric(futures if name in ERRORS else clipped, against).cpu() for name, metric in metrics.items()}
    if touched is not None:
        frames["psnr_touched_db"] = psnr_of_touched(clipped, against, touched).cpu()
    return Scores(frames, Ensemble.from_samples(futures, truth), truth[0, 0].numel() if "mse" in metrics else 1, one_future)


def add_seconds(processes: Processes, mine: Mapping[Key, float]) -> dict[Key, float]:
    """Seconds that all processes together spent on each row."""
    of_all = processes.gather(mine)
    return {key: sum(its[key] for its in of_all) for key in mine}


def join_scores(parts: Sequence[Scores]) -> Scores:
    """The scores of all parts' clips, concatenated."""
    frames = {name: torch.cat([part.frames[name] for part in parts]) for name in parts[0].frames}
    return replace(parts[0], frames=frames, ensemble=Ensemble.concatenate([part.ensemble for part in parts]))


def tabulate(
    scores: Mapping[Key, Scores | None], groups: Tensor | None
) -> tuple[dict[Key, dict[str, Any] | None], dict[Key, PerClip]]:
    """The numbers of every row.

    Returns:
        key -> `summarise_row`, None for a row that is None, with `against_flow` (the row minus flow) where flow is scored; key
            -> `scores_per_clip`.
    """
    rows = {key: None if row is None else summarise_row(row, groups) for key, row in scores.items()}
    of_clips = {key: scores_per_clip(row) for key, row in scores.items() if row is not None}
    if FLOW in of_clips:
        for key in of_clips.keys() - {FLOW}:
            rows[key]["against_flow"] = paired_differences(of_clips[key], of_clips[FLOW], groups)
    return rows, of_clips
