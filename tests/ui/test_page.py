"""Events in terms of settings and names."""

import typing

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
SAID |= {"known": "[1, 0]", "options": '{"steps": 8}', "actions": "", "side": 256, "start": "end"}
SAID |= {"part": '{"moment": 1.5, "region": "0,0,0.5,1"}', "every": 2}


DEEP = "[" * 100_000
WRONG = [("known", "[1, "), ("known", "3"), ("known", "[1e999]"), ("known", "[0.7]"), ("known", DEEP), ("options", "{")]
WRONG += [("part", "{"), ("part", "[]"), ("part", '{"moment": -1}'), ("part", '{"moment": 1e999}'), ("part", '{"region": "1,2"}')]
WRONG += [("options", "[]"), ("options", DEEP), ("actions", "3"), ("actions", '{"path": [[1' + 400 * "0" + ", 1]]}")]


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
    part = {"moment": 1.5, "region": "0,0,0.5,1"}
    assert at == Settings("a", "b", 2, None, 3, 4, 0.5, 7, "predict", (1, 0), {"steps": 8}, {}, 256, "end", part, 2)
    assert edits == "painted"
    assert [widget.label for widget in event["outputs"]] == ["player", "status"]


@pytest.mark.parametrize(("name", "wrong"), WRONG)
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


def test_what_happened_in_the_browser_comes_first_and_can_mend_what_cannot_be_read(page):
    def ticked(event: gr.EventData):
        return {"player": event._data["known"]}

    event = page.event(ticked, ["player"])
    assert not event["inputs"], "the settings, which may be unreadable, are not looked at"
    assert event["fn"](gr.EventData(None, {"known": [1]}))[page["player"]] == [1]
    assert gr.EventData in typing.get_type_hints(event["fn"]).values(), "Gradio gives it what happened for its annotation"
