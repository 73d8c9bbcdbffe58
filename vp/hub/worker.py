"""The process that talks to the Hub: it can be ended at any moment, which a thread inside a network library cannot.

It reads one task as JSON from stdin and writes one JSON object a line to stdout: {"asked": URL} and {"answered": status} for
every request, then {"done": result} or {"failed": kind, "facts": {...}}.
"""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from typing import Any

from .failures import Failure, classify, of_status

TRIES = 3  # of one request; huggingface_hub would go on for half a minute


class Watch:
    """Reports every request and answer, and ends a request that is tried again and again."""

    def __init__(self, report: Any):
        self.report = report
        self.tries: Counter[tuple[str, str]] = Counter()
        self.status: int | None = None

    def asked(self, request: Any) -> None:
        """Called before a request is sent."""
        key = (request.method, str(request.url))
        self.tries[key] += 1
        if self.tries[key] > TRIES:
            raise of_status(self.status) if self.status is not None and self.status >= 400 else Failure("cut")
        self.report({"asked": key[1].partition("?")[0]})

    def answered(self, response: Any) -> None:
        """Called once the head of an answer is there."""
        self.status = response.status_code
        self.report({"answered": response.status_code})


def watch_requests(report: Any) -> Watch:
    """Lets huggingface_hub make clients that report; everything else about them stays."""
    from huggingface_hub import get_session, set_client_factory

    watch, usual = Watch(report), get_session()
    kind: Any = type(usual)
    hooks = usual.event_hooks
    watched = {"request": [*hooks.get("request", []), watch.asked], "response": [*hooks.get("response", []), watch.answered]}
    set_client_factory(lambda: kind(event_hooks=watched, follow_redirects=True, timeout=None))
    return watch


def main() -> None:
    """Does the task on stdin."""
    lock, out = threading.Lock(), sys.stdout
    sys.stdout = sys.stderr  # what libraries print is no message

    def report(message: dict[str, Any]) -> None:
        with lock:
            print(json.dumps(message), file=out, flush=True)

    watch = None
    try:
        task = json.loads(sys.stdin.read())
        watch = watch_requests(report)
        report({"done": run(task)})
    except Exception as error:
        failure = classify(error)
        if failure.kind == "unexpected" and watch and watch.status is not None and watch.status >= 400:
            failure = of_status(watch.status)  # the library stumbled over the body of an error
        report({"failed": failure.kind, "facts": failure.facts})


def run(task: dict[str, Any]) -> dict[str, Any]:
    """The result of a task, whose `name` is that of one of the functions here and whose other fields are its arguments."""
    from .commit import commit
    from .download import download
    from .snapshot import fetch_files, list_files

    name = task.pop("name")
    tasks: dict[str, Any] = {"download": download, "commit": commit, "list_files": list_files, "fetch_files": fetch_files}
    return tasks[name](**task)
