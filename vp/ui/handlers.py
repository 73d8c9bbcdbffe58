"""What happens on the page's events: functions from `Settings` to updates of widgets by name (see `Page`)."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import fields, replace
from functools import cache
from typing import Any

import gradio as gr
import numpy as np

from vp.data import Clip
from vp.data.video_file import END, MAX_SIDE
from vp.lessons.results import step_result
from vp.prediction.domain import domain_note, walls_note
from vp.prediction.known_frames import fit_to_model
from vp.prediction.model import Model
from vp.prediction.request import Wishes, to_whole_number
from vp.result.export import write_files
from vp.result.result import Result, Row
from vp.result.sprite_sheet import SIDE

from . import actions, clips, jobs, link, tasks, trimmer
from .controls import FILES, control_updates, trim_value
from .excerpt import chosen, part_of, seen
from .expiring_store import ExpiringStore
from .models import OWN, Models, length_bounds, temperature_slider
from .page import BUSY, CHANGED, IDLE, Updates
from .settings import Settings, default_settings
from .status import error_status, failed, status, to_sentence
from .suited import choose_model
from .visitor_files import MADE, session

LESSON = "lesson:"  # begins the names of results that lessons show
COMPARISON = "comparison:"  # begins those of comparisons, which have their own id and the name of their first result
KEPT_DOWNLOADS = 2  # results whose files a visitor has: those before the last may still be on their way
FIRST = "first"  # the name of the result that the page opens with
READY = "Ready: press Generate."
RESULTS: ExpiringStore[Result] = ExpiringStore(
    40, "result", most_bytes=1_000_000_000, weigh=lambda x: sum({id(row.frames): row.frames.nbytes for row in x.rows}.values())
)


class Handlers:
    """The app's event handlers over one set of models. In all of them `at` holds the settings on the page, and `by_hand`
    whether a person chose the model.

    Args:
        models: the app's models.
        first: name of the clip that is shown at first.
    """

    def __init__(self, models: Models, first: str):
        self.models, self.first = models, first

    def load_page(self, query: Mapping[str, str]) -> Updates:
        """On loading the page: the settings in the link's query; {} where it has none."""
        if not query.keys() & {field.name for field in fields(Settings)}:
            return {}
        settings, refused = link.read_link(self.models, query, self.first)
        try:
            player = self.preview(settings)
        except ValueError as error:
            refused.append(to_sentence(error))
            settings = replace(settings, part={}, every=1, start="")
            player = self.preview(settings)
        looks = control_updates(self.models.get(settings.model), settings)
        looks |= {"seed": settings.seed, "by_hand": "model" in query, "clip": settings.clip, "result": None}
        said = " ".join(["Settings taken from the link; press Generate.", *refused])
        return looks | {"player": player, "status": status(said), "picker": picker_value(settings.clip)}

    def choose_model(self, at: Settings) -> Updates:
        """After a person has chosen a model: its controls with default values, and the clip as this model sees it."""
        try:
            settings = replace(
                default_settings(self.models, at.model, at.clip), start=at.start, part=at.part, every=at.every, seed=at.seed
            )
        except ValueError as error:
            return {"status": error_status(error)}
        return control_updates(self.models.get(at.model), settings) | {"by_hand": True} | self.show_clip(settings)

    def show_clip(self, at: Settings) -> Updates:
        """The clip as the model will see it in player and trimmer, and a warning or error in the status line."""
        try:
            player, strange = self.preview_with_warning(at)
            return {"player": player, "trim": trim_value(self.models.get(at.model), at), "status": status(strange or READY)}
        except ValueError as error:
            return {"status": error_status(error)}

    def update_known(self, at: Settings) -> Updates:
        """After another task or other lengths: the ticks of known frames ("" for models that take the first frames), and the
        clip."""
        known = tasks.known_ticks(at.task, at.past, at.future, at.known) if at.known else ()
        return {"known": json.dumps(known) if known else ""} | self.show_clip(replace(at, known=known))

    def store_ticks(self, event: gr.EventData) -> Updates:
        """After frames were ticked in the player: the ticks, and the task that uses them."""
        return {"task": tasks.TICKED, "known": json.dumps(event._data["known"])}

    def store_options(self, event: gr.EventData) -> Updates:
        """After an option was changed in the form: all its values as JSON."""
        return {"options": event._data["values"]}

    def store_actions(self, event: gr.EventData) -> Updates:
        """After actions were chosen or a path drawn: the choice as JSON."""
        return {"actions": event._data["chosen"]}

    def update_action_editor(self, at: Settings) -> Updates:
        """After another clip, part or length: the action editor's value."""
        try:
            model = self.models.get(at.model)
            return {"editor": actions.describe(model, chosen(at.clip, part_of(at, model), at.past), at.past, at.actions)}
        except ValueError:  # said where the clip or the model is chosen
            return {}

    def store_trim(self, event: gr.EventData, at: Settings) -> Updates:
        """After another moment or region was chosen in the trimmer: the choice, and the clip from there on."""
        text = json.dumps(event._data)
        at = replace(at, part=trimmer.parse(text), start="")
        return {"part": text, "start": ""} | self.show_clip(at)

    def choose_example(self, event: gr.EventData, at: Settings, by_hand: bool) -> Updates:
        """After an example was picked: see `choose_clip`."""
        return self.choose_clip(replace(at, clip=f"example:{event._data['name']}"), by_hand)

    def choose_random_clip(self, at: Settings, by_hand: bool) -> Updates:
        """A random clip from a simulator that the model was trained on, or else from the first simulator."""
        trained = self.models.cards[self.models.origin(at.model)].datasets
        dataset = random.choice([name for name in clips.SIMULATORS if name in trained] or [clips.SIMULATORS[0]])
        return self.choose_clip(replace(at, clip=f"random:{dataset}:{random.randrange(clips.SEEDS)}"), by_hand)

    def choose_upload(self, at: Settings, by_hand: bool, path: str | None, job: str | None) -> Updates:
        """After an upload to `path`: its clip, beginning where it moves most; {} without a path.

        A file that cannot be read leaves everything as it is, the running prediction `job` too, and room for another one.
        """
        if not path:
            return {}
        try:
            at = replace(at, clip=clips.store_upload(path, session()))
        except ValueError as error:
            return {"upload": None, "status": error_status(error)}
        jobs.end_job(job)
        fps = clips.find_clip(at.clip).rate
        moment = seen(at.clip).busiest_moment(at.past / fps, at.future / fps)
        return self.choose_clip(at, by_hand, moment) | CHANGED

    def choose_clip(self, at: Settings, by_hand: bool, moment: float = 0.0) -> Updates:
        """All updates that a newly chosen clip `at.clip` causes; a model that does not suit the clip is replaced by one that
        does.

        Args:
            moment: second at which the prediction begins.
        """
        clip, looks = clips.find_clip(at.clip), {}
        if at.model.startswith(OWN):  # it has learned the clip that was there before
            at, by_hand = replace(at, model=self.models.origin(at.model)), False
            looks = {"model": at.model}
        found, why = choose_model(self.models.cards, clip, at.model, by_hand)
        model, by_hand = self.models.get(found), by_hand and found == at.model
        part = {"moment": moment, "region": ""} if moment else {}
        if found != at.model:
            lengths = length_bounds(model.predictor.capabilities)["past"]
            at = replace(default_settings(self.models, found, at.clip), start=at.start, seed=at.seed)
            at = replace(at, past=max(lengths[0], min(at.past, len(clip.frames) - 1)))
            looks = control_updates(model, at)
        at = replace(at, part=part, every=1)
        busiest = f"From second {moment:.1f}: most moves there" if moment else ""
        looks |= {"part": json.dumps(part) if part else "", "every": 1, "trim": trim_value(model, at, busiest)}
        looks |= {"clip": at.clip, "player": self.preview(at), "picker": picker_value(at.clip)}
        return looks | {"by_hand": by_hand, "status": status(f"{why} Press Generate." if why else READY)}

    def preview(self, at: Settings) -> Result:
        """The clip as the model will be given it, as a Result without predictions."""
        return self.preview_with_warning(at)[0]

    def preview_with_warning(self, at: Settings) -> tuple[Result, str | None]:
        """`preview`, and a sentence where the clip is unlike the model's training data, else None."""
        loaded = self.models.get(at.model)
        clip = self.add_notes(chosen(at.clip, part_of(at, loaded), at.past, at.past + at.future), loaded, at)
        frames, notes, strange = self.fit_clip(loaded, clip, at.past, at.future)
        known = np.arange(len(frames)) < at.past
        shown = Result(
            (Row("truth", "The clip", frames, "As the model will see it."),),
            known,
            np.ones(len(frames), bool),
            clip.fps,
            events=tuple(event for event in clip.events if event[0] < len(frames)),
            model={"name": clip_label(at.clip)},
            notes=(*clip.notes, *notes, *([strange] if strange else [])),
            source=clip.described(*np.array(frames.shape)[[0, 2, 1]].tolist()),
        )
        return shown, strange

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
            yield {"job": jobs.RUNNING.put(job), "result": None}
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
                for progress, left in job:
                    if stop.is_set():
                        return
                    if progress.result is not None and progress.result.ready is None:
                        break
                    said = f"Step {progress.step} of {progress.total}, {left:.1f} s left"
                    shown = {} if progress.result is None else {"player": progress.result}
                    yield {"status": status(said, progress.step / progress.total), **shown, **BUSY}
        except Exception as error:
            yield {"status": failed(error, "a prediction failed before it began"), **IDLE}
            return
        result = progress.result
        done = status(f"Done in {result.seconds:.1f} s.", 1.0)
        yield {"player": result, "status": done, "result": RESULTS.put(result, visitor), **IDLE}

    def make_wishes(self, at: Settings, model: Model) -> tuple[Clip, Wishes]:
        """The clip to predict from, and the `Wishes` of the settings.

        Raises:
            ValueError: a setting is out of bounds, or the clip is not kept.
        """
        past, future, side = (to_whole_number(name, getattr(at, name), 0, SIDE) for name in ("past", "future", "side"))
        long_side = side if model.predictor.capabilities.size is None else MAX_SIDE
        clip = self.add_notes(chosen(at.clip, part_of(at, model), past, past + future, long_side), model, at)
        options = {**at.options} | ({"prior": at.prior} if at.prior else {})
        options |= {"temperature": at.temperature} if temperature_slider(model) else {}
        given = (
            {} if at.start == END else tasks.stream_arguments(at.task, at.known)
        )  # past the end the frames that are left are all known
        given |= actions.stream_arguments(model, clip, at.actions, at.past, at.future)
        seed = to_whole_number("seed", at.seed, 0, link.MOST_SEED)
        return clip, Wishes(at.n, at.past, at.future, options, seed, long_side=side, **given)

    def update_downloads(self, name: str | None, newest: list[str | None]) -> Iterator[list[Any]]:
        """Yields updates of the download buttons: the files of the stored result `name`, or disabled buttons where it is not
        kept.

        Args:
            name: of the result on screen, None where there is none.
            newest: a list of one that belongs to the visitor: the result on screen now, which may be another one by the time
                the files are written. Those of an earlier one are not offered.
        """
        newest[:] = [name]
        try:
            result = find_result(name)
        except ValueError:
            result = None
        if result is None:
            yield [gr.update(value=None, interactive=False)] * len(FILES)
            return
        folder = MADE.new_folder()
        paths = write_files(result, folder, tuple(FILES))
        MADE.keep(folder, session(), "downloads", KEPT_DOWNLOADS)
        late = newest != [name]
        yield [gr.skip() if late else gr.update(value=str(paths[file]), interactive=True) for file in FILES]


def lesson_result_name(lesson: str, step: int) -> str:
    """The name of the result of a lesson's step."""
    return f"{LESSON}{lesson}:{step}"


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
    if name.startswith(LESSON):
        lesson, _, step = name.removeprefix(LESSON).rpartition(":")
        return step_result(lesson, int(step))
    kept = name.split(":", 2)[1] if name.startswith(COMPARISON) else name
    return first_result() if name == FIRST else RESULTS.get(kept)


@cache
def first_result() -> Result | None:
    """The bundled result that the page opens with, read once; None where it is missing."""
    folder = clips.ASSETS / "example"
    return Result.load(folder) if (folder / "result.json").is_file() else None


def stop_job(job: str | None) -> Updates:
    """After Stop: the model ends at its next step; only then is it said."""
    jobs.end_job(job)
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
