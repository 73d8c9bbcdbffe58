"""The results that come with the app, of its lessons and the one it opens with: files are made of them once, for all visitors.

A class opens the page and the same lessons at about the same time. Writing the files to save takes about a second of computing a
result, which thirty visitors at once would wait for.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from functools import cache, wraps
from pathlib import Path
from typing import Any, TypeVar

from vp.lessons.results import step_result
from vp.result.export import write_files
from vp.result.result import Result

from . import clips
from .controls import FILES
from .player import with_sheets
from .visitor_files import MADE

T = TypeVar("T")
FIRST = "first"  # the name of the result that the page opens with
LESSON = "lesson:"  # begins the names of results that lessons show


def once(files_of: Callable[[T], Iterable[str | Path]]) -> Callable[[Callable[[str], T]], Callable[[str], T]]:
    """Decorates a function of a name: it is called once for each, and again where files of what it made are gone.

    Who asks for the same meanwhile waits. What is given out becomes new again, as Gradio removes what is hours old.

    Args:
        files_of: the paths of the files that belong to what the function made.
    """

    def decorate(function: Callable[[str], T]) -> Callable[[str], T]:
        made: dict[str, T] = {}
        lock = threading.Lock()

        @wraps(function)
        def call(name: str) -> T:
            with lock:
                if name not in made or not touch(files_of(made[name])):
                    made[name] = function(name)
                return made[name]

        return call

    return decorate


def touch(paths: Iterable[str | Path]) -> bool:
    """Makes files new again; whether all are there."""
    try:
        for path in paths:
            os.utime(path)
    except FileNotFoundError:
        return False
    return True


def lesson_result_name(lesson: str, step: int) -> str:
    """The name of the result of a lesson's step."""
    return f"{LESSON}{lesson}:{step}"


def is_shipped(name: str) -> bool:
    """Whether a result's name is that of one which comes with the app."""
    return name == FIRST or name.startswith(LESSON)


def shipped_result(name: str) -> Result | None:
    """The result of such a name; None for FIRST where it is missing. Errors as for `step_result`."""
    if name == FIRST:
        return first_result()
    lesson, _, step = name.removeprefix(LESSON).rpartition(":")
    return step_result(lesson, int(step))


@cache
def first_result() -> Result | None:
    """The bundled result that the page opens with, read once; None where it is missing."""
    folder = clips.ASSETS / "example"
    return Result.load(folder) if (folder / "result.json").is_file() else None


@once(lambda value: [sheet["path"] for sheet in value["sheets"]])
def shipped_value(name: str) -> dict[str, Any]:
    """What the player shows of the result of such a name, see `with_sheets`; not to be changed."""
    result = shipped_result(name)
    assert result is not None
    return with_sheets(result, None)


@once(dict.values)
def shipped_files(name: str) -> dict[str, Path]:
    """The files of FILES of the result of such a name, by their keys there."""
    result = shipped_result(name)
    assert result is not None
    return write_files(result, MADE.new_folder(), tuple(FILES))
