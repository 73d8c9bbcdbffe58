"""What several futures say together: how the best of N grows with N, and where the truth lies among them."""

from __future__ import annotations

from math import comb
from typing import Any

import numpy as np

from .result import Result

LOOKED_AT = 96  # px of the longer side: of larger frames every second, third, ... pixel is compared
ALIKE = 2  # grey levels: pixels at which futures and truth differ by no more say nothing


def ensemble_facts(result: Result) -> dict[str, Any]:
    """Facts on the samples of a finished result; {} for fewer than two samples or without a scored frame.

    Returns:
        {"best_of": {metric: [expected best of 1, 2, ... N samples]}, "ranks": [share of the pixels at which the truth is above
            none, one, ... all N of the samples], or None where no pixel differs}.
    """
    samples = result.kind("sample")
    if len(samples) < 2 or not result.scored.any():
        return {}
    means = {name: np.nanmean(values[samples][:, result.scored], axis=1) for name, values in result.metrics.items()}
    best_of = {name: [round(x, 4) for x in expected_best(values)] for name, values in means.items()}
    every = -(-max(result.rows[0].frames.shape[1:3]) // LOOKED_AT)
    futures = np.stack([result.rows[index].frames[result.scored][:, ::every, ::every] for index in samples])
    ranks = rank_histogram(futures, result.frames("truth")[0][result.scored][:, ::every, ::every])
    return {"best_of": best_of, "ranks": None if ranks is None else [round(x, 4) for x in ranks.tolist()]}


def expected_best(values: np.ndarray) -> list[float]:
    """The expected highest of 1, 2, ... N of N values, over all subsets of that size."""
    ordered, count = np.sort(values), len(values)
    return [
        float(sum(comb(place, size - 1) * value for place, value in enumerate(ordered)) / comb(count, size))
        for size in range(1, count + 1)
    ]


def rank_histogram(futures: np.ndarray, truth: np.ndarray) -> np.ndarray | None:
    """Share of the pixels at which the truth has each rank among N samples (Hamill 2001): flat for calibrated futures, high at
    both ends where they differ too little.

    Pixels where all are nearly the same are left out. A truth equal to k samples counts 1 / (k + 1) in each rank that it may
    have.

    Args:
        futures: uint8 (N, ...).
        truth: uint8 (...).

    Returns:
        float64 (N + 1,) of sum 1, or None where no pixel is left.
    """
    lowest, highest = np.minimum(futures.min(0), truth), np.maximum(futures.max(0), truth)
    kept = highest.astype(int) - lowest > ALIKE
    if not kept.any():
        return None
    below, equal = ((compare(futures, truth).sum(0))[kept] for compare in (np.less, np.equal))
    shares = np.zeros(len(futures) + 2)
    np.add.at(shares, below, 1 / (equal + 1))  # a run of ranks, as a step up and a step down
    np.add.at(shares, below + equal + 1, -1 / (equal + 1))
    return shares.cumsum()[:-1] / kept.sum()
