"""Results as small tables that a person reads in a terminal; the JSON holds more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

SCORES = {"mse": ".1f", "mae": ".1f", "psnr_db": ".2f", "ssim": ".3f", "sharpness": ".2f"}
TOUCHED = {"psnr_touched_db": ".2f"}


WINDOW = 10  # predicted frames of a line of `of_windows`


def of_scores(result: Mapping[str, Any]) -> str:
    """An evaluation: a line a row, each metric over clips and frames, of the best sample and of all where they differ."""
    pictures = {f"pictures: {name}": row for name, row in result.get("pictures", {}).items()}
    rows = {result["checkpoint"]: result} | dict(result["rows"]) | dict(result["baselines"]) | pictures
    scores = SCORES | (TOUCHED if TOUCHED.keys() <= result["metrics"].keys() else {})
    lines = [[name, *(cell(row, metric, form) for metric, form in scores.items())] for name, row in rows.items()]
    return columns([["best / mean of samples", *scores], *lines])


def of_gains(result: Mapping[str, Any]) -> str:
    """What the true actions gain in mean PSNR, in all and on touched objects: a line for each thing compared with."""
    gains = result["actions"]
    lines = [["true actions gain", "dB", "dB on touched objects"]]
    for key in (key for key in gains if not key.startswith("touched_")):
        over = key.removeprefix("true_").removesuffix("_db").replace("_", " ")
        lines.append([over, *("-" if x is None else f"{x:+.2f}" for x in (gains[key], gains[f"touched_{key}"]))])
    return columns(lines)


def cell(row: Mapping[str, Any] | None, metric: str, form: str) -> str:
    found = {} if row is None else row["metrics"].get(metric, {})
    values = [found.get(kind) for kind in ("best", "mean")]
    shown = [format(value, form) for value in dict.fromkeys(values) if value is not None]
    return " / ".join(dict.fromkeys(shown)) or "-"


def of_windows(result: Mapping[str, Any]) -> str:
    """A long prediction: a line every ten predicted frames, the mean of all samples, the model beside copy-last."""
    rows = {result["checkpoint"]: result, "copy-last": result["baselines"]["copy_last"]}
    curves = {
        f"{name} {metric}": (row["per_frame"][metric]["mean"], SCORES[metric])
        for name, row in rows.items()
        if row
        for metric in ("psnr_db", "sharpness")
    }
    length = len(next(iter(curves.values()))[0])
    lines = [["predicted frames", *curves]]
    for start in range(0, length, WINDOW):
        end = min(start + WINDOW, length)
        lines.append([f"{start + 1}-{end}", *(format(average(curve[start:end]), form) for curve, form in curves.values())])
    return columns(lines)


def average(values: Sequence[float | None]) -> float:
    there = [value for value in values if value is not None]
    return sum(there) / len(there) if there else float("nan")


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
