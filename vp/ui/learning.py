"""Adapts a model to a visitor's clip, on the frames before those to predict, until it is stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import gradio as gr

from vp.data import Clip
from vp.data.video_file import END
from vp.prediction.model import Model
from vp.prediction.request import to_whole_number
from vp.training.adapt import Adaptation, Adapting, adapt, save

from . import jobs
from .clips import UPLOAD_FRAMES
from .compute_thread import COMPUTE_THREAD, DONE
from .excerpt import chosen, part_of, seen
from .expiring_store import ExpiringStore
from .labels import model_menu
from .models import ADAPTED, OWN, Models
from .page import NOW_JS, QUIET, Updates
from .settings import Settings
from .status import failed, status
from .unchecked import Slider
from .visitor_files import MADE, session

SHORTEST, LONGEST, USUAL = 0.5, 10.0, 2.0  # minutes
BETWEEN_STEPS_S = 0.01  # in which a prediction that waits for the device gets it
ABOUT = "The model goes on training, on the frames of your clip that come before those it is to predict."
ALONE = "The adapted model is yours alone, and gone when you leave."
ASK_S = 1.0  # between two looks at whether it is a waiting visitor's turn
KEPT_WEIGHTS = 2  # files of adapted models that a visitor has
LEARNING = threading.Lock()
STOPS: ExpiringStore[threading.Event] = ExpiringStore(most=20, what="training")
BUSY = {"learn": gr.update(interactive=False), "unlearn": gr.update(interactive=True)}
IDLE = {"learn": gr.update(interactive=True), "unlearn": gr.update(interactive=False), "learning": None}


def build() -> dict[str, Any]:
    """Builds the section's widgets, folded; returns them by name."""
    made: dict[str, Any] = {"learning": gr.State(None), "adapted": gr.State(None, delete_callback=forget)}
    with gr.Accordion("Let the model learn your clip", open=False, elem_id="learning"):
        gr.HTML(f'<p class="vp-learn-about">{ABOUT} {ALONE}</p>')
        made["minutes"] = Slider(SHORTEST, LONGEST, USUAL, step=0.5, label="Minutes", elem_id="minutes")
        with gr.Row():
            made["learn"] = gr.Button("Learn", size="sm", min_width=90, elem_id="learn")
            made["unlearn"] = gr.Button("Stop learning", size="sm", min_width=110, interactive=False, elem_id="unlearn")
        made["learned"] = gr.HTML("", elem_id="learned")
        made["weights"] = gr.DownloadButton("Save the adapted model", size="sm", visible=False, elem_id="weights")
    return made


def wire(page: Any, models: Models) -> None:
    """Connects the section's buttons."""

    def start(at: Settings, minutes: float) -> Iterator[Updates]:
        yield from learn(models, at, minutes)

    changes = ["learned", "learn", "unlearn", "learning", "adapted", "weights", "model"]
    page["learn"].click(**page.event(start, changes, ["minutes"]), js=NOW_JS, **QUIET)
    page["unlearn"].click(lambda name: STOPS.get(name).set() if name else None, page["learning"], None, **QUIET)


def learn(models: Models, at: Settings, minutes: float) -> Iterator[Updates]:
    """Adapts a model to the clip, one visitor's at a time; yields updates with the progress and at the end the verdict, the
    adapted model in the menu, and its file."""
    stop, visitor = threading.Event(), session()
    yield {"learned": status("Reading the clip.", 0.0), "learning": STOPS.put(stop), **BUSY}
    while not LEARNING.acquire(timeout=ASK_S):
        if stop.is_set():
            yield {"learned": status("Stopped before it began."), **IDLE}
            return
        yield {"learned": status("Another visitor's model is learning; yours begins after it.")}  # and Gradio sees who has left
    try:
        yield from train(models, at, minutes, stop, visitor)
    finally:
        LEARNING.release()


