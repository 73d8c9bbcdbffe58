"""Training curves as one figure: loss, error, KL and PSNR against epochs, schedules dashed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..result.figure import blank_figure, save_figure
from .runs import Run, find_runs, group_by_settings

RATIOS = {"teacher_ratio": "teacher forcing", "kl_anneal": "KL weight, of its highest"}
QUALITIES = {
    "psnr_db": ("mean of samples", "-"), "psnr_db_best": ("best of samples", ":"), "posterior_psnr_db": ("posterior", "-."),
}  # fmt: skip
PANELS = {"loss": "loss", "mse": "squared error a pixel", "kl": "KL, nats a step"}  # names in the training log


def plot(paths: Sequence[str | Path], out: Path) -> dict[str, Any]:
    """Writes a figure of the runs (.png, .svg or .pdf); runs that differ only in their seed share a colour.

    Args:
        paths: folders of runs, or folders that hold some.
        out: the figure.

    Returns:
        file, runs: label -> folders, panels: what is drawn, and x: epochs, or steps where a run does not record its epoch length.

    Raises:
        ValueError: a folder without a run, runs without a line in their logs yet, or matplotlib missing.
    """
    runs = find_runs(paths)
    empty = [str(run.folder) for run in runs if not run.training and not run.validation]
    if empty:
        raise ValueError(f"{empty[0]} has logged nothing yet; let it run for some steps first")
    if out.suffix not in (".png", ".svg", ".pdf"):
        raise ValueError(f"out is {out.name!r}; give a file that ends in .png, .svg or .pdf")
    groups, epochs = group_by_settings(runs), all(run.steps_per_epoch for run in runs)
    figure, panels = draw_plot(groups, epochs)
    save_figure(figure, out)
    folders = {label: [str(run.folder) for run in group] for label, group in groups.items()}
    return {"file": str(out), "runs": folders, "panels": panels, "x": "epochs" if epochs else "steps"}


def draw_plot(groups: dict[str, list[Run]], epochs: bool) -> tuple[Any, list[str]]:
    """The figure, and the names of its panels from the top down."""
    runs = [run for group in groups.values() for run in group]
    panels = [name for name in PANELS if any(training_curve(run, name) for run in runs)]
    panels += ["psnr_db"] if any(run.validation for run in runs) else []
    figure = blank_figure(8, 2.4 * len(panels) + 1)
    axes = dict(zip(panels, figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]))
    for index, (label, group) in enumerate(groups.items()):
        for run in group:
            draw_run(axes, run, f"C{index % 10}", label if run is group[0] else None, epochs)
    for name, axis in axes.items():
        axis.set_ylabel(PANELS.get(name, "PSNR, dB"))
        axis.grid(alpha=0.3)
        axis.ticklabel_format(useOffset=False)
    draw_ratios(axes, groups, epochs)
    first, last = axes[panels[0]], axes[panels[-1]]
    first.legend(fontsize=8)
    last.set_xlabel("epochs" if epochs else "steps")
    return figure, panels


def draw_run(axes: dict[str, Any], run: Run, colour: str, label: str | None, epochs: bool) -> None:
    """Draws one run's curves into the panels; `label` is None for further runs of a group."""
    for name, axis in axes.items():
        if name != "psnr_db":
            curve = training_curve(run, name)
            axis.plot(*epochs_and_values(run, curve, epochs), color=colour, linewidth=1, label=label)
            continue
        for quality, (what, style) in QUALITIES.items():
            curve = [(line["step"], line[quality]) for line in run.validation if quality in line]
            if curve:
                axis.plot(
                    *epochs_and_values(run, curve, epochs), style, marker=".", color=colour, linewidth=1, label=label and what
                )
        if label and not axis.get_legend():
            axis.legend(fontsize=8)


def draw_ratios(axes: dict[str, Any], groups: dict[str, list[Run]], epochs: bool) -> None:
    """Draws the schedules of one run of each group, dashed, on a right axis of the KL panel, or else of the first."""
    right = axes.get("kl", next(iter(axes.values()))).twinx()
    right.set_ylim(-0.05, 1.05)
    for index, group in enumerate(groups.values()):
        for (name, what), dash in zip(RATIOS.items(), ((4, 2), (1.5, 1.5))):
            curve = training_curve(group[0], name)
            if curve:
                label = what if index == 0 else None
                right.plot(
                    *epochs_and_values(group[0], curve, epochs), color=f"C{index % 10}", dashes=dash, linewidth=1, label=label
                )
    right.set_ylabel("ratio (dashed)")
    if right.get_lines():
        right.legend(fontsize=8, loc="upper right")


def training_curve(run: Run, name: str) -> list[tuple[float, float]]:
    """(step, value) pairs of one column of the training log; `loss` stands for the first phase's loss."""
    if name == "loss":
        losses = [key for line in run.training for key in line if key.endswith("_loss")]
        name = losses[0] if losses else name
    return [(line["step"], line[name]) for line in run.training if name in line]


def epochs_and_values(run: Run, curve: Sequence[tuple[float, float]], epochs: bool) -> tuple[list[float], list[float]]:
    """x and y values of a curve, x in epochs or in steps."""
    scale = run.steps_per_epoch if epochs else 1
    return [step / scale for step, _ in curve], [value for _, value in curve]
