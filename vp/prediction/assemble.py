"""Assembles a finished or partial prediction into a Result: its rows, scores and traces."""

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

from ..result.ensemble_facts import ensemble_facts
from ..result.result import BY_HAND, MEASURES, ORACLE, PACE_SET, SEES_FUTURE, Result, Row, lower_first_letter
from ..result.verdict import make_verdict
from .actions import COMPARED
from .rows import MOST_LIKELY

if TYPE_CHECKING:
    from .model import Model
    from .request import Request

SMALLEST_SSIM = 11  # the window must fit
STD_GAIN = 2.0  # numbers in [0, 1] have a standard deviation of at most a half
REFERENCES = {  # label -> (title, what to say of it, mark); others are made with the true future
    "posterior": ("Posterior", "It was shown the true future: the best to hope for, not a prediction.", SEES_FUTURE),
    "true_pictures": (
        "True pictures",
        "Painted from the true clip's pictures: an upper reference, not a prediction.",
        SEES_FUTURE,
    ),
    "not_tuned": ("Not tuned", "Painted by the network that has seen true pictures only.", ""),
    "not_sharpened": ("Not sharpened", "The frames without the last step.", ""),
}


def assemble_result(
    model: Model,
    request: Request,
    predictions: Mapping[str | None, Prediction],
    baselines: Sequence[Row] = (),
    seconds: float = 0.0,
) -> Result:
    """The finished Result of a request.

    Args:
        predictions: label -> prediction: the samples under None, extra rows (most likely, reference, second action plan) under
            their labels.
        baselines: rows of `baseline_rows`.
        seconds: how long the prediction took.
    """
    rows = [truth_row(request), *baselines]
    for label, prediction in predictions.items():
        if label is not None:
            rows.append(extra_row(request, label, to_uint8(prediction.frames[0])[0]))
    rows += sample_rows(request, to_uint8(predictions[None].frames[0]), pace_notes(predictions[None]))
    metrics = score_rows(rows, request)
    if metrics and request.n > 1:
        rows, metrics = with_best_row(rows, metrics, request)
    shown = picture_rows(model, request, predictions[None])
    rows = to_one_colour_space([*rows, *shown])
    metrics = {name: np.pad(x, ((0, len(shown)), (0, 0)), constant_values=np.nan) for name, x in metrics.items()}
    result = make_result(model, request, rows, metrics=metrics, traces=collect_traces(rows, predictions), seconds=seconds)
    return replace(result, verdict=make_verdict(result), ensemble=ensemble_facts(result))


def preview_result(
    model: Model, request: Request, preview: Tensor, ready: np.ndarray, awaited: Sequence[str], baselines: Sequence[Row] = ()
) -> Result:
    """A preview of the Result with the finished one's rows; rows that do not exist yet show only the context and are `pending`.

    Args:
        preview: float32 (1, N, T, C, H, W), the samples so far.
        ready: bool (T,), the frames that `preview` holds.
        awaited: labels of the extra rows still to come.
        baselines: rows of `baseline_rows`.
    """
    context = np.where(request.known[:, None, None, None], request.frames, 0)
    rows = [truth_row(request), *baselines, *(replace(extra_row(request, label, context), pending=True) for label in awaited)]
    if request.n > 1 and (request.has_truth & ~request.known).any():
        rows.append(Row("best", f"Best of {request.n}", context, "Chosen when all are finished.", pending=True, mark=ORACLE))
    rows += [*sample_rows(request, to_uint8(preview[0])), *picture_rows(model, request, None)]
    return make_result(model, request, to_one_colour_space(rows), ready=ready)


def make_result(model: Model, request: Request, rows: Sequence[Row], **more: Any) -> Result:
    """A Result of these rows with the request's settings; `more` are further fields of `Result`."""
    return Result(
        tuple(rows),
        request.known,
        request.has_truth,
        request.fps,
        events=request.events,
        model=describe_model(model),
        options=asdict(request.options),
        seed=request.seed,
        notes=request.notes,
        source=request.source,
        **more,
    )


def truth_row(request: Request) -> Row:
    """The row of the true clip."""
    return Row("truth", "Ground truth", request.frames, "What really happened.")


