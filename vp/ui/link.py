"""Restores the settings on the page from a link."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vp.data.video_file import END
from vp.prediction.model import Model
from vp.prediction.request import to_whole_number

from . import actions, clips, options, tasks, trimmer
from .models import MOST_FUTURES, OWN, Models, length_bounds, split_priors, temperature_slider
from .settings import MOST_EVERY, MOST_SEED, SIDES, Settings, default_settings, takes_any_frames
from .suited import choose_model

# what was chosen for the link's model, and says nothing about another one
OF_MODEL = ("prior", "past", "future", "temperature", "task", "known", "options", "actions", "side")


def read_link(models: Models, query: Mapping[str, str], clip: str) -> tuple[Settings, list[str]]:
    """The settings of a link, and a sentence for each part of it that cannot be used.

    Args:
        query: the address's parameters, by names of `Settings`.
        clip: name of the clip for links without one.
    """
    refused: list[str] = []
    name = query.get("model") or model_for_link(models, query.get("clip", clip))
    try:
        if name.startswith(OWN):  # a visitor's own
            raise ValueError(name)
        model = models.get(name)
    except ValueError:
        left = [key for key in OF_MODEL if key in query]
        more = f", so that its {', '.join(left)} {'is' if len(left) == 1 else 'are'} left out" if left else ""
        refused.append(f"The link asks for the model {name[:60]!r}, which is not here{more}.")
        query = {key: value for key, value in query.items() if key not in left}
        name = models.first_usable()
        model = models.get(name)
    start = default_settings(models, name, clip)
    limits = length_bounds(model.predictor.capabilities)
    spans = {
        "n": (1, MOST_FUTURES if model.predictor.capabilities.stochastic else 1),
        "past": limits["past"][:2],
        "future": limits["future"][:2],
        "seed": (0, MOST_SEED),
    }
    found = vars(start) | {"model": name}
    for key, (low, high) in spans.items():
        try:
            found[key] = to_whole_number(key, float(query[key]), low, high) if key in query else found[key]
        except ValueError:
            refused.append(f"The link's {key} is {query[key][:20]!r}; this model takes {low} to {high}.")
    found |= read_chance(model, query, refused)
    own = ("task", "known", "options", "actions", "side", "start", "part", "every")
    found |= {key: read_control(model, query, key, refused) for key in own if key in query}
    try:
        clips.find_clip(query.get("clip", clip))
        found["clip"] = query.get("clip", clip)
    except ValueError:
        refused.append("The link's clip is not kept here (uploads are never shared); an example is shown instead.")
        found["part"] = {}
    return Settings(**found), refused


def read_chance(model: Model, query: Mapping[str, str], refused: list[str]) -> dict[str, Any]:
    """The prior and the temperature of a link where the model takes them; unusable ones add a sentence to `refused`."""
    found: dict[str, Any] = {}
    offered, slider = [prior for _, prior in split_priors(model)[0]], temperature_slider(model)
    if query.get("prior") in offered:
        found["prior"] = query["prior"]
    elif "prior" in query:
        takes = f"one of {', '.join(offered)}" if offered else "none"
        refused.append(f"The link's prior is {query['prior'][:20]!r}; this model takes {takes}.")
    if slider and "temperature" in query:
        try:
            found["temperature"] = slider.check("temperature", float(query["temperature"]))
        except ValueError:
            given = query["temperature"][:20]
            refused.append(f"The link's temperature is {given!r}; this model takes {slider.low:g} to {slider.high:g}.")
    return found


def model_for_link(models: Models, clip: str | None) -> str:
    """The model for a link that names none: the default, or one that suits the link's clip where the default does not."""
    name = models.first_usable()
    try:
        return choose_model(models.cards, clips.find_clip(clip), name, by_hand=False)[0] if clip else name
    except ValueError:  # said where the clip is looked for
        return name


def read_control(model: Model, query: Mapping[str, str], key: str, refused: list[str]) -> Any:
    """The value of the setting `key` in a link, checked; an unusable one adds a sentence to `refused` and gives the default."""
    text = query[key]
    try:
        if key == "options":
            own = {name: value for name, value in options.parse(text).items() if name not in options.ELSEWHERE}
            model.predictor.options_type.parse(own)
            return own
        if key == "actions":
            if model.predictor.capabilities.actions is None:
                raise ValueError("this model takes none")
            return actions.parse(text)
        if key == "start":
            if text != END:
                raise ValueError(f"{text[:20]!r} is none")
            return text
        if key == "part":
            return trimmer.parse(text)
        if key == "every":
            return to_whole_number("every", float(text), 1, MOST_EVERY)
        if key == "side":
            if model.predictor.capabilities.size is not None or text not in map(str, SIDES):
                raise ValueError(f"{text[:20]!r} is none that this model takes")
            return int(text)
        if not takes_any_frames(model):
            raise ValueError("this model takes the first frames of a clip")
        if key == "task" and text in tasks.TASKS:
            return text
        if key == "known" and text and set(text) <= {"0", "1"}:
            return tuple(map(int, text))
        raise ValueError(f"{text[:20]!r} is none")
    except ValueError as error:
        refused.append(f"The link's {key} cannot be used: {str(error).rstrip('.')}.")
        return getattr(Settings("", ""), key)
