"""Writers of a Result: an offline HTML page, mp4, GIF, CSV, JSON and the raw frames."""

from __future__ import annotations

import csv
import functools
import io
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vp.data.video_file import write_gif as write_animation
from vp.data.video_file import write_mp4 as write_video

from . import player
from .file_set import FileSet, check_no_foreign_files
from .html_page import embedded_record, player_page, to_script
from .montage import draw_montage
from .result import Result


def render_page(result: Result) -> str:
    """A self-contained HTML page with frames, scores and player; it loads nothing from the network."""
    mark = next((f" ({row.mark})" for row in result.rows if row.kind == "sample" and row.mark), "")
    title = f"{result.model.get('name') or 'clip'}: {len(result.kind('sample'))} futures{mark}"
    value = to_script(embedded_record(result))
    js = f'mount(document.getElementById("player"), {{ value: {value}, page: true }}, () => {{}}, () => {{}});'
    return player_page(title, "", f'<main id="player">{player.HTML}</main>', js)


def to_csv(result: Result) -> str:
    """CSV text: a header, then one line per row and frame with all metrics and traces; numbers that do not exist are empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = [*result.metrics, *result.traces]
    writer.writerow(["row", "kind", "mark", "t", "known", "has_truth", *names])
    columns = [*result.metrics.values(), *result.traces.values()]
    for index, row in enumerate(result.rows):
        for t in range(len(result.known)):
            values = [f"{x:.6g}" if math.isfinite(x) else "" for x in (column[index, t] for column in columns)]
            writer.writerow([row.label, row.kind, row.mark, t, int(result.known[t]), int(result.has_truth[t]), *values])
    return out.getvalue()


def write_page(result: Result, path: Path) -> None:
    path.write_text(render_page(result), encoding="utf-8")


def write_csv(result: Result, path: Path) -> None:
    path.write_text(to_csv(result), encoding="utf-8")


def write_json(result: Result, path: Path) -> None:
    path.write_text(json.dumps(result.record(), allow_nan=False, indent=1), encoding="utf-8")


def write_npz(result: Result, path: Path) -> None:
    """Writes `truth` uint8 (T, H, W, C), `futures` uint8 (N, T, H, W, C), `known` and `has_truth` bool (T,)."""
    truth, futures = result.frames("truth")[0], result.frames("sample")
    np.savez_compressed(path, truth=truth, futures=futures, known=result.known, has_truth=result.has_truth)


def write_mp4(result: Result, path: Path) -> None:
    write_video(path, draw_montage(result), result.fps)


def write_gif(result: Result, path: Path) -> None:
    write_animation(path, draw_montage(result), result.fps)


MARKER = "metrics.json"  # says that the files beside it are a result of vp
WRITERS = {
    "futures.mp4": write_mp4,
    "futures.gif": write_gif,
    "result.html": write_page,
    "metrics.csv": write_csv,
    "metrics.json": write_json,
    "frames.npz": write_npz,
}


def write_files(result: Result, folder: str | Path, names: tuple[str, ...]) -> dict[str, Path]:
    """Writes the named files of `WRITERS` into `folder`, which is created where missing; returns name -> path.

    Raises:
        ValueError: some file could not be written; the others are written all the same.
    """
    paths, failed = try_to_write(result, FileSet(Path(folder), MARKER, ()), names)
    if failed:
        raise ValueError("; ".join(failed.values()))
    return paths


def write_all(result: Result, folder: str | Path, force: bool = False) -> dict[str, Any]:
    """Writes every file of `WRITERS` that can be written into `folder`, in place of an earlier result; returns a JSON-ready
    summary, with a sentence under "failed" for each file that could not be written.

    Raises:
        ValueError: no file could be written, or not `metrics.json`, and an earlier result stays; or a file is there that vp did
            not write, see `check_folder`.
    """
    check_folder(folder, force)
    paths, failed = try_to_write(result, FileSet(Path(folder), MARKER, tuple(WRITERS)), tuple(WRITERS))
    if not paths:
        raise ValueError(next(iter(failed.values())))
    files = {name: str(path) for name, path in paths.items()}
    return {**summarise(result), "files": files, "failed": list(failed.values())}


def summarise(result: Result) -> dict[str, Any]:
    """What a result is worth, JSON-ready."""
    return {
        "model": result.model.get("name"),
        "samples": len(result.kind("sample")),
        "seconds": round(result.seconds, 3),
        "metrics": {name: result.summary(name) for name in result.metrics},
        "verdict": list(result.verdict),
        "notes": list(result.notes),
    }


def check_folder(folder: str | Path, force: bool = False) -> None:
    """Raises ValueError where `write_all` would write over a file that vp did not write; `force` allows it."""
    if not force:
        check_no_foreign_files(Path(folder), MARKER, tuple(WRITERS), "choose another --out, or add --force to write over it")


def try_to_write(result: Result, target: FileSet, names: tuple[str, ...]) -> tuple[dict[str, Path], dict[str, str]]:
    """Writes the named files.

    Returns:
        name -> path of the files written, and name -> error message of those that failed.
    """
    failed: dict[str, Exception] = {}
    with target:
        for name in names:
            try:
                target.add(name, functools.partial(WRITERS[name], result))
            except Exception as error:  # encoders raise errors of many kinds, and none of them may cost the other files
                failed[name] = error
        if not target.parts or target.others and target.marker not in target.parts:  # what is there stays
            return {}, describe_errors(failed)
        paths, taken = target.finish()
    return {name: paths[name] for name in names if name in paths}, describe_errors(failed | taken)


def describe_errors(failed: Mapping[str, Exception]) -> dict[str, str]:
    """Name -> one sentence."""
    reasons = {name: getattr(error, "strerror", None) or str(error) for name, error in failed.items()}
    whys = {name: " ".join(text.split())[:200] or type(failed[name]).__name__ for name, text in reasons.items()}
    return {name: f"{name} could not be written: {why}" for name, why in whys.items()}
