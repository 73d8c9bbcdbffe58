"""What a visitor chooses (a clip, its part, a model, lengths), and the page that shows it: one event for all of it.

The browser has one such event at a time on its way, and sends the state of all widgets at that moment with it. What was chosen is
what differs from the settings answered last, so choices that come while an answer is on its way are all answered together by
the next one, and no answer is ever about an older choice than the page shows.
"""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from . import actions, clips, jobs, link, other_side, tasks
from .controls import SHOWN, control_updates, trim_value
from .excerpt import chosen, part_of, seen
from .given_file import GIVEN_JS, TAKEN_JS, UPLOAD, UPLOADED, GivenFile
from .handlers import Handlers, picker_value
from .models import OWN, length_bounds
from .page import AT_JS, CHANGED, IDLE, NAMES, PRIVATE, QUIET, Page, Updates
from .settings import Settings, default_settings
from .status import error_status, status, to_sentence
from .suited import choose_model
from .unreadable import refuse_unreadable
from .visitor_files import session

READY = "Ready: press Generate."
LOST = "The connection to the server was lost, and the page was opened anew: what was on it is gone."
RANDOM = "random"
TWICE_MS = 500  # no person makes the same choice again so soon

# what the browser asks for, "choice": how many times it has asked, and the newest choice of a clip with its number
CHOICE_JS = f"""(...values) => {{{AT_JS}
  // a dropdown reports one choice twice, and Gradio may drop the second event after this has run: it is one question
  const asking = JSON.stringify([at, window.vpPicked]), last = window.vpLast;
  window.vpLast = {{ asking, when: performance.now() }};
  window.vpAsking = false;
  const twice = last && last.asking === asking && window.vpLast.when - last.when < {TWICE_MS};
  window.vpAsked = (window.vpAsked ?? 0) + (twice ? 0 : 1);
  const trim = document.querySelector("#trim .vp-trim");
  if (trim) trim.dataset.sent = trim.dataset.chosen ?? "";
  const given = window.vpAsked === 1 ? [...new URLSearchParams(location.search)] : [], query = Object.fromEntries(given);
  const repeated = Object.keys(query).filter((name) => given.filter(([other]) => other === name).length > 1);
  if (window.vpLost === undefined) {{
    window.vpLost = history.state?.vpLost === true;
    if (window.vpLost) history.replaceState({{ ...history.state, vpLost: false }}, "");
  }}
  const choice = JSON.stringify({{ asked: window.vpAsked, query, repeated, lost: window.vpLost, ...window.vpPicked }});
  return [...Object.values(at), ...values.slice({len(NAMES)}, -1), choice];
}}"""
# Gradio asks for the app's id where the server could not be reached, and opens the page anew once there is an answer
LOST_JS = """() => new PerformanceObserver((seen) => {
  const lost = seen.getEntries().some(({ name }) => name.endsWith("/app_id"));
  if (lost) history.replaceState({ ...history.state, vpLost: true }, "");
}).observe({ type: "resource" })"""


ASK_JS = "() => String(performance.now())"  # a new value, whose change asks
CHOSEN = ("model", "task", "past", "future", "start", "every")
NUMBERS = ("past", "future", "every")
ANSWERED_JS = "(...values) => { window.vpSaid = JSON.stringify(values); }"


def ask_js(name: str) -> str:
    """JavaScript that asks, from the values of CHOSEN, after an input in the widget `name` of them.

    A menu that loses the focus reports its choice, though nobody chose: only what differs from what was last asked or answered
    asks. A number is always asked about: what is typed just as an answer comes may be taken for that answer.
    """
    always = json.dumps(name in NUMBERS)
    return f"""(...values) => {{
      const said = JSON.stringify(values);
      if (!{always} && said === window.vpSaid) return {{ __type__: "update" }}; // the box stays as it is
      Object.assign(window, {{ vpSaid: said, vpAsking: true }});
      return String(performance.now());
    }}"""


def picked_js(clip: str) -> str:
    """JavaScript that notes a choice of a clip, such as RANDOM, and asks."""
    return f"""() => {{
      window.vpPicked = {{ clip: {json.dumps(clip)}, turn: (window.vpPicked?.turn ?? 0) + 1 }};
      return String(performance.now());
    }}"""


