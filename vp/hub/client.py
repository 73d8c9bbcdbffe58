"""Downloads from and uploads to the Hub, each by a process of its own that is ended at its deadline."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .address import Address
from .deadlines import FIRST_BYTE, SLOWEST_UPLOAD, TOTAL, Deadlines, read_deadlines
from .failures import HubError

CODE = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from vp.hub.worker import main; main()"
# Xet is another protocol with another cache; plain HTTP is what the tests run and what the deadlines are made for
SETTINGS = {"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}


@dataclass(frozen=True)
class Fetched:
    """
    Args:
        path: of the file, in the cache.
        commit: the revision it is from, 40 hex digits.
        sha256: of its content.
        compared: whether that was compared with one that the repository gives; a file without one is still checked by its header.
        cached: whether it was in the cache, so that nobody was asked.
    """

    path: Path
    commit: str
    sha256: str
    compared: bool
    cached: bool


def fetch(address: Address, limit: int, fresh: bool = False, anonymous: bool = False, cache: Path | None = None) -> Fetched:
    """Gets a .safetensors file: from the cache where it is there, else from the Hub.

    Args:
        limit: bytes at most; a larger file is refused before it is fetched.
        fresh: asks the Hub for the newest commit even where the cache has the file.
        anonymous: as somebody without an account, so that private files stay so.
        cache: its folder; None: that of huggingface_hub (HF_HOME).

    Raises:
        HubError: in one sentence.
    """
    deadlines = read_deadlines()
    task: dict[str, Any] = {
        "name": "download",
        "repo": address.repo,
        "file": address.file,
        "revision": address.revision,
        "limit": limit,
    }
    task |= {"fresh": fresh, "anonymous": anonymous, "cache": str(cache) if cache else None, "patience": deadlines.first_byte}
    made = run_task(address, task, deadlines)
    return Fetched(**{**made, "path": Path(made["path"])})


def upload(
    repo: str,
    files: Mapping[str, Path],
    message: str,
    kind: str = "model",
    private: bool | None = None,
    sdk: str | None = None,
    prune: bool = False,
) -> dict[str, str]:
    """Puts files into a repository as one commit; the repository is made where there is none.

    Args:
        repo: "owner/name".
        files: name in the repository -> where they are.
        message: of the commit, one line.
        kind: "model" or "space".
        private: whether a new repository is private; None: as its owner's settings say.
        sdk: of a Space: "gradio" or "static".
        prune: removes the repository's other files.

    Returns:
        `commit` and `url`.

    Raises:
        HubError: in one sentence.
    """
    usual = read_deadlines()
    total = usual.total + sum(path.stat().st_size for path in files.values()) / SLOWEST_UPLOAD
    task: dict[str, Any] = {
        "name": "commit",
        "repo": repo,
        "kind": kind,
        "files": {name: str(path) for name, path in files.items()},
    }
    task |= {"message": message, "private": private, "sdk": sdk, "prune": prune}
    return run_task(repo, task, Deadlines(total, total))  # an answer comes only once all of a file was sent


def run_task(asked: object, task: Mapping[str, Any], deadlines: Deadlines) -> dict[str, Any]:
    """Runs a task of the worker to its end or its deadline.

    Args:
        asked: what a failure is said of.

    Raises:
        HubError: it failed or took too long.
    """
    end = time.monotonic() + deadlines.total
    command = [sys.executable, "-I", "-c", CODE, json.dumps(sys.path)]
    environment = os.environ | SETTINGS | {"HF_HUB_DOWNLOAD_TIMEOUT": str(max(1, int(deadlines.first_byte)))}
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    lines: queue.Queue[str] = queue.Queue()
    with subprocess.Popen(command, env=environment, text=True, encoding="utf-8", **pipes) as worker:
        reader = threading.Thread(target=put_lines, args=(worker.stdout, lines), daemon=True)
        try:
            assert worker.stdin is not None
            reader.start()
            worker.stdin.write(json.dumps(task))
            worker.stdin.close()
            return follow(asked, lines, end, deadlines)
        except OSError:  # it is gone before it could read
            raise HubError(asked, "unexpected", {"detail": "the process that talks to the Hub ended"}) from None
        finally:
            worker.kill()
            reader.join()


def follow(asked: object, lines: queue.Queue[str], end: float, deadlines: Deadlines) -> dict[str, Any]:
    """Reads what a worker reports until it is done; errors as for `run_task`.

    Args:
        lines: of its report, "" at their end.
        end: on the monotonic clock, when it must be done.
    """
    answer_by, status = end, 0
    while True:
        try:
            line = lines.get(timeout=max(0.0, min(end, answer_by) - time.monotonic()))
        except queue.Empty:
            if answer_by < end:
                raise HubError(asked, "silent", {"seconds": deadlines.first_byte, "variable": FIRST_BYTE}) from None
            last = f" (the Hub's last answer was HTTP {status})" if status >= 400 else ""
            raise HubError(asked, "late", {"seconds": deadlines.total, "variable": TOTAL, "last": last}) from None
        if not line:
            raise HubError(asked, "unexpected", {"detail": "the process that talks to the Hub ended"})
        message = json.loads(line)
        if "done" in message:
            return message["done"]
        if "failed" in message:
            raise HubError(asked, message["failed"], message["facts"])
        status = message.get("answered", status)
        answer_by = time.monotonic() + deadlines.first_byte if "asked" in message else end


def put_lines(stream: Any, lines: queue.Queue[str]) -> None:
    """Puts every line of a stream into a queue, then "" for its end."""
    for line in stream:
        lines.put(line)
    lines.put("")
