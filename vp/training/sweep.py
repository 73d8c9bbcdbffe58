"""Sweeps: runs of one recipe, one after the other, over all values of some settings and all seeds."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..core.family import Family, Recipe
from .compare import compare
from .overrides import with_overrides
from .settings import Settings
from .state_folder import exists
from .train import train


def sweep(
    family: Family, recipe: Recipe, settings: Settings, vary: Mapping[str, Sequence[str]], seeds: Sequence[int]
) -> dict[str, Any]:
    """Trains every combination of values and seeds, each in its own folder; `settings.resume` continues those begun.

    Args:
        settings: of every run; `out` is the folder that holds them all, and the budget is that of each run.
        vary: name of a setting -> its values, see `with_overrides`.
        seeds: of each combination.

    Returns:
        runs: what `train` returns for each; finished: False where one was stopped, else True and what `compare` returns.

    Raises:
        ValueError: several processes, a setting that does not exist, before anything is trained, or whatever `train` refuses.
    """
    if int(os.environ.get("WORLD_SIZE", 1)) > 1:
        raise ValueError("a sweep came with several processes; start each of its runs with torchrun, or the sweep without it")
    plan = [
        (settings.out / folder_name(chosen, seed), replace(recipe, config=with_overrides(recipe.config, chosen)), seed)
        for chosen in combinations(vary)
        for seed in seeds
    ]
    taken = [out for out, _, _ in plan if exists(out / "state")]
    if taken and not settings.resume:
        raise ValueError(f"{taken[0]} already holds a run; add --resume to continue or choose another --out")
    done = []
    for out, chosen, seed in plan:
        summary = train(family, chosen, replace(settings, out=out, seed=seed, resume=out in taken))
        done.append(summary)
        if not summary["finished"]:  # stopped: the rest would only be begun
            return {"runs": done, "finished": False}
    return {"runs": done, "finished": True, **compare([out for out, _, _ in plan])}


def combinations(vary: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """All combinations of one `NAME=VALUE` for each name."""
    choices = ([f"{name}={value}" for value in values] for name, values in vary.items())
    return [list(chosen) for chosen in itertools.product(*choices)]


def folder_name(chosen: Sequence[str], seed: int) -> Path:
    """`kl-cyclical-seed-1`: the last part of each setting's name, its value, and the seed."""
    words = [f"{name.rpartition('.')[2]}-{value}" for name, _, value in (assignment.partition("=") for assignment in chosen)]
    return Path(re.sub(r"[^\w.+-]+", "_", "-".join([*words, f"seed-{seed}"])))
