"""The page's layout and events: clip, model and settings on the left, the player on the right."""

from __future__ import annotations

import html
import os
from collections.abc import AsyncIterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from vp.prediction.checkpoint import FOLDER

from . import api, choices, comparison, controls, editor, future_map, hub, jobs, learning, lessons, look_inside, text
from .admission import Admission, in_turn
from .choices import Choices, Visit
from .clips import ASSETS, examples
from .controls import FILES
from .cost import Cost
from .door import Door
from .freed_memory import keep_returning_memory
from .handlers import Handlers, picker_value, stop_job
from .labels import model_menu
from .limits import Limits
from .listeners import CountReaders
from .local_only import LocalOnly, serves_this_machine_only
from .models import Models
from .page import ADMITTED, ENDED_BY, LINK_JS, NAMES, NOW_JS, PRIVATE, QUIET, STREAMED, Page, Updates
from .player import ClipPicker, Player
from .server_folder import server_folder
from .settings import Settings, default_settings
from .shipped import FIRST, first_result
from .status import status
from .theme import CSS, THEME
from .trimmer import Trimmer
from .upload_bounds import UploadBounds
from .visitor import forget_session

HOUR_S = 3600
SPARE_SLOTS = 100  # of Gradio's, beside those of the predictions that wait
PROXIES = "127.0.0.1,::1,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16"  # on a Space visitors come through one of these
MOST_SESSIONS = 200  # whose widgets Gradio remembers, about 1 MB each; of older ones it knows what all begin with

PLAN_JS = """(ticks) => {
  const player = document.querySelector("#player .vp-player");
  if (player) player.dispatchEvent(new CustomEvent("vp-plan", { detail: ticks ? JSON.parse(ticks) : null }));
}"""
DICE_JS = "() => Math.floor(Math.random() * 1e6)"
# the heights that the style sheet cannot know: of what is above the columns, and of the buttons on a phone
HEIGHTS_JS = """() => {
  const root = document.documentElement, main = document.querySelector("#main"), actions = document.querySelector("#actions");
  const measure = () => {
    root.style.setProperty("--head", `${main.getBoundingClientRect().top + scrollY}px`);
    root.style.setProperty("--buttons", `${actions.offsetHeight}px`);
  };
  new ResizeObserver(measure).observe(actions);
  addEventListener("resize", measure);
  measure();
}"""
SHOW_JS = """() => {
  if (matchMedia("(max-width: 900px)").matches) document.querySelector("#player").scrollIntoView({ block: "start" });
}"""


def build(device: str = "auto", folder: Path = FOLDER, limits: Limits | None = None) -> gr.Blocks:
    """The app over the checkpoints in `folder`, ready to launch with `launch_options(limits)`."""
    server_folder()  # before Gradio's components, which ask for it when they are made
    keep_returning_memory()
    models, admission = Models(device, folder), Admission(limits)
    os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", "1000000")  # else every event makes a table of all earlier ones
    first = f"example:{next(iter(examples()), '')}"
    with gr.Blocks(
        title="Video prediction playground", analytics_enabled=False, fill_width=True, delete_cache=(HOUR_S, 6 * HOUR_S)
    ) as demo:
        gr.HTML(text.HEADER)
        widgets: dict[str, Any] = {
            "clip": gr.Textbox(first, visible="hidden", label="Clip"),  # not a State: the link is made in the browser
            "result": gr.State(FIRST if first_result() else None),  # what Save saves: the result on screen
            "newest": gr.State([None]),  # the result whose files are to be offered, see `Handlers.update_downloads`
            "visit": gr.State(Visit()),  # what this page shows by its last answer; one object a visitor, changed in place
            "ask": gr.Textbox("", visible="hidden", label="Ask"),  # changes where something was chosen
            "chosen": gr.Textbox("", visible="hidden", label="Chosen"),  # the same of what is no clip, part or file
            "choice": gr.Textbox("", visible="hidden", label="Choice", elem_id="choice-text"),  # the one answered last
            "job": gr.State(None),  # the running prediction, by its name in jobs.RUNNING
        }
        with gr.Row(elem_id="main"):
            with gr.Column(scale=0, min_width=350, elem_id="controls"):
                widgets |= build_controls(models, first)
            with gr.Column(scale=1, min_width=320, elem_id="stage"):
                for problem in models.problems:
                    gr.HTML(f'<p class="vp-problem" role="note">Left out: {html.escape(problem)}.</p>')
                widgets["player"] = Player(first_result(), elem_id="player")
                widgets |= editor.build()
                saves = build_save_buttons()
                widgets |= comparison.build()
                widgets |= look_inside.build(admission)
                widgets |= future_map.build(admission)
                widgets |= lessons.build()
                with gr.Accordion("Glossary", open=False):
                    gr.HTML(text.GLOSSARY)
        page, do = Page(widgets), Handlers(models, first)
        predicting = wire_generate(page, do, admission, comparison.wire(page, do, admission))
        sections = {"map_status": future_map.wire(page, do, admission), "latent_status": look_inside.wire(page, do, admission)}
        cancel = cancelling([*predicting, *sections.values()])
        wire_section_stops(page, sections)
        choices.wire(demo, page, Choices(do), cancel)
        wire_settings(demo, page, do)
        wire_saves(page, do, saves)
        learning.wire(page, models, admission)
        hub.wire(page, models)
        lessons.wire(page, do, cancel)
        api.add_endpoint(models, admission)
        demo.unload(forget_session)
    return demo.queue(default_concurrency_limit=8, api_open=False)  # a call beside the queue would wait without a listener


