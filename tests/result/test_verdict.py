"""What is said of a result: how far its futures differ, whether copying or flow does better, and what is no prediction."""

import numpy as np
import pytest

from vp.result.export import render_page, to_csv
from vp.result.montage import draw_montage
from vp.result.result import BY_HAND, PACE_SET, SEES_FUTURE, Result, Row
from vp.result.verdict import compare_with_baselines, describe_spread, make_verdict

KNOWN = np.arange(6) < 2


def grey(level, frames=6, side=16):
    return np.full((frames, side, side, 1), level, np.uint8)


def result(rows, psnr=None, has_truth=True):
    """Of rows whose PSNR is given by their label, the same at every predicted frame."""
    truth = np.ones(6, bool) if has_truth else KNOWN
    values = {} if psnr is None else {"psnr_db": np.array([[psnr.get(row.label, np.nan)] * 6 for row in rows])}
    return Result(tuple(rows), KNOWN, truth, 10.0, values)


def samples(*levels, mark=""):
    return [
        Row("truth", "Ground truth", grey(100)),
        *(Row("sample", f"Sample {k}", grey(x), mark=mark) for k, x in enumerate(levels)),
    ]


APART = " of how far they are from the truth."


@pytest.mark.parametrize(
    ("levels", "truth", "said"),
    [
        (
            (100, 100, 100),
            True,
            "These 3 futures are nearly the same: they differ by 0.0 of 255 brightness levels, 0%" + APART,
        ),
        (
            (130, 133),
            True,
            "These 2 futures are nearly the same: they differ by 3.0 of 255 brightness levels, 10%" + APART,
        ),
        ((90, 110), True, "These 2 futures differ by 20.0 of 255 brightness levels, 200%" + APART),
        ((90, 110, 100), False, "These 3 futures differ by 13.3 of 255 brightness levels."),
        ((100, 101), False, "These 2 futures differ by 1.0 of 255 brightness levels."),
        ((100,), True, ""),
    ],
)
def test_how_far_futures_differ_is_the_mean_over_pairs(levels, truth, said):
    assert describe_spread(result(samples(*levels), has_truth=truth)) == said


def test_large_frames_are_compared_at_every_few_pixels():
    wide = [
        Row("truth", "", np.zeros((6, 300, 20, 3), np.uint8)),
        *(Row("sample", "", np.full((6, 300, 20, 3), x, np.uint8)) for x in (10, 50)),
    ]
    assert describe_spread(result(wide)).startswith("These 2 futures differ by 40.0 of 255 brightness levels")


@pytest.mark.parametrize(
    ("ours", "copy", "flow", "said"),
    [
        (25.0, 20.0, 23.6, "The most likely future beats both copying the last frame and optical flow, by 1.4 dB."),
        (22.0, 20.0, 23.6, "Optical flow scores better here, by 1.6 dB."),
        (22.0, 24.0, 23.6, "Copying the last frame scores better here, by 2.0 dB."),
        (23.65, 20.0, 23.6, "The most likely future: as good as this baseline, within 0.1 dB: optical flow."),
    ],
)
def test_the_better_baseline_is_the_measure(ours, copy, flow, said):
    rows = [*samples(90, 110), Row("likely", "Most likely", grey(99))]
    rows += [Row("baseline", "Copying the last frame", grey(1)), Row("baseline", "Optical flow", grey(2))]
    scores = {"Most likely": ours, "Copying the last frame": copy, "Optical flow": flow, "Sample 0": 1.0, "Sample 1": 1.0}
    assert compare_with_baselines(result(rows, scores)) == said


def test_ssim_is_named_where_it_disagrees():
    rows = [*samples(90), Row("baseline", "Optical flow", grey(1))]
    scores = {"Sample 0": 22.0, "Optical flow": 23.0}
    for ours, said in ((0.9, ", but in SSIM it is behind, 0.850 to 0.900"), (0.8, "")):
        made = result(rows, scores)
        made.metrics["ssim"] = np.array([[x] * 6 for x in (np.nan, ours, 0.85)])
        assert compare_with_baselines(made) == f"Optical flow scores better here, by 1.0 dB{said}."


def test_one_future_and_one_baseline_are_called_so():
    rows = [*samples(90), Row("baseline", "Copying the last frame", grey(1))]
    said = compare_with_baselines(result(rows, {"Sample 0": 22.0, "Copying the last frame": 20.0}))
    assert said == "This prediction beats copying the last frame, by 2.0 dB."
    assert not compare_with_baselines(result(rows)) and not compare_with_baselines(result(rows, {}, has_truth=False))


def test_futures_that_see_the_truth_are_no_prediction():
    rows = [*samples(90, 110, mark=SEES_FUTURE), Row("baseline", "Optical flow", grey(1))]
    said = make_verdict(result(rows, {"Sample 0": 30.0, "Sample 1": 30.0, "Optical flow": 20.0}))
    assert said[1:] == ("These futures were drawn with the true future in hand: they are no prediction.",)


@pytest.mark.parametrize("mark", [BY_HAND, PACE_SET])
def test_what_was_set_by_hand_is_said_with_what_it_beats(mark):
    rows = [*samples(90, mark=mark), Row("baseline", "Optical flow", grey(1))]
    said = compare_with_baselines(result(rows, {"Sample 0": 22.0, "Optical flow": 20.0}))
    assert said == f"This prediction ({mark}) beats optical flow, by 2.0 dB."


def test_marks_and_verdict_are_in_every_saved_file(tmp_path):
    plain, marked = (result(samples(90, 110, mark=mark)) for mark in ("", BY_HAND))
    assert "edited by hand" in render_page(marked).split("</title>")[0] and BY_HAND not in render_page(plain)
    assert to_csv(marked).splitlines()[7].split(",")[:4] == ["Sample 0", "sample", "edited by hand", "0"]
    assert draw_montage(marked).shape[1] > draw_montage(plain).shape[1]  # room for the words
    told = Result(**{**vars(marked), "verdict": ("So it is.",)})
    told.save(tmp_path)
    again = Result.load(tmp_path)
    assert again.verdict == ("So it is.",) and [row.mark for row in again.rows] == ["", BY_HAND, BY_HAND]


def test_baselines_are_left_out_of_films():
    rows = samples(90, 110)
    assert draw_montage(result([*rows, Row("baseline", "Optical flow", grey(1))])).shape == draw_montage(result(rows)).shape
