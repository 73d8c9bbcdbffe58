"""Events in terms of settings and names."""

import dataclasses
import json

import gradio as gr
import pytest

from vp.ui.page import NAMES, Page
from vp.ui.settings import Settings

SAID = {
    "model": "a",
    "clip": "b",
    "n": 2,
    "prior": None,
    "past": 3,
    "future": 4,
    "temperature": 0.5,
    "seed": 7,
    "task": "predict",
}
SAID |= {"known": "[1, 0]", "options": '{"steps": 8}', "actions": "", "side": 256}


@pytest.fixture
def page():
    with gr.Blocks():
        return Page({name: gr.Textbox(label=name) for name in (*NAMES, "status", "player", "edits")})


def answer(page, event, **changed):
    """What an event's function answers, by names, to what the widgets say."""
    values = {**SAID, **changed}
    made = event["fn"](*(values[widget.label] for widget in event["inputs"]))
    return {widget.label: value for widget, value in made.items()}


def test_a_function_of_settings_gets_what_the_widgets_say(page):
    event = page.event(lambda at, edits: {"player": (at, edits)}, ["player"], ["edits"])
    at, edits = answer(page, event, edits="painted")["player"]
    assert at == Settings("a", "b", 2, None, 3, 4, 0.5, 7, "predict", (1, 0), {"steps": 8}, {}, 256) and edits == "painted"
    assert [widget.label for widget in event["outputs"]] == ["player", "status"]


def test_the_names_of_the_settings_are_those_of_the_link(page):
    assert tuple(field.name for field in dataclasses.fields(Settings)) == NAMES == tuple(SAID)


@pytest.mark.parametrize(
    "name, wrong", [("known", "[1, "), ("known", "3"), ("options", "{"), ("options", "[]"), ("actions", "3")]
)
def test_what_a_browser_may_not_say_becomes_one_sentence(page, name, wrong):
    said = answer(page, page.event(lambda at: {"player": at}, ["player"]), **{name: wrong})
    assert set(said) == {"status"} and 'data-bad="1"' in said["status"] and "Traceback" not in said["status"]


def test_an_error_of_the_function_becomes_one_sentence_and_ends_what_it_yields(page):
    closed = []

    def counting(at):
        try:
            yield {"player": 1}
            raise ValueError("the clip is too short; give a longer one")
        finally:
            closed.append(True)

    event = page.event(counting, ["player"])
    first, last = list(event["fn"](*(SAID[widget.label] for widget in event["inputs"])))
    assert first[page["player"]] == 1 and "The clip is too short; give a longer one." in last[page["status"]] and closed
    stopped = event["fn"](*(SAID[widget.label] for widget in event["inputs"]))
    next(stopped)
    stopped.close()
    assert len(closed) == 2, "Stop ends it as well"


def test_what_happened_in_the_browser_comes_first(page):
    def ticked(event: gr.EventData, at: Settings):
        return {"player": event._data["known"]}

    event = page.event(ticked, ["player"])
    happened = gr.EventData(None, {"known": [1]})
    made = event["fn"](happened, *(SAID[widget.label] for widget in event["inputs"]))
    assert made[page["player"]] == [1] and json.loads(SAID["known"]) == [1, 0]
