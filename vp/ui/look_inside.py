"""The section that looks into one future: the latent of its frames, or the steps in which it was denoised."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import gradio as gr

from vp.prediction.denoising_view import denoises, stream_denoising
from vp.prediction.latent_view import TEMPERATURES, latent_predictor, stream_view
from vp.prediction.model import Model

from . import denoising, jobs, latent
from .admission import Admission, in_turn
from .choices import Visit
from .compute_thread import COMPUTE_THREAD
from .cost import Cost
from .handlers import Handlers
from .models import MOST_FUTURES
from .newest_first import answer_newest
from .page import ADMITTED, STREAMED, Updates
from .settings import Settings
from .status import failed, status
from .unchecked import Slider
from .visitor_files import session

ABOUT = (
    "At every frame a model of the SVG family draws a few numbers, its latent z: what is left to chance in a future, beside its "
    "pace where it has one. See what it expected of each, move one by hand, and see the same future with smaller and larger "
    "dice. A diffusion model starts out from noise: see its future after every denoising step."
)


def build(admission: Admission) -> dict[str, Any]:
    """Builds the section's widgets, folded; returns them by name. Moved numbers are computed in `admission`'s turns."""
    made: dict[str, Any] = {}
    with gr.Accordion("Look inside a future", open=False, elem_id="look-inside"):
        gr.HTML(f'<p class="vp-learn-about">{ABOUT}</p>')
        with gr.Row():
            made["looked_at"] = Slider(1, MOST_FUTURES, 1, step=1, label="Which future (sample)", elem_id="looked-at")
            made["look"] = gr.Button("Look inside", size="sm", min_width=120, elem_id="look")
            made["stop_look"] = gr.Button("Stop looking", size="sm", min_width=100, interactive=False, elem_id="stop-look")
        made["latent_status"] = gr.HTML("", elem_id="latent-status")
        moved = answer_newest(admission, latent.read_wish, latent.move)
        made["latent"] = latent.LatentPanel(moved=moved, elem_id="latent")
        made["denoising"] = denoising.DenoisingPanel(elem_id="denoising")
    return made


def wire(page: Any, do: Handlers, admission: Admission) -> Any:
    """Connects the button; returns its event."""

    async def look(at: Settings, number: float, visit: Visit) -> AsyncIterator[Updates]:
        async for updates in visit.while_shown(at, look_in_turn(do, admission, at, number)):
            yield updates

    looked = page.event(look, ["latent", "denoising", "latent_status", "stop_look"], ["looked_at", "visit"])
    return page.press("look", looked, **ADMITTED, **STREAMED)


async def look_in_turn(do: Handlers, admission: Admission, at: Settings, number: float) -> AsyncIterator[Updates]:
    """Updates of the panels and their status while they wait for their turn, and while the future is predicted."""

    def check() -> Cost:
        if not (math.isfinite(number or math.nan) and 1 <= number <= MOST_FUTURES):
            raise ValueError(f"{number} came as the future's number; give 1 to {MOST_FUTURES}")
        model = do.models.get(at.model)
        clip, wishes = do.make_wishes(at, model)
        return jobs.check(at.model, model, clip, replace(wishes, n=predictions_made(model)))

    visitor = session()
    async for updates in in_turn(admission, check, lambda: look_inside(do, at, int(number), visitor), "latent_status"):
        yield updates


def predictions_made(model: Model) -> int:
    """How many futures a look inside the model costs.

    Raises:
        ValueError: there is nothing to look at.
    """
    if denoises(model.predictor):
        return 2  # one, with a picture after every step
    latent_predictor(model)
    return 1 + len(TEMPERATURES)


def look_inside(do: Handlers, at: Settings, number: int, visitor: str) -> Iterator[Updates]:
    """Yields updates of the panels and their status while the future of the page's clip is predicted."""
    try:
        model = do.models.get(at.model)
        clip, wishes = do.make_wishes(at, model)
        stepwise = denoises(model.predictor)
        with closing(COMPUTE_THREAD.each((stream_denoising if stepwise else stream_view)(model, clip, wishes, number))) as job:
            for done, total, view in job:
                if view is None:
                    yield {"latent_status": status(f"{'Step' if stepwise else 'Prediction'} {done} of {total}.", done / total)}
                elif stepwise:
                    said = "Choose a step and a frame: up and down, left and right."
                    yield {"latent": None, "denoising": denoising.describe(model, view, number), "latent_status": status(said)}
                else:
                    said = "Press a cell, then move its number."
                    shown = latent.describe(model, view, number, visitor)
                    yield {"latent": shown, "denoising": None, "latent_status": status(said)}
    except Exception as error:
        yield {"latent_status": failed(error, "a look inside failed")}
