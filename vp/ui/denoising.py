"""The panel that shows one future of a diffusion model after each denoising step, from the first guess to the sample."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vp.prediction.assemble import sample_mark
from vp.prediction.denoising_view import DenoisingView
from vp.prediction.model import Model

from .films import FilmPanel, layout, shrink

HERE = Path(__file__).parent


class DenoisingPanel(FilmPanel):
    """The steps of a value made by `describe`, None for nothing."""

    def __init__(self, value: dict[str, Any] | None = None, **kwargs: Any):
        html, js = ((HERE / f"denoising.{kind}").read_text(encoding="utf-8") for kind in ("html", "js"))
        super().__init__(value, html_template=html, js_on_load=js, apply_default_css=False, **kwargs)


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
