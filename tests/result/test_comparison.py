"""Two results of one clip beside one another."""

from dataclasses import replace

import numpy as np
import pytest

from vp.result.comparison import compare_results, row_as_result
from vp.result.result import Result, Row

KNOWN = np.arange(6) < 2


def result(gains, seed=1, height=16, width=24, channels=1, noise=0.0, name="svg", prior="learned", shift=0) -> Result:
    """A result with one sample a gain, in dB over 20."""
    rng = np.random.default_rng(0)
    ground = np.kron(rng.integers(0, 255, (4, 6)), np.ones((height // 4, width // 6)))[None, :, :, None]
    truth = np.roll(np.repeat(np.repeat(ground, 6, 0), channels, -1), shift, 2).astype(np.uint8)
    rows = [Row("truth", "Truth", truth), Row("baseline", "Copy of the last frame", truth), Row("likely", "Most likely", truth)]
    rows += [Row("sample", f"Future {k + 1}", truth, seed=k) for k in range(len(gains))]
    values = np.full((len(rows), 6), np.nan)
    values[1, 2:] = 19.0
    values[2, 2:] = 21.0
    for k, gain in enumerate(gains):
        values[3 + k, 2:] = 20 + gain
    return Result(
        tuple(rows), KNOWN, np.ones(6, bool), 10, {"psnr_db": values, "ssim": values / 100}, model={"name": name},
        options={"prior": prior, "temperature": 1.0}, seed=seed, verdict=("These futures differ.",),
    )  # fmt: skip


def test_b_s_futures_stand_below_a_s_with_scores_of_their_own():
    a, b = result([1.0, 3.0]), result([0.0, 1.5], prior="fixed")
    both = compare_results(a, b)
    others = both.kind("other")
    assert [both.rows[index].label for index in others] == ["B: most likely", "B: future 1", "B: future 2"]
    assert [row.label for row in both.rows[3:5]] == ["A: future 1", "A: future 2"]
    assert np.array_equal(both.metrics["psnr_db"][others], b.metrics["psnr_db"][2:], equal_nan=True)
    assert len(both.kind("sample")) == 2 and both.summary("psnr_db") == a.summary("psnr_db")
    assert both.model["name"] == "A: svg (prior learned) beside B: svg (prior fixed)"
    assert both.verdict[0] == "A and B are level in the mean of their futures: 1.2 dB +- 3.2 (95 % over seeds)."
    record = Result(**{**both.__dict__}).record()
    assert record["rows"][-1]["kind"] == "other" and record["options"]["prior"] == "learned"
    assert record["other"] == {
        "model": {"name": "svg"},
        "options": {"prior": "fixed", "temperature": 1.0},
        "seed": 1,
        "samples": 2,
    }


def test_paired_seeds_tell_what_unpaired_ones_do_not():
    first, second = [0.0, 2.0, 4.0, 6.0], [-1.0, 1.1, 2.9, 5.0]
    paired = compare_results(result(first), result(second)).verdict[0]
    unpaired = compare_results(result(first), result(second, seed=2)).verdict[0]
    assert paired == "A beats B in the mean of its futures by 1.0 dB +- 0.1 (95 % over seeds)."
    assert unpaired.startswith("A and B are level")
    assert compare_results(result(second), result(first)).verdict[0].startswith("A is behind B")
    assert "says nothing of chance" in compare_results(result([1.0]), result([0.0], seed=2)).verdict[0]


def test_a_baseline_can_always_be_b():
    a = result([1.0, 3.0, 2.0])
    both = compare_results(a, row_as_result(a, 1))
    assert both.verdict[0] == "A beats B in the mean of its futures by 3.0 dB +- 2.5 (95 % over seeds)."
    assert both.model["name"] == "A: svg beside B: Copy of the last frame" and both.rows[-1].label == "B: copy of the last frame"


def test_models_of_other_sizes_and_colours_are_shown_at_a_s():
    a, b = result([1.0], height=16, width=24), result([2.0], height=32, width=48, channels=3, name="motion")
    both = compare_results(a, b)
    assert {row.frames.shape for row in both.rows} == {(6, 16, 24, 1)}
    assert compare_results(b, a).rows[-1].frames.shape == (6, 32, 48, 3)
    assert both.model["name"] == "A: svg beside B: motion"


def test_what_is_not_of_the_same_frames_is_refused():
    a = result([1.0])
    with pytest.raises(ValueError, match="different clips"):
        compare_results(a, result([1.0], shift=12))
    with pytest.raises(ValueError, match="different clips"):
        compare_results(a, result([1.0], height=32, width=24))
    with pytest.raises(ValueError, match="same past and future"):
        compare_results(a, replace(a, known=np.arange(6) < 3))
    with pytest.raises(ValueError, match="not finished"):
        compare_results(a, replace(a, ready=KNOWN))
