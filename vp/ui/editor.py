"""The picture editor, for models that paint frames from fusion pictures (one image that fuses a clip's motion): edit one,
and generate its frame again."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

import gradio as gr
import numpy as np

from vp.result.result import Result, Row
from vp.result.sprite_sheet import encode_png

from .handlers import Handlers, find_result
from .page import Updates
from .settings import Settings

HELP = (
    "Each frame is painted from its fusion picture. Dark red is the object, white its edges. Paint or erase, then press "
    "Repaint this frame; other frames stay as they are."
)
HTML = """
<div class="vp-editor" hidden>
  <canvas aria-label="Fusion picture to paint on"></canvas>
  <div class="vp-editor-tools">
    <div role="group" aria-label="Brush">
      <button type="button" data-brush="object" aria-pressed="true">Object</button>
      <button type="button" data-brush="edge" aria-pressed="false">Edge</button>
      <button type="button" data-brush="erase" aria-pressed="false">Erase</button>
    </div>
    <label>Brush size <input type="range" class="vp-editor-size" min="1" max="9" step="2" value="3"></label>
    <label>Frame <output></output><input type="range" class="vp-editor-frame" step="1"></label>
    <button type="button" class="vp-editor-go">Repaint this frame</button>
    <button type="button" class="vp-editor-undo">Undo all painting</button>
  </div>
</div>
"""
# the brushes keep what overlays have: red is the segment's share above the white of the edges
JS = """
const box = element.querySelector(".vp-editor");
const find = (selector) => box.querySelector(selector);
const canvas = find("canvas");
const context = canvas.getContext("2d", { willReadFrequently: true });
const RED = 77;
const WHITE = 153;
let sheet = null;
let brush = "object";
let last = null;
const frame = () => Number(find(".vp-editor-frame").value);
const load = () => {
  const { width, height, first } = props.value;
  find("output").textContent = frame();
  context.drawImage(sheet, (frame() - first) * width, 0, width, height, 0, 0, width, height);
};
const render = () => {
  const value = props.value;
  box.hidden = !value;
  if (!value) return;
  const image = new Image();
  image.src = value.url;
  image.decode().then(() => {
    canvas.width = value.width;
    canvas.height = value.height;
    const range = find(".vp-editor-frame");
    const before = sheet ? frame() : value.first;
    sheet = image;
    range.min = value.first;
    range.max = value.first + value.count - 1;
    range.value = value.at ?? before;
    load();
  });
};
const spot = (event) => {
  const area = canvas.getBoundingClientRect();
  return [
    Math.floor(((event.clientX - area.left) / area.width) * canvas.width),
    Math.floor(((event.clientY - area.top) / area.height) * canvas.height),
  ];
};
const mix = { object: (red, white) => [RED, white], edge: (red) => [red, WHITE], erase: () => [0, 0] };
const dab = (x, y) => {
  const reach = Number(find(".vp-editor-size").value) >> 1;
  for (let v = y - reach; v <= y + reach; v++)
    for (let u = x - reach; u <= x + reach; u++) {
      if ((u - x) ** 2 + (v - y) ** 2 > reach * reach + 0.5) continue;
      const pixel = context.getImageData(u, v, 1, 1);
      const white = (pixel.data[1] + pixel.data[2]) / 2;
      const [red, edge] = mix[brush](Math.max(0, pixel.data[0] - white), white);
      pixel.data.set([red + edge, edge, edge, 255]);
      context.putImageData(pixel, u, v);
    }
};
const stroke = (to) => {
  const from = last || to;
  const steps = Math.max(1, Math.abs(to[0] - from[0]), Math.abs(to[1] - from[1]));
  for (let k = 0; k <= steps; k++)
    dab(Math.round(from[0] + ((to[0] - from[0]) * k) / steps), Math.round(from[1] + ((to[1] - from[1]) * k) / steps));
  last = to;
};
canvas.addEventListener("pointerdown", (event) => {
  canvas.setPointerCapture(event.pointerId);
  last = null;
  stroke(spot(event));
});
canvas.addEventListener("pointermove", (event) => event.buttons && last && stroke(spot(event)));
canvas.addEventListener("pointerup", () => { last = null; });
box.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.brush) {
    brush = button.dataset.brush;
    for (const other of box.querySelectorAll("[data-brush]")) other.setAttribute("aria-pressed", String(other === button));
  } else if (button.matches(".vp-editor-undo")) trigger("undo", {});
  else {
    const { data, width, height } = context.getImageData(0, 0, canvas.width, canvas.height);
    trigger("paint", { frame: frame(), width, height, pixels: Array.from(data).filter((_, k) => k % 4 < 3) });
  }
});
find(".vp-editor-frame").addEventListener("input", load);
render();
watch("value", render);
"""


class PictureEditor(gr.HTML):
    """A canvas on which one of several images is edited, pixel by pixel, with a slider that chooses its frame.

    The value is what `editor_updates` makes, or None. Event `paint` carries frame, width, height and pixels, all RGB bytes of
    the image; event `undo` carries nothing.
    """

    def __init__(self, value: dict[str, Any] | None = None, **kwargs: Any):
        super().__init__(value, html_template=HTML, js_on_load=JS, apply_default_css=False, **kwargs)

    def api_info(self) -> dict[str, Any]:
        return {"type": "object"}


def build() -> dict[str, Any]:
    """Builds the "panel", the "painter" in it, and "edits": the pictures painted since the last Generate, frame -> uint8 (H,
    W, 3)."""
    with gr.Accordion("Paint on the fusion pictures", open=True, visible=False, elem_id="editor") as panel:
        gr.Markdown(HELP)
        painter = PictureEditor(elem_id="painter")
    return {"panel": panel, "painter": painter, "edits": gr.State({})}


def picture_row(result: Result) -> Row | None:
    """The row of a result's predicted fusion pictures, or None."""
    return next((row for row in result.rows if row.kind == "picture"), None)


