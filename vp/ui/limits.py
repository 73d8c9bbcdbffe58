"""What one visitor may ask of the server. Each limit is a flag of the app and an environment variable."""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

PREFIX = "VP_APP_"


def limit(default: float, about: str) -> Any:
    """A field with its default value, above 0, and its help."""
    return field(default=default, metadata={"help": about})


@dataclass(frozen=True)
class Limits:
    """The defaults suit two cores: a prediction of the page's largest size is let in, and one of hours is not."""

    per_visitor: int = limit(4, "predictions of one visitor that may wait and run at a time")
    per_address: int = limit(50, "predictions of one network address that may wait and run at a time")
    total: int = limit(100, "predictions of all visitors that may wait and run at a time")
    estimate_s: float = limit(600.0, "most seconds that a prediction may be estimated to take")
    run_s: float = limit(900.0, "seconds of computing after which a prediction is ended")
    lease_s: float = limit(10.0, "seconds after which a call is dropped whose answer nobody reads")

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if not 0 < value < math.inf:
                raise ValueError(f"{one.name} is {value!r}; give a number above 0")


def add_flags(parser: argparse._ActionsContainer) -> None:
    """Adds a flag for each limit."""
    for one in fields(Limits):
        said = f"{one.metadata['help']} (default: {one.default:g}; environment: {variable(one.name)})"
        parser.add_argument(f"--{one.name.replace('_', '-')}", type=type(one.default), metavar="N", help=said)


def from_flags(args: argparse.Namespace, environment: Mapping[str, str] = os.environ) -> Limits:
    """The limits of the flags, else of environment variables such as VP_APP_PER_VISITOR, else the defaults.

    Raises:
        ValueError: one of them is no number above 0.
    """
    given: dict[str, Any] = {}
    for one in fields(Limits):
        text, kind = environment.get(variable(one.name)), type(one.default)
        given[one.name] = getattr(args, one.name)
        if given[one.name] is None:
            try:
                given[one.name] = one.default if text is None else kind(text)
            except ValueError:
                raise ValueError(f"{variable(one.name)} is {text!r}; give a number above 0") from None
    return Limits(**given)


def variable(name: str) -> str:
    """The environment variable of a limit."""
    return PREFIX + name.upper()
