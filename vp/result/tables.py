"""Evaluation results as small text tables for a terminal; the JSON holds more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

SCORES = {"mse": ".1f", "mae": ".1f", "psnr_db": ".2f", "psnr_of_mean_mse_db": ".2f", "ssim": ".3f", "sharpness": ".2f"}
ANY_SIZE = {"psnr_db": ".2f", "psnr_of_mean_mse_db": ".2f", "ssim": ".3f", "ms_ssim": ".3f", "sharpness": ".2f"}
TOUCHED, LEGACY = {"psnr_touched_db": ".2f"}, {"ssim_legacy": ".4f"}  # where they are asked for, and published
TOGETHER = {"crps": ".4f", "spread_skill": ".2f"}  # one number of all samples together
APART = {"psnr_db": ".2f", "ssim": ".4f", "mse": ".1f", "pixel_mse": ".5f", "crps": ".5f"}  # of differences

WINDOW = 10  # predicted frames of a line of `format_curves`
LISTED = 20  # sources


def format_scores(result: Mapping[str, Any]) -> str:
    """The scores of an evaluation: one line per row, one column per metric, "best / mean" of the samples where they differ.

    Published rows and their notes come last.
    """
    pictures = {f"pictures: {name}": row for name, row in result.get("pictures", {}).items()}
    rows = {result["checkpoint"]: result} | dict(result["rows"]) | dict(result["baselines"]) | pictures
    published = result.get("published", {})
    scores = dict(SCORES if "mse" in result["metrics"] else ANY_SIZE)
    scores |= TOUCHED if TOUCHED.keys() <= result["metrics"].keys() else {}
    scores |= LEGACY if any(LEGACY.keys() <= row.keys() for row in published.values()) else {}
    lines = [["best / mean of samples", *scores, *TOGETHER]]
    for name, row in rows.items():
        lines.append([name, *(format_best_and_mean(row, metric, form) for metric, form in scores.items())])
        lines[-1] += [format_number((row or {}).get(metric), form) for metric, form in TOGETHER.items()]
    for name, row in published.items():
        size = f", {row['parameters'] / 1e6:.1f} M" if "parameters" in row else ""
        lines.append([f"published: {name}{size}"])
        lines[-1] += [format_number(row.get(metric), form) for metric, form in {**scores, **TOGETHER}.items()]
    notes = dict.fromkeys(f"published: {row['note']} ({row['source']})" for row in published.values())
    return "\n".join([align_columns(lines), *notes])


def format_number(value: float | None, form: str) -> str:
    """The number in this format; "-" for None."""
    return "-" if value is None else format(value, form)


def format_differences_from_flow(result: Mapping[str, Any]) -> str:
    """Each row of an evaluation minus the optical-flow baseline, paired by clip, with the half width of the 95 % interval."""
    rows = {result["checkpoint"]: result} | dict(result["rows"])
    return format_differences("minus flow", {name: row["against_flow"] for name, row in rows.items()})


def format_pair(pair: Mapping[str, Any]) -> str:
    """The first minus the second of two evaluations of the same clips (see `compare_evaluations`), with half widths of 95 %
    intervals."""
    (ours, theirs), (n, m) = pair["checkpoints"], pair["samples"]
    of = next(f"{pair[kind]} {kind}" for kind in ("sources", "recordings", "clips") if kind in pair)
    head = f"{pair['protocol']}, {of}, samples {n} and {m}"
    return format_differences(head, {f"{ours} minus {theirs}": pair["differences"]})


def format_differences(head: str, rows: Mapping[str, Mapping[str, Any]]) -> str:
    """A table of differences: one line per row, columns for best and mean of the samples of each metric.

    Args:
        head: title of the first column.
        rows: label -> metric -> "best" or "mean" -> {"difference", "ci95"}.
    """
    names = {(metric, kind): f"{metric} {kind}" for row in rows.values() for metric in row for kind in row[metric]}
    lines = [[head, *names.values()]]
    for label, row in rows.items():
        cells = [(row[metric][kind], APART[metric]) for metric, kind in names]
        lines.append([label, *(format_interval(found["difference"], found["ci95"], form) for found, form in cells)])
    return align_columns(lines)


def format_interval(value: float | None, half_width: float | None, form: str) -> str:
    """ "+value +- half_width" in this format; "-" without a value."""
    if value is None:
        return "-"
    return f"{value:+{form}} +- {format_number(half_width, form)}"


def format_variants(result: Mapping[str, Any]) -> str:
    """`variant_lines` as an aligned text table."""
    return align_columns(variant_lines(result))


def variant_lines(result: Mapping[str, Any]) -> list[list[str]]:
    """Table cells, one line per variant: PSNR of the mean error of the model, of flow and of copy-last, and the model minus the
    better baseline.

    The model is represented by its most likely future, or where it has none by the mean over its samples.
    """
    variants = result["variants"]
    calm = all("most_likely" in rows for rows in variants.values())
    ours = "most_likely" if calm else "model"
    words = "most likely" if calm else "the only future" if result["sample_spread"] == 0 else f"mean of {result['samples']}"
    lines = [["PSNR of the mean error, dB", words, "flow", "copy-last", "more than the better"]]
    for name, rows in variants.items():
        db = {label: rows.get(label, {}).get("psnr_of_mean_mse_db") for label in (ours, "flow", "copy_last")}
        others = [db[label] for label in ("flow", "copy_last") if db[label] is not None]
        gain = None if db[ours] is None or not others else db[ours] - max(others)
        lines.append([name, *(format_number(value, ".2f") for value in db.values()), format_number(gain, "+.2f")])
    return lines


def format_sources(result: Mapping[str, Any]) -> str:
    """One line per source with the mean PSNR of the main rows, sorted by the model's lead over the first rival, smallest
    first; then the shares of windows in which the model is ahead."""
    wins, sources = dict(result["wins"]), result["sources"]
    ours = wins.pop("row")
    rival = next(iter(wins), "").removeprefix("over_")
    lines = []
    for name, row in sources.items():
        db = row["psnr_db"]
        gain = db[ours] - db[rival] if rival and None not in (db[ours], db[rival]) else None
        lines.append(
            (gain, [name, str(row["windows"]), *(format_number(x, ".2f") for x in db.values()), format_number(gain, "+.2f")])
        )
    lines.sort(key=lambda line: (line[0] is None, line[0]))
    head = ["PSNR, dB", "windows", *next(iter(sources.values()))["psnr_db"], f"{ours} minus {rival}" if rival else ""]
    won = ", ".join(f"{what.removeprefix('over_').replace('_and_', ' and ')} in {share:.0%}" for what, share in wins.items())
    last = [f"and {len(lines) - LISTED} more sources"] if len(lines) > LISTED else []
    last += [f"{ours} is ahead of {won} of the windows"] if won else []
    return "\n".join([align_columns([head, *(line for _, line in lines[:LISTED])]), *last])


def format_action_gains(result: Mapping[str, Any]) -> str:
    """The gain in mean PSNR of the true actions over other ones, on all pixels and on touched objects; one line per
    comparison."""
    gains = result["actions"]
    lines = [["true actions gain", "dB", "dB on touched objects"]]
    for key in (key for key in gains if not key.startswith("touched_")):
        over = key.removeprefix("true_").removesuffix("_db").replace("_", " ")
        lines.append([over, *("-" if x is None else f"{x:+.2f}" for x in (gains[key], gains[f"touched_{key}"]))])
    return align_columns(lines)


def format_best_and_mean(row: Mapping[str, Any] | None, metric: str, form: str) -> str:
    """ "best / mean" of one metric of a row, one number where they are equal, "-" where there is none."""
    found = {} if row is None else row["metrics"].get(metric, {})
    values = [found.get(kind) for kind in ("best", "mean")]
    shown = [format(value, form) for value in dict.fromkeys(values) if value is not None]
    return " / ".join(dict.fromkeys(shown)) or "-"


def format_curves(result: Mapping[str, Any]) -> str:
    """Mean scores of a long prediction over every ten predicted frames, for the model and copy-last."""
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
        lines.append([f"{start + 1}-{end}", *(format(mean_of_known(curve[start:end]), form) for curve, form in curves.values())])
    return align_columns(lines)


def mean_of_known(values: Sequence[float | None]) -> float:
    """The mean of the values that are not None; NaN without any."""
    there = [value for value in values if value is not None]
    return sum(there) / len(there) if there else float("nan")


def format_compression(result: Mapping[str, Any]) -> str:
    """Result of `measure_compression`: one line per predictor, bits per pixel and PSNR at each quantiser step."""
    steps = next(iter(result["rows"].values()))
    head = ["bits a pixel / dB, step", *steps]
    lines = [
        [name, *(f"{x['bits_per_pixel']:.3f} / {x['psnr_db']:.1f}" for x in row.values())] for name, row in result["rows"].items()
    ]
    return align_columns([head, *lines])


def align_columns(lines: Sequence[Sequence[str]]) -> str:
    """Text lines from cells, equally many per line; the first column is left-aligned, the others right."""
    widths = [max(map(len, column)) for column in zip(*lines)]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *(x.rjust(width) for x, width in zip(line[1:], widths[1:]))]) for line in lines
    )
