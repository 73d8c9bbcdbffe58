"""The settings on the page as one record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from vp.prediction.known_frames import LONG_SIDE
from vp.prediction.model import Model
from vp.result.sprite_sheet import SIDE

from . import actions, options, tasks, trimmer
from .models import MOST_FUTURE, MOST_FUTURES, MOST_PAST, Models, length_bounds, split_priors, temperature_slider

SIDES = {256: "Up to 256 px", LONG_SIDE: f"Up to {LONG_SIDE} px", SIDE: "As filmed"}  # px of the longer side, for any-size models

MOST_EVERY = 8


MOST_SEED = 2**31 - 1
WHOLE = {  # least and most of what is typed or dragged as a whole number; a model may take less
    "n": (1, MOST_FUTURES),
    "past": (0, MOST_PAST),
    "future": (0, MOST_FUTURE),
    "every": (1, MOST_EVERY),
    "seed": (0, MOST_SEED),
}
HOTTEST = 2.0  # temperature


@dataclass(frozen=True)
class Settings:
    """What to predict. Each field is the name of a widget of the page.

    Args:
        model, clip: names.
        n: number of futures.
        prior: None where the model has no choice of one.
        past, future: numbers of known and predicted frames.
        temperature, seed: as in the model's options and `Wishes`.
        task: a key of `tasks.TASKS`.
        known: 0 or 1 per frame, 1 where it is known; empty for models that take the first frames.
        options: further options of the model's own.
        actions: what was chosen, see `actions.parse`; empty where the model takes none.
        side: most px of the longer side, a key of SIDES, for models that take any size.
        start: "" to begin where `part` says, or END: the clip's last frames are known, and what comes after it is predicted.
        part: "moment", seconds from the clip's first frame, and "region", a text as `Region` has it; see `trimmer`.
        every: stride; 2 takes every second frame of the clip.
    """

    model: str
    clip: str
    n: int = 8
    prior: str | None = None
    past: int = 5
    future: int = 10
    temperature: float = 1.0
    seed: int = 0
    task: str = tasks.PREDICT
    known: tuple[int, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    actions: Mapping[str, Any] = field(default_factory=dict)
    side: int = LONG_SIDE
    start: str = ""
    part: Mapping[str, Any] = field(default_factory=dict)
    every: int = 1

    @classmethod
    def from_widgets(cls, values: Mapping[str, Any]) -> Settings:
        """The settings from the widgets' values by name; `known`, `options`, `actions` and `part` are JSON texts there, "" for
        none. A number that was emptied, or is out of bounds, becomes the nearest one, as a slider shows it.

        Raises:
            ValueError: a text is not JSON of its kind.
        """
        numbers = {name: round(to_nearest(values[name], *bounds)) for name, bounds in WHOLE.items()}
        numbers["temperature"] = to_nearest(values["temperature"], 0.0, HOTTEST)
        read = {"known": tasks.parse, "options": options.parse, "actions": actions.parse, "part": trimmer.parse}
        return cls(**{**values, **numbers, **{name: parse(values[name]) for name, parse in read.items()}})

    def bounded(self, model: Model) -> Settings:
        """The same with the lengths and the temperature nearest to these that a model takes."""
        limits, slider = length_bounds(model.predictor.capabilities), temperature_slider(model)
        lengths = {name: int(to_nearest(getattr(self, name), *bounds[:2])) for name, bounds in limits.items()}
        warmth = to_nearest(self.temperature, slider.low, slider.high) if slider else self.temperature
        return replace(self, temperature=warmth, **lengths)


def to_nearest(value: Any, low: float, high: float) -> float:
    """The number from `low` to `high` that is nearest to a value; `low` where it is no number."""
    return min(max(value, low), high) if isinstance(value, (int, float)) and not isinstance(value, bool) else low


def default_settings(models: Models, name: str, clip: str) -> Settings:
    """The default settings of the model `name` for a clip."""
    model = models.get(name)
    offered, _ = split_priors(model)
    limits = length_bounds(model.predictor.capabilities)
    usual_options = model.predictor.options_type()
    return Settings(
        model=name,
        clip=clip,
        n=8 if model.predictor.capabilities.stochastic else 1,
        prior=offered[0][1] if offered else None,
        past=limits["past"][2],
        future=limits["future"][2],
        temperature=getattr(usual_options, "temperature", 1.0) if temperature_slider(model) else 1.0,
    )


def takes_any_frames(model: Model) -> bool:
    """Whether a visitor may tick which frames are known."""
    return model.predictor.capabilities.any_mask and model.predictor.capabilities.stochastic
