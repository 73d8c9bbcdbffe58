"""`python -m vp app`."""

from __future__ import annotations

import argparse
from typing import Any

from ..core.runtime import DEVICES
from ..ui import limits
from .common import add_command, refuse_extra

EXAMPLES = {
    "app": """
  python -m vp app
  python -m vp app --device cpu
  python -m vp app --per-visitor 2 --estimate-s 120""",
}


def add_app(commands: Any) -> None:
    """Adds the command `app`."""
    p = add_command(commands, "app", "open the playground in the browser", run_app, EXAMPLES["app"])
    p.add_argument("--device", choices=DEVICES, default="auto", help="where models run (default: auto)")
    limits.add_flags(p.add_argument_group("limits, so that one visitor cannot stop another"))
    p.description += " Gradio reads address and port from GRADIO_SERVER_NAME and GRADIO_SERVER_PORT."


def run_app(args: argparse.Namespace, extra: list[str]) -> dict:
    """Serves the app until it is stopped.

    Raises:
        ValueError: Gradio is not installed.
    """
    refuse_extra(args.parser, extra)
    from ..ui.server_folder import server_folder

    server_folder()  # before Gradio is loaded, which then keeps all its files there
    try:
        from ..ui.app import build, launch_options
    except ImportError as error:
        raise ValueError(f"the app needs {error.name}, which is not installed; run `pip install 'vp[app]'`") from None
    allowed = limits.from_flags(args)
    build(args.device, limits=allowed).launch(**launch_options(allowed))
    return {}