def build_controls(models: Models, first: str) -> dict[str, Any]:
    """Builds the left column, top to bottom; returns its widgets by name.

    Args:
        first: name of the clip shown at first.
    """
    default = models.first_usable()
    looks = controls.control_updates(models.get(default), default_settings(models, default, first))
    with gr.Column(elem_id="settings"):  # scrolls by itself beside the player, so that the buttons below lie over nothing
        made: dict[str, Any] = {"picker": ClipPicker(picker_value(first), elem_id="picker")}
        with gr.Row():
            made["fresh"] = gr.Button("New random clip", size="sm", min_width=120, elem_id="fresh")
            made["link"] = gr.Button("Copy link", size="sm", min_width=100, elem_id="link")
        made["upload"] = gr.File(label=choices.UPLOAD, type="filepath", height=100, elem_id="upload")
        made["given"] = gr.File(type="filepath", visible="hidden")
        made["trim"] = Trimmer(looks["trim"], elem_id="trim")
        made |= controls.build(model_menu(models.cards), looks)
        made |= learning.build()
        made |= hub.build()
    with gr.Column(elem_id="actions"):
        gr.HTML(
            '<nav class="vp-jump" aria-label="Parts of the page">'
            '<a href="#settings">Clip and model</a><a href="#stage">Result</a></nav>'
        )
        made["status"] = gr.HTML(status("A finished example is on screen."), elem_id="status")
        with gr.Row():
            made["go"] = gr.Button("Generate", variant="primary", min_width=150, elem_id="generate")
            made["stop"] = gr.Button("Stop", variant="stop", min_width=80, interactive=False, elem_id="stop")
    return made


def build_save_buttons() -> list[gr.DownloadButton]:
    """The download buttons, one per file of FILES, disabled until there is a result."""
    with gr.Row(elem_id="saves"):
        return [
            gr.DownloadButton(f"Save {k}", size="sm", min_width=90, interactive=False, elem_id=f"save-{k.lower()}")
            for k in FILES.values()
        ]


def wire_settings(demo: gr.Blocks, page: Page, do: Handlers) -> None:
    """Connects the page's layout, what is chosen in the forms of ticks, options and actions, the seed, and the link."""
    demo.load(None, None, None, js=HEIGHTS_JS, **PRIVATE)
    page["known"].change(None, page["known"], None, js=PLAN_JS, **PRIVATE)
    edits = {"trigger_mode": "multiple"} | QUIET
    page["player"].edit(**page.event(do.store_ticks, ["task", "known"]), **edits)
    page["editor"].edit(**page.event(do.store_actions, ["actions"]), **edits)
    page["form"].edit(**page.event(do.store_options, ["options"]), **edits)
    page["dice"].click(None, None, page["seed"], js=DICE_JS, **PRIVATE)
    page.press("link", {"fn": None, "inputs": page.select([*NAMES, "b"]), "outputs": None}, LINK_JS, **PRIVATE)


