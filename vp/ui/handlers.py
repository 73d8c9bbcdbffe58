"""What happens when a visitor does something: plain functions over the models and the stores."""

from __future__ import annotations

import html
import json
import random
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any

import gradio as gr
import numpy as np

from vp.data import Clip
from vp.prediction.domain import domain_note, trained_on, walls_note
from vp.prediction.known_frames import fit
from vp.prediction.model import Model
from vp.prediction.sample import whole
from vp.result.export import write
from vp.result.result import Result, Row

from . import actions, clips, jobs, link, tasks
from .controls import FILES, appearance, own_appearance
from .expiring_store import ExpiringStore
from .models import Models, temperature
from .options import parse
from .suited import suited

UPDATES = 13  # widgets that a newly chosen model may change: all of `Controls.values` but the seed, and `Controls.own`
READY = "Ready: press Generate."
RESULTS: ExpiringStore[Result] = ExpiringStore(most=40, what="result")


def status(text: str, share: float | None = None, bad: bool = False) -> str:
    """The status line, with a bar where there is a share of the work done."""
    role = "alert" if bad else "status"
    bar = "" if share is None else f'<span class="vp-bar"><span style="width:{share:.1%}"></span></span>'
    return f'<div class="vp-status" data-bad="{int(bad)}" role="{role}"><span>{html.escape(text)}</span>{bar}</div>'


def refuse(error: Exception) -> str:
    return status(spoken(error), bad=True)


class Handlers:
    """The app's events over one set of models.

    Args:
        models: what can predict. first: name of the clip on screen at first.
    """

    def __init__(self, models: Models, first: str):
        self.models, self.first = models, first

    def arrive(self, request: gr.Request) -> list[Any]:
        """On loading the page: the controls of the default model, or what the link asks for."""
        query = dict(request.query_params)
        settings, refused = link.read(self.models, query, self.first)
        model = self.models.get(settings.model)
        looks = [*appearance(model, settings), *own_appearance(model, settings), "model" in query]
        if not query.keys() & set(vars(settings)):
            return [*looks, settings.clip, gr.skip(), gr.skip(), gr.skip()]
        said = " ".join(["Settings taken from the link; press Generate.", *refused])
        shown = self.preview(settings.model, settings.clip, settings.past, settings.future)
        return [*looks, settings.clip, shown, status(said), picker(settings.clip)]

    def choose_model(self, name: str, clip: str) -> list[Any]:
        """The controls as a model needs them that a person has chosen, that it was a person, and what is to be said."""
        try:
            settings = link.usual(self.models, name, clip)
        except ValueError as error:
            gr.Warning(spoken(error))
            return [gr.skip()] * (UPDATES + 2)
        model = self.models.get(name)
        try:
            strange = self.as_seen(model, clips.find(clip), settings.past, settings.future)[-1]
        except ValueError:  # said when it is asked for
            strange = None
        return [*appearance(model, settings)[:-1], *own_appearance(model, settings), True, status(strange or READY)]

    def plan(self, task: str, past: int, future: int, ticks: str) -> str:
        """The ticks after another task or other lengths; none for models that take a prefix only."""
        return tasks.plan(task, past, future, ticks) if ticks else ""

    def ticked(self, event: gr.EventData) -> list[Any]:
        """Task and ticks after a person has ticked frames in the player."""
        return [tasks.TICKED, json.dumps(event._data["known"])]

    def option(self, event: gr.EventData) -> str:
        """Further options after a person has changed one in the form."""
        return event._data["values"]

    def acted(self, event: gr.EventData) -> str:
        """The actions after a person has chosen others, or drawn a path."""
        return event._data["chosen"]

    def stage(self, clip: str, model: str, past: int, action_choice: str) -> Any:
        """The action editor after another clip or length."""
        try:
            return actions.describe(self.models.get(model), clips.find(clip), past, actions.parse(action_choice))
        except ValueError:  # said where the clip or the model is chosen
            return gr.skip()

    def pick(self, model: str, past: int, future: int, by_hand: bool, event: gr.EventData) -> list[Any]:
        return self.choose_clip(f"example:{event._data['name']}", model, past, future, by_hand)

    def fresh(self, model: str, past: int, future: int, by_hand: bool) -> list[Any]:
        """A new clip from one of the simulators that the model was trained on, or from the first one there is."""
        trained = trained_on(self.models.cards[model])
        dataset = random.choice([name for name in clips.SIMULATORS if name in trained] or [clips.SIMULATORS[0]])
        return self.choose_clip(f"random:{dataset}:{random.randrange(clips.SEEDS)}", model, past, future, by_hand)

    def upload(self, path: str | None, model: str, past: int, future: int, by_hand: bool) -> list[Any]:
        if not path:
            return [gr.skip()] * (UPDATES + 5)
        return self.choose_clip(clips.upload(path), model, past, future, by_hand)

    def choose_clip(self, name: str, model: str, past: int, future: int, by_hand: bool) -> list[Any]:
        """Controls, whether a person chose the model, clip name, preview, status and picker for a newly chosen clip.

        A model that does not know the clip gives way to one that does.
        """
        looks, said = [gr.skip()] * UPDATES, READY
        try:
            clip = clips.find(name)
            found, why = suited(self.models.cards, clip, model, by_hand)
            if found != model:
                settings = link.usual(self.models, found, name)
                past, future = min(settings.past, max(len(clip.frames) - 1, 1)), settings.future
                settings = replace(settings, past=past)
                loaded = self.models.get(found)
                looks, said = [*appearance(loaded, settings)[:-1], *own_appearance(loaded, settings)], f"{why} Press Generate."
            shown = self.preview(found, name, past, future)
        except ValueError as error:
            return [*[gr.skip()] * (UPDATES + 3), refuse(error), gr.skip()]
        return [*looks, by_hand and found == model, name, shown, status(said), picker(name)]

    def preview(self, model: str, name: str, past: int, future: int) -> Result:
        """The clip as the model will get it, before anything is predicted."""
        loaded = self.models.get(model)
        clip = self.with_walls(clips.find(name), loaded)
        frames, notes, strange = self.as_seen(loaded, clip, past, future)
        known = np.arange(len(frames)) < past
        return Result(
            (Row("truth", "The clip", frames, "As the model will see it."),),
            known,
            np.ones(len(frames), bool),
            clip.fps,
            events=tuple(event for event in clip.events if event[0] < len(frames)),
            model={"name": label(name)},
            notes=(*clip.notes, *notes, *([strange] if strange else [])),
        )

    @staticmethod
    def with_walls(clip: Clip, model: Model) -> Clip:
        """The clip with a note where its walls are not those that the model learned."""
        return clip.with_note(walls_note(clip.data, trained_on(model.card)))

    def as_seen(self, model: Model, clip: Clip, past: int, future: int) -> tuple[np.ndarray, list[str], str | None]:
        """A clip's first frames as a model takes them, what was changed, and what is said where it does not know such clips."""
        capabilities = model.predictor.capabilities
        frames, notes = fit(clip.frames[: past + future], capabilities.size, capabilities.channels)
        return frames, notes, domain_note(frames[:past], trained_on(model.card))

    def generate(
        self,
        clip: str,
        task: str,
        ticks: str,
        more: str,
        action_choice: str,
        side: Any,
        model: str,
        n: Any,
        prior: str | None,
        past: Any,
        future: Any,
        heat: Any,
        seed: Any,
        pictures: Mapping[int, np.ndarray] | None = None,
    ) -> Iterator[list[Any]]:
        """Player, status, result id, Generate and Stop while a prediction runs; `pictures` as for `vp.stream`."""
        busy = [gr.update(interactive=False), gr.update(interactive=True)]
        idle = [gr.update(interactive=True), gr.update(interactive=False)]
        yield [gr.skip(), status("Loading the model.", 0.0), None, *busy]
        try:
            loaded = self.models.get(model)
            found = clips.find(clip)
            if loaded.predictor.capabilities.size is None:
                found = clips.enlarged(found, int(side), int(past) + int(future))
            found = self.with_walls(found, loaded)
            slider = temperature(loaded)
            options = parse(more) | ({"prior": prior} if prior else {}) | ({"temperature": heat} if slider else {})
            seed = whole("seed", seed, 0, link.MOST_SEED)
            wishes = jobs.wishes(n, past, future, seed, options, **tasks.wish(task, ticks))
            wishes |= actions.wish(loaded, found, action_choice, past, future) | {"pictures": pictures, "long_side": int(side)}
            with closing(jobs.run(model, found, wishes)) as job:
                for progress, left in job:
                    if progress.result is not None and progress.result.ready is None:
                        break
                    said = f"Step {progress.step} of {progress.total}, {left:.1f} s left"
                    shown = gr.skip() if progress.result is None else progress.result
                    yield [shown, status(said, progress.step / progress.total), gr.skip(), *busy]
        except ValueError as error:
            yield [gr.skip(), refuse(error), gr.skip(), *idle]
            return
        result = progress.result
        yield [result, status(f"Done in {result.seconds:.1f} s.", 1.0), RESULTS.put(result), *idle]

    def downloads(self, name: str | None) -> Iterator[list[Any]]:
        """The five download buttons for a result, or dead ones where there is none."""
        try:
            result = RESULTS.get(name) if name else None
        except ValueError:
            result = None
        if result is None:
            yield [gr.update(value=None, interactive=False)] * len(FILES)
            return
        with tempfile.TemporaryDirectory() as folder:
            paths = write(result, folder, tuple(FILES))
            yield [gr.update(value=str(paths[name]), interactive=True) for name in FILES]


