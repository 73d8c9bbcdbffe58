"""How long the Hub may take, from the environment."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass

TOTAL, FIRST_BYTE = "VP_HUB_SECONDS", "VP_HUB_FIRST_BYTE_SECONDS"  # environment variables
DEFAULTS = {TOTAL: 60.0, FIRST_BYTE: 20.0}
SLOWEST_UPLOAD = 250_000  # bytes a second; an upload gets the time that it takes at this rate, beside the total


@dataclass(frozen=True)
class Deadlines:
    """
    Args:
        total: seconds from the beginning to the end.
        first_byte: seconds between a request and the first byte of its answer.
    """

    total: float
    first_byte: float


def read_deadlines() -> Deadlines:
    """The deadlines that the environment asks for.

    Raises:
        ValueError: a variable is not a positive number.
    """
    total, first_byte = (seconds(name) for name in (TOTAL, FIRST_BYTE))
    return Deadlines(total, min(total, first_byte))


def seconds(name: str) -> float:
    """The value of an environment variable in seconds; errors as for `read_deadlines`."""
    text = os.environ.get(name) or str(DEFAULTS[name])
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < 1e6:
        raise ValueError(f"the environment variable {name} is {text[:50]!r}; give a positive number of seconds")
    return value
