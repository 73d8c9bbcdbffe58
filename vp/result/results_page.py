"""Fills docs/results.md: its text is written by hand, its tables and commands are made from the JSON of evaluations."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .tables import ANY_SIZE, SCORES, TOGETHER, format_best_and_mean, format_number, variant_lines

MARKED = re.compile(r"<!-- table: (?P<file>[\w.+-]+) (?P<kind>\w+) -->\n.*?<!-- end -->", re.S)
LEFT_OUT = ("mae",)  # columns that the page does without
HEADS = {
    "mse": "MSE",
    "psnr_db": "PSNR (dB)",
    "psnr_of_mean_mse_db": "PSNR of the mean error",
    "ssim": "SSIM",
    "ms_ssim": "MS-SSIM",
    "sharpness": "sharpness",
    "crps": "CRPS",
    "spread_skill": "spread / skill",
}
LABELS = {
    "most_likely": "most likely (temperature 0)",
    "posterior": "*posterior mean: sees the future*",
    "flow_random": "`flow-random`",
    "flow_between": "`flow-between`",
}


def fill_tables(page: str, folder: Path) -> str:
    """The page with every table replaced by a new one.

    Args:
        page: Markdown. A table and its command stand between `<!-- table: FILE KIND -->` and `<!-- end -->`.
        folder: of the evaluations, FILE.json each, as `evaluate --json` wrote them.

    Raises:
        ValueError: no such evaluation, or a KIND that is not in `KINDS`.
    """
    return MARKED.sub(lambda found: render_block(folder, **found.groupdict()), page)


def render_block(folder: Path, file: str, kind: str) -> str:
    """One table with its marks, notes and command, as Markdown; arguments and errors as in `fill_tables`."""
    if kind not in KINDS:
        raise ValueError(f"the page asks for a table of {kind}; give one of {', '.join(KINDS)}")
    try:
        result = json.loads((folder / f"{file}.json").read_text(encoding="utf-8"))
    except OSError:
        raise ValueError(f"the page asks for {file}.json, which is not in {folder}; evaluate with --json") from None
    lines, notes = KINDS[kind](result)
    parts = [
        f"<!-- table: {file} {kind} -->",
        to_markdown(lines),
        "",
        *notes,
        f"```bash\n{evaluate_command(result)}\n```",
        "<!-- end -->",
    ]
    return "\n".join(parts)


def score_table(result: Mapping[str, Any]) -> tuple[list[list[str]], list[str]]:
    """Table cells (one line per row, one column per metric, published rows last), and notes on the published rows."""
    several = result["samples"] > 1 and result["sample_spread"] != 0
    metrics = {name: form for name, form in (SCORES if "mse" in result["metrics"] else ANY_SIZE).items() if name not in LEFT_OUT}
    together = TOGETHER if several else {}
    head = f"best / mean of {result['samples']}" if several else ""
    lines = [[head, *(HEADS[name] for name in (*metrics, *together))]]
    rows = {f"`{result['checkpoint']}`": result} | {
        row_label(name): row for name, row in (result["rows"] | result["baselines"]).items()
    }
    for name, row in rows.items():
        cells = [format_best_and_mean(row, metric, form) for metric, form in metrics.items()]
        cells += [format_number((row or {}).get(metric) or None, form) for metric, form in together.items()]
        lines.append([name, *("" if text == "-" else text for text in cells)])
    published = result.get("published", {})
    for name, row in published.items():
        size = f" ({row['parameters'] / 1e6:.1f} M)" if "parameters" in row else ""
        cells = [format_number(row.get(metric), form) for metric, form in (metrics | together).items()]
        lines.append([f"{name}{size}, as published", *("" if text == "-" else text for text in cells)])
    notes = dict.fromkeys(f"Published: {row['note']} ({row['source']}).\n" for row in published.values())
    return lines, list(notes)


def variant_table(result: Mapping[str, Any]) -> tuple[list[list[str]], list[str]]:
    """Table cells of `variant_lines`, without notes."""
    return variant_lines(result), []


KINDS = {"scores": score_table, "variants": variant_table}


def row_label(name: str) -> str:
    """The text for a row's name in the page."""
    return LABELS.get(name, name.replace("_", " "))


def to_markdown(lines: Sequence[Sequence[str]]) -> str:
    """Cells as a Markdown table; the first line is its head."""
    head, *rest = lines
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, ["---"] * len(head), *rest])


def evaluate_command(result: Mapping[str, Any]) -> str:
    """The command line that reproduces this result; paths of data are left out."""
    parts = ["python -m vp evaluate", result["checkpoint"], "--protocol", result["protocol"]]
    if "test_set" in result:
        parts += ["--test-set", Path(result["test_set"]).name]
    if "split" in result:
        parts += ["--data-root DIR --split", result["split"]]
    if "known" in result:
        parts += ["--known", result["known"]]
    if result["clips"] != 2 * result.get("recordings", 0):  # of recordings two windows each are taken, unless told otherwise
        parts += ["--clips", str(result["clips"])]
    several = result["samples"] > 1 and result["sample_spread"] != 0
    return " ".join([*parts, *(["--samples", str(result["samples"])] if several else [])])
