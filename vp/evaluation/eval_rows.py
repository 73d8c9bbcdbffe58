"""The rows of an evaluation: the model, its extra rows, and the baselines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vp.core.clips import shrink_and_enlarge
from vp.core.options import Options
from vp.core.predictor import Predictor, seed_grid
from vp.core.runtime import Runtime
from vp.core.video import Observation
from vp.data import open_dataset

from ..prediction.model import load
from ..prediction.rows import MOST_LIKELY, most_likely_options, reference_row_options

BASELINES = {"copy_last": "copy-last", "flow": "flow"}  # as evaluations call them -> as `load` does
BETWEEN = {"copy_nearest": "copy-nearest", "blend": "blend"}  # where frames between known ones are asked for
FLOW_RANDOM, FLOW_BETWEEN = {"flow_random": "flow-random"}, {"flow_between": "flow-between"}  # where recordings are scored
MEAN_CLIPS, MEAN_FRAMES = 500, 4
SAME = 1e-5  # futures of two seeds that differ by less are one future
CPU = torch.device("cpu")

Key = tuple[str, str]  # ("model", ""), ("rows", label) or ("baselines", name)
MODEL: Key = ("model", "")
FLOW: Key = ("baselines", "flow")


@dataclass(frozen=True)
class EvalRow:
    """One row of an evaluation.

    Args:
        futures: (observation, seeds int64 (B, N)) -> float32 (B, N, T, C, H, W), not clipped.
        samples: samples per clip; 1 where seeds change nothing.
        one_future: seeds change nothing.
        device: where observations should be, and metrics are computed.
        actions: maps the true actions (clips, T, A) of all clips to those that the row is given.
    """

    futures: Callable[[Observation, Tensor], Tensor]
    samples: int = 1
    one_future: bool = True
    device: torch.device = CPU
    actions: Callable[[Tensor], Tensor] = lambda true: true


def model_rows(model: Any, options: Options, probe: Observation, samples: int) -> dict[Key, EvalRow]:
    """The model under `options`, its most likely future (temperature 0) where it has one, and the reference rows of its family.

    Args:
        probe: an observation of one clip, to test whether seeds matter.
        samples: samples per clip of rows where they do.

    Raises:
        ValueError: the model does not take such clips.
    """
    rows: dict[Key, Options] = {MODEL: options}
    calm = most_likely_options(model.predictor, options)
    rows |= {} if calm is None else {("rows", MOST_LIKELY): calm}
    rows |= {("rows", label): wish for label, wish in reference_row_options(model.family, model.predictor).items()}
    return {key: make_eval_row(model.predictor, wish, probe, samples) for key, wish in rows.items()}


def action_rows(model: EvalRow, clips: int) -> dict[Key, EvalRow]:
    """The model under wrong actions: those of the previous clip (where there are several clips), and zeros."""
    others = {"shuffled actions": lambda true: true.roll(1, 0), "zero actions": torch.zeros_like}
    return {("rows", label): replace(model, actions=change) for label, change in others.items() if clips > 1 or "zero" in label}


def fixed_size_baselines(dataset: str, data_root: str | Path | None, probe: Observation) -> dict[Key, EvalRow | None]:
    """Baselines of protocols with one frame size: a black image, the training data's mean image, copy-last and flow; None
    for one that needs more context. `probe` is an observation of one clip."""
    rows = {
        "black": constant_row(torch.zeros(probe.frames.shape[2:])),
        "mean_image": constant_row(mean_image(dataset, data_root)),
    }
    names = BASELINES if probe.is_prefix else BASELINES | BETWEEN
    return {("baselines", name): row for name, row in rows.items()} | baseline_predictor_rows(names, probe, 1)


def any_size_baselines(probe: Observation, samples: int) -> dict[Key, EvalRow | None]:
    """Rows of the baselines for recordings of any size, copying and optical flow, by ("baselines", name); None for a baseline
    that needs more known frames than `probe` has.

    Args:
        probe: an observation of one clip.
        samples: samples per clip of random baselines.
    """
    names = BASELINES | FLOW_RANDOM if probe.is_prefix else BASELINES | BETWEEN | FLOW_BETWEEN
    return baseline_predictor_rows(names, probe, samples, method="dis")  # of the flows the better one for recordings, at any size


def baseline_predictor_rows(
    names: Mapping[str, str], probe: Observation, samples: int, **wishes: Any
) -> dict[Key, EvalRow | None]:
    """Rows of baselines that are predictors; None for one that does not take `probe`.

    Args:
        names: row name -> name for `load`.
        wishes: option values, passed to those predictors that have the option.
    """
    rows: dict[Key, EvalRow | None] = {}
    for name, model in names.items():
        predictor = load(model, "cpu", "fp32").predictor
        own = {option: wish for option, wish in wishes.items() if option in predictor.options_type.controls()}
        try:
            rows["baselines", name] = make_eval_row(predictor, predictor.options_type.parse(own), probe, samples)
        except ValueError:
            rows["baselines", name] = None
    return rows


def bicubic_rows(model: EvalRow, scale: int) -> dict[Key, EvalRow]:
    """Super-resolution only (scale > 1): the model's future and the true one, shrunk by `scale` and enlarged again; else {}."""
    if scale == 1:
        return {}

    def enlarged(observation: Observation, seeds: Tensor) -> Tensor:
        return shrink_and_enlarge(model.futures(observation, seeds), scale)

    def true(observation: Observation, seeds: Tensor) -> Tensor:
        return shrink_and_enlarge(observation.target, scale)[:, None].expand(-1, seeds.shape[1], -1, -1, -1, -1)

    rows = {"model_bicubic": replace(model, futures=enlarged), "true_bicubic": EvalRow(true, device=model.device)}
    return {("baselines", name): row for name, row in rows.items()}


def make_eval_row(predictor: Predictor, options: Options, probe: Observation, samples: int) -> EvalRow:
    """A predictor under `options` as a row; two samples of `probe`, one clip, tell whether seeds matter.

    Raises:
        ValueError: the predictor does not take such observations or options.
    """
    device = getattr(predictor, "runtime", Runtime(CPU, False)).device
    predictor.check(probe, options)

    def futures(observation: Observation, seeds: Tensor) -> Tensor:
        prediction = predictor.predict(observation, seeds, options)
        return prediction.frames if prediction.raw is None else prediction.raw

    one, other = futures(probe, seed_grid(0, 1, 2))[0]
    one_future = bool((one - other).abs().max() <= SAME)
    return EvalRow(futures, 1 if one_future else samples, one_future, device)


def constant_row(picture: Tensor) -> EvalRow:
    """A row that predicts the same image (C, H, W) at every frame."""

    def futures(observation: Observation, seeds: Tensor) -> Tensor:
        return picture.expand(*seeds.shape, len(observation.known), *picture.shape)

    return EvalRow(futures)


def mean_image(dataset: str, data_root: str | Path | None) -> Tensor:
    """float32 (C, H, W): the mean frame of 500 training clips."""
    source = open_dataset(dataset, "train", data_root)
    clips = source.batch(MEAN_CLIPS, MEAN_FRAMES, torch.Generator().manual_seed(0))
    return clips.frames.double().mean((0, 1)).div(255).float()
