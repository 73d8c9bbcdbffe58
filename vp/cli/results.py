"""`python -m vp results`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..core.files import write_text
from .common import add_command, refuse_extra

EXAMPLES = {
    "results": """
  python -m vp results
  python -m vp results --check""",
}


def add_results(commands: Any) -> None:
    """Adds the command `results`."""
    p = add_command(
        commands, "results", "make the tables of docs/results.md from its evaluations", run_results, EXAMPLES["results"]
    )
    p.add_argument("--page", type=Path, default=Path("docs/results.md"), metavar="FILE", help="default: docs/results.md")
    p.add_argument("--evaluations", type=Path, default=Path("docs/evaluations"), metavar="DIR", help="default: docs/evaluations")
    p.add_argument("--check", action="store_true", help="write nothing, and fail where the page differs")


def run_results(args: argparse.Namespace, extra: list[str]) -> dict:
    """Fills the tables of the results page, or with --check fails where they differ; returns the page and whether it
    changed."""
    from ..result.results_page import fill_tables

    refuse_extra(args.parser, extra)
    try:
        page = args.page.read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"{args.page} cannot be read ({error.strerror}); give the page by --page") from None
    filled = fill_tables(page, args.evaluations)
    if args.check and filled != page:
        raise ValueError(f"{args.page} differs from what its evaluations say; run `python -m vp results`")
    if not args.check:
        write_text(args.page, filled)
    return {"page": str(args.page), "changed": filled != page}
