"""Comparison of training runs: mean and spread over seeds."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..result.tables import align_columns
from .runs import Run, find_runs, group_by_settings

SHOWN = {
    "psnr_db": ".2f", "psnr_db_best": ".2f", "ssim": ".3f", "ssim_best": ".3f", "posterior_psnr_db": ".2f", "kl": ".3f",
    "sharpness_last": ".2f",
}  # fmt: skip


def compare(paths: Sequence[str | Path]) -> dict[str, Any]:
    """What runs reached at their last validation.

    Args:
        paths: folders of runs, or folders that hold some.

    Returns:
        groups: label -> {"seeds", "steps", "numbers": {name: {"mean", "spread", "each"}}}; spread is the standard deviation over
        seeds (n - 1), None for a single one. Runs of a group differ only in their seed.

    Raises:
        ValueError: a folder without a run, or a run without a validation yet.
    """
    groups = {label: summarize_runs(runs) for label, runs in group_by_settings(find_runs(paths)).items()}
    return {"groups": groups}


def summarize_runs(runs: Sequence[Run]) -> dict[str, Any]:
    """The entry of one group in what `compare` returns; raises ValueError for a run without a validation."""
    ends = [run.final_numbers() for run in runs]
    for run, end in zip(runs, ends):
        if "score" not in end:
            raise ValueError(f"{run.folder} has no validation yet; let it run on with --resume, or leave it out")
    numbers = {}
    for name in SHOWN:
        each = [end[name] for end in ends if name in end]
        if len(each) == len(ends):
            spread = statistics.stdev(each) if len(each) > 1 else None
            numbers[name] = {"mean": statistics.mean(each), "spread": spread, "each": each}
    return {
        "seeds": [run.about.get("seed") for run in runs],
        "steps": [run.steps for run in runs],
        "numbers": {name: {key: round_numbers(x) for key, x in row.items()} for name, row in numbers.items()},
    }


def round_numbers(value: Any) -> Any:
    """A number, None or a list of them, rounded to 5 decimals."""
    if isinstance(value, list):
        return [round_numbers(x) for x in value]
    return value if value is None else round(value, 5)


def format_table(result: dict[str, Any]) -> str:
    """What `compare` returns as text: a line for each group, mean ± spread where there are several seeds."""
    groups = result["groups"]
    names = [name for name in SHOWN if any(name in row["numbers"] for row in groups.values())]
    lines = [["mean ± spread over seeds", "runs", "steps", *names]]
    for label, row in groups.items():
        steps = "-".join(str(x) for x in sorted({min(row["steps"]), max(row["steps"])}))
        lines.append(
            [label, str(len(row["steps"])), steps, *(format_cell(row["numbers"].get(name), SHOWN[name]) for name in names)]
        )
    return align_columns(lines)


def format_cell(numbers: dict[str, Any] | None, form: str) -> str:
    """`mean ± spread` in the format `form`; '-' where a group lacks this number."""
    if numbers is None:
        return "-"
    mean, spread = numbers["mean"], numbers["spread"]
    return format(mean, form) if spread is None else f"{mean:{form}} ± {spread:{form}}"
