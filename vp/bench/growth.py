"""How prediction time grows with futures, frames, steps and frame size: a power law is fitted to each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ..core.boundary import attached_to_errors
from ..prediction.model import Model
from ..result.figure import blank_figure, save_figure
from ..training.machine import measure_ceilings
from ..training.timing import print_row, run_in_fresh_process, time_calls
from .sampling import load_model_or_recipe, prediction_call
from .switches import Switches

FUTURES, FRAMES, STEPS, SIDES = (1, 2, 4, 8, 16, 32, 64, 100), (5, 10, 20, 40), (2, 4, 8, 16, 32), (32, 64, 96, 128)
USUAL = {"futures": 8, "frames": 15, "steps": None, "side": None}  # None: the model's own
TITLES = {"futures": "futures", "frames": "frames", "steps": "steps", "side": "side (px)"}


def growth(names: Sequence[str], repeats: int, figure: Path, device: str = "auto", precision: str = "auto") -> dict[str, Any]:
    """Seconds at each value of each quantity for each model, and the exponent of a power law; the curves are drawn to `figure`.

    Frame sizes other than a model's own are timed with untrained weights.
    """
    curves = {}
    for name in names:
        for quantity, values in swept_values(name).items():
            curve = {"values": list(values), "median_s": []}
            for value in values:
                wish = {**USUAL, quantity: value}
                row = run_in_fresh_process(
                    time_prediction, name=name, repeats=repeats, device=device, precision=precision, **wish
                )
                curve["median_s"].append(row["median_s"])
                print_row(f"{name}, {quantity} {value}", row)
            curve["exponent"] = round(growth_exponent(curve["values"], curve["median_s"]), 2)
            curves[f"{name}, {quantity}"] = curve
    machine = run_in_fresh_process(measure_ceilings, device=device)
    found = {"bench": "growth", "machine": machine, "usual": USUAL, "curves": curves}
    with attached_to_errors(found):
        draw_growth(curves, figure)
    return {**found, "figure": str(figure)}


def swept_values(name: str) -> dict[str, Sequence[int]]:
    """Quantity -> the values to time; steps only where the model has that option."""
    quantities = {"futures": FUTURES, "frames": FRAMES, "side": SIDES}
    has_steps = "steps" in load_model_or_recipe(name, Switches().make_runtime("cpu", "fp32")).predictor.options_type.controls()
    return quantities | ({"steps": STEPS} if has_steps else {})


def time_prediction(
    name: str, futures: int, frames: int, steps: int | None, side: int | None, repeats: int, device: str, precision: str
) -> dict[str, Any]:
    """Timings of one prediction; a `side` other than None means untrained weights at that frame size."""
    runtime = Switches().make_runtime(device, precision)
    model = load_model_or_recipe(name, runtime)
    if side is not None:
        cfg = replace(model.predictor.cfg, size=side)
        torch.manual_seed(0)
        predictor = model.family.predictor(cfg, model.family.networks(cfg), runtime)
        model = Model(name, model.family, predictor, model.card)
    return time_calls(prediction_call(model, futures, frames, {} if steps is None else {"steps": steps}), repeats, runtime.device)


def growth_exponent(values: Sequence[float], seconds: Sequence[float]) -> float:
    """Slope of the least-squares line through the logarithms of the later half of the points, three at least.

    `values` must ascend: constant costs matter less in the later half.
    """
    half = min(len(values), max(3, math.ceil(len(values) / 2)))
    x, y = ([math.log(v) for v in part[-half:]] for part in (values, seconds))
    mean_x, mean_y = sum(x) / half, sum(y) / half
    return sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y)) / sum((a - mean_x) ** 2 for a in x)


def draw_growth(curves: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """Draws one log-log panel for each quantity, one colour for each model; raises ValueError without matplotlib."""
    names, quantities = (list(dict.fromkeys(label.split(", ")[part] for label in curves)) for part in (0, 1))
    figure = blank_figure(3.6 * len(quantities), 3.4)
    for axes, quantity in zip(figure.subplots(1, len(quantities), sharey=True, squeeze=False)[0], quantities):
        for label, curve in curves.items():
            name, of = label.split(", ")
            if of == quantity:
                text = f"{name}: power {curve['exponent']}"
                axes.loglog(curve["values"], curve["median_s"], "o-", color=f"C{names.index(name)}", label=text)
                axes.set_xticks(curve["values"], [str(value) for value in curve["values"]])
        axes.minorticks_off()
        axes.yaxis.set_major_formatter("{x:g}")
        axes.set_xlabel(TITLES[quantity])
        axes.set_ylabel("seconds")
        axes.grid(True, alpha=0.25)
        axes.legend(fontsize=7)
    save_figure(figure, path)