def editor_updates(name: str | None, edits: Mapping[int, Any]) -> list[Any]:
    """Updates of panel and painter for a stored result; both stay as they are where it is not kept.

    Args:
        name: the result's, in the store.
        edits: frame -> painted picture; the last one's frame is shown.
    """
    try:
        result = find_result(name)
    except ValueError:
        result = None
    if result is None:
        return [gr.skip(), gr.skip()]
    row = picture_row(result)
    if row is None:
        return [gr.update(visible=False), None]
    first, last = (~result.known).nonzero()[0][[0, -1]].tolist()
    chosen = row.frames[first : last + 1]
    _, height, width, _ = chosen.shape
    sheet = encode_png(np.ascontiguousarray(chosen.transpose(1, 0, 2, 3).reshape(height, -1, 3)))
    url = f"data:image/png;base64,{base64.b64encode(sheet).decode('ascii')}"
    at = list(edits)[-1] if edits else None
    value = {"url": url, "first": first, "count": len(chosen), "height": height, "width": width, "at": at}
    return [gr.update(visible=True), value]


def parse_painting(data: Mapping[str, Any]) -> tuple[int, np.ndarray]:
    """(frame, uint8 (H, W, 3) RGB) from the data of a `paint` event.

    Raises:
        ValueError: the data are incomplete or of another size.
    """
    try:
        pixels = np.array(data["pixels"], np.uint8)
        return int(data["frame"]), pixels.reshape(int(data["height"]), int(data["width"]), 3)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ValueError("the painted picture did not arrive whole; paint again") from error


def repaint(do: Handlers, at: Settings, data: Mapping[str, Any], edits: Mapping[int, Any]) -> Iterator[Updates]:
    """Generates again with the picture of a `paint` event added to the edits; yields the edits and the updates of
    `Handlers.generate`.

    Raises:
        ValueError: the event holds no picture.
    """
    frame, picture = parse_painting(data)
    length = int(at.past) + int(at.future)
    edits = {t: x for t, x in edits.items() if t != frame and t < length} | {frame: picture}
    for update in do.generate(at, pictures=edits):
        yield {"edits": edits, **update}
