"""The trimmer: a film strip of the whole clip, on which a bar chooses where the prediction begins and a box the region."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import gradio as gr
import numpy as np
from gradio.processing_utils import save_bytes_to_cache

from vp.data.overview import Overview
from vp.data.region import SMALLEST, Region
from vp.result.sprite_sheet import encode_jpeg

from .player import to_file_data
from .unreadable import refuse_unreadable

LATEST_S = 1e5

HTML = """<div class="vp-trim" role="group" aria-label="Part of the clip" hidden>
  <div class="vp-trim-view"><canvas></canvas><div class="vp-trim-box" hidden></div></div>
  <div class="vp-trim-strip">
    <canvas></canvas><div class="vp-trim-window"><i></i></div>
    <input type="range" aria-label="Moment at which the prediction begins" min="0" value="0">
  </div>
  <div class="vp-trim-foot">
    <span class="vp-trim-note"></span><button type="button" class="vp-trim-all">Undo the box</button>
  </div>
</div>"""
JS = """
const root = element.querySelector(".vp-trim"), find = (name) => root.querySelector(name);
const view = find(".vp-trim-view"), box = find(".vp-trim-box"), range = find("input"), strip = find(".vp-trim-strip canvas");
const picture = new Image();
let value = null, moment = 0, region = null, dragging = false, from = null;
const tell = () => {
  const drawn = region ? region.map((x) => x.toFixed(4)).join(",") : "";
  root.dataset.chosen = JSON.stringify({ clip: value.clip, moment, region: drawn });
  trigger("edit", JSON.parse(root.dataset.chosen));
};
const thumb = (context, k, x, y, w, h) => {
  const wide = picture.naturalWidth / value.count;
  context.drawImage(picture, k * wide, 0, wide, picture.naturalHeight, x, y, w, h);
};
const nearest = () => Math.round((value.seconds ? Math.min(1, (moment + value.past) / value.seconds) : 0) * (value.count - 1));
const draw = () => {
  if (!value || !picture.naturalWidth) return;
  const canvas = find(".vp-trim-view canvas"), wide = picture.naturalWidth / value.count;
  Object.assign(canvas, { width: wide, height: picture.naturalHeight });
  thumb(canvas.getContext("2d"), nearest(), 0, 0, wide, picture.naturalHeight);
  const share = value.seconds || 1, part = find(".vp-trim-window");
  part.style.left = `${(100 * moment) / share}%`;
  part.style.width = `${Math.min(100 - (100 * moment) / share, (100 * value.window) / share)}%`;
  part.firstChild.style.width = `${(100 * value.past) / (value.window || 1)}%`;
  const shown = region !== value.chosen_region && region || value.region; // what is used, once the server has said
  box.hidden = !shown;
  if (shown) [box.style.left, box.style.top, box.style.width, box.style.height] = shown.map((x) => `${100 * x}%`);
  find(".vp-trim-all").hidden = !region;
  const said = `From second ${moment.toFixed(1)} of ${value.seconds.toFixed(1)}`;
  find(".vp-trim-note").textContent = moment === value.moment && value.note ? value.note : said;
};
const drawStrip = () => {
  const ratio = picture.naturalWidth / value.count / picture.naturalHeight, high = 44;
  const wide = Math.max(high * ratio, 350 / value.count), count = Math.min(value.count, Math.max(1, Math.floor(350 / wide)));
  Object.assign(strip, { width: 700, height: 2 * high });
  const context = strip.getContext("2d");
  for (let k = 0; k < count; k++)
    thumb(context, Math.round((k * (value.count - 1)) / Math.max(1, count - 1)), (700 * k) / count, 0, 700 / count, 2 * high);
};
const render = () => {
  const before = value?.clip, { chosen, sent } = root.dataset;
  value = props.value;
  root.hidden = !value;
  const same = value && value.clip === before;
  const newer = same && chosen && chosen !== sent; // chosen after what this answers: its own answer is still to come
  if (!newer) delete root.dataset.chosen;
  if (!value) return;
  if (!same || !(newer || dragging || from)) [moment, region] = [value.moment, value.chosen_region];
  Object.assign(range, { max: Math.max(0, value.seconds - value.past), step: 1 / (value.fps || 10), value: moment });
  range.disabled = Number(range.max) <= 0;
  picture.onload = () => { drawStrip(); draw(); };
  if (picture.src !== value.pictures.url) picture.src = value.pictures.url;
  else if (picture.complete) { drawStrip(); draw(); }
};
range.addEventListener("pointerdown", () => { dragging = true; });
for (const kind of ["pointerup", "pointercancel", "blur"]) range.addEventListener(kind, () => { dragging = false; });
range.addEventListener("input", () => { moment = Number(range.value); draw(); });
range.addEventListener("change", () => { moment = Number(range.value); draw(); tell(); });
find(".vp-trim-strip").addEventListener("click", (event) => {
  if (event.target === range || range.disabled) return;
  const { left, width } = strip.getBoundingClientRect();
  range.value = ((event.clientX - left) / width) * value.seconds - value.past;
  range.dispatchEvent(new Event("change"));
});
const at = (event) => {
  const area = view.getBoundingClientRect(), share = (x) => Math.max(0, Math.min(1, x));
  const { left, top, width, height } = area;
  return [share((event.clientX - left) / width), share((event.clientY - top) / height), width / height];
};
const span = (event) => {
  const [x, y, ratio] = at(event);
  let [w, h] = [Math.max(value.least[0], Math.abs(x - from[0])), Math.max(value.least[1], Math.abs(y - from[1]))];
  if (value.square) { // as many pixels high as wide
    const room = [x < from[0] ? from[0] : 1 - from[0], y < from[1] ? from[1] : 1 - from[1]];
    const side = Math.min(Math.max(w * ratio, h), room[0] * ratio, room[1]);
    [w, h] = [side / ratio, side];
  }
  const inside = (first, span) => Math.max(0, Math.min(first, 1 - span));
  return [inside(x < from[0] ? from[0] - w : from[0], w), inside(y < from[1] ? from[1] - h : from[1], h), w, h];
};
const moved = (event) => { // far enough to be meant: no tap
  const [x, y] = at(event);
  return Math.max(Math.abs(x - from[0]), Math.abs(y - from[1])) > 0.04;
};
view.addEventListener("pointerdown", (event) => {
  if (!value) return;
  view.setPointerCapture(event.pointerId);
  from = at(event);
  event.preventDefault();
});
view.addEventListener("pointermove", (event) => {
  if (!from) return;
  if (moved(event)) { region = span(event); draw(); }
});
const done = (event) => {
  if (!from) return;
  const drawn = moved(event) ? span(event) : null;
  from = null;
  if (!drawn) { region = value.chosen_region; draw(); return; }
  region = drawn;
  draw();
  tell();
};
view.addEventListener("pointerup", done);
view.addEventListener("pointercancel", () => { from = null; region = value.chosen_region; draw(); });
find(".vp-trim-all").addEventListener("click", () => { region = null; draw(); tell(); });
render();
watch("value", render);
"""

# what a person has just chosen knows the page before the server does; nothing where they have not
NOW_JS = 'document.querySelector("#trim .vp-trim")?.dataset.chosen'


class Trimmer(gr.HTML):
    """Moment and region of a clip; event `edit` carries {"moment": s, "region": "left,top,width,height"}, "" for the model's own.

    The value is what `describe` gives.
    """

    def __init__(self, value: dict[str, Any] | None = None, **kwargs: Any):
        super().__init__(value, html_template=HTML, js_on_load=JS, apply_default_css=False, **kwargs)

    def postprocess(self, value: dict[str, Any] | None) -> dict[str, Any] | None:
        """The value for the browser, its thumbnails as one JPEG file to fetch."""
        if value is None:
            return None
        strip = np.concatenate(list(value["pictures"]), axis=1)
        path = save_bytes_to_cache(encode_jpeg(strip), "strip.jpeg", self.GRADIO_CACHE)
        return value | {"pictures": to_file_data(path, "image/jpeg")}

    def api_info(self) -> dict[str, Any]:
        return {"type": "object"}


def describe(
    clip: str,
    view: Overview,
    moment: float,
    region: Region | None,
    shown: Region | None,
    square: bool,
    fps: float,
    past: int,
    length: int,
    note: str = "",
) -> dict[str, Any]:
    """The trimmer's value.

    Args:
        clip: its name.
        view: its overview.
        moment: seconds.
        region: the one that a person chose, or None.
        shown: the region that is used.
        square: a region has to be as high as wide in pixels.
        fps: frames per second of the clip as it is used.
        past, length: numbers of known frames, and of all frames of the prediction.
        note: sentence to show while the moment is as it is now.
    """
    listed = lambda part: None if part is None else list(asdict(part).values())  # noqa: E731
    return {
        "clip": clip,
        "pictures": view.thumbnails,
        "count": len(view.thumbnails),
        "seconds": view.seconds,
        "moment": moment,
        "chosen_region": listed(region),
        "region": listed(shown),
        "square": square,
        "least": [min(1.0, SMALLEST / side) for side in (view.width, view.height)],
        "fps": fps,
        "past": past / fps,
        "window": length / fps,
        "note": note,
    }


def parse(text: str) -> dict[str, Any]:
    """{"moment", "region"} and where stated "clip" from the trimmer's JSON; {} for an empty text.

    Raises:
        ValueError: the text is not of this form.
    """
    if not text:
        return {}
    with refuse_unreadable("part of the clip", "choose it again"):
        chosen = json.loads(text)
        moment, region = float(chosen.get("moment", 0.0)), Region.parse(str(chosen.get("region", "")))
        if not 0 <= moment <= LATEST_S:
            raise ValueError(f"it begins at second {moment}")
        return {"moment": moment, "region": str(region or "")} | ({"clip": str(chosen["clip"])} if "clip" in chosen else {})