def extra_row(request: Request, label: str, frames: np.ndarray) -> Row:
    """The row of one extra prediction: the most likely future, a reference row, or the future under a second action plan.

    Args:
        label: MOST_LIKELY, COMPARED, or a reference row's label.
        frames: uint8 (T, H, W, C).
    """
    if label == MOST_LIKELY:
        return Row("likely", "Most likely", frames, "Without chance, as at temperature 0.", mark=sample_mark(request))
    if label != COMPARED:
        return reference_row(label, frames)
    assert request.action_plan and request.compare_with, "a second plan is compared with a first"
    first = seed_grid(request.seed, 1, 1)[0].tolist()[0]
    dice = "Sample 1" if request.n > 1 else "the prediction"
    note = f"Instead of {lower_first_letter(request.action_plan.label)}, with the dice of {dice}."
    return Row("plan", request.compare_with.label, frames, note, first, mark=sample_mark(request))


def reference_row(label: str, frames: np.ndarray) -> Row:
    """A reference row, titled and marked as `REFERENCES` says; other labels are marked as made with the true future."""
    title, note, mark = REFERENCES.get(label, (label.capitalize(), "Made with the true future: not a prediction.", SEES_FUTURE))
    return Row("reference", title, frames, note, mark=mark)


def picture_rows(model: Model, request: Request, prediction: Prediction | None) -> list[Row]:
    """The model's intermediate images (fusion pictures: one image that fuses a clip's motion) of the first sample, and those
    of the true clip where it is complete. With `prediction` None the rows are black and pending."""
    rows = []
    for name, title in model.predictor.capabilities.pictures.items():
        notes = {name: ("picture", title, "What frames are painted from.")}
        if request.has_truth.all():
            notes[f"{name}_true"] = ("picture_truth", f"{title}, true", "The same of the clip itself.")
        for key, (kind, label, note) in notes.items():
            blank = np.zeros((*request.frames.shape[:3], 3), np.uint8)
            frames = blank if prediction is None else to_uint8(prediction.pictures[key][0, 0])
            rows.append(Row(kind, label, frames, note, pending=prediction is None))
    return rows


def to_one_colour_space(rows: list[Row]) -> list[Row]:
    """All rows in RGB if one of them is, else unchanged; rows that share an array share the converted one."""
    if all(row.frames.shape[-1] == rows[0].frames.shape[-1] for row in rows):
        return rows
    coloured = {id(row.frames): np.broadcast_to(row.frames, (*row.frames.shape[:3], 3)).copy() for row in rows}
    return [replace(row, frames=coloured[id(row.frames)]) for row in rows]


def pace_notes(prediction: Prediction) -> list[str]:
    """What to say of each sample's pace, in a few words; nothing where the model has none."""
    if "pace" not in prediction.traces:
        return []
    return [f"pace {pace:.2f}" for pace in prediction.traces["pace"][0, :, -1].tolist()]


def sample_rows(request: Request, samples: np.ndarray, notes: Sequence[str] = ()) -> list[Row]:
    """The rows of samples uint8 (N, T, H, W, C) with their notes, followed by their mean and uncertainty where N > 1."""
    notes = notes or [""] * len(samples)
    seeds, mark = seed_grid(request.seed, 1, request.n)[0].tolist(), sample_mark(request)
    if request.n == 1:
        return [Row("sample", "Prediction", samples[0], notes[0], seeds[0], mark=mark)]
    rows = [Row("sample", f"Sample {k + 1}", frames, notes[k], seeds[k], mark=mark) for k, frames in enumerate(samples)]
    return rows + mean_and_uncertainty_rows(samples, request.known, mark)


def sample_mark(request: Request) -> str:
    """The mark of samples that are no plain prediction: SEES_FUTURE (drawn from the posterior), BY_HAND (edited pictures),
    PACE_SET (a pace other than 1), else ""."""
    if str(getattr(request.options, "prior", "")).startswith("posterior"):
        return SEES_FUTURE
    if request.pictures:
        return BY_HAND
    return PACE_SET if getattr(request.options, "pace", 1) != 1 else ""


