"""The results that lessons show: computed once, shipped in assets/lessons."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from vp.core.bundled import bundled_folder
from vp.data import Clip
from vp.prediction.model import load
from vp.prediction.sample import sample
from vp.result.result import Result

from .lesson import Lesson, Step
from .lessons import LESSONS

FOLDER = bundled_folder("assets") / "lessons"


def step_folder(lesson: Lesson, index: int, folder: Path = FOLDER) -> Path:
    """Where the result of a step lies."""
    return folder / f"{lesson.name}-{index + 1}"


@cache  # a few MB in all
def step_result(name: str, index: int) -> Result:
    """The result of a step of the lesson of this name.

    Raises:
        ValueError: it is not there, or cannot be read.
    """
    lesson = next(lesson for lesson in LESSONS if lesson.name == name)
    return Result.load(step_folder(lesson, index))


def make_results(folder: Path, find_clip: Callable[[str], Clip], device: str = "cpu") -> Iterator[Path]:
    """Computes and saves the results of all steps; yields the folder of each.

    Args:
        folder: where they go.
        find_clip: name of a clip -> the clip.
        device: see `load`.
    """
    models = {name: load(name, device) for name in dict.fromkeys(step.model for lesson in LESSONS for step in lesson.steps)}
    for lesson in LESSONS:
        for index, step in enumerate(lesson.steps):
            result = sample(models[step.model], find_clip(step.clip), **wishes(step))
            target = step_folder(lesson, index, folder)
            result.save(target, lossless=False)
            yield target


def wishes(step: Step) -> dict:
    """What a step asks of its model, as fields of `Wishes`."""
    return {"n": step.n, "options": dict(step.options)}