@dataclass
class Visit:
    """The last answer that the page of one visitor was given: what it shows.

    Args:
        at: the settings on the page; None before the first answer.
        by_hand: whether a person chose the model.
        turn: number of the newest choice of a clip that was answered.
        asked: number of the question that came last.
    """

    at: Settings | None = None
    by_hand: bool = False
    turn: int = 0
    asked: int = 0

    def shows(self, at: Settings) -> bool:
        """Whether the page shows the clip of `at`."""
        return self.at is None or self.at.clip == at.clip

    async def while_shown(self, at: Settings, updates: AsyncIterator[Updates]) -> AsyncIterator[Updates]:
        """Yields the `updates` of a prediction by the settings `at` until the page shows something else, which they would
        overwrite."""
        shown = self.at
        async with aclosing(updates):
            async for update in updates:
                if self.at is not shown or not self.shows(at) or (shown and shown.model != at.model):
                    return
                yield update


class Choices:
    """The answers to a visitor's choices.

    Args:
        do: the app's handlers.
    """

    def __init__(self, do: Handlers):
        self.do, self.models = do, do.models

    def settle(self, at: Settings, upload: str | None, job: str | None, visit: Visit, choice: str) -> Updates:
        """Everything on the page that follows from the settings, compared with those answered last. A running prediction ends,
        but for an upload that cannot be read. A question that came twice is answered once.

        Args:
            at: what the widgets say.
            upload: path of the uploaded file.
            job: the running prediction, see `jobs.RUNNING`.
            visit: brought up to date.
            choice: JSON: "asked", a number; "query", the address's parameters at the first time, "repeated", those
                that it gives more than once, of which the last one is in "query"; "lost", see LOST_JS; where a clip
                was ever chosen "clip" and "turn", see `picked_js`, of an upload "file", its name on the visitor's machine, and
                "given", how many came at once.
        """
        try:
            asked = parse_choice(choice)
            if asked["asked"] == visit.asked:
                return {}
            visit.asked = asked["asked"]
            updates = self.open_page(asked, visit) if asked["asked"] == 1 else self.answer(at, upload, visit, asked)
        except ValueError as error:
            updates = {"status": error_status(error), **IDLE}
        if "go" in updates:  # Generate can be pressed: nothing runs
            jobs.end_job(job)
        return {"choice": choice, **updates}

    def open_page(self, asked: Mapping[str, Any], visit: Visit) -> Updates:
        """On loading the page: the settings in the link's query, and whether a lost connection was the reason; {} where it has
        none."""
        given, twice = asked["query"], [name for name in (*NAMES, "b") if name in asked["repeated"]]
        b_text = str(given.get("b", ""))
        query = {name: str(given[name]) for name in NAMES if name in given}
        visit.at = self.usual_settings()
        if not query and not b_text:
            return {"status": status(LOST)} if asked["lost"] else {}
        settings, refused = link.read_link(self.models, query, self.do.first)
        if twice:
            refused.append(f"The link gives {', '.join(twice)} more than once; the last one is taken.")
        try:
            shown = self.do.preview(settings)
        except ValueError as error:
            refused.append(to_sentence(error))
            settings = replace(settings, part={}, every=1, start="")
            shown = self.do.preview(settings)
        visit.at, visit.by_hand = settings, "model" in query
        looks = control_updates(self.models.get(settings.model), settings) | {"seed": settings.seed, "clip": settings.clip}
        of_b, said_of_b = self.read_b(b_text)
        lost = [LOST] if asked["lost"] else []
        said = " ".join([*lost, "Settings taken from the link; press Generate.", *said_of_b, *refused])
        return {**looks, **of_b, "player": shown, "status": status(said), "picker": picker_value(settings.clip), **CHANGED}

    def read_b(self, text: str) -> tuple[Updates, list[str]]:
        """Updates for B of a comparison as a link carries it, and what to say of it."""
        try:
            b = other_side.read_b(self.models, text)
        except ValueError as error:
            return {}, [to_sentence(error)]
        if not b:
            return {}, []
        beside = {"beside": b["baseline"]} if "baseline" in b else {}
        return {"b": json.dumps(b), **beside}, [f"Then press Compare: B is {other_side.in_words(b)}."]

    def usual_settings(self) -> Settings:
        """The settings that the page opens with."""
        return default_settings(self.models, self.models.first_usable(), self.do.first)

    def answer(self, at: Settings, upload: str | None, visit: Visit, asked: Mapping[str, Any]) -> Updates:
        """What follows from the difference between `at` and the settings answered last; see `settle`."""
        before = visit.at or self.usual_settings()
        by_hand, looks = visit.by_hand, {}
        if at.model != before.model:
            try:
                at, by_hand = self.for_model(at), True
            except ValueError as error:
                return {"model": before.model, "status": error_status(error), **IDLE}
            looks = control_updates(self.models.get(at.model), at)
        if asked["turn"] > visit.turn:
            visit.turn = asked["turn"]
            uploaded = asked["clip"] == UPLOADED
            given = GivenFile(upload or "", asked["file"], asked["given"])
            try:
                found = self.find(at, asked["clip"], upload)
            except ValueError as error:
                said = given.refuse(error) if uploaded else error_status(error)
                refused = {"picker": picker_value(before.clip), "status": said}
                return refused if uploaded else {**refused, **IDLE}
            at, by_hand, updates = self.choose_clip(*found, by_hand, given.note if uploaded else "")
            updates = {**updates, "upload": gr.update(label=given.label if uploaded else UPLOAD)}
        else:
            at, updates = self.same_clip(before, at.bounded(self.models.get(at.model)))
        visit.at, visit.by_hand = at, by_hand
        return looks | updates

    def for_model(self, at: Settings) -> Settings:
        """The default settings of the model `at.model`, with what was chosen of the clip; errors as for `Models.get`."""
        usual = default_settings(self.models, at.model, at.clip)
        return replace(usual, start=at.start, part=at.part, every=at.every, seed=at.seed)

    def same_clip(self, before: Settings, at: Settings) -> tuple[Settings, Updates]:
        """The settings, and the clip as the model will see it, after another task, length, moment, region or stride."""
        looks: dict[str, Any] = {}
        if at.known and (at.task, at.past, at.future) != (before.task, before.past, before.future):
            at = replace(at, known=tasks.known_ticks(at.task, at.past, at.future, at.known))
            looks["known"] = json.dumps(at.known)
        if at.part != before.part and at.start == before.start:  # a moment on the film strip, not the clip's end
            at = replace(at, start="")
        looks |= {"part": json.dumps(at.part) if at.part else "", "start": at.start}
        return at, looks | self.show_clip(at)

    def show_clip(self, at: Settings) -> Updates:
        """The clip as the model will see it in player, trimmer and action editor, and a warning or error in the status line."""
        try:
            player, warning = self.do.preview_with_warning(at)
        except ValueError as error:
            return {"status": error_status(error), **IDLE}
        model = self.models.get(at.model)
        shown = {"player": player, "trim": trim_value(model, at), "editor": self.editor_value(at)}
        return {**shown, "status": status(warning or READY), **CHANGED}

    def editor_value(self, at: Settings) -> dict[str, Any] | None:
        """The action editor's value: with the last known frame of the chosen part."""
        model = self.models.get(at.model)
        return actions.describe(model, chosen(at.clip, part_of(at, model), at.past), at.past, at.actions)

    def find(self, at: Settings, picked: str, upload: str | None) -> tuple[Settings, float]:
        """The settings with the picked clip, and the second at which the prediction is to begin.

        Args:
            picked: RANDOM for one from a simulator that the model was trained on, or else from the first one; UPLOADED for the
                file at `upload`; or the name of an example.

        Raises:
            ValueError: there is no such clip, or the file cannot be read.
        """
        if picked == RANDOM:
            trained = self.models.cards[self.models.origin(at.model)].datasets
            dataset = random.choice([name for name in clips.SIMULATORS if name in trained] or [clips.SIMULATORS[0]])
            return replace(at, clip=f"random:{dataset}:{random.randrange(clips.SEEDS)}"), 0.0
        if picked != UPLOADED:
            return replace(at, clip=f"example:{picked}"), 0.0
        if not upload:
            raise ValueError("the upload did not arrive; give the file again")
        at = replace(at, clip=clips.store_upload(upload, session()))
        fps = clips.find_clip(at.clip).rate
        return at, seen(at.clip).busiest_moment(at.past / fps, at.future / fps)

    def choose_clip(self, at: Settings, moment: float, by_hand: bool, said: str = "") -> tuple[Settings, bool, Updates]:
        """The settings, whether a person chose the model, and all updates that a newly chosen clip `at.clip` causes; a model that
        does not suit the clip is replaced by one that does.

        Args:
            moment: second at which the prediction begins.
            by_hand: whether a person chose the model `at.model`.
            said: comes first in the status line.
        """
        clip, looks = clips.find_clip(at.clip), {}
        if at.model.startswith(OWN):  # it has learned the clip that was there before
            at, by_hand = replace(at, model=self.models.origin(at.model)), False
            looks = {"model": at.model}
        found, why = choose_model(self.models.cards, clip, at.model, by_hand)
        model, by_hand = self.models.get(found), by_hand and found == at.model
        at = at.bounded(model)
        if found != at.model:
            lengths = length_bounds(model.predictor.capabilities)["past"]
            at = replace(default_settings(self.models, found, at.clip), start=at.start, seed=at.seed, past=at.past)
            at = replace(at, past=max(lengths[0], min(at.past, len(clip.frames) - 1)))
            looks = control_updates(model, at)
        at = replace(at, part={"moment": moment, "region": ""} if moment else {}, every=1)
        busiest = f"From second {moment:.1f}: most moves there" if moment else ""
        looks |= {"part": json.dumps(at.part) if at.part else "", "every": 1, "editor": self.editor_value(at)}
        looks |= {"trim": trim_value(model, at, busiest), "clip": at.clip, "player": self.do.preview(at)}
        said += f"{why} Press Generate." if why else READY
        return at, by_hand, {**looks, "picker": picker_value(at.clip), "status": status(said), **CHANGED}


