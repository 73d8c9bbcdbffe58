"""`python -m vp app`."""

from __future__ import annotations

import argparse
from typing import Any

from ..core.runtime import DEVICES
from .common import add_command, refuse_extra

EXAMPLES = {
    "app": """
  python -m vp app
  python -m vp app --device cpu""",
}


def add_app(commands: Any) -> None:
    """Adds the command `app`."""
    p = add_command(commands, "app", "open the playground in the browser", run_app, EXAMPLES["app"])
    p.add_argument("--device", choices=DEVICES, default="auto", help="where models run (default: auto)")
    p.description += " Gradio reads address and port from GRADIO_SERVER_NAME and GRADIO_SERVER_PORT."


def run_app(args: argparse.Namespace, extra: list[str]) -> dict:
    """Serves the app until it is stopped.

    Raises:
        ValueError: Gradio is not installed.
    """
    refuse_extra(args.parser, extra)
    try:
        from ..ui.app import build, launch_options
    except ImportError as error:
        raise ValueError(f"the app needs {error.name}, which is not installed; run `pip install 'vp[app]'`") from None
    build(args.device).launch(**launch_options())
    return {}
