"""A form for a model's own options: one widget per control, except those with widgets elsewhere on the page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import gradio as gr

from vp.core.options import Choice, Slider, Switch
from vp.prediction.model import Model

from .models import capitalise
from .unreadable import refuse_unreadable

ELSEWHERE = ("prior", "temperature")  # these have widgets of their own
MOST_STOPS = 200  # of a slider: with more, a number is typed

HTML = '<div class="vp-options"></div>'
JS = """
const form = element.querySelector(".vp-options");
let values = {};
const keep = () => { form.dataset.values = JSON.stringify(values); }; // read when Generate is pressed: no answer to wait for
const tell = () => { keep(); trigger("edit", { values: form.dataset.values }); };
const make = (tag, name, text) => {
  const made = document.createElement(tag);
  made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
};
const number = (type) => (item, shown) => {
  const input = make("input", `vp-option-${type}`);
  Object.assign(input, { type, min: item.low, max: item.high, step: item.step, value: item.value });
  const show = () => {
    if (type !== "range") return;
    shown.value = input.value;
    input.style.setProperty("--passed", `${100 * (input.value - item.low) / (item.high - item.low)}%`);
  };
  input.addEventListener("input", () => { values[item.name] = Number(input.value); keep(); show(); });
  input.addEventListener("change", tell);
  show();
  if (type !== "range") return input;
  const between = make("span", "vp-option-between");
  between.append(make("span", "", item.low), input, make("span", "", item.high));
  return between;
};
const choice = (item) => {
  const select = make("select", "vp-option-choice");
  for (const [value, label] of item.choices) select.append(new Option(label, value, false, value === item.value));
  select.addEventListener("change", () => { values[item.name] = select.value; tell(); });
  return select;
};
const onOff = (item) => {
  const box = make("input", "vp-option-switch");
  Object.assign(box, { type: "checkbox", checked: item.value });
  box.addEventListener("change", () => { values[item.name] = box.checked; tell(); });
  return box;
};
const field = (item) => {
  const label = make("label", "vp-option");
  label.dataset.name = item.name;
  const head = make("span", "vp-option-head", item.label);
  const shown = make("output", "vp-option-value");
  head.append(shown);
  const input = { range: number("range"), number: number("number"), choice, switch: onOff }[item.kind](item, shown);
  label.append(head, make("small", "vp-option-help", item.help), input);
  return label;
};
const render = () => {
  const items = props.value || [];
  values = Object.fromEntries(items.map((item) => [item.name, item.value]));
  keep();
  form.replaceChildren(...items.map(field));
};
render();
watch("value", render);
"""

# what a form that is on the page, not folded away, knows better than the server
NOW_JS = 'document.querySelector("#options .vp-options")?.dataset.values'


class OptionsForm(gr.HTML):
    """Widgets for the controls in its value, a list of dicts from `describe`; event `edit` carries all values as JSON."""

    def __init__(self, value: list[dict[str, Any]] | None = None, **kwargs: Any):
        super().__init__(value, html_template=HTML, js_on_load=JS, apply_default_css=False, **kwargs)

    def api_info(self) -> dict[str, Any]:
        return {"type": "array"}


def describe(model: Model, chosen: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """The form's value: the model's further controls with the `chosen` values or their defaults."""
    kind = model.predictor.options_type
    usual = kind()
    items = []
    for name, control in kind.controls().items():
        if name in ELSEWHERE:
            continue
        words = {"label": control.label or capitalise(name), "help": capitalise(control.help)}
        items.append(
            {"name": name, "value": (chosen or {}).get(name, getattr(usual, name)), **words, **describe_control(control)}
        )
    return items


def describe_control(control: Slider | Choice | Switch) -> dict[str, Any]:
    """The kind of widget for a control, with its choices or bounds."""
    if isinstance(control, Choice):
        return {"kind": "choice", "choices": [list(pair) for pair in control.values.items()]}
    if isinstance(control, Switch):
        return {"kind": "switch"}
    kind = "range" if control.high - control.low <= MOST_STOPS * control.step else "number"
    return {"kind": kind, "low": control.low, "high": control.high, "step": control.step}


def parse(text: str) -> dict[str, Any]:
    """Option name -> value from the form's JSON; {} for an empty text.

    Raises:
        ValueError: the text is no JSON object.
    """
    with refuse_unreadable("further options", "set them again"):
        values = json.loads(text or "{}")
        if not isinstance(values, dict):
            raise ValueError(f"they are a JSON {type(values).__name__}, no object")
        return values
