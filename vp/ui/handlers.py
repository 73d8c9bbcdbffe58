"""What happens on the page's events: functions from `Settings` to updates of widgets by name (see `Page`)."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from vp.data import Clip
from vp.data.video_file import END, MAX_SIDE
from vp.prediction.domain import domain_note, walls_note
from vp.prediction.known_frames import fit_to_model
from vp.prediction.model import Model
from vp.prediction.request import Wishes, to_whole_number
from vp.result.export import write_files
from vp.result.result import Result, Row
from vp.result.sprite_sheet import SIDE

from . import actions, clips, jobs, tasks
from .controls import FILES
from .excerpt import chosen, part_of
from .expiring_store import ExpiringStore
from .models import Models, temperature_slider
from .page import BUSY, IDLE, Updates
from .settings import MOST_SEED, Settings
from .shipped import is_shipped, shipped_files, shipped_result
from .status import failed, status
from .visitor_files import MADE, session

COMPARISON = "comparison:"  # begins those of comparisons, which have their own id and the name of their first result
FRAMES_MADE = "All frames are made; preparing the result."
SAID_S = 0.25  # between two answers to the page, which cost as much as a small step
KEPT_DOWNLOADS = 2  # results whose files a visitor has: those before the last may still be on their way
RESULTS: ExpiringStore[Result] = ExpiringStore(
    40, "result", most_bytes=1_000_000_000, weigh=lambda x: sum({id(row.frames): row.frames.nbytes for row in x.rows}.values())
)


class Handlers:
    """The app's event handlers over one set of models. In all of them `at` holds the settings on the page.

    Args:
        models: the app's models.
        first: name of the clip that is shown at first.
    """

    def __init__(self, models: Models, first: str):
        self.models, self.first = models, first

    def store_ticks(self, event: gr.EventData) -> Updates:
        """After frames were ticked in the player: the ticks, and the task that uses them."""
        return {"task": tasks.TICKED, "known": json.dumps(event._data["known"])}

    def store_options(self, event: gr.EventData) -> Updates:
        """After an option was changed in the form: all its values as JSON."""
        return {"options": event._data["values"]}

    def store_actions(self, event: gr.EventData) -> Updates:
        """After actions were chosen or a path drawn: the choice as JSON."""
        return {"actions": event._data["chosen"]}

    def preview(self, at: Settings) -> Result:
        """The clip as the model will be given it, as a Result without predictions."""
        return self.preview_with_warning(at)[0]

    def preview_with_warning(self, at: Settings) -> tuple[Result, str | None]:
        """`preview`, and a sentence where the clip is unlike the model's training data, else None."""
        loaded = self.models.get(at.model)
        clip = self.add_notes(chosen(at.clip, part_of(at, loaded), at.past, at.past + at.future), loaded, at)
        frames, notes, warning = self.fit_clip(loaded, clip, at.past, at.future)
        known = np.arange(len(frames)) < at.past
        shown = Result(
            (Row("truth", "The clip", frames, "As the model will see it."),),
            known,
            np.ones(len(frames), bool),
            clip.fps,
            events=tuple(event for event in clip.events if event[0] < len(frames)),
            model={"name": clip_label(at.clip)},
            notes=(*clip.notes, *notes, *([warning] if warning else [])),
            source=clip.described(*np.array(frames.shape)[[0, 2, 1]].tolist()),
        )
        return shown, warning

    @staticmethod
    def add_notes(clip: Clip, model: Model, at: Settings) -> Clip:
        """The clip with a note where its walls behave differently from those the model learned, and where the model was
        adapted to its future frames."""
        clip = clip.with_note(walls_note(clip.data, model.card.datasets))
        adapted = model.card.adapted
        last = adapted.last if adapted and adapted.clip == at.clip and at.start != END else -1
        learned = f"This model has learned the frames up to {last} of this clip: what it shows of them is no prediction."
        return clip.with_note(learned if clip.first + int(at.past) * clip.every <= last else None)

    def fit_clip(self, model: Model, clip: Clip, past: int, future: int) -> tuple[np.ndarray, list[str], str | None]:
        """The first past + future frames fitted to a model: frames, notes on what was changed, and the warning of
        `domain_note` or None."""
        capabilities = model.predictor.capabilities
        frames, notes = fit_to_model(clip.frames[: past + future], capabilities.size, capabilities.channels)
        return frames, notes, domain_note(frames[:past], model.card.datasets)

    def generate(self, at: Settings, pictures: Mapping[int, np.ndarray] | None = None) -> Iterator[Updates]:
        """Player, status, result and buttons while a prediction runs; `pictures` as in `Wishes`."""
        job, visitor = jobs.Job(), session()
        try:
            yield {"job": jobs.RUNNING.put(job)}
            yield from self.predict(at, pictures or {}, job.stop, visitor)
        finally:
            job.ended.set()

    def predict(
        self, at: Settings, pictures: Mapping[int, np.ndarray], stop: threading.Event, visitor: str = ""
    ) -> Iterator[Updates]:
        """The same until `stop` is set; the result is kept for `visitor`."""
        yield {"status": status("Loading the model.", 0.0), **BUSY}
        try:
            loaded = self.models.get(at.model)
            clip, wishes = self.make_wishes(at, loaded)
            with closing(jobs.run_prediction(self.models, at.model, clip, replace(wishes, pictures=pictures))) as job:
                said_at = time.monotonic()
                for progress in job:
                    if stop.is_set():
                        return
                    if progress.finished:
                        break
                    made = progress.step == progress.total
                    if progress.result is None and not made and time.monotonic() - said_at < SAID_S:
                        continue
                    said_at = time.monotonic()
                    said = f"Step {progress.step} of {progress.total}, {progress.seconds_left:.1f} s left"
                    shown = {} if progress.result is None else {"player": progress.result, "result": None}
                    yield {"status": status(FRAMES_MADE if made else said, progress.share), **shown, **BUSY}
        except Exception as error:
            yield {"status": failed(error, "a prediction failed before it began"), **IDLE}
            return
        result = progress.result
        done = status(f"Done in {result.seconds:.1f} s.", 1.0)
        yield {"player": result, "status": done, "result": RESULTS.put(result, visitor), **IDLE}

    def make_wishes(self, at: Settings, model: Model) -> tuple[Clip, Wishes]:
        """The clip to predict from, and the `Wishes` of the settings, with the lengths and temperature that the model takes.

        Raises:
            ValueError: a setting is out of bounds, or the clip is not kept.
        """
        at = at.bounded(model)
        past, future, side = (to_whole_number(name, getattr(at, name), 0, SIDE) for name in ("past", "future", "side"))
        long_side = side if model.predictor.capabilities.size is None else MAX_SIDE
        clip = self.add_notes(chosen(at.clip, part_of(at, model), past, past + future, long_side), model, at)
        options = {**at.options} | ({"prior": at.prior} if at.prior else {})
        options |= {"temperature": at.temperature} if temperature_slider(model) else {}
        given = (
            {} if at.start == END else tasks.stream_arguments(at.task, at.known)
        )  # past the end the frames that are left are all known
        given |= actions.stream_arguments(model, clip, at.actions, at.past, at.future)
        seed = to_whole_number("seed", at.seed, 0, MOST_SEED)
        return clip, Wishes(at.n, at.past, at.future, options, seed, long_side=side, **given)

    def update_downloads(self, name: str | None, newest: list[str | None]) -> Iterator[list[Any]]:
        """Yields updates of the download buttons where another result is on screen: disabled at once, and the files of the stored
        result `name` when they are written, if it is kept and still on screen.

        Args:
            name: of the result on screen, None where there is none.
            newest: a list of one that belongs to the visitor: the result on screen now, which may be another one by the time
                the files are written. Those of an earlier one are not offered.
        """
        if newest == [name]:
            yield [gr.skip()] * len(FILES)
            return
        newest[:] = [name]
        try:
            result = find_result(name)
        except ValueError:
            result = None
        word = "Save" if result is None else "Writing"
        yield [gr.update(value=None, interactive=False, label=f"{word} {kind}") for kind in FILES.values()]
        if result is None:
            return
        paths = self.write_downloads(str(name), result)
        if newest == [name]:
            ready = {"interactive": True}
            yield [gr.update(value=str(paths[file]), label=f"Save {kind}", **ready) for file, kind in FILES.items()]
        else:  # Gradio repeats the last answer where an event ends, over what a newer one has answered
            yield [gr.skip()] * len(FILES)

    @staticmethod
    def write_downloads(name: str, result: Result) -> dict[str, Path]:
        """The files of FILES of the result `name` by their keys there; those of a visitor's own are written for that visitor."""
        if is_shipped(name):
            return shipped_files(name)
        folder = MADE.new_folder()
        paths = write_files(result, folder, tuple(FILES))
        MADE.keep(folder, session(), "downloads", KEPT_DOWNLOADS)
        return paths


