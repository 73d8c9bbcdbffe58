"""Tasks for models that take any known frames, and the ticks of known frames that each one sets."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from .unreadable import refuse_unreadable

PREDICT, FILL, SLOW, SLOWER, GENERATE, TICKED = "predict", "fill", "slow", "slower", "generate", "ticked"
TASKS = {
    PREDICT: "Predict what follows",
    FILL: "Fill the middle",
    SLOW: "Slow motion x2",
    SLOWER: "Slow motion x4",
    GENERATE: "Make up a clip",
    TICKED: "As ticked below the player",
}
FACTORS = {SLOW: 2, SLOWER: 4}  # frames of slow motion to one of the clip


def known_ticks(task: str, past: int, future: int, before: Sequence[int] = ()) -> tuple[int, ...]:
    """One 0 or 1 per frame of past + future, 1 where the frame is known.

    Args:
        task: a key of `TASKS`.
        before: the current ticks, which the task TICKED keeps.
    """
    past, length = int(past), int(past) + int(future)
    known = np.zeros(length, bool)
    if task == PREDICT:
        known[:past] = True
    elif task == FILL:
        known[: max(1, past // 2)] = True
        known[length - max(1, past - past // 2) :] = True
    elif task in FACTORS:
        known[:: FACTORS[task]] = True
    elif task == TICKED:
        ticked = before[:length]
        known[: len(ticked)] = ticked
    return tuple(known.astype(int).tolist())


def stream_arguments(task: str | None, known: Sequence[int]) -> dict[str, Any]:
    """The fields `slow` or `known` of `Wishes`; {} without ticks, for models that take the first frames."""
    if not known:
        return {}
    return {"slow": FACTORS[task]} if task in FACTORS else {"known": np.array(known, bool)}


def parse(text: str) -> tuple[int, ...]:
    """The ticks, 0 or 1 per frame, from JSON; () for an empty text.

    Raises:
        ValueError: the text is no list of 0 and 1.
    """
    with refuse_unreadable("ticked frames", "tick them again"):
        known = json.loads(text or "[]")
        if not all(tick in (0, 1) for tick in known):
            raise ValueError("some are neither 0 nor 1")
        return tuple(map(int, known))
