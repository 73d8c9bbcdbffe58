"""The page's widgets by name, and Gradio events in terms of `Settings` and widget names instead of list positions."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, closing, nullcontext
from dataclasses import fields
from typing import Any

import gradio as gr

from vp.result.result import Result

from . import actions, options, trimmer
from .models import OWN
from .player import with_sheets
from .settings import WHOLE, Settings
from .status import failed
from .visitor_files import session

LOG = logging.getLogger(__name__)
NAMES = tuple(field.name for field in fields(Settings))
Updates = Mapping[str, Any]  # name of a widget -> its new value or gr.update; widgets that are not named stay as they are
PRIVATE = {"api_visibility": "private"}
BUSY = {"go": gr.update(interactive=False), "stop": gr.update(interactive=True)}  # while a prediction runs
IDLE = {"go": gr.update(interactive=True), "stop": gr.update(interactive=False)}
# the widgets that say how a section's own prediction goes, and the buttons that end it
ENDED_BY = {"map_status": "stop_map", "latent_status": "stop_look"}
CHANGED = {
    **IDLE,
    **{button: gr.update(interactive=False) for button in ENDED_BY.values()},
    "result": None,
    "edits": {},
    "map": None,
    "map_status": "",
    "latent": None,
    "denoising": None,
    "latent_status": "",
}  # nothing runs or is shown of what was chosen before
# of what predicts or learns: it waits in `Admission`, which knows visitors, not in Gradio's queue
ADMITTED = {"concurrency_id": "admitted", "concurrency_limit": None}
STREAMED = PRIVATE | {"show_progress": "hidden"}
QUIET = STREAMED | {"concurrency_limit": None}  # cheap: no event waits for another; beside the queue, no State tells its change

# `at` holds what the widgets say, by the names of Settings; some of it the browser knows before the server does
AT_JS = f"""
  const at = Object.fromEntries({json.dumps(NAMES)}.map((name, k) => [name, values[k]]));
  at.options = {options.NOW_JS} ?? at.options;
  at.actions = {actions.NOW_JS} ?? at.actions;
  at.part = {trimmer.NOW_JS} ?? at.part;