def mean_and_uncertainty_rows(samples: np.ndarray, known: np.ndarray, mark: str = "") -> list[Row]:
    """Mean and per-pixel standard deviation (times STD_GAIN, zero at known frames) of samples uint8 (N, T, H, W, C), as
    rows."""
    mean, heat = np.empty_like(samples[0]), np.zeros_like(samples[0])
    for t, given in enumerate(known):  # a frame at a time, which stays in the processor's cache
        values = samples[:, t].astype(np.float32)
        middle = values.mean(axis=0)
        mean[t] = np.rint(middle)
        if not given:
            values -= middle
            std = np.sqrt(np.square(values, out=values).mean(axis=0)).mean(axis=-1, keepdims=True) * STD_GAIN
            heat[t] = np.rint(std.clip(0, 255))
    return [
        Row("mean", "Mean", mean, "Average of the futures: blurred where they disagree.", mark=mark),
        Row("uncertainty", "Uncertainty", heat, "Bright where the futures disagree (standard deviation).", mark=mark),
    ]


def score_rows(rows: list[Row], request: Request) -> dict[str, np.ndarray]:
    """Metric name -> float64 (rows, T), each row's frames against the truth; NaN where a row or a frame is not scored.

    Only predicted frames with a truth are scored. SSIM is left out where frames are smaller than its window; {} without truth.
    """
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


def with_best_row(rows: list[Row], metrics: dict[str, np.ndarray], request: Request) -> tuple[list[Row], dict[str, np.ndarray]]:
    """Rows and metrics with the row of the best sample inserted before the samples: the highest mean SSIM (PSNR on tiny
    frames)."""
    name = "ssim" if "ssim" in metrics else "psnr_db"
    where = request.has_truth & ~request.known
    first = next(index for index, row in enumerate(rows) if row.kind == "sample")
    best = first + int(np.nanmean(metrics[name][first : first + request.n][:, where], axis=1).argmax())
    who = rows[best].label + (f" ({rows[best].note})" if rows[best].note else "")
    note = f"{who}, picked by comparing all with the truth (an oracle), by mean {MEASURES[name]['label']}."
    row = Row("best", f"Best of {request.n}", rows[best].frames, note, rows[best].seed, mark=rows[best].mark or ORACLE)
    grown = {key: np.insert(values, first, values[best], axis=0) for key, values in metrics.items()}
    return [*rows[:first], row, *rows[first:]], grown


def collect_traces(rows: list[Row], predictions: Mapping[str | None, Prediction]) -> dict[str, np.ndarray]:
    """Trace name -> float64 (rows, T) of all predictions, latent axes reduced to one number per frame; NaN for rows without
    it."""
    length = len(rows[0].frames)
    places = {"sample": [i for i, row in enumerate(rows) if row.kind == "sample"]}
    further = iter([i for i, row in enumerate(rows) if row.kind in ("likely", "reference", "plan")])
    out: dict[str, np.ndarray] = {}
    for label, prediction in predictions.items():
        where = places["sample"] if label is None else [next(further)]
        for name, values in prediction.traces.items():
            lines = out.setdefault(name, np.full((len(rows), length), np.nan))
            lines[where] = reduce_latent_axes(name, values[0].float()).cpu().numpy()
    return out


def reduce_latent_axes(name: str, values: Tensor) -> Tensor:
    """(N, T, ...) -> (N, T): sum over latent axes of values called "kl...", root mean square of "...mean", mean of the rest."""
    values = values.flatten(2) if values.ndim > 2 else values[..., None]
    if name.startswith("kl"):
        return values.sum(-1)
    return values.square().mean(-1).sqrt() if name.endswith("mean") else values.mean(-1)


def describe_model(model: Model) -> dict[str, Any]:
    """The model's name, family, data set and training lengths, as `Result.model` holds them."""
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


def to_uint8(frames: Tensor) -> np.ndarray:
    """float (..., C, H, W) in [0, 1] -> uint8 (..., H, W, C)."""
    scaled = frames.detach().float().clamp(0, 1).mul_(255).round_().to(torch.uint8)  # `clamp` has made a copy
    return np.ascontiguousarray(scaled.movedim(-3, -1).cpu().numpy())


def to_floats(frames: np.ndarray) -> Tensor:
    """uint8 (T, H, W, C) -> float32 (T, C, H, W) in [0, 1]."""
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(frames, -1, -3))).float().div_(255)