def train(models: Models, at: Settings, minutes: float, stop: threading.Event, visitor: str) -> Iterator[Updates]:
    """What `learn` yields once it is the turn of `visitor`; `stop` ends it and keeps the best."""
    try:
        model = models.get(at.model)
        clip = frames_before(at, model)
        seed = to_whole_number("seed", at.seed, 0, 2**31 - 1)
        adaptation = begin(model, clip, minutes, seed)
        with closing(steps(adaptation)) as job:
            for record in job:
                yield {"learned": status(progress_text(record), record.share)}
                if stop.is_set():
                    break
            learned = COMPUTE_THREAD.call(lambda: adaptation.model)
    except Exception as error:
        yield {"learned": failed(error, "learning a clip failed"), **IDLE}
        return
    verdict = f"Stopped after {adaptation.step} steps. {adaptation.verdict}" if stop.is_set() else adaptation.verdict
    if not adaptation.helps:
        yield {"learned": status(verdict, 1.0), **IDLE}
        return
    last = clip.first + (len(clip.frames) - 1) * clip.every
    of_clip = {**learned.card["adapted"], "clip": at.clip, "last": last}
    learned = replace(learned, card={**learned.card, "adapted": of_clip})
    said = {"learned": status(f"{verdict} Choose it in the menu of models.", 1.0), **IDLE}
    name = OWN + ADAPTED.put(learned, visitor)
    choices = [*model_menu(models.cards), (f"Adapted to your clip ({learned.name})", name)]
    folder = MADE.new_folder()
    path = folder / f"{learned.name}.safetensors"
    save(learned, path)
    MADE.keep(folder, visitor, "weights", KEPT_WEIGHTS)
    chosen_now = {"model": gr.update(choices=choices), "adapted": name}
    yield said | chosen_now | {"weights": gr.update(value=str(path), visible=True)}


def frames_before(at: Settings, model: Model) -> Clip:
    """The frames of the clip before those to predict, at most UPLOAD_FRAMES of them.

    They are counted by their indices in the file, as the frame rate of phone videos varies.
    """
    part, past = part_of(at, model), to_whole_number("past frames", at.past, 1, UPLOAD_FRAMES // 2)
    if at.start == END:
        return chosen(at.clip, part, UPLOAD_FRAMES // part.every)
    known = chosen(at.clip, part, past, past)
    times = seen(at.clip).times
    earliest = min(max(0, known.first - (UPLOAD_FRAMES - past) * known.every), len(times) - 1)
    clip = chosen(at.clip, replace(part, moment=float(times[earliest])), past, UPLOAD_FRAMES)
    last = known.first + (past - 1) * known.every
    count = (last - clip.first) // clip.every + 1 - (clip.every > 1)  # frames that are taken by a clock may lie one off
    return replace(clip, frames=clip.frames[:count], actions=None if clip.actions is None else clip.actions[:count], extras={})


def begin(model: Model, clip: Clip, minutes: float, seed: int) -> Adaptation:
    """Starts the adaptation in the compute thread, after a check of `minutes`; errors as for `adapt`."""
    if not SHORTEST <= (minutes or 0) <= LONGEST:
        raise ValueError(f"minutes is {minutes!r}; give {SHORTEST:g} to {LONGEST:g}")
    return COMPUTE_THREAD.call(adapt, model, clip, minutes, None, seed)


def steps(adaptation: Adaptation) -> Iterator[Adapting]:
    """Yields the record after every step; between steps the device is free for predictions."""
    try:
        while True:
            with jobs.DEVICE:
                record = COMPUTE_THREAD.call(next, adaptation, DONE)
            if record is DONE:
                return
            yield record
            time.sleep(BETWEEN_STEPS_S)
    finally:
        COMPUTE_THREAD.call(adaptation.close)


def progress_text(record: Adapting) -> str:
    """The record in a sentence: step, loss, held-out PSNR and time left."""
    if record.seconds_left is None or record.loss is None:
        return f"Unadapted: {record.before_db:.2f} dB on the frames held out."
    best = f"best {record.best_db:.2f} dB, unadapted {record.before_db:.2f} dB on the frames held out"
    return f"Step {record.step}, loss {record.loss:.3f}; {best}; {record.seconds_left:.0f} s left."


def forget(name: str | None) -> None:
    """Drops the adapted model of a visitor who has left."""
    if name:
        ADAPTED.drop(name.removeprefix(OWN))
