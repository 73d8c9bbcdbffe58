"""The widgets for settings, and their updates when another model is chosen."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import gradio as gr

from vp.core.options import Slider as SliderControl
from vp.data.region import used_region
from vp.data.video_file import END
from vp.prediction.model import Model

from . import actions, clips, options, tasks, trimmer
from .excerpt import moment_and_region, part_of, seen
from .labels import describe_model
from .models import MOST_FUTURES, capitalise, length_bounds, split_priors, temperature_slider
from .settings import MOST_EVERY, SIDES, Settings, takes_any_frames
from .unchecked import Dropdown, Radio, Slider

FILES = {
    "futures.mp4": "MP4",
    "futures.gif": "GIF",
    "result.html": "HTML",
    "metrics.csv": "CSV",
    "metrics.json": "JSON",
}

STARTS = [("What follows the chosen moment", ""), ("What comes after its end", END)]
PRIOR = "What the random choices are drawn from. A posterior is shown the true future: to compare with, not a prediction."
MANY = "How many ways the clip may go on."
EVERY = "1: all of them, up to 30 a second. 2: every second one, so everything moves twice as far from frame to frame."
SIZE = "Of the longer side; the whole frame is kept. Larger takes longer."
ALONE = "This model makes no random choices (it is deterministic): every future would be the same, so there is one."


# the widgets that another model may change
SHOWN = (
    "model",
    "n",
    "prior",
    "past",
    "future",
    "temperature",
    "task",
    "known",
    "options",
    "form",
    "actions",
    "editor",
    "side",
    "start",
    "every",
    "part",
    "trim",
)


def control_updates(model: Model, at: Settings) -> dict[str, Any]:
    """Widget name -> gr.update or value, for all of `SHOWN`: the choices and limits of a model, with the values of `at`."""
    capabilities = model.predictor.capabilities
    limits, slider = length_bounds(capabilities), temperature_slider(model)
    offered, _ = split_priors(model)
    (past_low, past_high, _), (future_low, future_high, _) = limits["past"], limits["future"]
    anything = takes_any_frames(model)
    return {
        "model": gr.update(value=at.model, info=describe_model(model)),
        "n": gr.update(value=at.n, interactive=capabilities.stochastic, info=MANY if capabilities.stochastic else ALONE),
        "prior": gr.update(choices=offered, value=at.prior, visible=bool(offered), info=explain_priors(model)),
        "past": gr.update(minimum=past_low, maximum=past_high, value=at.past),
        "future": gr.update(minimum=future_low, maximum=future_high, value=at.future),
        "temperature": gr.update(
            visible=slider is not None, value=at.temperature, **(slider_arguments(slider) if slider else {})
        ),
        "task": gr.update(value=at.task, visible=anything),
        "known": json.dumps(tasks.known_ticks(at.task, at.past, at.future, at.known)) if anything else "",
        "options": json.dumps(at.options) if at.options else "",
        "form": options.describe(model, at.options),
        "actions": json.dumps(at.actions) if at.actions else "",
        "editor": editor_value(model, at),
        "side": gr.update(value=at.side, visible=capabilities.size is None),
        "start": gr.update(value=at.start),
        "part": json.dumps(at.part) if at.part else "",
        "trim": trim_value(model, at),
        "every": gr.update(value=at.every, visible=capabilities.actions is None),
    }


def editor_value(model: Model, at: Settings) -> dict[str, Any] | None:
    """The action editor's value; None for a model without actions, or where the clip is no longer kept."""
    try:
        return actions.describe(model, clips.find_clip(at.clip), at.past, at.actions)
    except ValueError:  # the clip is no longer kept: said when it is asked for
        return None


