"""The app in a process of its own at a free port of loopback, for benchmarks that watch it from outside."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SERVE = """
from vp.ui.server_folder import server_folder
server_folder()
from vp.ui.app import build, launch_options
build("cpu").launch(server_name="127.0.0.1", **launch_options())
"""


@dataclass(frozen=True)
class AppProcess:
    """A running app.

    Args:
        address: its URL.
        process: the server.
        log: what it has written.
        temporary: its folder for temporary files.
    """

    address: str
    process: subprocess.Popen
    log: Path
    temporary: Path


@contextmanager
def app_process(folder: Path) -> Iterator[AppProcess]:
    """The app with the shipped models, until the end of the context; its log and temporary files lie in `folder`.

    Raises:
        RuntimeError: it ended before it could be reached.
    """
    temporary, log = folder / "tmp", folder / "log"
    temporary.mkdir()
    settings = {"TMPDIR": str(temporary), "GRADIO_ANALYTICS_ENABLED": "False", "PYTHONUNBUFFERED": "1"}
    with log.open("w") as file:
        server = subprocess.Popen([sys.executable, "-c", SERVE], env=os.environ | settings, stdout=file, stderr=file)
    try:
        found = None
        while found is None:
            if server.poll() is not None:
                raise RuntimeError(f"the server has ended: {log.read_text()[-500:]}")
            time.sleep(0.2)
            found = re.search(r"http://127\.0\.0\.1:\d+", log.read_text())
        yield AppProcess(found[0], server, log, temporary)
    finally:
        server.terminate()
        server.wait()
