"""The section with the map of futures: many futures of the clip on a plane, and under the pointer those between them."""

from __future__ import annotations

import base64
import math
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from gradio.processing_utils import save_bytes_to_cache

from vp.prediction.future_map import FutureMap, neighbours, predict_between, stream_map
from vp.prediction.model import Model
from vp.result.sprite_sheet import encode_jpeg, encode_png, is_photograph

from . import jobs
from .admission import Admission, in_turn
from .choices import Visit
from .compute_thread import COMPUTE_THREAD
from .cost import Cost
from .expiring_store import ExpiringStore
from .handlers import Handlers
from .newest_first import Asked, Kept, Wish, answer_newest, read_kept
from .page import ADMITTED, STREAMED, Updates
from .player import to_file_data
from .settings import Settings
from .status import failed, status
from .unchecked import Slider
from .visitor_files import session

FEWEST, MOST, USUAL = 8, 64, 32  # futures of a map
SHOWN_FRAMES = 12  # of a thumbnail, evenly spread
ABOUT = (
    "Futures that look alike lie near one another. Point at one to see it; drag between them for futures nobody has drawn yet."
)
HTML = """<div class="vp-map" hidden>
  <div class="vp-map-plane" tabindex="0" role="application"
    aria-label="Map of futures: arrow keys move, Enter pins the nearest future"><canvas></canvas></div>
  <div class="vp-map-view">
    <canvas role="img" aria-label="The future at the chosen place"></canvas>
    <p class="vp-map-said" role="status"></p>
    <button type="button" class="vp-map-pin">Pin the nearest</button>
    <button type="button" class="vp-map-unpin" disabled>Unpin all</button>
  </div>
</div>"""
JS = (Path(__file__).parent / "future_map.js").read_text(encoding="utf-8")


MAPS: ExpiringStore[Kept[FutureMap]] = ExpiringStore(most=20, what="map")


class MapView(gr.HTML):
    """The widget that shows a map of futures.

    Args:
        value: what `describe` makes; None shows no map.
        future: answers the browser's requests for the future at a place of the map, see `future_at` and `answer_newest`.
    """

    def __init__(self, value: dict[str, Any] | None = None, future: Callable[..., Any] | None = None, **kwargs: Any):
        called = {"server_functions": [future]} if future else {}
        super().__init__(value, html_template=HTML, js_on_load=JS, apply_default_css=False, **called, **kwargs)

    def postprocess(self, value: dict[str, Any] | None) -> dict[str, Any] | None:
        """The value for the browser, its thumbnails as one file to fetch: a row a future, a column a frame."""
        if value is None:
            return None
        sheet = np.concatenate([np.concatenate(list(row), axis=1) for row in value["thumbnails"]])
        data, kind = encode_frames(sheet, value["thumbnails"][0, 0])
        path = save_bytes_to_cache(data, f"map.{kind.partition('/')[2]}", self.GRADIO_CACHE)
        rest = {name: x for name, x in value.items() if name != "thumbnails"}
        return rest | {"sheet": to_file_data(path, kind)}

    def api_info(self) -> dict[str, Any]:
        return {"type": "object"}


def read_wish(wish: Wish) -> Asked:
    """Whose map the page's `wish` is about, and what a future between costs; ValueError where the map is not kept."""
    return read_kept(MAPS, "map", wish, lambda futures: futures.request)


def future_at(wish: dict[str, Any]) -> dict[str, Any]:
    """The future at a place of a map.

    Args:
        wish: {"map": its name, "x", "y": of the place in [0, 1], "pins": [indices of futures], those alone are mixed}.

    Returns:
        {"sheet": data URL of the predicted frames side by side, "frames", "width", "height", "said": which futures are mixed}.

    Raises:
        ValueError: the map is no longer kept, or the wish is not of this form.
    """
    try:
        name, x, y, pins = str(wish["map"]), float(wish["x"]), float(wish["y"]), [int(index) for index in wish["pins"]]
    except (TypeError, KeyError, ValueError, OverflowError) as error:
        raise ValueError("the place on the map cannot be read; point at it again") from error
    kept = MAPS.get(name)
    futures = kept.shown
    if not all(0 <= index < len(futures.seeds) for index in pins):
        raise ValueError(f"pins are {pins[:8]}; give numbers from 0 to {len(futures.seeds) - 1}")
    own = np.array(sorted(set(pins)) or range(len(futures.seeds)))
    near, weights = neighbours(futures.places[own], x, y)
    frames = COMPUTE_THREAD.call(predict_between, futures, own[near], weights)[~futures.request.known]
    data, kind = encode_frames(np.concatenate(list(frames), axis=1), frames[0])
    shares = weights / np.linalg.norm(weights)
    parts = [f"{share**2:.0%} of future {own[index] + 1}" for index, share in zip(near, shares)]
    return {
        "sheet": f"data:{kind};base64,{base64.b64encode(data).decode()}",
        "frames": len(frames),
        "width": frames.shape[2],
        "height": frames.shape[1],
        "said": f"Future {own[near[0]] + 1}." if len(near) == 1 else f"Its noise is {', '.join(parts)}.",
    }


