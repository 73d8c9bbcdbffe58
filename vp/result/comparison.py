"""Two results of one clip beside one another, as one result: A's rows and B's, and a sentence on which scores better."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import torch

from vp.data.recorded import to_channels
from vp.metrics.interval import interval_half_width, student_t_quantile

from .result import MEASURES, Result, Row, lower_first_letter

SAME = 2.0  # grey levels: mean difference below which two truths are the same frames, fitted to different models
COMPARED = ("sample", "likely", "baseline")  # kinds of B's rows that are shown, each as kind "other"


def compare_results(a: Result, b: Result) -> Result:
    """A with B's futures as further rows of kind "other", resized to A's frames; their scores are those of B's own frames.

    Args:
        a, b: finished results of the same frames, with the same ones known, of any two models or settings.

    Raises:
        ValueError: they are not of the same frames.
    """
    check_comparable(a, b)
    height, width, channels = a.rows[0].frames.shape[1:]
    picked = b.kind("likely") + b.kind("sample")
    others = tuple(as_other(b.rows[index], height, width, channels) for index in picked)
    rows = tuple(replace(row, label=f"A: {lower_first_letter(row.label)}") if row.kind in COMPARED else row for row in a.rows)
    metrics = {name: np.concatenate([values, b.metrics[name][picked]]) for name, values in a.metrics.items() if name in b.metrics}
    traces = {
        name: np.concatenate(
            [values, b.traces[name][picked] if name in b.traces else np.full((len(picked), len(a.known)), np.nan)]
        )
        for name, values in a.traces.items()
    }
    said = [compare_scores(a, b, name) for name in metrics]
    return replace(
        a,
        rows=(*rows, *others),
        metrics=metrics,
        traces=traces,
        model={**a.model, "name": f"A: {describe(a, b)} beside B: {describe(b, a)}"},
        verdict=(*filter(None, said), *(f"A: {lower_first_letter(sentence)}" for sentence in a.verdict)),
        other={"model": dict(b.model), "options": dict(b.options), "seed": b.seed, "samples": len(b.kind("sample"))},
        notes=tuple(dict.fromkeys([*a.notes, *(f"B: {lower_first_letter(note)}" for note in b.notes if note not in a.notes)])),
    )


def row_as_result(a: Result, index: int) -> Result:
    """A result with one of another's rows, such as a baseline, as its only future: to be set beside it as B."""
    truth, row = a.kind("truth")[0], a.rows[index]
    rows = (a.rows[truth], replace(row, kind="sample", seed=0))
    metrics = {name: values[[truth, index]] for name, values in a.metrics.items()}
    return replace(a, rows=rows, metrics=metrics, traces={}, model={"name": row.label}, options={}, verdict=(), notes=())


def check_comparable(a: Result, b: Result) -> None:
    """Raises ValueError where two results are not of the same frames, with the same ones known, or not finished."""
    if a.ready is not None or b.ready is not None:
        raise ValueError("a result to compare is not finished; wait for it")
    if not np.array_equal(a.known, b.known) or not np.array_equal(a.has_truth, b.has_truth):
        raise ValueError(
            f"the results have {a.known.sum()} of {a.known.size} and {b.known.sum()} of {b.known.size} frames known, or not the "
            "same ones; compare results with the same past and future"
        )
    height, width, channels = a.rows[0].frames.shape[1:]
    truths = [result.frames("truth")[0][result.has_truth] for result in (a, b)]
    second = np.stack([fit(frame, height, width, channels) for frame in truths[1]])
    sides = [x.shape[1:3] for x in truths]
    apart = np.abs(blurred(truths[0]) - blurred(second)).mean()
    if abs(np.log(sides[0][1] / sides[0][0] * sides[1][0] / sides[1][1])) > 0.1 or apart > SAME + 0.1 * blurred(second).std():
        raise ValueError("the results are of different clips, moments or regions; compare results of the same frames")


