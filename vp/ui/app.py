"""The page: clip, model, futures and prior on the left, the player on the right."""

from __future__ import annotations

import html
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from vp.prediction.checkpoint import FOLDER
from vp.prediction.known_frames import LONG_SIDE
from vp.result.result import Result

from . import actions, api, controls, editor, jobs, text
from .clips import ASSETS, examples
from .controls import FILES
from .handlers import RESULTS, Handlers, check_upload, picker, status, stop
from .models import Models
from .options import NOW_JS
from .player import ClipPicker, Player
from .theme import CSS, THEME

HOUR_S = 3600
GPU = {"concurrency_id": "model", "concurrency_limit": 1}  # one prediction at a time, others wait in the queue
PRIVATE = {"api_visibility": "private"}
QUIET = PRIVATE | {"show_progress": "hidden"}

LINK_JS = (
    """(clip, model, n, prior, past, future, temperature, seed, task, ticks, more, actionChoice, side) => {
  const shared = String(clip).startsWith("upload") ? null : clip;
  const known = ticks && task === "ticked" ? JSON.parse(ticks).join("") : null;
  const own = OPTIONS_NOW;
  const options = own === "{}" ? null : own;
  const actions = ACTIONS_NOW;
  const chosen = { model, prior, n, seed, clip: shared, past, future, temperature };
  const state = { ...chosen, task: ticks ? task : null, known, options, actions, side: side === USUAL_SIDE ? null : side };
  const query = new URLSearchParams(Object.entries(state).filter(([, value]) => value !== null && value !== ""));
  const address = `${location.origin}${location.pathname}?${query}`;
  history.replaceState(null, "", address);
  if (navigator.clipboard) navigator.clipboard.writeText(address).catch(() => {});
}""".replace("USUAL_SIDE", str(LONG_SIDE))
    .replace("OPTIONS_NOW", NOW_JS)
    .replace("ACTIONS_NOW", actions.NOW_JS)
)
GO_JS = f"(clip, task, ticks, more, actionChoice, ...rest) => [clip, task, ticks, {NOW_JS}, {actions.NOW_JS}, ...rest]"
PLAN_JS = """(ticks) => {
  const player = document.querySelector("#player .vp-player");
  if (player) player.dispatchEvent(new CustomEvent("vp-plan", { detail: ticks ? JSON.parse(ticks) : null }));
}"""
DICE_JS = "() => Math.floor(Math.random() * 1e6)"
SHOW_JS = """() => {
  if (matchMedia("(max-width: 900px)").matches) document.querySelector("#player").scrollIntoView({ block: "start" });
}"""


def build(device: str = "auto", folder: Path = FOLDER) -> gr.Blocks:
    """The app over the checkpoints in `folder`, ready to launch with `launch_options()`."""
    models = Models(device, folder)
    jobs.SERVING[:] = [models]
    first = f"example:{next(iter(examples()), '')}"
    with gr.Blocks(
        title="Video prediction playground", analytics_enabled=False, fill_width=True, delete_cache=(HOUR_S, 6 * HOUR_S)
    ) as demo:
        gr.HTML(text.HEADER)
        for problem in models.problems:
            gr.HTML(f'<p class="vp-problem" role="note">Left out: {html.escape(problem)}.</p>')
        clip = gr.Textbox(first, visible="hidden", label="Clip")  # not a State: the link is made in the browser
        result_id, by_hand = gr.State(None), gr.State(False)  # the latter: whether a person chose the model
        with gr.Row(elem_id="main"):
            with gr.Column(scale=0, min_width=350, elem_id="controls"):
                parts = build_controls(models)
            with gr.Column(scale=1, min_width=320, elem_id="stage"):
                player = Player(first_result(), elem_id="player")
                panel, painter, edits = editor.build()
                saves = build_saves()
                with gr.Accordion("Four things to try", open=False):
                    gr.Markdown(text.LESSON)
                with gr.Accordion("Glossary", open=False):
                    gr.HTML(text.GLOSSARY)
        do = wire(demo, models, first, clip, result_id, by_hand, player, saves, parts)
        wire_editor(do, panel, painter, edits, clip, result_id, player, parts)
        api.endpoint(models, GPU)
    return demo.queue(max_size=30, default_concurrency_limit=8)


def build_controls(models: Models) -> dict[str, Any]:
    """The left column, top to bottom."""
    parts: dict[str, Any] = {"picker": ClipPicker(picker(f"example:{next(iter(examples()), '')}"), elem_id="picker")}
    with gr.Row():
        parts["fresh"] = gr.Button("New random clip", size="sm", min_width=120, elem_id="fresh")
        parts["link"] = gr.Button("Copy link", size="sm", min_width=100, elem_id="link")
    parts["upload"] = gr.File(label="Or upload a video", type="filepath", height=116, elem_id="upload")
    names = sorted(models.cards, key=lambda name: name != models.default)
    parts["controls"], parts["dice"] = controls.build(names)
    with gr.Column(elem_id="actions"):
        parts["status"] = gr.HTML(status("A finished example is on screen."), elem_id="status")
        with gr.Row():
            parts["go"] = gr.Button("Generate", variant="primary", min_width=150, elem_id="generate")
            parts["stop"] = gr.Button("Stop", variant="stop", min_width=80, interactive=False, elem_id="stop")
    return parts


def build_saves() -> list[gr.DownloadButton]:
    with gr.Row(elem_id="saves"):
        return [
            gr.DownloadButton(f"Save {k}", size="sm", min_width=90, interactive=False, elem_id=f"save-{k.lower()}")
            for k in FILES.values()
        ]