def encode_frames(picture: np.ndarray, frame: np.ndarray) -> tuple[bytes, str]:
    """A picture of many frames, uint8 (H, W, C), as a file's bytes and MIME type: a JPEG where `frame`, one of them, is a
    photograph, else a PNG."""
    return (encode_jpeg(picture), "image/jpeg") if is_photograph(frame) else (encode_png(picture), "image/png")


def describe(model: Model, futures: FutureMap, visitor: str = "") -> dict[str, Any]:
    """The map's value for `MapView`; it is kept on the server under a name of its own, as long as `visitor` is there."""
    picked = np.unique(np.linspace(0, futures.thumbnails.shape[1] - 1, SHOWN_FRAMES).round().astype(int))
    return {
        "map": MAPS.put(Kept(model, futures, visitor), visitor),
        "places": np.round(futures.places, 4).tolist(),
        "thumbnails": futures.thumbnails[:, picked],
        "frames": len(picked),
        "width": futures.thumbnails.shape[3],
        "height": futures.thumbnails.shape[2],
        "fps": futures.request.fps,
        "note": f"{len(futures.seeds)} futures. The plane keeps {futures.kept:.0%} of the differences between them.",
    }


def build(admission: Admission) -> dict[str, Any]:
    """Builds the section's widgets, folded; returns them by name. Futures between others are computed in `admission`'s turns."""
    made: dict[str, Any] = {}
    with gr.Accordion("Map of futures", open=False, elem_id="future-map"):
        gr.HTML(f'<p class="vp-learn-about">{ABOUT}</p>')
        with gr.Row():
            made["mapped"] = Slider(FEWEST, MOST, USUAL, step=8, label="Futures on the map", elem_id="mapped")
            made["draw"] = gr.Button("Draw the map", size="sm", min_width=120, elem_id="draw-map")
            made["stop_map"] = gr.Button("Stop drawing", size="sm", min_width=100, interactive=False, elem_id="stop-map")
        made["map_status"] = gr.HTML("", elem_id="map-status")
        made["map"] = MapView(future=answer_newest(admission, read_wish, future_at), elem_id="map")
    return made


def wire(page: Any, do: Handlers, admission: Admission) -> Any:
    """Connects the button; returns its event."""

    async def draw(at: Settings, count: float, visit: Visit) -> AsyncIterator[Updates]:
        async for updates in visit.while_shown(at, draw_in_turn(do, admission, at, count)):
            yield updates

    return page.press("draw", page.event(draw, ["map", "map_status", "stop_map"], ["mapped", "visit"]), **ADMITTED, **STREAMED)


async def draw_in_turn(do: Handlers, admission: Admission, at: Settings, count: float) -> AsyncIterator[Updates]:
    """Updates of the map and its status while it waits for its turn, and while its futures are predicted."""

    def check() -> Cost:
        if not (math.isfinite(count or math.nan) and FEWEST <= count <= MOST):
            raise ValueError(f"{count} futures came for a map; give {FEWEST} to {MOST}")
        model = do.models.get(at.model)
        clip, wishes = do.make_wishes(at, model)
        return jobs.check(at.model, model, clip, replace(wishes, n=int(count)))

    visitor = session()
    async for updates in in_turn(admission, check, lambda: draw_map(do, at, int(count), visitor), "map_status"):
        yield updates


def draw_map(do: Handlers, at: Settings, count: int, visitor: str) -> Iterator[Updates]:
    """Yields updates of the map and its status while the futures of the page's clip are predicted."""
    try:
        model = do.models.get(at.model)
        clip, wishes = do.make_wishes(at, model)
        with closing(COMPUTE_THREAD.each(stream_map(model, clip, wishes, count))) as job:
            for done, futures in job:
                if futures is None:
                    yield {"map_status": status(f"Future {done} of {count}.", done / count)}
                else:
                    yield {"map": describe(model, futures, visitor), "map_status": status("Point at the map, or drag on it.")}
    except Exception as error:
        yield {"map_status": failed(error, "a map of futures failed")}
