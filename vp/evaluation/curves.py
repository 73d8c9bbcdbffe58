"""Draws the scores of each predicted frame."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..result.figure import blank_figure, save_figure
from . import paper_curves

MEASURES = {"psnr_db": "PSNR (dB)", "ssim": "SSIM"}
PAPERS = {"fusion-16-32": ("Jing et al. 2021, other clips", paper_curves.published_curves)}  # drawn beside ours
COLOURS = ("#1b2130", "#c0392b", "#2471a3", "#b9770e", "#1e8449", "#7d3c98", "#839192", "#a04000", "#5d6d7e", "#d4ac0d")


def curve_rows(result: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any], str]]:
    """(label, row, line style) of the curves to draw: the model and its rows, its intermediate pictures, the baselines."""
    yield result["checkpoint"], result, "-"
    for kind, style in (("rows", "-"), ("pictures", "-."), ("baselines", ":")):
        for label, row in result.get(kind, {}).items():
            if row is not None:
                yield label.replace("_", " "), row, style


def draw_curves(result: Mapping[str, Any], path: str | Path) -> Path:
    """Plots PSNR and SSIM against the predicted frame, means over clips and samples, with a paper's own curves where there are
    any.

    Args:
        result: what `evaluate` returns.
        path: of the image; its extension sets the format.

    Returns:
        the path.

    Raises:
        ValueError: matplotlib is not installed.
    """
    title, theirs = PAPERS.get(result["protocol"], ("", lambda metric: {}))
    columns = 2 if title else 1
    figure = blank_figure(6.5 * columns, 8.5)
    panels = figure.subplots(2, columns, squeeze=False, sharex="col", sharey="row")
    for line, (metric, label) in zip(panels, MEASURES.items()):
        for (name, row, style), colour in zip(curve_rows(result), COLOURS * 3):
            values = [math.nan if x is None else x for x in row["per_frame"][metric]["mean"]]
            line[0].plot(range(1, len(values) + 1), values, style, color=colour, label=name)
        curves = theirs(metric)
        clips = list(dict.fromkeys(name.split()[0] for name in curves))
        for name, values in curves.items():
            clip, kind = name.split()
            style = {"theirs": "-", "pictures": "-."}.get(kind, ":")
            line[-1].plot(range(1, len(values) + 1), values, style, color=COLOURS[clips.index(clip)], label=name)
        line[0].set_ylabel(label)
        for panel in line:
            panel.grid(alpha=0.3)
            panel.legend(fontsize="x-small")
    for panel in panels[-1]:
        panel.set_xlabel("predicted frame")
    panels[0, 0].set_title(f"{result['protocol']}, {result['clips']} clips")
    if title:
        panels[0, 1].set_title(title)
    return save_figure(figure, path)
