"""The section that looks into one future: the latent of its frames, one number of it moved by hand, and other temperatures."""

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

from vp.core.latent_steps import LatentChange
from vp.prediction.assemble import sample_mark
from vp.prediction.future_map import small_frames
from vp.prediction.latent_view import TEMPERATURES, LatentView, change_by_hand, latent_predictor, stream_view
from vp.prediction.model import Model
from vp.result.result import BY_HAND
from vp.result.sprite_sheet import SIDE

from . import jobs
from .admission import Admission, in_turn
from .compute_thread import COMPUTE_THREAD
from .cost import Cost
from .expiring_store import ExpiringStore
from .future_map import encode_frames
from .handlers import Handlers
from .models import MOST_FUTURES
from .newest_first import Asked, Kept, Wish, answer_newest, read_kept
from .page import ADMITTED, NOW_JS, STREAMED, Updates
from .player import to_file_data
from .settings import Settings
from .status import failed, status
from .unchecked import Slider
from .visitor_files import session

SHOWN_SIDE = 160  # px of the shorter side of the frames that are shown
FARTHEST = 3.0  # standard deviations to which the slider goes
ABOUT = (
    "At every frame the model draws a few numbers, its latent z; all that is left to chance in a future is in them. See what it "
    "expected of each, move one by hand, and see the same future with smaller and larger dice."
)
HERE = Path(__file__).parent
HTML = (HERE / "latent.html").read_text(encoding="utf-8")
JS = f"const FARTHEST = {FARTHEST};\n" + (HERE / "latent.js").read_text(encoding="utf-8")


VIEWS: ExpiringStore[Kept[LatentView]] = ExpiringStore(most=20, what="look inside")


class LatentPanel(gr.HTML):
    """The look inside of a value made by `describe`.

    Args:
        value: None: nothing is shown.
        moved: `move` in turn, called by the page while a number is moved, one request at a time.
    """

    def __init__(self, value: dict[str, Any] | None = None, moved: Callable[..., Any] | None = None, **kwargs: Any):
        called = {"server_functions": [moved]} if moved else {}
        super().__init__(value, html_template=HTML, js_on_load=JS, apply_default_css=False, **called, **kwargs)

    def postprocess(self, value: dict[str, Any] | None) -> dict[str, Any] | None:
        """The value for the browser, each film as a file to fetch."""
        if value is None:
            return None
        films = [{**film, "sheet": self.store_sheet(film["frames"])} for film in value["films"]]
        return {**value, "films": [{name: x for name, x in film.items() if name != "frames"} for film in films]}

    def store_sheet(self, frames: np.ndarray) -> dict[str, Any]:
        """Frames uint8 (T, H, W, C) as a sheet on disk."""
        data, kind = encode_frames(tile(frames), frames[0])
        return to_file_data(save_bytes_to_cache(data, f"film.{kind.partition('/')[2]}", self.GRADIO_CACHE), kind)

    def api_info(self) -> dict[str, Any]:
        return {"type": "object"}


def tile(frames: np.ndarray) -> np.ndarray:
    """Frames uint8 (T, H, W, C) in lines of as many as a sheet is wide: uint8 (lines * H, columns * W, C)."""
    columns = columns_of(len(frames), frames.shape[2])
    padded = np.pad(frames, ((0, -len(frames) % columns), (0, 0), (0, 0), (0, 0)))
    return np.concatenate([np.concatenate(list(line), axis=1) for line in padded.reshape(-1, columns, *frames.shape[1:])])


