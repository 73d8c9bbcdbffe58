"""The rows of an evaluation: the model, its extra rows, and the baselines that keep a table honest."""

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
from ..prediction.rows import MOST_LIKELY, most_likely, reference_rows

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
    """One row.

    Args:
        futures: (observation, seeds int64 (B, N)) -> float32 (B, N, T, C, H, W), not clipped.
        samples: futures a clip that are worth making; 1 where seeds change nothing.
        one_future: seeds change nothing.
        device: where observations should be, and metrics are computed.
        actions: what becomes of the true actions (clips, T, A) of all clips before it is shown them.
    """

    futures: Callable[[Observation, Tensor], Tensor]
    samples: int = 1
    one_future: bool = True
    device: torch.device = CPU
    actions: Callable[[Tensor], Tensor] = lambda true: true


def model_rows(model: Any, options: Options, probe: Observation, samples: int) -> dict[Key, EvalRow]:
    """The model under `options`, the same without chance where it has such a thing, and the extra rows of its family.

    Raises:
        ValueError: the model does not take such clips.
    """
    rows: dict[Key, Options] = {MODEL: options}
    calm = most_likely(model.predictor, options)
    rows |= {} if calm is None else {("rows", MOST_LIKELY): calm}
    rows |= {("rows", label): wish for label, wish in reference_rows(model.family, model.predictor).items()}
    return {key: eval_row(model.predictor, wish, probe, samples) for key, wish in rows.items()}


def action_rows(model: EvalRow, clips: int) -> dict[Key, EvalRow]:
    """The model under other actions than the true ones: those of the clip before, and none at all."""
    others = {"shuffled actions": lambda true: true.roll(1, 0), "zero actions": torch.zeros_like}
    return {("rows", label): replace(model, actions=change) for label, change in others.items() if clips > 1 or "zero" in label}


def baseline_rows(dataset: str, data_root: str | Path | None, probe: Observation) -> dict[Key, EvalRow | None]:
    """The baselines of clips of one size, None for one that cannot work from so little context."""
    rows = {"black": still(torch.zeros(probe.frames.shape[2:])), "mean_image": still(mean_image(dataset, data_root))}
    names = BASELINES if probe.is_prefix else BASELINES | BETWEEN
    return {("baselines", name): row for name, row in rows.items()} | untrained_rows(names, probe, 1)


def flow_rows(probe: Observation, samples: int) -> dict[Key, EvalRow | None]:
    """The baselines of clips of any size, None for one that cannot work from so little context."""
    names = BASELINES | FLOW_RANDOM if probe.is_prefix else BASELINES | BETWEEN | FLOW_BETWEEN
    return untrained_rows(names, probe, samples, method="dis")  # of the flows the better one for recordings, at any size


def untrained_rows(names: Mapping[str, str], probe: Observation, samples: int, **wishes: Any) -> dict[Key, EvalRow | None]:
    """Baselines that are predictors.

    Args:
        names: as evaluations call them -> as `load` does.
        wishes: options, for those that have them.
    """
    rows: dict[Key, EvalRow | None] = {}
    for name, model in names.items():
        predictor = load(model, "cpu", "fp32").predictor
        own = {option: wish for option, wish in wishes.items() if option in predictor.options_type.controls()}
        try:
            rows["baselines", name] = eval_row(predictor, predictor.options_type.parse(own), probe, samples)
        except ValueError:
            rows["baselines", name] = None
    return rows


def bicubic_rows(model: EvalRow, scale: int) -> dict[Key, EvalRow]:
    """Where the context is shown at a smaller size: the model's future and the true one at that size, enlarged again."""
    if scale == 1:
        return {}

    def enlarged(observation: Observation, seeds: Tensor) -> Tensor:
        return shrink_and_enlarge(model.futures(observation, seeds), scale)

    def true(observation: Observation, seeds: Tensor) -> Tensor:
        return shrink_and_enlarge(observation.target, scale)[:, None].expand(-1, seeds.shape[1], -1, -1, -1, -1)

    rows = {"model_bicubic": replace(model, futures=enlarged), "true_bicubic": EvalRow(true, device=model.device)}
    return {("baselines", name): row for name, row in rows.items()}


def eval_row(predictor: Predictor, options: Options, probe: Observation, samples: int) -> EvalRow:
    """A predictor as a row; two futures of `probe`, one clip, tell whether seeds matter under these options."""
    device = getattr(predictor, "runtime", Runtime(CPU, False)).device
    predictor.check(probe, options)

    def futures(observation: Observation, seeds: Tensor) -> Tensor:
        prediction = predictor.predict(observation, seeds, options)
        return prediction.frames if prediction.raw is None else prediction.raw

    one, other = futures(probe, seed_grid(0, 1, 2))[0]
    one_future = bool((one - other).abs().max() <= SAME)
    return EvalRow(futures, 1 if one_future else samples, one_future, device)


def still(picture: Tensor) -> EvalRow:
    """Shows one picture (C, H, W), whatever came before."""

    def futures(observation: Observation, seeds: Tensor) -> Tensor:
        return picture.expand(*seeds.shape, len(observation.known), *picture.shape)

    return EvalRow(futures)


def mean_image(dataset: str, data_root: str | Path | None) -> Tensor:
    """float32 (C, H, W): the mean frame of 500 training clips."""
    source = open_dataset(dataset, "train", data_root)
    clips = source.batch(MEAN_CLIPS, MEAN_FRAMES, torch.Generator().manual_seed(0))
    return clips.frames.double().mean((0, 1)).div(255).float()