def wire(
    demo: gr.Blocks, models: Models, first: str, clip: gr.Textbox, result_id: gr.State, by_hand: gr.State, player: Player,
    saves: list[gr.DownloadButton], parts: dict[str, Any],
) -> Handlers:  # fmt: skip
    """Connects what a visitor does with what happens."""
    do, fields = Handlers(models, first), parts["controls"]
    shown = [by_hand, clip, player, parts["status"], parts["picker"]]
    chosen = [*fields.values[:-1], *fields.own, *shown]
    setting = [fields.model, fields.past, fields.future, by_hand]
    nothing = {"fn": lambda: None, "outputs": result_id} | QUIET

    demo.load(do.arrive, None, [*fields.values, *fields.own, *shown], **QUIET).then(
        lambda name: RESULTS.put(first_result()) if name is None and first_result() else name, result_id, result_id, **QUIET
    )
    fields.model.input(
        do.choose_model, [fields.model, clip], [*fields.values[:-1], *fields.own, by_hand, parts["status"]], **QUIET
    )
    gr.on(
        [fields.task.input, fields.past.input, fields.future.input],
        do.plan, [fields.task, fields.past, fields.future, fields.ticks], fields.ticks, trigger_mode="always_last", **QUIET,
    )  # fmt: skip
    fields.ticks.change(None, fields.ticks, None, js=PLAN_JS, **PRIVATE)
    player.edit(do.ticked, None, [fields.task, fields.ticks], trigger_mode="multiple", **QUIET)
    fields.editor.edit(do.acted, None, fields.action_choice, trigger_mode="multiple", **QUIET)
    gr.on(
        [clip.change, fields.past.change],
        do.stage, [clip, fields.model, fields.past, fields.action_choice], fields.editor, trigger_mode="always_last", **QUIET,
    )  # fmt: skip
    fields.form.edit(do.option, None, fields.more, trigger_mode="multiple", **QUIET)
    parts["picker"].pick(do.pick, setting, chosen, trigger_mode="multiple", **QUIET).then(**nothing)
    parts["fresh"].click(do.fresh, setting, chosen, **QUIET).then(**nothing)
    given = [parts["upload"], *setting]
    parts["upload"].upload(do.upload, given, chosen, validator=check_upload, **QUIET).then(**nothing)
    parts["dice"].click(None, None, fields.seed, js=DICE_JS, **PRIVATE)
    own = [fields.task, fields.ticks, fields.more, fields.action_choice, fields.side]
    parts["link"].click(None, [clip, *fields.values, *own], None, js=LINK_JS, **PRIVATE)

    states = [parts["go"], parts["stop"]]
    job = parts["go"].click(
        do.generate, [clip, *own, *fields.values],
        [player, parts["status"], result_id, *states],
        js=GO_JS, show_progress="minimal", show_progress_on=parts["status"], **GPU, **PRIVATE,
    )  # fmt: skip
    parts["go"].click(None, None, None, js=SHOW_JS, **PRIVATE)
    parts["stop"].click(None, None, None, cancels=[job], **PRIVATE)  # with a function it would cancel only afterwards
    parts["stop"].click(stop, None, [parts["status"], *states], **QUIET)
    result_id.change(do.downloads, result_id, saves, **QUIET)
    return do


def wire_editor(
    do: Handlers, panel: gr.Accordion, painter: editor.PictureEditor, edits: gr.State, clip: gr.Textbox, result_id: gr.State,
    player: Player, parts: dict[str, Any],
) -> None:  # fmt: skip
    """Connects the picture editor: what was painted is generated from, until Generate is pressed or all is undone."""
    fields = parts["controls"]
    settings = [clip, fields.task, fields.ticks, fields.more, fields.action_choice, fields.side, *fields.values]
    seen = [player, parts["status"], result_id, parts["go"], parts["stop"]]
    running = {"js": GO_JS, "show_progress": "minimal", "show_progress_on": parts["status"]} | GPU | PRIVATE

    def repaint(
        clip: str, task: str, ticks: str, more: str, action_choice: str, side: Any, model: str, n: Any, prior: Any, past: Any,
        future: Any, heat: Any, seed: Any, edits: dict[int, Any], event: gr.EventData,
    ) -> Iterator[list[Any]]:  # fmt: skip
        given = (clip, task, ticks, more, action_choice, side, model, n, prior, past, future, heat, seed)
        yield from editor.repaint(do, given, event._data, edits)

    result_id.change(editor.show, [result_id, edits], [panel, painter], **QUIET)
    jobs_of = [
        painter.paint(repaint, [*settings, edits], [edits, *seen], **running),
        painter.undo(do.generate, settings, seen, **running),
    ]
    for event in (parts["go"].click, painter.undo):
        event(lambda: {}, None, edits, **QUIET)
    parts["stop"].click(None, None, None, cancels=jobs_of, **PRIVATE)


def first_result() -> Result | None:
    """The finished result that the page opens with."""
    folder = ASSETS / "example"
    return Result.load(folder) if (folder / "result.json").is_file() else None


def launch_options() -> dict[str, Any]:
    """Keyword arguments for `demo.launch`: everything but address and port, which Gradio reads from the environment."""
    return {
        "theme": THEME,
        "head": f"<style>{CSS}</style>",  # Gradio's own css argument drops @container rules
        "ssr_mode": False,
        "run_history": False,
        "max_file_size": "200mb",
        "footer_links": ["api"],
        "show_error": True,
        "allowed_paths": [str(Path(ASSETS))],
    }
