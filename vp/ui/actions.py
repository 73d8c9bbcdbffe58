"""What the arm is to do, for models that take actions: the clip's own, nothing, or a path drawn on the last frame given.

What a visitor chose travels as one JSON text, `{"plan": "own", "beside": "still", "path": [[x, y], ...]}`, with the path in
shares of the frame's width and height; plan and beside are keys of `PLANS`, beside may be empty.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import gradio as gr
import numpy as np
from gradio.processing_utils import save_bytes_to_cache

from vp.core.video import Actions
from vp.data import Clip
from vp.prediction.actions import OWN, STILL
from vp.prediction.known_frames import fit_to_model
from vp.prediction.model import Model
from vp.result.sprite_sheet import encode_png

from .player import to_file_data
from .unreadable import refuse_unreadable

DRAWN = "drawn"
PLANS = {OWN: "The clip's own actions", STILL: "No movement", DRAWN: "The path I draw"}
MOST_POINTS = 500
NOTHING: dict[str, Any] = {"plan": None, "beside": "", "path": []}

HTML = '<div class="vp-actions"></div>'
JS = """
const box = element.querySelector(".vp-actions");
let chosen = {};
const keep = () => { box.dataset.chosen = props.value ? JSON.stringify(chosen) : ""; }; // read when Generate is pressed
const tell = () => { keep(); trigger("edit", { chosen: box.dataset.chosen }); };
const make = (tag, name, text) => {
  const made = document.createElement(tag);
  made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
};
const picker = (key, title, plans) => {
  const label = make("label", "vp-option");
  label.append(make("span", "vp-option-head", title));
  const select = make("select", `vp-option-choice vp-actions-${key}`);
  for (const [value, text] of plans) select.append(new Option(text, value, false, value === chosen[key]));
  select.addEventListener("change", () => { chosen[key] = select.value; tell(); });
  label.append(select);
  return label;
};
const sketch = (url) => {
  const canvas = make("canvas", "vp-actions-frame");
  Object.assign(canvas, { width: 512, height: 512 });
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", "The last frame given to the model: drag to draw where the hand should go");
  const context = canvas.getContext("2d");
  const picture = new Image();
  const draw = () => {
    const { width, height } = canvas;
    context.imageSmoothingEnabled = false;
    if (picture.complete && picture.naturalWidth) context.drawImage(picture, 0, 0, width, height);
    if (!chosen.path.length) return;
    for (const [colour, thick] of [["#ffffff", 12], ["#b8392c", 6]]) {
      context.beginPath();
      chosen.path.forEach(([x, y]) => context.lineTo(x * width, y * height));
      Object.assign(context, { strokeStyle: colour, fillStyle: colour, lineWidth: thick, lineCap: "round", lineJoin: "round" });
      context.stroke();
      const [x, y] = chosen.path[chosen.path.length - 1];
      context.beginPath();
      context.arc(x * width, y * height, thick * 1.6, 0, 7);
      context.fill();
    }
  };
  const at = (event) => {
    const area = canvas.getBoundingClientRect();
    const share = (value) => Math.round(1000 * Math.max(0, Math.min(1, value))) / 1000;
    return [share((event.clientX - area.left) / area.width), share((event.clientY - area.top) / area.height)];
  };
  let drawing = false;
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    drawing = true;
    chosen.path = [at(event)];
    draw();
    event.preventDefault();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!drawing) return;
    const place = at(event), last = chosen.path[chosen.path.length - 1];
    if (Math.hypot(place[0] - last[0], place[1] - last[1]) < 0.01 || chosen.path.length >= MOST_POINTS) return;
    chosen.path.push(place);
    draw();
  });
  const end = () => {
    if (!drawing) return;
    drawing = false;
    if (chosen.path.length < 2) chosen.path = [];
    else if (chosen.plan !== "drawn" && chosen.beside !== "drawn") {
      chosen.plan = "drawn";
      box.querySelector(".vp-actions-plan").value = "drawn";
    }
    draw();
    tell();
  };
  for (const kind of ["pointerup", "pointercancel"]) canvas.addEventListener(kind, end);
  picture.onload = draw;
  picture.src = url;
  const clear = make("button", "vp-actions-clear", "Clear the path");
  clear.type = "button";
  clear.addEventListener("click", () => { chosen.path = []; draw(); tell(); });
  return [canvas, make("small", "vp-option-help", "Drag on the last frame given: the hand moves as the line goes."), clear];
};
const render = () => {
  const value = props.value;
  if (!value) { chosen = {}; keep(); box.replaceChildren(); return; }
  chosen = JSON.parse(JSON.stringify(value.chosen));
  keep();
  box.replaceChildren(
    picker("plan", "The arm takes", value.plans),
    picker("beside", "Side by side, same dice", [["", "Nothing else"], ...value.plans]),
    ...(value.frame ? sketch(value.frame.url) : []),
  );
};
render();
watch("value", render);
""".replace("MOST_POINTS", str(MOST_POINTS))

# what an editor that is on the page knows better than the server
NOW_JS = 'document.querySelector("#action-editor .vp-actions")?.dataset.chosen'


class ActionEditor(gr.HTML):
    """Chooses the actions that a model is given. The value is what `describe` returns; event `edit` carries the choice as
    JSON."""

    def __init__(self, value: dict[str, Any] | None = None, **kwargs: Any):
        super().__init__(value, html_template=HTML, js_on_load=JS, apply_default_css=False, **kwargs)

    def postprocess(self, value: dict[str, Any] | None) -> dict[str, Any] | None:
        """The value for the browser, its frame as a PNG file to fetch."""
        if value is None or value.get("frame") is None:
            return value
        path = save_bytes_to_cache(encode_png(value["frame"]), "frame.png", self.GRADIO_CACHE)
        return value | {"frame": to_file_data(path, "image/png")}

    def api_info(self) -> dict[str, Any]:
        return {"type": "object"}


def describe(model: Model, clip: Clip, past: int, chosen: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
    """The editor's value: plans as (name, label), the frame to draw on, uint8 (H, W, C) or None, and the choice; None for a
    model without actions.

    Args:
        past: number of known frames; the last one is drawn on.
        chosen: as `parse` returns it; plans that the clip does not allow are replaced by the usual one.
    """
    capabilities = model.predictor.capabilities
    if capabilities.actions is None:
        return None
    names = possible_plans(capabilities.actions, clip)
    kept = {**NOTHING, **(chosen or {})}
    kept["plan"] = kept["plan"] if kept["plan"] in names else names[0]
    kept["beside"] = kept["beside"] if kept["beside"] in names else ""
    frame = None
    if DRAWN in names:
        frames, _ = fit_to_model(clip.frames[: int(past)][-1:], capabilities.size, capabilities.channels)
        frame = frames[0]
    return {"plans": [[name, PLANS[name]] for name in names], "frame": frame, "chosen": kept}


def possible_plans(accepted: Actions, clip: Clip) -> list[str]:
    """The keys of `PLANS` that apply to a clip, the usual one first."""
    own = clip.actions is not None and clip.actions.shape[-1] == len(accepted.names)
    return [*([OWN] if own else []), STILL, *([DRAWN] if accepted.path else [])]


def parse(text: str) -> dict[str, Any]:
    """The choice, {"plan", "beside", "path"}, from the editor's JSON; {} for an empty text.

    Raises:
        ValueError: the text is not of this form.
    """
    if not text:
        return {}
    with refuse_unreadable("actions", "choose them again"):
        chosen = json.loads(text)
        path = [[float(x), float(y)] for x, y in chosen.get("path", [])]
        kept = {"plan": chosen.get("plan"), "beside": chosen.get("beside", ""), "path": path}
        if kept["plan"] not in (None, *PLANS) or kept["beside"] not in ("", *PLANS) or len(path) > MOST_POINTS:
            raise ValueError(f"plans are {', '.join(PLANS)}, a path has {MOST_POINTS} points or fewer")
        return kept


def stream_arguments(model: Model, clip: Clip, chosen: Mapping[str, Any], past: Any, future: Any) -> dict[str, Any]:
    """The fields `actions` and `compare_with` of `Wishes`; {} for a model that takes no actions.

    Args:
        chosen: as `parse` returns it.
        past, future: numbers of known and predicted frames.

    Raises:
        ValueError: a path is chosen but not drawn.
    """
    accepted = model.predictor.capabilities.actions
    if accepted is None or not chosen:
        return {}
    chosen_plans = {"actions": chosen["plan"], "compare_with": chosen["beside"] or None}
    return {
        name: actions_along_path(accepted, clip, chosen["path"], past, future) if plan == DRAWN else plan
        for name, plan in chosen_plans.items()
    }


def actions_along_path(accepted: Actions, clip: Clip, path: list[list[float]], past: Any, future: Any) -> np.ndarray:
    """float32 (T, A): the clip's own actions (zeros where it has none) up to the last known frame, then those that follow the
    path.

    Args:
        path: [x, y] points in shares of the frame's width and height.

    Raises:
        ValueError: the path has fewer than two points.
    """
    if accepted.path is None or len(path) < 2:
        raise ValueError("no path is drawn yet; drag on the picture of the last frame, or choose other actions")
    before = np.zeros((int(past) - 1, len(accepted.names)), np.float32)
    if OWN in possible_plans(accepted, clip):
        own = clip.actions[: len(before)]
        before[: len(own)] = own
    return np.concatenate([before, accepted.path(np.array(path), int(future))])
