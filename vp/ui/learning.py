"""Adapts a model to a visitor's clip, on the frames before those to predict, until it is stopped."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, closing
from dataclasses import replace
from functools import partial
from typing import Any

import gradio as gr

from vp.data import Clip
from vp.data.video_file import END
from vp.prediction.model import Model
from vp.prediction.request import to_whole_number
from vp.training.adapt import Adapting, adapt, save

from .admission import Admission, Place
from .clips import UPLOAD_FRAMES
from .compute_thread import COMPUTE_THREAD
from .excerpt import chosen, part_of, seen
from .expiring_store import ExpiringStore
from .labels import model_menu
from .listeners import Caller
from .models import ADAPTED, OWN, Models
from .page import ADMITTED, QUIET, STREAMED, Updates
from .settings import Settings
from .status import error_status, failed, status
from .unchecked import Slider
from .visitor_files import MADE, session

SHORTEST, LONGEST, USUAL = 0.5, 10.0, 2.0  # minutes
ABOUT = "The model goes on training, on the frames of your clip that come before those it is to predict."
ALONE = "The adapted model is yours alone, and gone when you leave."
KEPT_WEIGHTS = 2  # files of adapted models that a visitor has
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


def wire(page: Any, models: Models, admission: Admission) -> None:
    """Connects the section's buttons."""

    async def start(at: Settings, minutes: float, visit: Any) -> AsyncIterator[Updates]:
        async with aclosing(learn(models, admission, at, minutes)) as updates:
            async for update in updates:
                if not visit.shows(at):
                    yield {"learned": status("Stopped: another clip was chosen."), **IDLE}
                    return
                yield update

    changes = ["learned", "learn", "unlearn", "learning", "adapted", "weights", "model"]
    started = page.event(start, changes, ["minutes", "visit"])
    page.press("learn", started, **ADMITTED, **STREAMED)
    page["unlearn"].click(lambda name: STOPS.get(name).set() if name else None, page["learning"], None, **QUIET)


async def learn(models: Models, admission: Admission, at: Settings, minutes: float) -> AsyncIterator[Updates]:
    """Adapts a model to the clip; yields updates with the place among those who wait, the progress and at the end the verdict,
    the adapted model in the menu, and its file."""
    stop = threading.Event()
    name = STOPS.put(stop)
    yield {"learned": status("Reading the clip.", 0.0), "learning": name, **BUSY}
    trained = False
    job = partial(train, models, at, minutes, stop, session())
    check = partial(check_wishes, models, at, minutes)
    try:
        async with aclosing(admission.run(Caller.now(), check, job, "learning", stop.is_set)) as updates:
            async for update in updates:
                trained = not isinstance(update, Place)
                yield update if trained else {"learned": status(update.text), **BUSY}
    except ValueError as error:
        yield {"learned": error_status(error), **IDLE}
        return
    if not trained:
        yield {"learned": status("Stopped before it began."), **IDLE}


def check_wishes(models: Models, at: Settings, minutes: float) -> None:
    """Checks what can be checked before it is this visitor's turn.

    Raises:
        ValueError: there is no such clip or model, or a number is out of bounds.
    """
    frames_before(at, models.get(at.model))
    if not SHORTEST <= (minutes or 0) <= LONGEST:
        raise ValueError(f"minutes is {minutes!r}; give {SHORTEST:g} to {LONGEST:g}")


def train(models: Models, at: Settings, minutes: float, stop: threading.Event, visitor: str) -> Iterator[Updates]:
    """What `learn` yields once it is the turn of `visitor`, a step at a time; `stop` ends it and keeps the best."""
    try:
        model = models.get(at.model)
        clip = frames_before(at, model)
        seed = to_whole_number("seed", at.seed, 0, 2**31 - 1)
        adaptation = COMPUTE_THREAD.call(adapt, model, clip, minutes, None, seed)
        with closing(COMPUTE_THREAD.each(adaptation)) as job:
            for record in job:
                yield {"learned": status(progress_text(record), record.share), **BUSY}  # one that the page misses is made up for
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


def progress_text(record: Adapting) -> str:
    """The record in a sentence: step, loss, held-out PSNR and time left."""
    if record.seconds_left is None or record.loss is None:
        return f"Before learning: {record.before_db:.2f} dB (PSNR, higher is nearer) on frames kept aside."
    best = f"best so far {record.best_db:.2f} dB, before learning {record.before_db:.2f} dB on frames kept aside (PSNR)"
    return f"Step {record.step}, error (loss) {record.loss:.3f}; {best}; {record.seconds_left:.0f} s left."


def forget(name: str | None) -> None:
    """Drops the adapted model of a visitor who has left."""
    if name:
        ADAPTED.drop(name.removeprefix(OWN))
