"""Results as small tables that a person reads in a terminal; the JSON holds more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

SCORES = {"mse": ".1f", "mae": ".1f", "psnr_db": ".2f", "psnr_of_mean_mse_db": ".2f", "ssim": ".3f", "sharpness": ".2f"}
ANY_SIZE = {"psnr_db": ".2f", "psnr_of_mean_mse_db": ".2f", "ssim": ".3f", "ms_ssim": ".3f", "sharpness": ".2f"}
TOUCHED, LEGACY = {"psnr_touched_db": ".2f"}, {"ssim_legacy": ".4f"}  # where they are asked for, and published
TOGETHER = {"crps": ".4f", "spread_skill": ".2f"}  # one number of all samples together
APART = {"psnr_db": ".2f", "ssim": ".4f", "mse": ".1f", "pixel_mse": ".5f", "crps": ".5f"}  # of differences

WINDOW = 10  # predicted frames of a line of `of_windows`
LISTED = 20  # sources


def of_scores(result: Mapping[str, Any]) -> str:
    """An evaluation: a line a row, each metric over clips and frames, of the best sample and of all where they differ.

    Published rows stand below, and what is to be known of them.
    """
    pictures = {f"pictures: {name}": row for name, row in result.get("pictures", {}).items()}
    rows = {result["checkpoint"]: result} | dict(result["rows"]) | dict(result["baselines"]) | pictures
    published = result.get("published", {})
    scores = dict(SCORES if "mse" in result["metrics"] else ANY_SIZE)
    scores |= TOUCHED if TOUCHED.keys() <= result["metrics"].keys() else {}
    scores |= LEGACY if any(LEGACY.keys() <= row.keys() for row in published.values()) else {}
    lines = [["best / mean of samples", *scores, *TOGETHER]]
    for name, row in rows.items():
        lines.append([name, *(cell(row, metric, form) for metric, form in scores.items())])
        lines[-1] += [of_number((row or {}).get(metric), form) for metric, form in TOGETHER.items()]
    for name, row in published.items():
        size = f", {row['parameters'] / 1e6:.1f} M" if "parameters" in row else ""
        lines.append([f"published: {name}{size}"])
        lines[-1] += [of_number(row.get(metric), form) for metric, form in {**scores, **TOGETHER}.items()]
    notes = dict.fromkeys(f"published: {row['note']} ({row['source']})" for row in published.values())
    return "\n".join([columns(lines), *notes])


def of_number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def of_flow(result: Mapping[str, Any]) -> str:
    """Each row of an evaluation minus the flow baseline, clip by clip, with the half width of the 95 % interval."""
    rows = {result["checkpoint"]: result} | dict(result["rows"])
    return of_differences("minus flow", {name: row["against_flow"] for name, row in rows.items()})


def of_pair(pair: Mapping[str, Any]) -> str:
    """Two evaluations of the same clips: what the first has more, with the half width of the 95 % interval."""
    (ours, theirs), (n, m) = pair["checkpoints"], pair["samples"]
    of = next(f"{pair[kind]} {kind}" for kind in ("sources", "recordings", "clips") if kind in pair)
    head = f"{pair['protocol']}, {of}, samples {n} and {m}"
    return of_differences(head, {f"{ours} minus {theirs}": pair["differences"]})


def of_differences(head: str, rows: Mapping[str, Mapping[str, Any]]) -> str:
    """A line a row, a column for best and mean of the samples under each metric."""
    names = {(metric, kind): f"{metric} {kind}" for row in rows.values() for metric in row for kind in row[metric]}
    lines = [[head, *names.values()]]
    for label, row in rows.items():
        cells = [(row[metric][kind], APART[metric]) for metric, kind in names]
        lines.append([label, *(of_interval(found["difference"], found["ci95"], form) for found, form in cells)])
    return columns(lines)


def of_interval(value: float | None, half_width: float | None, form: str) -> str:
    if value is None:
        return "-"
    return f"{value:+{form}} +- {of_number(half_width, form)}"


def of_variants(result: Mapping[str, Any]) -> str:
    """The lines of `variant_lines` as columns."""
    return columns(variant_lines(result))


def variant_lines(result: Mapping[str, Any]) -> list[list[str]]:
    """A line a variant: PSNR of the mean error of the most likely future, of flow and of copy-last, and what the first has more
    than the better of the others. A model without a most likely future is shown by the mean of its samples."""
    variants = result["variants"]
    calm = all("most_likely" in rows for rows in variants.values())
    ours = "most_likely" if calm else "model"
    words = "most likely" if calm else "the only future" if result["sample_spread"] == 0 else f"mean of {result['samples']}"
    lines = [["PSNR of the mean error, dB", words, "flow", "copy-last", "more than the better"]]
    for name, rows in variants.items():
        db = {label: rows.get(label, {}).get("psnr_of_mean_mse_db") for label in (ours, "flow", "copy_last")}
        others = [db[label] for label in ("flow", "copy_last") if db[label] is not None]
        gain = None if db[ours] is None or not others else db[ours] - max(others)
        lines.append([name, *(of_number(value, ".2f") for value in db.values()), of_number(gain, "+.2f")])
    return lines


def of_sources(result: Mapping[str, Any]) -> str:
    """A line a source, mean PSNR of the rows that matter, those first in which the most likely future has least more than the
    first rival; in how many windows it is ahead."""
    wins, sources = dict(result["wins"]), result["sources"]
    ours = wins.pop("row")
    rival = next(iter(wins), "").removeprefix("over_")
    lines = []
    for name, row in sources.items():
        db = row["psnr_db"]
        gain = db[ours] - db[rival] if rival and None not in (db[ours], db[rival]) else None
        lines.append((gain, [name, str(row["windows"]), *(of_number(x, ".2f") for x in db.values()), of_number(gain, "+.2f")]))
    lines.sort(key=lambda line: (line[0] is None, line[0]))
    head = ["PSNR, dB", "windows", *next(iter(sources.values()))["psnr_db"], f"{ours} minus {rival}" if rival else ""]
    won = ", ".join(f"{what.removeprefix('over_').replace('_and_', ' and ')} in {share:.0%}" for what, share in wins.items())
    last = [f"and {len(lines) - LISTED} more sources"] if len(lines) > LISTED else []
    last += [f"{ours} is ahead of {won} of the windows"] if won else []
    return "\n".join([columns([head, *(line for _, line in lines[:LISTED])]), *last])


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
