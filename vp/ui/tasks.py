"""What to do with a clip, for models that take any known frames: the ticks that each task sets."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

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


def plan(task: str, past: int, future: int, before: str = "") -> str:
    """The ticks of a task over past + future frames, as JSON of 0 and 1; as ticked before where a person chose them."""
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
        ticked = json.loads(before or "[]")[:length]
        known[: len(ticked)] = ticked
    return json.dumps(known.astype(int).tolist())


def wish(task: str | None, ticks: str) -> dict[str, Any]:
    """What `vp.stream` is asked for: known frames, or slow motion; nothing for models that take a prefix only."""
    if not ticks:
        return {}
    return {"slow": FACTORS[task]} if task in FACTORS else {"known": np.array(json.loads(ticks), bool)}
