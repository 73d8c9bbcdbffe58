"""Licences of data sets and of weights trained on them, which are independent of the code's own licence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

MIT, CREDIT, RESEARCH, UNSTATED = "MIT", "CC BY 4.0", "research use only", "not stated"
STRICTER = (MIT, CREDIT, RESEARCH, UNSTATED)  # later ones allow less


@dataclass(frozen=True)
class Licence:
    """
    Args:
        weights: what weights trained on the data may be used under, one of STRICTER.
        data: of the data themselves, in words, with whom to credit.

    Raises:
        ValueError: other terms for weights.
    """

    weights: str
    data: str

    def __post_init__(self) -> None:
        if self.weights not in STRICTER:
            raise ValueError(f"weights is {self.weights!r}; give one of {', '.join(STRICTER)}")


RENDERED = Licence(MIT, "rendered by this project, MIT")
DIGITS = Licence(MIT, "rendered by this project, MIT; MNIST's digits by LeCun, Cortes and Burges, CC BY-SA 3.0")
UNKNOWN = Licence(UNSTATED, "whatever its owner says")


def strictest(terms: Iterable[str]) -> str:
    """The strictest of licence terms, by the order of STRICTER; unknown terms count as strictest, no terms at all as UNSTATED."""
    known = {name: place for place, name in enumerate(STRICTER)}
    return max(terms, key=lambda name: known.get(name, len(STRICTER)), default=UNSTATED)
