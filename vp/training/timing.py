"""Timing of configurations, each in its own process, after a warm-up, several times."""

from __future__ import annotations

import multiprocessing
import resource
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import torch

WARMUP = 2


def time_calls(run: Callable[[], Any], repeats: int, device: torch.device, warmup: int = WARMUP) -> dict[str, Any]:
    """Median, minimum and maximum seconds of `run()` over the repeats, as `timing_summary` returns them."""
    seconds = []
    for index in range(warmup + repeats):
        start = time.perf_counter()
        run()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        if index >= warmup:
            seconds.append(time.perf_counter() - start)
    return timing_summary(seconds)


def timing_summary(seconds: list[float]) -> dict[str, Any]:
    """Median, minimum, maximum and count of timings in seconds."""
    median = statistics.median(seconds)
    return {"median_s": median, "min_s": min(seconds), "max_s": max(seconds), "repeats": len(seconds)}


def run_in_fresh_process(task: Callable[..., dict[str, Any]], **arguments: Any) -> dict[str, Any]:
    """Calls `task(**arguments)` in a fresh process, so that no configuration inherits another's allocator, threads or memory.

    Returns:
        What the task returns, with its highest resident memory as `peak_mb`.

    Raises:
        ValueError: as the task's own.
        RuntimeError: the process ended without a result.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=send_answer, args=(theirs, task, arguments), daemon=True)
    process.start()
    theirs.close()
    try:
        problem, row = ours.recv()
    except EOFError:
        raise RuntimeError(f"{task.__name__} ended without an answer; was there enough memory?") from None
    finally:
        process.join()
    if problem:
        raise ValueError(problem)
    return row


def run_in_rounds(tasks: Mapping[str, Callable[[], dict[str, Any]]], rounds: int) -> dict[str, dict[str, Any]]:
    """Each task's results pooled over `rounds` rounds through all tasks.

    So a temporary load on the machine slows down one round of each task instead of all rounds of one.
    """
    rows: dict[str, list[dict[str, Any]]] = {label: [] for label in tasks}
    for _ in range(rounds):
        for label, task in tasks.items():
            rows[label].append(task())
    return {label: pool_rows(collected) for label, collected in rows.items()}


def pool_rows(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Several results of the same configuration as one: the median of their medians, and their extremes."""
    joined = {"median_s": statistics.median, "min_s": min, "max_s": max, "repeats": sum, "peak_mb": max}
    return {**rows[0], **{key: how([row[key] for row in rows]) for key, how in joined.items() if key in rows[0]}}


def send_answer(pipe: Any, task: Callable[..., dict[str, Any]], arguments: Mapping[str, Any]) -> None:
    """Runs the task in the child process and sends (error message or None, result) through the pipe."""
    try:
        row = task(**arguments)
    except ValueError as error:
        pipe.send((str(error), {}))
        return
    pipe.send((None, {**row, "peak_mb": peak_mb()}))


def peak_mb() -> int:
    """Highest resident memory of this process, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1e6 if sys.platform == "darwin" else 1e3))


def with_speedups(rows: dict[str, dict[str, Any]], baseline: str) -> dict[str, dict[str, Any]]:
    """The rows, each with its `speedup` relative to the row `baseline`."""
    base = rows[baseline]["median_s"]
    return {label: {**row, "speedup": round(base / row["median_s"], 2)} for label, row in rows.items()}


def print_row(label: str, row: Mapping[str, Any]) -> None:
    """Prints one line of progress."""
    speed = f", {row['speedup']}x" if "speedup" in row else ""
    print(f"{label}: {row['median_s']:.3f} s ({row['min_s']:.3f} to {row['max_s']:.3f}){speed}", flush=True)
