"""B of a comparison as a link carries it: a baseline, or the settings that made it; clip and frames are A's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from vp.prediction.request import to_whole_number
from vp.result.result import Result

from . import link, options
from .models import MOST_FUTURES, Models, split_priors, temperature_slider
from .settings import Settings, default_settings

BASELINES = ("Optical flow", "Copying the last frame")
LONGEST = 2000  # characters of B in a link


def write_b(models: Models, result: Result) -> str:
    """B as JSON: a baseline's name, or model, seed, number of futures and sampling options; "" where the model is not among those
    that everybody finds here."""
    name = result.model.get("name")
    if name in BASELINES:
        return json.dumps({"baseline": name})
    if name not in models.cards:
        return ""
    own = {"model": name, "seed": result.seed, "n": len(result.kind("sample")), "options": dict(result.options)}
    return json.dumps(own)


def read_b(models: Models, text: str) -> dict[str, Any]:
    """What `write_b` wrote, checked; {} for "".

    Returns:
        {"baseline": one of BASELINES}, or {"model", "seed", "n", "options"} with options that the model takes.

    Raises:
        ValueError: it is none, or asks for what is not here; one sentence.
    """
    if not text:
        return {}
    try:
        given = json.loads(text) if len(text) <= LONGEST else None
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise ValueError("B of the link cannot be read")
    if "baseline" in given:
        if given["baseline"] not in BASELINES:
            raise ValueError(f"B of the link is {str(given['baseline'])[:60]!r}; give {' or '.join(BASELINES)}")
        return {"baseline": given["baseline"]}
    name, chosen = str(given.get("model")), given.get("options", {})
    if name not in models.cards:
        raise ValueError(f"B of the link is by the model {name[:60]!r}, which is not here")
    if not isinstance(chosen, Mapping):
        raise ValueError("B of the link has options that cannot be read")
    model = models.get(name)
    model.predictor.options_type.parse(chosen)
    most = MOST_FUTURES if model.predictor.capabilities.stochastic else 1
    numbers = {"seed": (0, link.MOST_SEED), "n": (1, most)}
    checked = {key: to_whole_number(f"{key} of B", given.get(key, low), low, high) for key, (low, high) in numbers.items()}
    return {"model": name, "options": dict(chosen), **checked}


def settings_of_b(models: Models, at: Settings, b: Mapping[str, Any]) -> Settings:
    """The settings of B: its own, and clip, part and frames of the page's settings `at`."""
    model, shared = models.get(b["model"]), ("past", "future", "start", "part", "every", "side", "actions")
    own = {**b["options"]}
    found = replace(default_settings(models, b["model"], at.clip), **{name: getattr(at, name) for name in shared})
    prior, temperature = own.pop("prior", found.prior), own.pop("temperature", found.temperature)
    known = {field.name for field in fields(model.predictor.options_type)} - set(options.ELSEWHERE)
    return replace(
        found,
        n=b["n"],
        seed=b["seed"],
        prior=prior if split_priors(model)[0] else None,
        temperature=temperature if temperature_slider(model) else 1.0,
        options={name: value for name, value in own.items() if name in known},
        actions=at.actions if model.predictor.capabilities.actions is not None else {},
    )


def in_words(b: Mapping[str, Any]) -> str:
    """B for a sentence."""
    if "baseline" in b:
        return str(b["baseline"]).lower()
    named = ("prior", "temperature", "pace")
    chosen = [f"{name} {b['options'][name]}" for name in named if name in b["options"]]
    return ", ".join([b["model"], *chosen, f"seed {b['seed']}"])
