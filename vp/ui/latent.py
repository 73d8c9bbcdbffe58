"""The panel that shows the latent of a future, the same future with one number of it moved, and at other temperatures."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from vp.core.latent_steps import LatentChange
from vp.prediction.assemble import sample_mark
from vp.prediction.latent_view import LatentView, change_by_hand
from vp.prediction.model import Model
from vp.result.result import BY_HAND

from .compute_thread import COMPUTE_THREAD
from .expiring_store import ExpiringStore
from .films import FilmPanel, layout, panel_code, shrink, tile
from .future_map import encode_frames
from .newest_first import Asked, Kept, Wish, read_kept

FARTHEST = 3.0  # standard deviations to which the slider goes
VIEWS: ExpiringStore[Kept[LatentView]] = ExpiringStore(most=20, what="look inside")


class LatentPanel(FilmPanel):
    """The widget that shows the latent of one future, frame by frame.

    Args:
        value: what `describe` makes; None shows nothing.
        moved: answers the browser's requests for the future with one number of its latent moved, see `move` and `answer_newest`.
    """

    def __init__(self, value: dict[str, Any] | None = None, moved: Callable[..., Any] | None = None, **kwargs: Any):
        called = {"server_functions": [moved]} if moved else {}
        code = panel_code("latent", f"const FARTHEST = {FARTHEST};\n")
        super().__init__(value, **code, apply_default_css=False, **called, **kwargs)


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
    shown = shrink(frames)
    data, kind = encode_frames(tile(shown), shown[0])
    return {"sheet": f"data:{kind};base64,{base64.b64encode(data).decode()}", "apart": round(float(apart), 2)}


def describe(model: Model, view: LatentView, number: int, visitor: str = "") -> dict[str, Any]:
    """The view's value for `LatentPanel`; it is kept on the server under a name of its own, as long as `visitor` is there."""
    mark = sample_mark(view.request)
    films = [{"label": "As the dice fell", "mark": mark, "frames": view.frames}]
    films += [{"label": f"Temperature {at:g}", "mark": mark, "frames": x} for at, x in view.by_temperature.items()]
    for film in films:
        film["frames"] = shrink(film["frames"])
    steps = view.steps
    tables = ("prior_mean", "prior_std", "posterior_mean", "posterior_std", "kl")
    drawn_from = "posterior" if view.request.options.prior.startswith("posterior") else "prior"
    return {
        "view": VIEWS.put(Kept(model, view, visitor), visitor),
        "films": films,
        **layout(films[0]["frames"]),
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