def trim_value(model: Model, at: Settings, note: str = "") -> dict[str, Any] | None:
    """The trimmer's value: the clip's film strip with the chosen moment and region; None where the clip is no longer kept.

    Args:
        note: sentence to show while the moment is as it is now.
    """
    try:
        part, view = part_of(at, model), seen(at.clip)
    except ValueError:  # said when the clip is asked for
        return None
    known = max(1, int(at.past))
    (_, region), square = moment_and_region(at), model.predictor.capabilities.size is not None
    fps = clips.find_clip(at.clip).rate / part.every
    moment = part.moment
    if at.start == END:
        moment, note = max(0.0, view.seconds - known / fps), "The clip's last frames are known."
    used = part.region and used_region(part.region, (view.height, view.width))
    return trimmer.describe(at.clip, view, moment, region, used, square, fps, known, known + int(at.future), note)


def slider_arguments(slider: SliderControl) -> dict[str, Any]:
    """A control's bounds, step and help as arguments of a Gradio slider."""
    return {"minimum": slider.low, "maximum": slider.high, "step": slider.step, "info": capitalise(slider.help)}


def explain_priors(model: Model) -> str:
    """What a prior is, followed by the priors that this model does not offer, each with the reason."""
    _, refused = split_priors(model)
    return " ".join([PRIOR, *(f"{label}: not offered, {reason.rstrip('.')}." for label, reason in refused)])


def build(names: list[tuple[str, str]], looks: Mapping[str, Any]) -> dict[str, Any]:
    """Builds the widgets by the names of `Settings`, those that display some of them ("form", "editor"), and the button "dice".

    Args:
        names: (label, name) of the models.
        looks: `control_updates` for the first model.
    """

    def at_first(name: str) -> dict[str, Any]:
        """The first update of a widget as arguments of its constructor."""
        return {key: value for key, value in looks[name].items() if key != "__type__"}

    made: dict[str, Any] = {}
    made["model"] = Dropdown(names, label="Model", filterable=False, elem_id="model", **at_first("model"))
    choices = [(label, name) for name, label in tasks.TASKS.items()]
    made["task"] = Radio(choices, label="Task", elem_id="task", **at_first("task"))
    made["editor"] = actions.ActionEditor(looks["editor"], elem_id="action-editor")
    made["start"] = Radio(STARTS, label="Predict", elem_id="start", **at_first("start"))
    made["n"] = Slider(1, MOST_FUTURES, step=1, label="Futures", elem_id="futures", **at_first("n"))
    made["prior"] = Radio(label="Where chance comes from (prior)", elem_id="prior", **at_first("prior"))
    with gr.Row(elem_id="seed-row"):
        made["seed"] = gr.Number(0, label="Dice roll (seed)", precision=0, min_width=120, elem_id="seed")  # checked in words
        made["dice"] = gr.Button("Roll the dice", size="sm", min_width=110, elem_id="dice")
    with gr.Accordion("More: frames and chance", open=False, elem_id="more"):
        words = {"past": ("Past frames", "What the model sees."), "future": ("Future frames", "What it makes up.")}
        for name, (label, info) in words.items():
            made[name] = Slider(step=1, label=label, info=info, elem_id=name, **at_first(name))
        every = "Use every ... frame (stride)"
        made["every"] = Slider(1, MOST_EVERY, step=1, label=every, info=EVERY, elem_id="every", **at_first("every"))
        sizes = [(label, px) for px, label in SIDES.items()]
        made["side"] = Dropdown(sizes, label="Size", info=SIZE, filterable=False, elem_id="side", **at_first("side"))
        range_ = {"minimum": 0, "maximum": 2, "step": 0.05} | at_first("temperature")
        made["temperature"] = Slider(label="Strength of chance (temperature)", elem_id="temperature", **range_)
        made["form"] = options.OptionsForm(looks["form"], elem_id="options")
    hidden = {"part": "Part", "options": "Options", "known": "Ticks", "actions": "Actions"}  # as JSON; see `Settings`
    for name, label in hidden.items():
        made[name] = gr.Textbox(looks[name], visible="hidden", label=label, elem_id=f"{label.lower()}-text")
    return made
