"""The panel that shows one future of a diffusion model after each denoising step, from the first guess to the sample."""

from __future__ import annotations

from typing import Any

from vp.prediction.assemble import sample_mark
from vp.prediction.denoising_view import DenoisingView
from vp.prediction.model import Model

from .films import FilmPanel, layout, panel_code, shrink


class DenoisingPanel(FilmPanel):
    """The steps of a value made by `describe`, None for nothing."""

    def __init__(self, value: dict[str, Any] | None = None, **kwargs: Any):
        super().__init__(value, **panel_code("denoising"), apply_default_css=False, **kwargs)


def describe(model: Model, view: DenoisingView, number: int) -> dict[str, Any]:
    """The view's value for `DenoisingPanel`; `number` is the future's, from 1."""
    films = [
        {"step": step, "apart": round(apart, 2), "frames": shrink(frames)}
        for step, apart, frames in zip(view.steps, view.distances, view.frames)
    ]
    first = films[0]["frames"]
    return {
        "films": films,
        **layout(first),
        "known": [bool(known) for known in view.request.known[: len(first)]],
        "total": view.total,
        "mark": sample_mark(view.request),
        "title": f"{model.name}, future {number}, {view.total} denoising step{'s' * (view.total > 1)}",
    }
