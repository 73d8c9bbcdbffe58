"""Speed of training steps: a family's benchmark losses, and each optimisation switched off in turn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from ..catalog import FAMILIES
from ..core.family import Family, LossFn, Progress
from ..core.runtime import Runtime
from ..core.video import Batch
from ..training.machine import measure_ceilings
from ..training.timing import print_row, run_in_fresh_process, time_calls, with_speedups
from .switches import Switches

TRAINED = ("allocator", "bf16", "channels_last", "float_norm")  # switches that a training step knows


def training(family: str, batch: int, repeats: int, device: str = "auto", precision: str = "auto") -> dict[str, Any]:
    """Timings of whole training steps.

    Returns:
        Among others `benchmark_losses` of the family, with `speedup` relative to the first without any switch, and `switches` of
        its first recipe. `peak_share` is the share of the machine's measured matrix-product speed.

    Raises:
        ValueError: there is no such family, or it has nothing to train.
    """
    timeable = [entry.name for entry in FAMILIES.values() if entry.benchmark_losses]
    if family not in timeable:
        raise ValueError(f"family is {family!r}; give one with training steps to time: {', '.join(timeable)}")
    wish = {"family": family, "batch": batch, "repeats": repeats, "device": device, "precision": precision}
    machine, runtime = run_in_fresh_process(measure_ceilings, device=device), Runtime.pick(device, precision)
    rows, labels = dict(Switches.rows(runtime, TRAINED)), list(FAMILIES[family].benchmark_losses)
    asked = [(f"{labels[0]}, plain", labels[0], rows["plain"]), *((label, label, rows["all"]) for label in labels)]
    benchmark_losses = {
        name: run_in_fresh_process(time_step, label=label, switches=switches, **wish) for name, label, switches in asked
    }
    benchmark_losses = with_speedups(benchmark_losses, next(iter(benchmark_losses)))
    switched = {label: run_in_fresh_process(time_step, label=None, switches=switches, **wish) for label, switches in rows.items()}
    switched = with_speedups(switched, "plain")
    peak = machine["matmul_bf16_gflops" if runtime.bf16 else "matmul_fp32_gflops"]
    for label, row in (benchmark_losses | switched).items():
        row["clips_per_s"] = round(batch / row["median_s"], 3)
        row["peak_share"] = round(row.pop("gflop") / row["median_s"] / peak, 3)
        print_row(f"{family}, {label}", row)
    return {"bench": "train", "machine": machine, "batch": batch, "benchmark_losses": benchmark_losses, "switches": switched}


def time_step(
    family: str, label: str | None, switches: Switches, batch: int, repeats: int, device: str, precision: str
) -> dict[str, Any]:
    """Timings of a step of the benchmark loss `label`, or if None of the family's first recipe at full length."""
    runtime, record = switches.make_runtime(device, precision), FAMILIES[family]
    if label is not None:
        config, loss = record.benchmark_losses[label]
    else:
        config = record.recipes[0].config
        loss = record.phases(config)[0].loss
    step = training_step(record, config, loss, batch, runtime, switches)
    with FlopCounterMode(display=False) as counter:
        step()
    return {**time_calls(step, repeats, runtime.device), "gflop": counter.get_total_flops() / 1e9}


def training_step(
    family: Family, config: Any, loss: LossFn, batch: int, runtime: Runtime, switches: Switches
) -> Callable[[], None]:
    """A function that takes one step of fresh networks at the end of their schedule: loss, gradient, update."""
    torch.manual_seed(0)
    networks = runtime.place(switches.apply_to(family.networks(config)))
    optimizer = torch.optim.AdamW(networks.parameters(), 1e-3, fused=True)
    shape = (batch, config.n_past + config.n_future, config.channels, config.size, config.size)
    clips = Batch(torch.rand(shape, device=runtime.device))

    def step() -> None:
        with runtime.autocast():
            losses = loss(networks, clips, Progress(share=1.0, stage=1.0), torch.Generator(runtime.device).manual_seed(0))
        optimizer.zero_grad(set_to_none=True)
        losses.total.backward()
        optimizer.step()

    return step