def columns_of(length: int, width: int) -> int:
    """Frames in a line of a sheet."""
    return min(length, SIDE // width)


def read_wish(wish: Wish) -> Asked:
    """Whose look inside the page's `wish` is about, and what a moved number costs; ValueError where it is not kept."""
    return read_kept(VIEWS, "view", wish, lambda view: replace(view.request, n=1))


def move(wish: dict[str, Any]) -> dict[str, Any]:
    """A future with one number of its latent moved.

    Args:
        wish: {"view": its name, "frame", "dimension": indices, "value": standard deviations from the mean, within FARTHEST}.

    Returns:
        {"sheet": data URL of all frames, laid out as the other films, "apart": mean difference from the future as drawn, in grey
            levels of 255, over the frames from that one on}.

    Raises:
        ValueError: the view is no longer kept, or the wish is not of this form.
    """
    try:
        name, value = str(wish["view"]), float(wish["value"])
        change = LatentChange(int(wish["frame"]), int(wish["dimension"]), value)
    except (TypeError, KeyError, ValueError, OverflowError) as error:
        raise ValueError("what to move cannot be read; choose a number of the latent again") from error
    if not abs(value) <= FARTHEST:
        raise ValueError(f"the number is moved by {value} standard deviations; give {-FARTHEST:g} to {FARTHEST:g}")
    kept = VIEWS.get(name)
    frames = COMPUTE_THREAD.call(change_by_hand, kept.model, kept.shown, change)
    apart = np.abs(frames[change.frame :].astype(np.float32) - kept.shown.frames[change.frame :]).mean()
    shown = small_frames(frames[None], SHOWN_SIDE)[0]
    data, kind = encode_frames(tile(shown), shown[0])
    return {"sheet": f"data:{kind};base64,{base64.b64encode(data).decode()}", "apart": round(float(apart), 2)}


def describe(model: Model, view: LatentView, number: int, visitor: str = "") -> dict[str, Any]:
    """The view's value for `LatentPanel`; it is kept on the server under a name of its own, as long as `visitor` is there."""
    mark = sample_mark(view.request)
    films = [{"label": "As the dice fell", "mark": mark, "frames": view.frames}]
    films += [{"label": f"Temperature {at:g}", "mark": mark, "frames": x} for at, x in view.by_temperature.items()]
    for film in films:
        film["frames"] = small_frames(film["frames"][None], SHOWN_SIDE)[0]
    length, height, width = films[0]["frames"].shape[:3]
    steps = view.steps
    tables = ("prior_mean", "prior_std", "posterior_mean", "posterior_std", "kl")
    drawn_from = "posterior" if view.request.options.prior.startswith("posterior") else "prior"
    return {
        "view": VIEWS.put(Kept(model, view, visitor), visitor),
        "films": films,
        "columns": columns_of(length, width),
        "width": width,
        "height": height,
        "length": length,
        "known": int(view.request.known.sum()),
        "names": list(view.names),
        "tables": {name: to_plain(getattr(steps, name)[0, 0].numpy()) for name in tables},
        "events": [{"t": t, "label": label} for t, label in view.events],
        "drawn_from": drawn_from,
        "by_hand": BY_HAND,
        "title": f"{model.name}, future {number}, temperature {view.request.options.temperature:g}",
    }


def to_plain(values: np.ndarray) -> list[Any]:
    """float (T, ...) as lists of numbers for JSON, None for what is not finite."""
    if values.ndim > 1:
        return [to_plain(row) for row in values]
    return [round(float(x), 3) if math.isfinite(x) else None for x in values]


def build(admission: Admission) -> dict[str, Any]:
    """Builds the section's widgets, folded; returns them by name. Moved numbers are computed in `admission`'s turns."""
    made: dict[str, Any] = {}
    with gr.Accordion("Look inside a future", open=False, elem_id="look-inside"):
        gr.HTML(f'<p class="vp-learn-about">{ABOUT}</p>')
        with gr.Row():
            made["looked_at"] = Slider(1, MOST_FUTURES, 1, step=1, label="Which future (sample)", elem_id="looked-at")
            made["look"] = gr.Button("Look inside", size="sm", min_width=120, elem_id="look")
        made["latent_status"] = gr.HTML("", elem_id="latent-status")
        made["latent"] = LatentPanel(moved=answer_newest(admission, read_wish, move), elem_id="latent")
    return made


def wire(page: Any, do: Handlers, admission: Admission) -> None:
    """Connects the button."""

    async def look(at: Settings, number: float) -> AsyncIterator[Updates]:
        async for updates in look_in_turn(do, admission, at, number):
            yield updates

    looked = page.event(look, ["latent", "latent_status"], ["looked_at"])
    page["look"].click(**looked, js=NOW_JS, **ADMITTED, **STREAMED)


async def look_in_turn(do: Handlers, admission: Admission, at: Settings, number: float) -> AsyncIterator[Updates]:
    """Updates of the panel and its status while it waits for its turn, and while the future is predicted."""

    def check() -> Cost:
        if not (math.isfinite(number or math.nan) and 1 <= number <= MOST_FUTURES):
            raise ValueError(f"{number} came as the future's number; give 1 to {MOST_FUTURES}")
        model = do.models.get(at.model)
        latent_predictor(model)
        clip, wishes = do.make_wishes(at, model)
        return jobs.check(at.model, model, clip, replace(wishes, n=1 + len(TEMPERATURES)))

    visitor = session()
    async for updates in in_turn(admission, check, lambda: look_inside(do, at, int(number), visitor), "latent_status"):
        yield updates


def look_inside(do: Handlers, at: Settings, number: int, visitor: str) -> Iterator[Updates]:
    """Yields updates of the panel and its status while the future of the page's clip is predicted."""
    try:
        model = do.models.get(at.model)
        clip, wishes = do.make_wishes(at, model)
        with closing(COMPUTE_THREAD.each(stream_view(model, clip, wishes, number))) as job:
            for done, total, view in job:
                if view is None:
                    yield {"latent_status": status(f"Prediction {done} of {total}.", done / total)}
                else:
                    said = status("Press a cell, then move its number.")
                    yield {"latent": describe(model, view, number, visitor), "latent_status": said}
    except Exception as error:
        yield {"latent_status": failed(error, "a look inside failed")}
