"""Below the player: a result kept as B, and the one on screen set beside it or beside a baseline."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import gradio as gr

from vp.result.comparison import compare_results, row_as_result
from vp.result.result import Result

from . import jobs
from .admission import Admission, in_turn
from .choices import Visit
from .cost import Cost
from .handlers import COMPARISON, RESULTS, Handlers, comparison_name, find_result
from .other_side import BASELINES, read_b, settings_of_b, write_b
from .page import ADMITTED, IDLE, QUIET, STREAMED, Updates
from .settings import Settings
from .status import status
from .visitor_files import session

KEPT = "The result kept as B"


def build() -> dict[str, Any]:
    """Builds the row's widgets; returns them by name. "b" is B as a link carries it."""
    made: dict[str, Any] = {"kept": gr.State(None), "b": gr.Textbox("", visible="hidden", label="B", elem_id="b-text")}
    with gr.Row(elem_id="comparing"):
        made["keep"] = gr.Button("Keep this result as B", size="sm", min_width=160, elem_id="keep")
        made["beside"] = gr.Dropdown(
            [KEPT, *BASELINES], value=KEPT, show_label=False, container=False, min_width=190, elem_id="beside",
            label="What to compare with",
        )  # fmt: skip
        made["compare"] = gr.Button("Compare", size="sm", min_width=110, elem_id="compare")
    return made


def wire(page: Any, do: Handlers, admission: Admission) -> Any:
    """Connects the buttons; returns Compare's event, which may wait for its turn and predict."""

    def keep_for_link(name: str | None) -> Updates:
        kept = keep(name)
        b = find_result(kept["kept"])
        return {**kept, "b": "" if b is None else write_b(do.models, b)}

    async def compare_now(
        at: Settings, visit: Visit, name: str | None, kept: str | None, beside: str, b: str
    ) -> AsyncIterator[Updates]:
        """The comparison, whose B is predicted first where a link has brought its settings alone."""
        if beside != KEPT or kept is not None or not b:
            yield {"b": b if beside == KEPT else json.dumps({"baseline": beside}), **compare(name, kept, beside)}
            return
        wanted = settings_of_b(do.models, at, read_b(do.models, b))

        def check() -> Cost:
            if find_result(first_of(name)) is None:
                raise ValueError("there is no result on screen to compare; press Generate first")
            model = do.models.get(wanted.model)
            return jobs.check(wanted.model, model, *do.make_wishes(wanted, model))

        async for updates in visit.while_shown(at, in_turn(admission, check, lambda: predict_b(do, wanted, name))):
            yield updates

    page["keep"].click(**page.event(keep_for_link, ["kept", "beside", "b"], ["result"]), **QUIET)
    compared = page.event(
        compare_now, ["player", "result", "kept", "b", "go", "stop", "job"], ["visit", "result", "kept", "beside", "b"]
    )
    return page.press("compare", compared, **ADMITTED, **STREAMED)


def predict_b(do: Handlers, wanted: Settings, name: str | None) -> Iterator[Updates]:
    """Updates while B is predicted with the settings `wanted`, and then the comparison of the result `name` with it."""
    for updates in do.generate(wanted):
        made = updates.get("result")
        if made is None:
            yield {key: x for key, x in updates.items() if key in ("status", "job", "go", "stop")}
        else:
            yield {"kept": made, **compare(name, made, KEPT), **IDLE}


def keep(name: str | None) -> Updates:
    """Keeps the result of a name as B.

    Raises:
        ValueError: there is none on screen, or it is no longer kept on the server.
    """
    name = first_of(name)
    result = find_result(name)
    if result is None:
        raise ValueError("there is no result to keep yet; press Generate first")
    said = f"{result.model.get('name')} is B now: change the model or a setting, press Generate, then Compare."
    return {"kept": name, "beside": KEPT, "status": status(said)}


def compare(name: str | None, kept: str | None, beside: str) -> Updates:
    """The result on screen beside the kept one, or beside one of its own baselines.

    Raises:
        ValueError: there is nothing to compare, or it is not of the same frames.
    """
    name = first_of(name)
    a = find_result(name)
    if a is None:
        raise ValueError("there is no result on screen to compare; press Generate first")
    if beside == KEPT:
        if kept is None:
            raise ValueError("no result is kept as B; press Keep this result as B, change something, and Generate")
        if kept == name:
            raise ValueError("the result on screen is B itself; change the model or a setting and press Generate first")
        b = find_result(kept)
        if b is None:
            raise ValueError("the result kept as B is gone; keep one again")
    else:
        b = row_as_result(a, baseline_index(a, beside))
    both = compare_results(a, b)
    made = comparison_name(RESULTS.put(both, session()), name or "")
    return {"player": both, "result": made, "status": status("A above, B below; a tile shows both enlarged.")}


def baseline_index(result: Result, label: str) -> int:
    """The row of a baseline.

    Raises:
        ValueError: the result has no such row.
    """
    for index in result.kind("baseline"):
        if result.rows[index].label == label:
            return index
    raise ValueError(f"this result has no row of {label.lower()!r}; compare it with a result kept as B")


def first_of(name: str | None) -> str | None:
    """The name of the result on screen: for a comparison that of its A."""
    return name.split(":", 2)[2] if name and name.startswith(COMPARISON) else name