def parse_choice(text: str) -> dict[str, Any]:
    """{"asked", "turn", "clip", "query", "repeated", "lost", "file", "given"} from the browser's JSON, see `Choices.settle`.

    Raises:
        ValueError: the text is not of this form.
    """
    with refuse_unreadable("choice", "choose again"):
        said = json.loads(text)
        return {
            "asked": int(said["asked"]),
            "turn": int(said.get("turn", 0)),
            "clip": str(said.get("clip", "")),
            "query": dict(said.get("query", {})),
            "repeated": list(map(str, said.get("repeated", []))),
            "lost": bool(said.get("lost", False)),
            "file": str(said.get("file", "")),
            "given": int(said.get("given", 1)),
        }


def wire(demo: gr.Blocks, page: Page, choices: Choices, cancel: Mapping[str, Any]) -> None:
    """Connects everything that chooses a clip, its part, a model or lengths.

    Args:
        demo, page, choices: the page, its widgets, and the answers.
        cancel: arguments of an event that takes predictions, the map of futures and the look inside from the queue where they
            wait; where a prediction runs, `settle` ends it.
    """
    settings, said = page.select(CHOSEN), page["chosen"]
    others = {
        demo.load: ASK_JS,
        page["trim"].edit: ASK_JS,
        page["picker"].pick: ASK_JS,
        page["fresh"].click: picked_js(RANDOM),
    }
    for name, widget in zip(CHOSEN, settings):
        widget.input(None, settings, said, js=ask_js(name), **PRIVATE)
    page["choice"].change(None, settings, None, js=ANSWERED_JS, **PRIVATE)
    for trigger in (said.change, page["trim"].edit, page["picker"].pick, page["fresh"].click):  # an upload may not be readable
        trigger(**cancel)
    for trigger, js in others.items():  # gr.on takes neither a page's loading nor the events of our own components
        trigger(None, None, page["ask"], js=js, **PRIVATE)
    # the file is kept beside the place where it was dropped, which has room for the next one at once
    page["upload"].upload(None, page["upload"], [page["given"], page["upload"], page["ask"]], js=TAKEN_JS, **PRIVATE)
    for js in (GIVEN_JS, LOST_JS):
        demo.load(None, None, None, js=js, **PRIVATE)
    changes = [*SHOWN, "seed", "clip", "player", "picker", "upload", "choice", "b", "beside", *CHANGED]
    event = page.event(choices.settle, changes, ["given", "job", "visit", "choice"], IDLE)
    gr.on([page["ask"].change, said.change], **event, js=CHOICE_JS, trigger_mode="always_last", **QUIET)