def stop() -> list[Any]:
    """After Stop: the queue closes the generator, which ends the model at its next step; only then is it said."""
    if jobs.DEVICE.acquire(timeout=jobs.LAST_STEP_S):
        jobs.DEVICE.release()
    return [status("Stopped."), gr.update(interactive=True), gr.update(interactive=False)]


def check_upload(path: str | None, *others: Any) -> list[dict[str, Any]]:
    """Whether a file can be read, before anything else happens; the sentence appears on the upload itself."""
    verdict = gr.validate(True, "")
    try:
        if path:
            clips.decoded(path)
    except ValueError as error:
        verdict = gr.validate(False, spoken(error))
    return [verdict, *(gr.validate(True, "") for _ in others)]


def spoken(error: Exception) -> str:
    """The sentence of an error with a capital (unless a file name comes first) and a full stop."""
    text = str(error).rstrip(".")
    return f"{text if '.' in text.split()[0] else text[:1].upper() + text[1:]}."


def picker(selected: str | None) -> dict[str, Any]:
    """The value of the example picker, with one of them marked where it is the clip chosen."""
    items = [
        {"name": name, "label": entry["label"], **{key: str(clips.CLIPS / entry[key]) for key in ("still", "moving")}}
        for name, entry in clips.examples().items()
    ]
    return {"items": items, "selected": (selected or "").removeprefix("example:")}


def label(name: str) -> str:
    """What a visitor calls a clip."""
    kind, _, rest = name.partition(":")
    if kind == "example":
        return f"Example: {clips.examples()[rest]['label']}"
    return "Your clip" if kind == "upload" else "A new clip from the simulator"
