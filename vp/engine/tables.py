"""Results as small tables that a person reads in a terminal; the JSON holds more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

SCORES = {"mse": ".1f", "mae": ".1f", "psnr_db": ".2f", "ssim": ".3f", "sharpness": ".2f"}


def of_scores(result: Mapping[str, Any]) -> str:
    """An evaluation: a line a row, the mean of each metric over clips, samples and frames."""
    rows = {result["checkpoint"]: result} | dict(result["rows"]) | dict(result["baselines"])
    lines = [[name, *(cell(row, metric, form) for metric, form in SCORES.items())] for name, row in rows.items()]
    return columns([["mean of all samples", *SCORES], *lines])


def cell(row: Mapping[str, Any] | None, metric: str, form: str) -> str:
    value = None if row is None else row["metrics"][metric]["mean"]
    return "-" if value is None else format(value, form)


def of_bits(result: Mapping[str, Any]) -> str:
    """A compression: a line a predictor, bits a pixel and dB at each step of the quantiser."""
    steps = next(iter(result["rows"].values()))
    head = ["bits a pixel / dB, step", *steps]
    lines = [
        [name, *(f"{x['bits_per_pixel']:.3f} / {x['psnr_db']:.1f}" for x in row.values())] for name, row in result["rows"].items()
    ]
    return columns([head, *lines])


def columns(lines: Sequence[Sequence[str]]) -> str:
    """Lines of equally many cells, the first column left and the others right."""
    widths = [max(map(len, column)) for column in zip(*lines)]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *(x.rjust(width) for x, width in zip(line[1:], widths[1:]))]) for line in lines
    )
