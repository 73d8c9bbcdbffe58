"""Scores a model on windows of recordings of any size, for data sets without a protocol of their own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vp.core.options import Options
from vp.core.predictor import seed_grid
from vp.core.processes import Processes
from vp.core.video import Actions, Batch, Capabilities
from vp.data import Framing, Protocol, Windows, open_dataset
from vp.metrics import CAP_ANY_SIZE_DB, METRICS_ANY_SIZE

from ..prediction.rows import select_actions
from ..prediction.watch import observe_clips
from .eval_rows import MODEL, MOST_LIKELY, EvalRow, Key, action_rows, any_size_baselines, model_rows
from .scores import Scores, action_gains, to_json_number, to_lists
from .scoring import Turns, add_seconds, join_scores, score_chunks, tabulate

SHORT_SIDE = 128  # px, where the model leaves it open
VALUES = 2**25  # samples times pixels times frames that are scored at once
RIVALS = ("flow", "copy_last"), ("flow_between", "blend")  # to be beaten: where a beginning is known, and otherwise


def evaluate_windows(
    model: Any,
    spec: Protocol,
    known: Tensor,
    options: Options,
    *,
    clips: int | None,
    samples: int,
    split: str,
    data_root: str | Path | None,
    framing: Framing,
    axes: str,
    seed: int,
    batch: int | None,
    per_clip: bool,
    progress: Callable[[int, int], None] | None,
    processes: Processes,
) -> dict[str, Any]:
    """What `evaluate` returns for recordings, except protocol and known frames; other arguments as for `evaluate`.

    Args:
        known: bool (T,), the known frames.
        framing: what `choose_framing` returns for the model.
    """
    source = open_dataset(spec.dataset, split, data_root, framing=framing, axes=axes)
    windows = Windows(source, spec.length, clips)
    began, accepted = time.monotonic(), model.predictor.capabilities.actions
    parts = iter(windows)
    first = next(parts, None)
    if first is None:
        raise ValueError(f"no recording of {source.name} can be used: {next(iter(windows.left_out.values()))}")
    probe = observe_clips(with_noise_frames(with_actions(first[1], accepted)), slice(0, 1), known)
    eval_rows = model_rows(model, options, probe, samples)
    eval_rows |= action_rows(eval_rows[MODEL], clips=1) if accepted else {}
    eval_rows |= any_size_baselines(probe, samples)
    there = ((starts, with_actions(part, accepted)) for starts, part in chain([first], parts))
    scores, seconds, places = score_windows(eval_rows, there, known, len(windows), seed, batch, progress, Turns(processes))
    names = [source.recordings[index].name for index, _ in places]
    owners = [source.recordings[index].group for index, _ in places]
    order = list(dict.fromkeys(owners))
    groups = torch.tensor([order.index(owner) for owner in owners])
    rows, of_clips = tabulate(scores, groups)
    result = {"clips": len(places), "samples": samples, "split": split, "framing": framing_to_json(framing)}
    result |= {"recordings": len(set(names)), "left_out": len(windows.left_out)}
    result |= {"seconds": round(time.monotonic() - began, 2), "seconds_a_clip": round(seconds[MODEL] / len(places), 4)}
    result |= {"psnr_cap_db": CAP_ANY_SIZE_DB, **rows[MODEL]}
    for kind in ("rows", "baselines"):
        result[kind] = {label: row for (of, label), row in rows.items() if of == kind}
    if accepted:
        result["rows"] = {"true actions": rows[MODEL], **result["rows"]}
        result["actions"] = action_gains(result)
    means = {label or "model": x["psnr_db"]["mean"] for (_, label), x in of_clips.items()}
    rivals = [name for name in RIVALS[not probe.is_prefix] if name in means]
    result["wins"] = win_rates(means, rivals)
    result["sources"] = scores_by_source(means, rivals, owners)
    if per_clip:
        where = {"recording": names, "start": [start for _, start in places], "source": owners}
        result["per_clip"] = where | to_lists(of_clips[MODEL], None)
    return result


def choose_framing(capabilities: Capabilities, short_side: int | None, stride: int, fps: float | None) -> Framing:
    """The framing that suits a model: squares for a model of one size, else whole frames; in colour where the model takes
    it."""
    channels = 3 if 3 in capabilities.channels else capabilities.channels[0]
    side = {"size": capabilities.size} if capabilities.size else {"short_side": SHORT_SIDE if short_side is None else short_side}
    return Framing(**side, channels=channels, stride=stride, fps=fps)


def framing_to_json(framing: Framing) -> dict[str, Any]:
    """The side, channels, and stride or fps of a framing, as results record them."""
    side = {"size": framing.size} if framing.short_side is None else {"short_side": framing.short_side}
    rate = {"stride": framing.stride} if framing.fps is None else {"fps": framing.fps}
    return side | {"channels": framing.channels} | rate


def with_actions(part: Batch, accepted: Actions | None) -> Batch:
    """The clips with those actions only that the model takes."""
    return Batch(part.frames, select_actions(part, accepted), part.extras)


def with_noise_frames(part: Batch) -> Batch:
    """The clips with frames of uniform noise, so that a model whose samples differ only where something moves shows that it
    is stochastic."""
    noise = torch.rand(part.frames.shape, generator=torch.Generator().manual_seed(0))
    return Batch(noise, part.actions, part.extras)


def score_windows(
    eval_rows: Mapping[Key, EvalRow | None],
    parts: Iterator[tuple[list[int], Batch]],
    known: Tensor,
    count: int,
    seed: int,
    batch: int | None,
    progress: Callable[[int, int], None] | None,
    turns: Turns,
) -> tuple[dict[Key, Scores | None], dict[Key, float], list[tuple[int, int]]]:
    """Scores every row on the same windows, one recording at a time; every process reads all recordings.

    Args:
        parts: (first frames, clips) of the windows of each recording.
        known: bool (T,).
        count: expected number of windows, for `progress`.
        batch: windows at once, or None for as many as VALUES allows.

    Returns:
        key -> scores, None for a row that is None; key -> seconds, of all processes together; (recording index, first frame) of
            each window.
    """
    there = {key: row for key, row in eval_rows.items() if row is not None}
    parts_scored: dict[Key, list[Scores | None]] = {key: [] for key in there}
    seconds, places = dict.fromkeys(there, 0.0), []
    for starts, part in parts:
        first, last = len(places), len(places) + len(starts)
        for key, row in there.items():
            began = time.monotonic()
            seeds = seed_grid(seed, last, row.samples)[first:]
            at_once = batch or max(1, VALUES // (row.samples * part.frames[0].numel()))
            parts_scored[key] += score_chunks(row, part, known, 1, seeds, at_once, METRICS_ANY_SIZE, turns)
            seconds[key] += time.monotonic() - began
        places += zip(part.extras["recording"].tolist(), starts)
        if progress:
            progress(last * len(there), count * len(there))
    scores = {key: join_scores(its) for key, its in turns.gather(parts_scored).items()}
    return {key: scores.get(key) for key in eval_rows}, add_seconds(turns.processes, seconds), places


def win_rates(means: Mapping[str, Tensor], rivals: Sequence[str]) -> dict[str, Any]:
    """The share of windows in which the most likely future has a higher mean PSNR than its rivals.

    Args:
        means: row -> mean PSNR of each window, float (windows,).
        rivals: rows to compare with.

    Returns:
        row: the one compared, most_likely, or model where that is missing (its samples' mean); over_A, the share against the
            first rival; over_A_and_B, against the better of both in each window.
    """
    row = MOST_LIKELY if MOST_LIKELY in means else "model"
    found: dict[str, Any] = {"row": row}
    for count in range(1, len(rivals) + 1):
        best = torch.stack([means[name] for name in rivals[:count]]).amax(0)
        found["over_" + "_and_".join(rivals[:count])] = to_json_number((means[row] > best).double().mean())
    return found


def scores_by_source(means: Mapping[str, Tensor], rivals: Sequence[str], owners: Sequence[str]) -> dict[str, Any]:
    """Source -> number of windows, and psnr_db: row -> mean PSNR of the model, its most likely future and the rivals.

    Args:
        means: row -> mean PSNR of each window, float (windows,).
        rivals: rows to include.
        owners: the source of each window.
    """
    shown = [name for name in ("model", MOST_LIKELY, *rivals) if name in means]
    found = {}
    for owner in dict.fromkeys(owners):
        its = torch.tensor([other == owner for other in owners])
        found[owner] = {"windows": int(its.sum()), "psnr_db": {name: to_json_number(means[name][its].mean()) for name in shown}}
    return found
