"""The settings on the page as one record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vp.prediction.known_frames import LONG_SIDE
from vp.prediction.model import Model
from vp.result.sprite_sheet import SIDE

from . import actions, options, tasks, trimmer
from .models import Models, length_bounds, split_priors, temperature_slider

SIDES = {256: "Up to 256 px", LONG_SIDE: f"Up to {LONG_SIDE} px", SIDE: "As filmed"}  # px of the longer side, for any-size models

MOST_EVERY = 8


NUMBERS = {
    "n": "Futures",
    "past": "Past frames",
    "future": "Future frames",
    "temperature": "Temperature",
    "every": "Take every ... frame",
}
LARGEST = 10_000


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
        none.

        Raises:
            ValueError: a text is not JSON of its kind, or a number is none from 0 to LARGEST.
        """
        for name in NUMBERS:
            value = values[name]
            if not isinstance(value, (int, float)) or not 0 <= value <= LARGEST:
                raise ValueError(
                    f"{NUMBERS[name]} is {'empty' if value is None else repr(value)}; give a number from 0 to {LARGEST}"
                )
        read = {"known": tasks.parse, "options": options.parse, "actions": actions.parse, "part": trimmer.parse}
        return cls(**{**values, **{name: parse(values[name]) for name, parse in read.items()}})


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
