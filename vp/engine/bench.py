"""Timings: warm-up first, then medians and spread over repeats."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch

from ..catalog import FAMILIES
from ..core.family import Family, LossFn, Progress
from ..core.runtime import Runtime, channels_last, keep_big_buffers
from ..core.video import Batch
from ..data import open_dataset
from .model import load
from .result import Result
from .sample import sample
from .sheets import encode_png


def timed(run: Callable[[], Any], repeats: int, device: torch.device, warmup: int = 2) -> dict[str, Any]:
    """Seconds of `run`: median, min and max over the repeats."""
    seconds = []
    for index in range(warmup + repeats):
        start = time.perf_counter()
        run()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        if index >= warmup:
            seconds.append(time.perf_counter() - start)
    return {"median_s": statistics.median(seconds), "min_s": min(seconds), "max_s": max(seconds), "repeats": repeats}


def train_step(name: str, batch: int, repeats: int, device: str = "auto", precision: str = "auto") -> dict[str, Any]:
    """A family's training yardsticks at one batch size; `speedup` is against the first, the plain way.

    Raises:
        ValueError: there is no such family, or it has nothing to train.
    """
    timeable = [family.name for family in FAMILIES.values() if family.yardsticks]
    if name not in timeable:
        raise ValueError(f"family is {name!r}; give one with training steps to time: {', '.join(timeable)}")
    keep_big_buffers()
    runtime, rows, family = Runtime.pick(device, precision), {}, FAMILIES[name]
    for label, (config, loss) in family.yardsticks.items():
        row = timed(training_step(family, config, loss, batch, runtime), repeats, runtime.device)
        row["clips_per_s"] = round(batch / row["median_s"], 3)
        rows[f"{name}.{label}"] = row
        print(f"{name}.{label}: {row['median_s']:.3f} s a step, {row['clips_per_s']} clips a second", flush=True)
    return {"bench": "train", "machine": runtime.describe(), "batch": batch, "rows": with_speedup(rows)}


def training_step(family: Family, config: Any, loss: LossFn, batch: int, runtime: Runtime) -> Callable[[], None]:
    """A whole step of fresh networks: loss, gradient, update."""
    torch.manual_seed(0)
    networks = channels_last(family.networks(config).to(runtime.device))
    optimizer = torch.optim.AdamW(networks.parameters(), 1e-3, fused=True)
    shape = (batch, config.n_past + config.n_future, config.channels, config.size, config.size)
    clips = Batch(torch.rand(shape, device=runtime.device))

    def step() -> None:
        with runtime.autocast():
            losses = loss(networks, clips, Progress(), torch.Generator(runtime.device).manual_seed(0))
        optimizer.zero_grad(set_to_none=True)
        losses.total.backward()
        optimizer.step()

    return step


def with_speedup(rows: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Adds the speed-up against the family's first row."""
    plain = {}
    for label, row in rows.items():
        first = plain.setdefault(label.split(".")[0], row["median_s"])
        row["speedup"] = round(first / row["median_s"], 2)
    return rows


def encoded(result: Result) -> list[bytes]:
    """The picture sheets as the player fetches them."""
    return [encode_png(sheet) for sheet in result.sheets()]


def sampling(name: str, futures: int, frames: int, repeats: int, device: str = "auto", precision: str = "auto") -> dict[str, Any]:
    """Futures of one clip, from decoded frames to the player's picture sheets, the checkpoint already loaded."""
    keep_big_buffers()
    model = load(name, device, precision)
    runtime, past = Runtime.pick(device, precision), model.predictor.abilities.trained_past or 5
    source = open_dataset(model.card["dataset"] or "smmnist-svg", "test", digits="strokes")
    clip = source.batch(1, past + frames, torch.Generator().manual_seed(0)).frames[0].permute(0, 2, 3, 1).numpy()
    row = timed(lambda: encoded(sample(model, clip, futures, past, frames)), repeats, runtime.device)
    machine = {"bench": "sample", "machine": runtime.describe(), "checkpoint": name}
    return {**machine, "futures": futures, "frames": frames, **row}
