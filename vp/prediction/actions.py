"""Chooses the actions that a model is given: the clip's own, none, or others."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vp.core.video import Actions

OWN, STILL = "own", "still"
COMPARED = "compared"  # names the prediction under a second plan
UNSEEN = "The true clip followed other actions, so scores against it say little."


@dataclass(frozen=True)
class ActionPlan:
    """Actions that a model is given.

    Args:
        label: the visible name.
        actions: float32 (1, T, A).
        true: whether they are the clip's own, so that its future can be compared.
        notes: sentences for the result.
    """

    label: str
    actions: Tensor
    true: bool
    notes: tuple[str, ...] = ()


def plan_actions(accepted: Actions | None, own: np.ndarray | None, choice: Any, length: int) -> ActionPlan | None:
    """The actions for `length` frames; None for a model that takes none.

    Args:
        accepted: the actions that the model takes; None where it takes none.
        own: float (T, A), the clip's own actions; None where it has none.
        choice: 'own', 'still' (all zero), an array (T, A), or None: the clip's own where it has any, else still. An array that
            is too short is padded with zeros.
        length: T of the result.

    Raises:
        ValueError: the model takes no actions but some are given, the clip has none of its own, or their size differs.
    """
    if accepted is None:
        if choice is not None:
            raise ValueError("actions came, and this model takes none; leave them out or choose a model that takes some")
        return None
    names = f"{len(accepted.names)} numbers a frame ({', '.join(accepted.names)})"
    if isinstance(choice, str) and choice not in (OWN, STILL):
        raise ValueError(f"actions are {choice!r}; give 'own', 'still', or {names}")
    if isinstance(choice, str) and choice == OWN and own is None:
        raise ValueError(f"the clip comes without actions; give {names}, or 'still'")
    if own is None and choice is None:
        return ActionPlan(
            "No movement", zero_actions(accepted, length), False, ("The clip comes without actions: the arm is to stay.",)
        )
    if isinstance(choice, str) and choice == STILL:
        return ActionPlan("No movement", zero_actions(accepted, length), False, ("The arm is to stay.", UNSEEN))
    true = choice is None or isinstance(choice, str)
    given = torch.as_tensor(np.asarray(own if true else choice, np.float32))
    if given.ndim != 2:
        raise ValueError(f"actions have shape {tuple(given.shape)}; give {names}")
    accepted.check(given[None])
    missing = length - 1 - len(given)  # the last frame's action would lead out of the clip
    padded = torch.nn.functional.pad(given[:length], (0, 0, 0, max(length - len(given), 0)))[None]
    notes = (f"The actions end {missing} frames early: then the arm is to stay.",) if missing > 0 else ()
    if true:
        return ActionPlan("The clip's own actions", padded, True, ("The arm takes the clip's own actions.", *notes))
    return ActionPlan("Other actions", padded, False, ("The arm takes other actions than the clip's own.", *notes, UNSEEN))


def zero_actions(accepted: Actions, length: int) -> Tensor:
    """float32 (1, length, A) of zeros: the arm stays where it is."""
    return torch.zeros(1, length, len(accepted.names))


def read_actions(path: str | Path) -> np.ndarray:
    """Reads float32 (T, A) from a comma-separated file without a header, one row per frame.

    Raises:
        ValueError: the file is missing or is not such a table.
    """
    try:
        return np.loadtxt(path, np.float32, delimiter=",", ndmin=2)
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} is no table of numbers parted by commas ({error}); give one row a frame") from None