def blurred(frames: np.ndarray) -> np.ndarray:
    """Frames uint8 (T, H, W, C) as grey float32 (T, 8, 8): what is left of them at any size."""
    return np.stack([cv2.resize(x.mean(-1), (8, 8), interpolation=cv2.INTER_AREA) for x in frames.astype(np.float32)])


def as_other(row: Row, height: int, width: int, channels: int) -> Row:
    """A row of B among A's rows."""
    frames = np.stack([fit(frame, height, width, channels) for frame in row.frames])
    return replace(row, kind="other", label=f"B: {lower_first_letter(row.label)}", frames=frames)


def fit(frame: np.ndarray, height: int, width: int, channels: int) -> np.ndarray:
    """A frame uint8 (H, W, C) at another size and number of channels."""
    if frame.shape[:2] != (height, width):
        smaller = frame.shape[0] > height
        frame = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)
    return to_channels(frame.reshape(1, height, width, -1), channels)[0]


def describe(result: Result, beside: Result) -> str:
    """The model of a result and, of its settings, those that another one does not share."""
    name = str(result.model.get("name") or "clip")
    own = {**result.options, "seed": result.seed}
    others = {**beside.options, "seed": beside.seed}
    apart = [f"{key.replace('_', ' ')} {value}" for key, value in own.items() if others.get(key) != value]
    same_model = result.model.get("name") == beside.model.get("name")
    return f"{name} ({', '.join(apart)})" if apart and same_model else name


def sample_means(result: Result, metric: str, rows: list[int]) -> np.ndarray:
    """float64 (rows,): means over the scored frames."""
    return np.nanmean(result.metrics[metric][rows][:, result.scored], axis=1)


def compare_scores(a: Result, b: Result, metric: str) -> str:
    """One sentence on the mean of A's samples against that of B's, with a 95 % interval over seeds; "" without scores.

    Samples are paired where both results have the same number of them from the same seed; otherwise the interval is Welch's.
    """
    rows = [result.kind("sample") for result in (a, b)]
    if not all(rows) or not a.scored.any():
        return ""
    first, second = (sample_means(result, metric, own) for result, own in zip((a, b), rows))
    if len(first) == len(second) and a.seed == b.seed:
        gained = first - second
        return describe_difference("A", "B", gained, paired_half_width(gained), metric)
    return describe_difference("A", "B", np.array([first.mean() - second.mean()]), welch_half_width(first, second), metric)


def paired_half_width(gained: np.ndarray) -> float:
    """Half width of the 95 % interval of a mean over seeds; NaN for a single one."""
    return interval_half_width(torch.from_numpy(gained))


def welch_half_width(first: np.ndarray, second: np.ndarray) -> float:
    """Half width of the 95 % interval of the difference of two means (Welch 1947); NaN where both are of single values."""
    parts = [(x.var(ddof=1) / len(x), len(x) - 1) for x in (first, second) if len(x) > 1]
    total = sum(variance for variance, _ in parts)
    if not parts or total == 0:
        return float("nan") if not parts else 0.0
    freedom = total**2 / sum(variance**2 / degrees for variance, degrees in parts if variance)
    return student_t_quantile(max(1, int(freedom))) * float(np.sqrt(total))


def describe_difference(first: str, second: str, gained: np.ndarray, half_width: float, metric: str) -> str:
    """'A beats B by ...', or that nothing can be said: the interval holds 0."""
    unit = MEASURES[metric]["unit"] or MEASURES[metric]["label"]
    mean, decimals = float(gained.mean()), 1 if metric == "psnr_db" else 3
    size = f"{abs(mean):.{decimals}f} {unit}"
    if np.isnan(half_width):
        better = "beats" if mean > 0 else "is behind"
        return f"{first} {better} {second} by {size}; one future of each says nothing of chance."
    within = f"{size} +- {half_width:.{decimals}f} (95 % over seeds)"
    if abs(mean) <= half_width:
        return f"{first} and {second} are level in the mean of their futures: {within}."
    return f"{first} {'beats' if mean > 0 else 'is behind'} {second} in the mean of its futures by {within}."
