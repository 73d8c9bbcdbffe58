"""Speed of sampling: with each optimisation switched off in turn, and from clip to sprite sheets as the app does it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import nn

from ..catalog import FAMILIES, find_recipe
from ..core.predictor import seed_grid
from ..core.runtime import Runtime
from ..core.video import Observation
from ..data import open_dataset
from ..prediction.model import Model, available, load_on
from ..prediction.sample import sample
from ..result.result import Result
from ..result.sprite_sheet import encode_png
from ..training.machine import measure_ceilings
from ..training.timing import print_row, run_in_fresh_process, run_in_rounds, time_calls, with_speedups
from .switches import ABOUT, Switches

PAST = 5  # known frames where a model names no number


def sampling(
    names: Sequence[str], futures: int, frames: int, repeats: int, device: str = "auto", precision: str = "auto",
    options: Mapping[str, Any] | None = None, rounds: int = 1,
) -> dict[str, Any]:  # fmt: skip
    """Each model's timings: all switches off ('plain'), all on, each off in turn, and to sprite sheets on two kinds of thread.

    Args:
        names: models, or recipes, which are timed with untrained weights.
        futures, frames: of one clip.
        options: the predictor's.
        rounds: through all rows, each time `repeats` times.

    Raises:
        ValueError: there is no such model or option.
    """
    wish = {"futures": futures, "frames": frames, "repeats": repeats, "device": device, "precision": precision}
    wish["options"] = dict(options or {})
    models = {}
    for name in names:
        tasks = {
            label: partial(run_in_fresh_process, time_prediction, name=name, switches=switches, **wish)
            for label, switches in Switches.rows(Runtime.pick(device, precision))
        }
        for where in ("main", "worker"):
            tasks[f"to_sheets, {where} thread"] = partial(run_in_fresh_process, time_sheets, name=name, where=where, **wish)
        models[name] = with_speedups(run_in_rounds(tasks, rounds), "plain")
        for label, row in models[name].items():
            row["frames_per_s"] = round(futures * frames / row["median_s"])
            print_row(f"{name}, {label}", row)
    asked = {"futures": futures, "frames": frames, "options": wish["options"], "switches": ABOUT}
    return {"bench": "sample", "machine": run_in_fresh_process(measure_ceilings, device=device), **asked, "models": models}


def time_prediction(
    name: str, switches: Switches, futures: int, frames: int, repeats: int, device: str, precision: str,
    options: Mapping[str, Any],
) -> dict[str, Any]:  # fmt: skip
    """Timings from known frames to float futures."""
    runtime = switches.make_runtime(device, precision)
    model = load_model_or_recipe(name, runtime)
    apply_switches(model, switches)
    run = prediction_call(model, futures, frames, options, switches.shared_context)
    return time_calls(run, repeats, runtime.device)


def apply_switches(model: Model, switches: Switches) -> None:
    """Applies the switches to the networks of a loaded model, in place."""
    for part in vars(model.predictor).values():
        if isinstance(part, nn.Module):
            switches.apply_to(part)


def prediction_call(
    model: Model, futures: int, frames: int, options: Mapping[str, Any], shared_context: bool = True
) -> Callable[[], torch.Tensor]:
    """A function that predicts once; without `shared_context` the clip is given once for every future."""
    predictor, past = model.predictor, model.predictor.capabilities.trained_past or PAST
    clip = make_clip(model, past + frames).movedim(-1, 1)[None].float() / 255
    copies, each = (1, futures) if shared_context else (futures, 1)
    actions = predictor.capabilities.actions
    given = None if actions is None else torch.zeros(copies, past + frames, len(actions.names))
    observation = Observation.prefix(clip.repeat(copies, 1, 1, 1, 1), past, past + frames, actions=given)
    wish, seeds = predictor.options_type.parse(options), seed_grid(0, copies, each)
    return lambda: predictor.predict(observation, seeds, wish).frames


def time_sheets(
    name: str, where: str, futures: int, frames: int, repeats: int, device: str, precision: str, options: Mapping[str, Any]
) -> dict[str, Any]:
    """Timings from clip to encoded sprite sheets; `where` is the thread, 'main' or 'worker', that does it."""
    runtime, row = Switches().make_runtime(device, precision), {}

    def run() -> None:
        model = load_model_or_recipe(name, runtime)
        past = model.predictor.capabilities.trained_past or PAST
        clip = make_clip(model, past + frames).numpy()
        encoded = lambda: encode_sheets(sample(model, clip, futures, past, frames, options=options))  # noqa: E731
        row.update(time_calls(encoded, repeats, runtime.device))

    if where == "main":
        run()
    else:
        worker = threading.Thread(target=run)
        worker.start()
        worker.join()
    return row


def encode_sheets(result: Result) -> list[bytes]:
    """The sprite sheets of a result as PNG bytes."""
    return [encode_png(sheet) for sheet in result.sheets()]


def load_model_or_recipe(name: str, runtime: Runtime) -> Model:
    """A model by name, or a recipe's with untrained weights."""
    named = {found.name for family in FAMILIES.values() for found in family.recipes}
    if name not in named or name in {card.name for card in available()}:
        return load_on(runtime, name)
    family, found = find_recipe(name)
    torch.manual_seed(0)
    predictor = family.predictor(found.config, runtime.lowered(family.networks(found.config)), runtime)
    return Model(name, family, predictor, {"name": name, "dataset": next(iter(found.data))})


def make_clip(model: Model, length: int) -> torch.Tensor:
    """A clip that the model takes, uint8 (T, S, S, C): stroke digits, or noise where it takes other sizes or colour."""
    capabilities = model.predictor.capabilities
    channels, size = (capabilities.channels or (1,))[0], capabilities.size or 64
    generator = torch.Generator().manual_seed(0)
    if channels == 1 and size == 64:
        return open_dataset("smmnist-svg", "test", digits="strokes").batch(1, length, generator).frames[0].permute(0, 2, 3, 1)
    return torch.randint(0, 256, (length, size, size, channels), generator=generator, dtype=torch.uint8)
