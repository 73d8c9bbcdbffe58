"""Families of predictors without networks."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from vp.core.family import Family
from vp.core.predictor import Predictor


@dataclass(frozen=True)
class NoConfig:
    """Nothing to configure."""


def untrained_family(name: str, title: str, citation: str, predictor: type[Predictor]) -> Family:
    """A family without networks and phases; `predictor` is its class, called without arguments."""
    return Family(
        name=name,
        title=title,
        citation=citation,
        config=NoConfig,
        networks=lambda config: nn.ModuleDict(),
        phases=lambda config: (),
        predictor=lambda config, networks, runtime: predictor(),
        tiny=NoConfig,
    )
