"""Best of N against N, and the rank of the truth among futures."""

from itertools import combinations

import numpy as np
import pytest

from vp.result.ensemble_facts import ensemble_facts, expected_best, rank_histogram
from vp.result.result import Result, Row


def test_the_expected_best_is_the_mean_over_all_subsets():
    values = np.array([3.0, -1.0, 7.0, 2.0])
    for size, best in enumerate(expected_best(values), 1):
        assert best == pytest.approx(np.mean([max(some) for some in combinations(values, size)]))


def test_a_calibrated_ensemble_has_a_flat_histogram_and_one_too_narrow_has_high_ends():
    rng = np.random.default_rng(0)
    draws = np.clip(rng.normal(128, 30, (9, 60, 50)).round(), 0, 255).astype(np.uint8)
    flat = rank_histogram(draws[:8], draws[8])
    assert flat.shape == (9,) and flat.sum() == pytest.approx(1) and np.abs(flat - 1 / 9).max() < 0.02
    narrow = rank_histogram((128 + (draws[:8].astype(int) - 128) // 4).astype(np.uint8), draws[8])
    assert narrow[0] + narrow[-1] > 0.6


def test_ties_are_shared_and_pixels_that_stand_still_are_left_out():
    futures, truth = np.array([[10, 50, 9], [10, 90, 9]], np.uint8), np.array([10, 90, 9], np.uint8)
    assert rank_histogram(futures, truth).tolist() == [0.0, 0.5, 0.5]
    assert rank_histogram(futures[:, :1], truth[:1]) is None


def test_facts_are_of_scored_frames_and_of_several_samples():
    rng = np.random.default_rng(1)
    frames = rng.integers(0, 255, (4, 5, 8, 8, 1), np.uint8)
    rows = tuple(Row(kind, kind, x) for kind, x in zip(("truth", "sample", "sample", "sample"), frames))
    values = np.full((4, 5), np.nan)
    values[1:, 2:4] = np.array([[10.0], [12.0], [14.0]])
    known, has_truth = np.arange(5) < 2, np.arange(5) < 4
    facts = ensemble_facts(Result(rows, known, has_truth, 10, {"psnr_db": values}))
    assert facts["best_of"] == {"psnr_db": [12.0, pytest.approx(13.3333), 14.0]} and len(facts["ranks"]) == 4
    assert ensemble_facts(Result(rows[:2], known, has_truth, 10)) == {}
    assert ensemble_facts(Result(rows, known, known, 10)) == {}
