"""The controls: how they look for a model, and the widgets themselves."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import gradio as gr

from vp.core.options import Slider
from vp.prediction.model import Model

from . import actions, clips, options, tasks
from .link import MOST_SEED, SIDES, Settings, takes_any_frames
from .models import MOST_FUTURES, bounds, describe, priors, sentence, temperature

FILES = {
    "futures.mp4": "MP4",
    "futures.gif": "GIF",
    "result.html": "HTML",
    "metrics.csv": "CSV",
    "metrics.json": "JSON",
}

PRIOR = "Where the model draws its dice from. A posterior peeks at the true future: a reference, not a prediction."
MANY = "How many ways the clip may go on."
SIZE = "Of the longer side; the whole frame is kept. Larger takes longer."
ALONE = "This model is deterministic, without dice or prior: every future would be the same, so there is one."


@dataclass(frozen=True)
class Controls:
    """The widgets that say what to predict, in the order of `values`."""

    model: gr.Dropdown
    task: gr.Radio
    n: gr.Slider
    prior: gr.Radio
    past: gr.Slider
    future: gr.Slider
    temperature: gr.Slider
    seed: gr.Number
    form: options.OptionsForm
    more: gr.Textbox
    ticks: gr.Textbox
    editor: actions.ActionEditor
    action_choice: gr.Textbox
    side: gr.Dropdown

    @property
    def values(self) -> list[Any]:
        """Model, futures, prior, past, future, temperature, seed: what every model has."""
        return [self.model, self.n, self.prior, self.past, self.future, self.temperature, self.seed]

    @property
    def own(self) -> list[Any]:
        """Task, ticks, form, further options, actions, and size: what only some models have."""
        return [self.task, self.ticks, self.form, self.more, self.editor, self.action_choice, self.side]


def appearance(model: Model, at: Settings) -> list[Any]:
    """Updates of `Controls.values` for a model, with the values of `at`."""
    capabilities = model.predictor.capabilities
    limits, knob = bounds(capabilities), temperature(model)
    offered, _ = priors(model)
    (past_low, past_high, _), (future_low, future_high, _) = limits["past"], limits["future"]
    return [
        gr.update(value=at.model, info=describe(model)),
        gr.update(value=at.n, interactive=capabilities.stochastic, info=MANY if capabilities.stochastic else ALONE),
        gr.update(choices=offered, value=at.prior, visible=bool(offered), info=about_priors(model)),
        gr.update(minimum=past_low, maximum=past_high, value=at.past),
        gr.update(minimum=future_low, maximum=future_high, value=at.future),
        gr.update(
            visible=knob is not None,
            value=at.temperature,
            **(scale(knob) if knob else {}),
        ),
        gr.update(value=at.seed),
    ]


def own_appearance(model: Model, at: Settings) -> list[Any]:
    """Updates of `Controls.own` for a model, with the values of `at`."""
    anything = takes_any_frames(model)
    ticks = tasks.plan(at.task, at.past, at.future, json.dumps(at.known)) if anything else ""
    more = json.dumps(at.options) if at.options else ""
    action_choice = json.dumps(at.actions) if at.actions else ""
    form = options.describe(model, at.options)
    side = gr.update(value=at.side, visible=model.predictor.capabilities.size is None)
    return [gr.update(value=at.task, visible=anything), ticks, form, more, editor_value(model, at), action_choice, side]


def editor_value(model: Model, at: Settings) -> dict[str, Any] | None:
    try:
        return actions.describe(model, clips.find(at.clip), at.past, at.actions)
    except ValueError:  # the clip is no longer kept: said when it is asked for
        return None


def scale(knob: Slider) -> dict[str, Any]:
    return {"minimum": knob.low, "maximum": knob.high, "step": knob.step, "info": sentence(knob.help)}


def about_priors(model: Model) -> str:
    """What a prior is, and which ones this model does not offer, with the reason."""
    _, refused = priors(model)
    return " ".join([PRIOR, *(f"{label}: not offered, {reason.rstrip('.')}." for label, reason in refused)])


def build(names: list[str]) -> tuple[Controls, gr.Button]:
    """The widgets, and the button that rolls the dice for the seed."""
    model = gr.Dropdown(names, value=names[0], label="Model", filterable=False, elem_id="model")
    task = gr.Radio(
        [(label, name) for name, label in tasks.TASKS.items()], value=tasks.PREDICT, label="Task", visible=False, elem_id="task"
    )
    editor = actions.ActionEditor(None, elem_id="action-editor")
    n = gr.Slider(1, MOST_FUTURES, 8, step=1, label="Futures", info=MANY, elem_id="futures")
    prior = gr.Radio([], label="Prior", info=PRIOR, elem_id="prior")
    with gr.Row(elem_id="seed-row"):
        seed = gr.Number(0, label="Seed", precision=0, minimum=0, maximum=MOST_SEED, min_width=120, elem_id="seed")
        dice = gr.Button("Roll the dice", size="sm", min_width=110, elem_id="dice")
    with gr.Accordion("Frames and sampling", open=False, elem_id="more"):
        past = gr.Slider(1, 20, 5, step=1, label="Past frames", info="What the model sees.", elem_id="past")
        future = gr.Slider(1, 40, 10, step=1, label="Future frames", info="What it makes up.", elem_id="future")
        side = gr.Dropdown(
            [(label, px) for px, label in SIDES.items()], value=Settings("", "").side, label="Size", info=SIZE, filterable=False,
            visible=False, elem_id="side",
        )  # fmt: skip
        heat = gr.Slider(0, 2, 1, step=0.05, label="Temperature", elem_id="temperature")
        form = options.OptionsForm([], elem_id="options")
    more = gr.Textbox("", visible="hidden", label="Options")  # the form's values as JSON
    ticks = gr.Textbox("", visible="hidden", label="Ticks", elem_id="ticks")  # frames given, as JSON of 0 and 1
    action_choice = gr.Textbox("", visible="hidden", label="Actions")  # what the editor's visitor chose, as JSON
    return Controls(model, task, n, prior, past, future, heat, seed, form, more, ticks, editor, action_choice, side), dice