def wire_generate(page: Page, do: Handlers, admission: Admission, compared: Any) -> list[Any]:
    """Connects Generate, Stop and the picture editor: what was painted counts until Generate is pressed.

    Args:
        compared: Compare's event, which Stop ends as well.

    Returns:
        The events that predict what the player shows.
    """
    made = ["player", "status", "result", "go", "stop", "job"]
    running = {"js": NOW_JS, "show_progress": "minimal", "show_progress_on": page["status"]} | ADMITTED | PRIVATE

    def wanted(at: Settings) -> Cost:
        model = do.models.get(at.model)
        return jobs.check(at.model, model, *do.make_wishes(at, model))

    async def generate(at: Settings, visit: Visit) -> AsyncIterator[Updates]:
        made = in_turn(admission, lambda: wanted(at), lambda: do.generate(at))
        async for updates in visit.while_shown(at, made):
            yield updates

    async def repaint(event: gr.EventData, at: Settings, visit: Visit, edits: dict[int, Any]) -> AsyncIterator[Updates]:
        made = in_turn(admission, lambda: wanted(at), lambda: editor.repaint(do, at, event._data, edits))
        async for updates in visit.while_shown(at, made):
            yield updates

    async def stop(job: str | None) -> dict[Any, Any]:
        return page.by_widget(await stop_job(job))

    jobs_running = [
        page.press("go", page.event(generate, made, ["visit"]), **running),
        page["painter"].paint(**page.event(repaint, ["edits", *made], ["visit", "edits"]), **running),
        page["painter"].undo(**page.event(generate, made, ["visit"]), **running),
        compared,
    ]
    page["go"].click(None, None, None, js=SHOW_JS, **PRIVATE)
    for event in (page["go"].click, page["painter"].undo):
        event(lambda: {}, None, page["edits"], **QUIET)
    page["stop"].click(**cancelling(jobs_running))
    stopped = page.select(["status", "go", "stop"])  # no State, which beside the queue would not tell its change
    page["stop"].click(stop, page["job"], stopped, queue=False, **STREAMED)
    page["result"].change(editor.editor_updates, page.select(["result", "edits"]), page.select(["panel", "painter"]), **QUIET)
    return jobs_running


def wire_section_stops(page: Page, sections: Mapping[str, Any]) -> None:
    """Connects the buttons that end the predictions of the page's sections.

    Args:
        sections: these events, by the widget that says how they go.
    """
    for said_in, event in sections.items():
        button = ENDED_BY[said_in]
        ended = {said_in: status("Stopped."), button: gr.update(interactive=False)}
        page[button].click(**cancelling([event]))
        said = page.select(["status", *ended])
        page[button].click(partial(page.by_widget, ended), None, said, queue=False, **STREAMED)


def cancelling(events: list[Any]) -> dict[str, Any]:
    """Arguments of an event that cancels `events` where they wait or run."""
    return {"fn": None, "inputs": None, "outputs": None, "cancels": events} | PRIVATE


def wire_saves(page: Page, do: Handlers, saves: list[gr.DownloadButton]) -> None:
    """Connects the files to save with the result on screen: those of an earlier one go at once, the new ones come when written.
    Those of the result that the page opens with come with the first answer, which is none where a link asks for something else.

    Args:
        saves: what `Handlers.update_downloads` updates.
    """
    several = {"trigger_mode": "multiple"} | STREAMED  # a result that leaves the screen does not wait for the one before it
    # Gradio does not see that a choice drops a result which was made while the choice was being answered
    for trigger in (page["result"].change, page["choice"].change):
        trigger(do.update_downloads, page.select(["result", "newest"]), saves, **several)


def launch_options(limits: Limits | None = None) -> dict[str, Any]:
    """Keyword arguments for `demo.launch`: everything but address and port, which Gradio reads from the environment."""
    if os.environ.get("SPACE_ID"):
        os.environ.setdefault("FORWARDED_ALLOW_IPS", PROXIES)
    limits, local = limits or Limits(), [(LocalOnly, (), {})] if serves_this_machine_only() else []
    return {
        "max_threads": limits.total + SPARE_SLOTS,
        "app_kwargs": {"middleware": [(CountReaders, (), {}), (Door, (limits.per_address,), {}), (UploadBounds, (), {}), *local]},
        "theme": THEME,
        "head": f"<style>{CSS}</style>",  # Gradio's own css argument drops @container rules
        "ssr_mode": False,
        "run_history": False,
        "max_file_size": "200mb",
        "footer_links": ["api"],
        "show_error": True,
        "allowed_paths": [str(Path(ASSETS))],
        "state_session_capacity": MOST_SESSIONS,
    }
