"""The version of the code that made a file."""

from __future__ import annotations

import os
import subprocess
from functools import cache
from pathlib import Path


@cache
def commit() -> str:
    """The commit of this checkout, with "+changes" appended if tracked files differ from it.

    Outside a checkout: the environment variable VP_COMMIT, or "unknown".
    """
    root = Path(__file__).resolve().parents[2]
    git = ["git", "-C", str(root)]
    try:
        head = subprocess.run([*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=True)
        dirty = subprocess.run([*git, "status", "--porcelain", "-uno"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return os.environ.get("VP_COMMIT") or "unknown"
    return head.stdout.strip() + ("+changes" if dirty.stdout.strip() else "")
