"""The family record of a predictor that has nothing to train."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from vp.core.family import Family
from vp.core.predictor import Predictor


@dataclass(frozen=True)
class NoConfig:
    """Nothing to configure."""


def untrained_family(name: str, title: str, citation: str, predictor: type[Predictor]) -> Family:
    """A family with no networks, no phases and one predictor, made without arguments."""
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