def comparison_name(kept: str, first: str) -> str:
    """The name of a comparison.

    Args:
        kept: its id in RESULTS.
        first: the name of its first result.
    """
    return f"{COMPARISON}{kept}:{first}"


def find_result(name: str | None) -> Result | None:
    """The stored result of a name; None for an empty name.

    Raises:
        ValueError: it is no longer kept.
    """
    if not name:
        return None
    if is_shipped(name):
        return shipped_result(name)
    return RESULTS.get(name.split(":", 2)[1] if name.startswith(COMPARISON) else name)


async def stop_job(job: str | None) -> Updates:
    """After Stop: the model ends at its next step; only then is it said."""
    await jobs.end_job_in_loop(job)
    return {"status": status("Stopped."), **IDLE}


def picker_value(selected: str | None) -> dict[str, Any]:
    """The value of the example picker; `selected` is the name of the chosen clip, which is marked if it is an example."""
    items = [
        {"name": name, "label": entry["label"], **{key: str(clips.CLIPS / entry[key]) for key in ("still", "moving")}}
        for name, entry in clips.examples().items()
    ]
    return {"items": items, "selected": (selected or "").removeprefix("example:")}


def clip_label(name: str) -> str:
    """The label of a clip's name, for visitors."""
    kind, _, rest = name.partition(":")
    if kind == "example":
        return f"Example: {clips.examples()[rest]['label']}"
    return "Your clip" if kind == "upload" else "A new clip from the simulator"
