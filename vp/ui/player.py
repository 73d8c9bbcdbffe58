"""Gradio components of our own: the player of a Result, and the picker of example clips."""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.data_classes import FileData

from vp.result import player
from vp.result.result import Result

from .visitor_files import MADE

KEPT_SHEETS = 6  # results and previews of a visitor: the browser may still be fetching those before the last


class Player(gr.HTML):
    """Shows a `Result`; scrubbing happens in the browser. Never list it in `inputs`: its value would be posted back."""

    def __init__(self, value: Result | None = None, **kwargs: Any):
        super().__init__(
            value,
            html_template=player.HTML,
            css_template="",
            js_on_load=f"{player.JS}\nmount(element, props, watch, trigger);",
            apply_default_css=False,
            **kwargs,
        )

    def postprocess(self, value: Result | dict | None) -> dict | None:
        """The value as `with_sheets` makes it; a Result comes only before there is a visitor: the one the page opens with."""
        return with_sheets(value, None) if isinstance(value, Result) else value

    def api_info(self) -> dict[str, Any]:
        return {"type": "object"}


def with_sheets(value: Result, owner: str | None) -> dict[str, Any]:
    """The Result's JSON record, with its sprite sheets as files for the browser to fetch.

    Args:
        owner: the visitor whose they are; None: they stay as long as the server does.
    """
    kind, pictures = value.pictures()
    folder = MADE.new_folder()
    paths = [folder / f"sheet-{index}.{kind.partition('/')[2]}" for index in range(len(pictures))]
    for path, data in zip(paths, pictures):
        path.write_bytes(data)
    if owner is not None:
        MADE.keep(folder, owner, "sheets", KEPT_SHEETS)
    return value.record() | {"sheets": [to_file_data(str(path), kind) for path in paths]}


PICKER_HTML = '<div class="vp-picker" role="group" aria-label="Example clips"></div>'
PICKER_JS = """
const box = element.querySelector(".vp-picker");
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const render = () => {
  const value = props.value || { items: [] };
  box.replaceChildren(...value.items.map((item) => {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.name = item.name;
    button.setAttribute("aria-pressed", String(item.name === value.selected));
    const image = document.createElement("img");
    image.src = item.still.url;
    image.alt = "";
    const label = document.createElement("span");
    label.textContent = item.label;
    button.append(image, label);
    const move = (on) => () => { image.src = on && !calm.matches ? item.moving.url : item.still.url; };
    for (const kind of ["pointerenter", "focus"]) button.addEventListener(kind, move(true));
    for (const kind of ["pointerleave", "blur"]) button.addEventListener(kind, move(false));
    return button;
  }));
};
box.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  for (const other of box.children) other.setAttribute("aria-pressed", String(other === button));
  window.vpPicked = { clip: button.dataset.name, turn: (window.vpPicked?.turn ?? 0) + 1 }; // read when its turn comes
  trigger("pick", {});
});
render();
watch("value", render);
"""


class ClipPicker(gr.HTML):
    """Example clips as images that move under the pointer; event `pick` comes after the clip's name is
    in `window.vpPicked`.

    The value is {"items": [{"name", "label", "still", "moving"}], "selected": name or None}; still and moving are image paths.
    """

    def __init__(self, value: dict | None = None, **kwargs: Any):
        super().__init__(value, html_template=PICKER_HTML, js_on_load=PICKER_JS, apply_default_css=False, **kwargs)

    def postprocess(self, value: dict | None) -> dict | None:
        if value is None:
            return None
        pictures = {"still": "image/png", "moving": "image/gif"}
        items = [item | {key: to_file_data(item[key], kind) for key, kind in pictures.items()} for item in value["items"]]
        return value | {"items": items}

    def api_info(self) -> dict[str, Any]:
        return {"type": "object"}


def to_file_data(path: str, kind: str) -> dict[str, Any]:
    """The path as Gradio's file record, which the browser can fetch; `kind` is a MIME type."""
    return FileData(path=str(path), mime_type=kind).model_dump()
