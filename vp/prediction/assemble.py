"""Puts a finished (or growing) prediction together: rows, scores and traces of a Result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from vp.core.predictor import seed_grid
from vp.core.video import Prediction
from vp.metrics import METRICS

from ..result.result import BY_HAND, MEASURES, ORACLE, SEES_FUTURE, Result, Row, lowered
from ..result.verdict import verdict
from .actions import COMPARED
from .rows import MOST_LIKELY

if TYPE_CHECKING:
    from .model import Model
    from .request import Request

SMALLEST_SSIM = 11  # the window must fit
STD_GAIN = 2.0  # numbers in [0, 1] have a standard deviation of at most a half
REFERENCES = {  # label -> (title, what to say of it, mark); others are made with the true future
    "posterior": ("Posterior", "An upper reference, not a prediction.", SEES_FUTURE),
    "true_pictures": (
        "True pictures",
        "Painted from the true clip's pictures: an upper reference, not a prediction.",
        SEES_FUTURE,
    ),
    "not_tuned": ("Not tuned", "Painted by the network that has seen true pictures only.", ""),
    "not_sharpened": ("Not sharpened", "The frames without the last step.", ""),
}


def assemble(
    model: Model,
    request: Request,
    predictions: Mapping[str | None, Prediction],
    baselines: Sequence[Row] = (),
    seconds: float = 0.0,
) -> Result:
    """The finished Result of a request: the samples under None in `predictions`, reference rows under their labels."""
    rows = [truth_row(request), *baselines]
    for label, prediction in predictions.items():
        if label is not None:
            rows.append(further_row(request, label, to_bytes(prediction.frames[0])[0]))
    rows += sample_rows(request, to_bytes(predictions[None].frames[0]))
    metrics = score(rows, request)
    if metrics and request.n > 1:
        rows, metrics = with_best(rows, metrics, request)
    shown = picture_rows(model, request, predictions[None])
    rows = in_one_colour_space([*rows, *shown])
    metrics = {name: np.pad(x, ((0, len(shown)), (0, 0)), constant_values=np.nan) for name, x in metrics.items()}
    result = result_of(model, request, rows, metrics=metrics, traces=traces_of(rows, predictions), seconds=seconds)
    return replace(result, verdict=verdict(result))


def growing(
    model: Model, request: Request, preview: Tensor, ready: np.ndarray, awaited: Sequence[str], baselines: Sequence[Row] = ()
) -> Result:
    """A Result of what exists so far, in the shape of the finished one: rows still to come show the context only.

    Args:
        preview: float32 (1, N, T, C, H, W).
        ready: bool (T,), frames it holds.
        awaited: labels of reference rows.
    """
    context = np.where(request.known[:, None, None, None], request.frames, 0)
    rows = [truth_row(request), *baselines, *(replace(further_row(request, label, context), pending=True) for label in awaited)]
    if request.n > 1 and (request.has_truth & ~request.known).any():
        rows.append(Row("best", f"Best of {request.n}", context, "Chosen when all are finished.", pending=True, mark=ORACLE))
    rows += [*sample_rows(request, to_bytes(preview[0])), *picture_rows(model, request, None)]
    return result_of(model, request, in_one_colour_space(rows), ready=ready)


def result_of(model: Model, request: Request, rows: Sequence[Row], **more: Any) -> Result:
    return Result(
        tuple(rows),
        request.known,
        request.has_truth,
        request.fps,
        events=request.events,
        model=about(model),
        options=asdict(request.options),
        seed=request.seed,
        notes=request.notes,
        source=request.source,
        **more,
    )


def truth_row(request: Request) -> Row:
    return Row("truth", "Ground truth", request.frames, "The clip itself.")


def further_row(request: Request, label: str, frames: np.ndarray) -> Row:
    """The most likely future, a reference row, or what comes about under a second plan of actions."""
    if label == MOST_LIKELY:
        return Row("likely", "Most likely", frames, "Without chance, as at temperature 0.", mark=mark_of(request))
    if label != COMPARED:
        return reference_row(label, frames)
    assert request.action_plan and request.compare_with, "a second plan is compared with a first"
    first = seed_grid(request.seed, 1, 1)[0].tolist()[0]
    dice = "Sample 1" if request.n > 1 else "the prediction"
    note = f"Instead of {lowered(request.action_plan.label)}, with the dice of {dice}."
    return Row("plan", request.compare_with.label, frames, note, first, mark=mark_of(request))


def reference_row(label: str, frames: np.ndarray) -> Row:
    title, note, mark = REFERENCES.get(label, (label.capitalize(), "Made with the true future: not a prediction.", SEES_FUTURE))
    return Row("reference", title, frames, note, mark=mark)


def picture_rows(model: Model, request: Request, prediction: Prediction | None) -> list[Row]:
    """The pictures that the model predicts on its way, of the first sample, and those of the true clip where it is whole; with
    no `prediction` yet, black ones."""
    rows = []
    for name, title in model.predictor.capabilities.pictures.items():
        notes = {name: ("picture", title, "What frames are painted from.")}
        if request.has_truth.all():
            notes[f"{name}_true"] = ("picture_truth", f"{title}, true", "The same of the clip itself.")
        for key, (kind, label, note) in notes.items():
            blank = np.zeros((*request.frames.shape[:3], 3), np.uint8)
            frames = blank if prediction is None else to_bytes(prediction.pictures[key][0, 0])
            rows.append(Row(kind, label, frames, note, pending=prediction is None))
    return rows


def in_one_colour_space(rows: list[Row]) -> list[Row]:
    """The rows in colour if one of them is; those that share an array still do."""
    if all(row.frames.shape[-1] == rows[0].frames.shape[-1] for row in rows):
        return rows
    coloured = {id(row.frames): np.broadcast_to(row.frames, (*row.frames.shape[:3], 3)).copy() for row in rows}
    return [replace(row, frames=coloured[id(row.frames)]) for row in rows]


def sample_rows(request: Request, samples: np.ndarray) -> list[Row]:
    """The samples, uint8 (N, T, H, W, C), and where there are several their mean and uncertainty."""
    seeds, mark = seed_grid(request.seed, 1, request.n)[0].tolist(), mark_of(request)
    if request.n == 1:
        return [Row("sample", "Prediction", samples[0], "", seeds[0], mark=mark)]
    rows = [Row("sample", f"Sample {k + 1}", frames, "", seeds[k], mark=mark) for k, frames in enumerate(samples)]
    return rows + mean_and_uncertainty(samples, request.known, mark)


def mark_of(request: Request) -> str:
    """What sets the samples apart from a prediction, or ""."""
    if str(getattr(request.options, "prior", "")).startswith("posterior"):
        return SEES_FUTURE
    return BY_HAND if request.pictures else ""


def mean_and_uncertainty(samples: np.ndarray, known: np.ndarray, mark: str = "") -> list[Row]:
    """Mean and uncertainty of the samples, uint8 (N, T, H, W, C)."""
    values = samples.astype(np.float32)
    std = values.std(axis=0).mean(axis=-1, keepdims=True) * STD_GAIN
    std[known] = 0
    heat = np.rint(std.clip(0, 255)).astype(np.uint8).repeat(samples.shape[-1], axis=-1)
    mean = np.rint(values.mean(axis=0)).astype(np.uint8)
    return [
        Row("mean", "Mean", mean, "Average of the samples: blur is disagreement.", mark=mark),
        Row("uncertainty", "Uncertainty", heat, "Standard deviation of each pixel over the samples.", mark=mark),
    ]


def score(rows: list[Row], request: Request) -> dict[str, np.ndarray]:
    """name -> float (rows, T) against the truth, NaN where there is nothing to compare."""
    where = request.has_truth & ~request.known
    judged = [
        index for index, row in enumerate(rows) if row.kind in ("likely", "baseline", "reference", "sample", "mean", "plan")
    ]
    if not where.any():
        return {}
    truth = to_floats(request.frames[where])
    guesses = torch.stack([to_floats(rows[index].frames[where]) for index in judged])
    names = [name for name in MEASURES if name != "ssim" or min(truth.shape[-2:]) >= SMALLEST_SSIM]
    out = {name: np.full((len(rows), len(where)), np.nan) for name in names}
    for name, values in out.items():
        values[np.ix_(judged, where.nonzero()[0])] = METRICS[name](guesses, truth).cpu().numpy()
    return out


def with_best(rows: list[Row], metrics: dict[str, np.ndarray], request: Request) -> tuple[list[Row], dict[str, np.ndarray]]:
    """Adds the row of the best sample: the one nearest to the truth by mean SSIM (PSNR on tiny frames)."""
    name = "ssim" if "ssim" in metrics else "psnr_db"
    where = request.has_truth & ~request.known
    first = next(index for index, row in enumerate(rows) if row.kind == "sample")
    best = first + int(np.nanmean(metrics[name][first : first + request.n][:, where], axis=1).argmax())
    note = f"{rows[best].label}, an oracle: chosen with the truth in hand, by mean {MEASURES[name]['label']}."
    row = Row("best", f"Best of {request.n}", rows[best].frames, note, rows[best].seed, mark=rows[best].mark or ORACLE)
    grown = {key: np.insert(values, first, values[best], axis=0) for key, values in metrics.items()}
    return [*rows[:first], row, *rows[first:]], grown


def traces_of(rows: list[Row], predictions: Mapping[str | None, Prediction]) -> dict[str, np.ndarray]:
    """name -> float (rows, T): the numbers of samples and reference rows, latent axes reduced to one."""
    length = len(rows[0].frames)
    places = {"sample": [i for i, row in enumerate(rows) if row.kind == "sample"]}
    further = iter([i for i, row in enumerate(rows) if row.kind in ("likely", "reference", "plan")])
    out: dict[str, np.ndarray] = {}
    for label, prediction in predictions.items():
        where = places["sample"] if label is None else [next(further)]
        for name, values in prediction.traces.items():
            lines = out.setdefault(name, np.full((len(rows), length), np.nan))
            lines[where] = one_number(name, values[0].float()).cpu().numpy()
    return out


def one_number(name: str, values: Tensor) -> Tensor:
    """(N, T, ...) -> (N, T): KL adds up over latents, means count by their size, the rest averages."""
    values = values.flatten(2) if values.ndim > 2 else values[..., None]
    if name.startswith("kl"):
        return values.sum(-1)
    return values.square().mean(-1).sqrt() if name.endswith("mean") else values.mean(-1)


def about(model: Model) -> dict[str, Any]:
    """What a reader must know of the model."""
    capabilities = model.predictor.capabilities
    return {
        "name": model.name,
        "title": model.family.title,
        "family": model.family.name,
        "citation": model.family.citation,
        "dataset": capabilities.dataset,
        "stochastic": capabilities.stochastic,
        "trained_past": capabilities.trained_past,
        "trained_future": capabilities.trained_future,
    }


def to_bytes(frames: Tensor) -> np.ndarray:
    """float (..., C, H, W) in [0, 1] -> uint8 (..., H, W, C)."""
    scaled = frames.detach().float().clamp(0, 1).mul(255).round().to(torch.uint8)
    return np.ascontiguousarray(scaled.movedim(-3, -1).cpu().numpy())


def to_floats(frames: np.ndarray) -> Tensor:
    """uint8 (T, H, W, C) -> float32 (T, C, H, W) in [0, 1]."""
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(frames, -1, -3))).float().div_(255)
