"""`python -m vp data`."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..core.boundary import attached_to_errors
from ..data.catalog import DATASETS
from .common import add_axes, add_command, positive_int, refuse_extra, write_json
from .outputs import check_place, output_file

EXAMPLES = {
    "data": """
  python -m vp data kth --data-root DIR --download
  python -m vp data folder --data-root my/clips --out out/my.png
  python -m vp data folder --data-root my/arrays --axes NCTHW
  python -m vp data bair-lab --data-root DIR --json bair.json""",
}
LISTED = 20  # notes on a data set


def add_data(commands: Any) -> None:
    """Adds the command `data`."""
    p = add_command(
        commands,
        "data",
        "check a data set: counts by split, a contact sheet, and what is left out and why",
        run_data,
        EXAMPLES["data"],
    )
    p.add_argument("data", metavar="NAME", help=", ".join(DATASETS))
    p.add_argument("--data-root", help="folder of the data set, or one that holds it (default: the variable VP_DATA)")
    p.add_argument("--download", action="store_true", help="first fetch it into --data-root from its official place")
    add_axes(p)
    p.add_argument("--size", type=positive_int, default=64, help="side of the frames in px (default: 64)")
    p.add_argument("--out", type=output_file, metavar="FILE", help="contact sheet, .png (default: out/NAME.png)")
    p.add_argument("--json", type=output_file, metavar="FILE", help="also write the result here")


def run_data(args: argparse.Namespace, extra: list[str]) -> dict:
    """Surveys a data set, after a download where asked for; prints the counts, draws a contact sheet and returns the survey."""
    from ..data.download import download
    from ..result.survey import survey_dataset

    refuse_extra(args.parser, extra)
    if args.download:
        root = args.data_root or os.environ.get("VP_DATA")
        if not root:
            raise ValueError("--download needs a folder: give it by --data-root or the variable VP_DATA")
        with byte_bar() as progress:
            download(args.data, root, progress)
    sheet = args.out or check_place(output_file, Path("out") / f"{args.data}.png")
    result = survey_dataset(args.data, args.data_root, sheet, args.size, with_progress_bar, args.axes)
    print("\n".join(survey_lines(result)))
    with attached_to_errors(result):
        write_json(args.json, result)
    return result


def survey_lines(result: dict) -> Iterator[str]:
    """The lines that `data` prints before its JSON: counts by split, notes, what is left out, and the sheet's path."""
    for split, contents in result.get("made_of", {}).items():
        yield f"{split:6}" + ", ".join(f"{count:,} {what}" for what, count in contents.items())
    for split, row in result.get("splits", {}).items():
        clips = f"{row['recordings']:7,} recordings of {row['groups']:,} groups, {row['with_actions'] or 'none'} with actions"
        yield f"{split:6}{clips}, {row['frames']:,} frames, {row['minutes']:,.1f} minutes"
    yield from result.get("notes", ())[:LISTED]
    first = result.get("first_left_out", ())
    if first:
        yield f"left out: {result['left_out']}"
        yield from (f"  {shorten_problem(name, reason)}" for name, reason in first)
        if result["left_out"] > len(first):
            yield f"  and {result['left_out'] - len(first)} more"
    yield f"contact sheet: {result['sheet']}"


def shorten_problem(name: str, reason: str) -> str:
    """'NAME: reason' from an error message, without the advice after '; give ' and without repeating the file's name."""
    short = reason.partition("; give ")[0]
    tail = short.removeprefix(Path(name).name)
    return f"{name}: {short}" if tail == short else name + tail


def with_progress_bar(items: Sequence[Any], what: str) -> Any:
    """The items with a tqdm bar that names them."""
    from tqdm import tqdm

    return tqdm(items, desc=what, unit="", mininterval=0.5, leave=False)


@contextmanager
def byte_bar() -> Iterator[Callable[[str, int, int], None]]:
    """A bar for downloads; yields the callback that takes (file, bytes done, bytes in all)."""
    from tqdm import tqdm

    with tqdm(unit="B", unit_scale=True, mininterval=1) as bar:

        def report(name: str, done: int, total: int) -> None:
            bar.set_description(name, refresh=False)
            bar.total = total or None
            bar.update(done - bar.n)

        yield report
