"""The picture editor, for models that paint frames from pictures of their own: paint on one, and see its frame again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np

from vp.engine.result import Result, Row

from .handlers import RESULTS, Handlers, refuse

SIDE = 384  # of the canvas on the page, about; a whole multiple of the picture's side
COLOURS = {"#4d0000": "the object", "#999999": "an edge", "#000000": "nothing"}  # as overlays have them
HELP = (
    "The frame is painted from this picture. Dark red is the object, white its edges; black erases. Paint, then press "
    "Repaint this frame; other frames stay as they are."
)
Edits = Mapping[int, np.ndarray]  # frame -> uint8 (H, W, 3)


@dataclass(frozen=True)
class Editor:
    """The widgets; `edits` keeps what was painted since the last Generate."""

    panel: gr.Accordion
    frame: gr.Slider
    canvas: gr.ImageEditor
    repaint: gr.Button
    undo: gr.Button
    edits: gr.State

    @property
    def looks(self) -> list[Any]:
        """What `show` updates."""
        return [self.panel, self.frame, self.canvas, self.repaint, self.undo]


def build() -> Editor:
    with gr.Accordion("Paint on the fusion pictures", open=False, visible=False, elem_id="editor") as panel:
        gr.Markdown(HELP)
        frame = gr.Slider(0, 1, 0, step=1, label="Frame", elem_id="editor-frame")
        canvas = gr.ImageEditor(
            label="Fusion picture", type="numpy", image_mode="RGB", sources=(), transforms=(), layers=False, format="png",
            brush=gr.Brush(default_size=10, colors=list(COLOURS), default_color="#4d0000", color_mode="fixed"), eraser=False,
            canvas_size=(SIDE, SIDE), fixed_canvas=False, buttons=[], elem_id="editor-canvas",
        )  # fmt: skip
        with gr.Row():
            repaint = gr.Button("Repaint this frame", variant="primary", min_width=150, elem_id="repaint")
            undo = gr.Button("Undo all painting", min_width=120, elem_id="undo")
    return Editor(panel, frame, canvas, repaint, undo, gr.State({}))


def pictures(result: Result) -> Row | None:
    """The row of a result's predicted pictures."""
    return next((row for row in result.rows if row.kind == "picture"), None)


def kept(name: str | None) -> Result | None:
    try:
        return RESULTS.get(name) if name else None
    except ValueError:
        return None


def show(name: str | None, frame: float) -> list[Any]:
    """Updates of `Editor.looks` for a result; without one nothing can be repainted until there is one."""
    result = kept(name)
    row = None if result is None else pictures(result)
    if row is None:
        hidden = gr.skip() if result is None else gr.update(visible=False)
        return [hidden, gr.skip(), gr.skip(), *[gr.update(interactive=False)] * 2]
    unknown = (~result.known).nonzero()[0]
    at = int(min(max(frame, unknown[0]), unknown[-1]))
    slider = gr.update(minimum=int(unknown[0]), maximum=int(unknown[-1]), value=at)
    return [gr.update(visible=True), slider, enlarged(row.frames[at]), *[gr.update(interactive=True)] * 2]


def take(name: str | None, frame: float) -> Any:
    """The picture of a frame for the canvas."""
    result = kept(name)
    row = None if result is None else pictures(result)
    return gr.skip() if row is None else enlarged(row.frames[int(min(max(frame, 0), len(row.frames) - 1))])


def enlarged(picture: np.ndarray) -> np.ndarray:
    """uint8 (H, W, 3), every pixel a square of equal pixels."""
    times = max(1, round(SIDE / max(picture.shape[:2])))
    return picture.repeat(times, 0).repeat(times, 1)


def painted(value: Mapping[str, Any] | None) -> np.ndarray:
    """uint8 (H, W, 3): what the canvas shows, with whatever is transparent as black.

    Raises:
        ValueError: the canvas is empty.
    """
    picture = None if value is None else value.get("composite")
    if picture is None:
        picture = None if value is None else value.get("background")
    if picture is None:
        raise ValueError("the canvas is empty; choose a frame to paint on first")
    if picture.shape[-1] == 4:
        picture = np.rint(picture[..., :3] * (picture[..., 3:] / 255.0)).astype(np.uint8)
    return np.ascontiguousarray(picture[..., :3])


def repaint(do: Handlers, given: tuple[Any, ...], value: Any, frame: float, edits: Edits) -> Iterator[list[Any]]:
    """Generates again with the painted picture in place: what `Handlers.generate` yields, and the edits so far."""
    try:
        edits = {**edits, int(frame): painted(value)}
    except ValueError as error:
        yield [gr.skip(), refuse(error), *[gr.skip()] * 3, edits]
        return
    for update in do.generate(*given, pictures=edits):
        yield [*update, edits]
