"""`python -m vp space` and `export-site`: the app as a Space, and results as static pages."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .common import add_command, refuse_extra
from .hub import send
from .outputs import output_folder

EXAMPLES = {
    "space": """
  python -m vp space me/vp --dry-run
  python -m vp space me/vp""",
    "export-site": """
  python -m vp export-site site out""",
}


def add_space(commands: Any) -> None:
    """Adds the command `space`."""
    p = add_command(commands, "space", "create or update the app as a Hugging Face Space", run_space, EXAMPLES["space"])
    p.description += " What is uploaded are the committed files of a checkout; the Space's other files are removed."
    p.add_argument("repo", metavar="OWNER/NAME")
    p.add_argument("--dry-run", action="store_true", help="list the files with their sizes and ask nobody")
    p.add_argument("--private", action="store_true", help="a Space that is made is private")
    p.add_argument("--root", type=Path, default=".", metavar="DIR", help="of the checkout (default: here)")


def run_space(args: argparse.Namespace, extra: list[str]) -> dict:
    """Checks the checkout and uploads its files; returns what was uploaded."""
    from ..hub.address import parse_repo
    from ..publish.space import space_files

    refuse_extra(args.parser, extra)
    repo = parse_repo(args.repo)
    files = space_files(args.root)
    return send(args, repo, files, "Update the app", kind="space", sdk="gradio", prune=True)


def add_export_site(commands: Any) -> None:
    """Adds the command `export-site`."""
    p = add_command(
        commands, "export-site", "gather results into a gallery of static pages", run_export_site, EXAMPLES["export-site"]
    )
    p.add_argument("folder", type=output_folder, metavar="DIR", help="where the gallery goes")
    p.add_argument("results", type=Path, nargs="+", metavar="RESULT", help="folders that `sample --out` wrote")
    p.add_argument("--title", default="Video prediction", help="of the gallery (default: Video prediction)")


def run_export_site(args: argparse.Namespace, extra: list[str]) -> dict:
    """Writes the gallery; returns what `export_site` gives."""
    from ..publish.site import export_site

    refuse_extra(args.parser, extra)
    return export_site(args.folder, args.results, args.title)
