"""`python -m vp lessons`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..core.files import write_text
from .common import add_command, refuse_extra
from .outputs import output_folder

EXAMPLES = {
    "lessons": """
  python -m vp lessons --out lessons
  python -m vp lessons --compute assets/lessons""",
}


def add_lessons(commands: Any) -> None:
    """Adds the command `lessons`."""
    p = add_command(commands, "lessons", "write the lessons as HTML files that need no network", run_lessons, EXAMPLES["lessons"])
    where = p.add_mutually_exclusive_group(required=True)
    where.add_argument("--out", type=output_folder, metavar="DIR", help="folder of the pages, one a lesson")
    where.add_argument("--compute", type=output_folder, metavar="DIR", help="compute the results that the lessons show, into DIR")


def run_lessons(args: argparse.Namespace, extra: list[str]) -> dict:
    """Writes the pages, or computes the results they show; returns the files or folders."""
    from ..lessons.lessons import LESSONS
    from ..lessons.page import render_lesson
    from ..lessons.results import make_results, step_result
    from ..ui.clips import find_clip

    refuse_extra(args.parser, extra)
    if args.compute:
        return {"results": [str(path) for path in make_results(Path(args.compute), find_clip)]}
    folder, pages = Path(args.out), []
    folder.mkdir(parents=True, exist_ok=True)
    for lesson in LESSONS:
        page = folder / f"{lesson.name}.html"
        write_text(page, render_lesson(lesson, [step_result(lesson.name, index) for index in range(len(lesson.steps))]))
        pages.append(str(page))
    return {"lessons": pages}