"""
NOW_JS = f"(...values) => {{{AT_JS} return [...Object.values(at), ...values.slice({len(NAMES)})]; }}"
# waits until the last choice is answered: only then do the widgets say what is to be predicted
SETTLED_JS = """async () => {
  const answered = () => {
    const said = document.querySelector("#choice-text textarea, #choice-text input")?.value;
    return !window.vpAsking && (window.vpAsked ?? 0) === (said ? JSON.parse(said).asked : 0);
  };
  for (let k = 0, calm = 0; k < 400 && calm < 2; k++) {
    calm = answered() ? calm + 1 : 0;
    await new Promise((done) => setTimeout(done, 30));
  }
}"""
LINK_JS = f"""(...values) => {{{AT_JS}
  const ticked = at.known && at.task === "ticked" ? JSON.parse(at.known).join("") : null;
  const state = {{
    ...at,
    clip: String(at.clip).startsWith("upload") ? null : at.clip,
    model: String(at.model).startsWith("{OWN}") ? null : at.model,
    task: at.known ? at.task : null,
    known: ticked,
    options: at.options === "{{}}" ? null : at.options,
    side: at.side === {Settings("", "").side} ? null : at.side,
    every: at.every === 1 ? null : at.every,
    part: at.part === "{{}}" || String(at.clip).startsWith("upload") ? null : at.part,
    b: values.at(-1),
  }};
  const query = new URLSearchParams(Object.entries(state).filter(([, value]) => value !== null && value !== ""));
  const address = `${{location.origin}}${{location.pathname}}?${{query}}`;
  history.replaceState(null, "", address);
  if (navigator.clipboard) navigator.clipboard.writeText(address).catch(() => {{}});
}}"""


class Page:
    """The page's widgets by name.

    Args:
        widgets: those with the names of `Settings` hold what to predict; "status" shows errors.
    """

    def __init__(self, widgets: Mapping[str, Any]):
        self.widgets = dict(widgets)

    def __getitem__(self, name: str) -> Any:
        return self.widgets[name]

    def select(self, names: Sequence[str]) -> list[Any]:
        """The widgets of these names."""
        return [self.widgets[name] for name in names]

    def event(
        self, fn: Callable[..., Any], changes: Sequence[str], reads: Sequence[str] = (), always: Updates | None = None
    ) -> dict[str, Any]:
        """Arguments of a Gradio event: `fn`, `inputs` and `outputs`.

        Args:
            fn: takes a gr.EventData where it has a parameter `event`, a `Settings` where it has one called `at`, and the values
                of `reads`, in this order; returns `Updates`, or yields them, asynchronously too. A ValueError becomes a
                sentence in "status".
            changes: names of what `fn` may change.
            reads: names of further widgets that `fn` reads.
            always: updates that come even with such a sentence.
        """
        parameters = inspect.signature(fn).parameters
        takes_event, count = "event" in parameters, len(NAMES) if "at" in parameters else 0
        yields = inspect.isgeneratorfunction(fn)
        shown = [name for name in WHOLE if count and name in changes]  # a slider lets a fraction be typed

        def arguments(values: Sequence[Any]) -> list[Any]:
            """The arguments of `fn` beside the event."""
            settings = [Settings.from_widgets(dict(zip(NAMES, values, strict=False)))] if count else []
            return [*settings, *values[count:]]

        def whole(values: Sequence[Any]) -> Updates:
            """The numbers that show a fraction where a whole number counts, as whole numbers."""
            said = dict(zip(NAMES[:count], values, strict=False))
            return {name: round(said[name]) for name in shown if isinstance(said[name], float) and said[name] % 1}

        def refused(error: Exception, given: Sequence[Any], visitor: str) -> dict[Any, Any]:
            LOG.info("refused", exc_info=isinstance(error, ValueError))
            return self.by_widget({**(always or {}), "status": failed(error, "an event failed", given)}, visitor)

        def updates(*given: Any) -> Iterator[dict[Any, Any]]:
            """What `fn` answers to `given`: the event where it takes one, then the values of all widgets that are read."""
            visitor = session()
            first, values = given[:takes_event], given[takes_event:]
            try:
                made = fn(*first, *arguments(values))
                with closing(made) if yields else nullcontext([made]) as several:
                    for update in several:
                        yield self.by_widget({**whole(values), **update}, visitor)
            except Exception as error:
                yield refused(error, given, visitor)

        async def wait_for(*given: Any) -> AsyncIterator[dict[Any, Any]]:
            """`updates` of a coroutine."""
            visitor = session()
            try:
                async with aclosing(fn(*given[:takes_event], *arguments(given[takes_event:]))) as several:
                    async for update in several:
                        yield await self.by_widget_aside(update, visitor)
            except Exception as error:
                yield refused(error, given, visitor)

        shaped = shape_async(wait_for, takes_event) if inspect.isasyncgenfunction(fn) else shape(updates, yields, takes_event)
        return {
            "fn": shaped,
            "inputs": self.select([*NAMES[:count], *reads]),
            "outputs": self.select(list(dict.fromkeys([*changes, "status", *(always or {})]))),
        }

    def press(self, button: str, event: Mapping[str, Any], js: str | None = NOW_JS, **how: Any) -> Any:
        """Connects a button whose event is about what the widgets say. It waits for the answer to the last choice, which sets
        widgets too: those of a model chosen just now would still have the values of the one before it.

        Args:
            button: the widget's name.
            event: see `event`.
            js: see `NOW_JS`.
            how: further arguments of the Gradio event.

        Returns:
            The event, as Gradio's `cancels` takes it.
        """
        pressed = self[button].click(None, None, None, js=SETTLED_JS, **PRIVATE)
        return pressed.then(**event, js=js, **how)

    async def by_widget_aside(self, updates: Updates, visitor: str) -> dict[Any, Any]:
        """`by_widget`, in a thread where sheets of a result are to be encoded: the event loop is everybody's."""
        if any(isinstance(x, Result) for x in updates.values()):
            return await asyncio.to_thread(self.by_widget, updates, visitor)
        return self.by_widget(updates, visitor)

    def by_widget(self, updates: Updates, visitor: str | None = None) -> dict[Any, Any]:
        """The updates keyed by widget, as Gradio takes them; never empty. Sheets of results become files of the visitor's, by
        default of the one whose event is being answered."""
        owner = session() if visitor is None else visitor
        shown = {name: with_sheets(x, owner) if isinstance(x, Result) else x for name, x in updates.items()}
        return {self.widgets[name]: update for name, update in {"status": gr.skip(), **shown}.items()}


def shape(updates: Callable[..., Iterator[Any]], yields: bool, takes_event: bool) -> Callable[..., Any]:
    """`updates` as Gradio takes it, which looks at a function to tell whether it yields and which of its parameters is the
    event's; without `yields` the first update alone."""

    def answer(*values: Any) -> dict[Any, Any]:
        return next(updates(*values))

    def answer_event(event: gr.EventData, *values: Any) -> dict[Any, Any]:
        return next(updates(event, *values))

    def stream_event(event: gr.EventData, *values: Any) -> Iterator[dict[Any, Any]]:
        yield from updates(event, *values)

    answers = {(False, False): answer, (False, True): answer_event, (True, False): updates, (True, True): stream_event}
    return answers[yields, takes_event]


def shape_async(updates: Callable[..., AsyncIterator[Any]], takes_event: bool) -> Callable[..., AsyncIterator[Any]]:
    """`shape` of what yields asynchronously."""

    async def stream_event(event: gr.EventData, *values: Any) -> AsyncIterator[dict[Any, Any]]:
        async with aclosing(updates(event, *values)) as several:
            async for update in several:
                yield update

    return stream_event if takes_event else updates
