"""The arithmetic of an evaluation, on numbers small enough to do by hand."""

import json
import math

import pytest
import torch

from vp.evaluation.scores import (
    Scores,
    compare_evaluations,
    paired_differences,
    sharpness_around_hit,
    summarise_row,
    summarise_samples,
    summarise_variant,
)
from vp.metrics import Ensemble
from vp.metrics.interval import interval_half_width, student_t_quantile

PSNR = torch.tensor([[[10.0, 20.0], [18.0, 16.0]], [[30.0, 30.0], [20.0, 10.0]]])  # (2 clips, 2 samples, 2 frames)
SSIM = torch.tensor([[[0.9, 0.7], [0.2, 0.4]], [[0.1, 0.1], [0.5, 0.3]]])
SHARPNESS = torch.tensor([[[0.5, 0.5], [1.2, 1.2]], [[0.9, 0.9], [2.0, 2.0]]])


def test_each_metric_chooses_its_own_best_sample_of_each_clip():
    row = summarise_samples({"psnr_db": PSNR, "ssim": SSIM})
    psnr, ssim = row["metrics"]["psnr_db"], row["metrics"]["ssim"]
    assert (psnr["best"], psnr["mean"], psnr["worst"]) == (23.5, 19.25, 15.0)
    assert (ssim["best"], ssim["mean"], ssim["worst"]) == (0.6, 0.4, 0.2)


def test_the_best_error_is_the_smallest():
    row = summarise_samples({"mse": PSNR})["metrics"]["mse"]
    assert (row["best"], row["mean"], row["worst"]) == (15.0, 19.25, 23.5)


def test_the_best_curve_belongs_to_the_best_samples_not_to_the_best_frames():
    curves = summarise_samples({"psnr_db": PSNR, "ssim": SSIM})["per_frame"]
    assert curves["psnr_db"] == {"best": [24.0, 23.0], "mean": [19.5, 19.0]}  # the best frames would give 24, 25
    assert curves["ssim"] == {"best": [0.7, 0.5], "mean": [0.425, 0.375]}


def test_the_best_sharpness_is_the_nearest_to_1():
    row = summarise_samples({"sharpness": SHARPNESS})["metrics"]["sharpness"]
    assert (row["best"], row["worst"]) == (pytest.approx(1.05), pytest.approx(1.25))


def test_the_median_is_that_over_clips_of_the_samples_mean():
    clips = torch.tensor([[1.0, 3.0], [10.0, 20.0], [4.0, 6.0]])[..., None].expand(-1, -1, 4)
    assert summarise_samples({"psnr_db": clips})["metrics"]["psnr_db"]["median"] == 5
    assert summarise_samples({"psnr_db": clips[:2]})["metrics"]["psnr_db"]["median"] == 8.5


def test_ci95_is_that_of_the_best_and_ci95_mean_that_of_the_mean():
    levels = summarise_samples({"psnr_db": PSNR})["metrics"]["psnr_db"]
    assert levels["ci95"] == pytest.approx(12.7062 * 13 / 2**0.5 / 2**0.5, abs=1e-3)  # of 17 and 30
    assert levels["ci95_mean"] == pytest.approx(12.7062 * 6.5 / 2**0.5 / 2**0.5, abs=1e-3)  # of 16 and 22.5
    alone = summarise_samples({"psnr_db": PSNR[:1]})["metrics"]["psnr_db"]
    assert alone["ci95"] is None and alone["ci95_mean"] is None


def test_psnr_of_the_mean_error_follows_mse_in_each_number():
    mse = torch.tensor([[[1.0, 3.0], [8.0, 8.0]], [[4.0, 4.0], [16.0, 8.0]]])
    row = summarise_samples({"mse": mse}, pixels=100)["metrics"]
    levels, db = row["mse"], row["psnr_of_mean_mse_db"]
    assert levels["best"] == 3
    for kind in ("best", "mean", "worst", "median"):
        assert db[kind] == pytest.approx(10 * math.log10(100 / levels[kind]), abs=1e-4)
    for width, kind in (("ci95", "best"), ("ci95_mean", "mean")):
        small = 1e-4 * levels[width]  # decibels of a small change, in proportion
        slope = 10 * math.log10((levels[kind] + small) / levels[kind]) / small
        assert db[width] == pytest.approx(levels[width] * slope, rel=1e-3)
    exact = summarise_samples({"mse": torch.zeros(2, 1, 3)}, pixels=100)["metrics"]["psnr_of_mean_mse_db"]
    assert exact["mean"] == 100 and exact["ci95"] is None
    assert "psnr_of_mean_mse_db" not in summarise_samples({"mse": mse})["metrics"]


def test_students_quantiles():
    table = {1: 12.7062, 2: 4.3027, 9: 2.2622, 10: 2.2281, 15: 2.1314, 30: 2.0423, 100: 1.9840, 10**6: 1.9600}
    for freedom, quantile in table.items():
        assert student_t_quantile(freedom) == pytest.approx(quantile, abs=2e-4)


def test_the_interval_of_a_mean_without_groups_is_the_usual_one():
    values = torch.rand(20, dtype=torch.float64)
    assert interval_half_width(values) == pytest.approx(2.0930 * values.std().item() / 20**0.5, rel=1e-4)
    assert interval_half_width(values, torch.arange(20).flip(0)) == pytest.approx(interval_half_width(values))
    assert math.isnan(interval_half_width(values[:1])) and math.isnan(interval_half_width(values[:0]))


def test_clips_of_one_recording_do_not_pretend_to_be_many():
    """Forty clips of two recordings, alike within each: what is known is two numbers."""
    values = torch.tensor([0.0, 1.0]).double().repeat_interleave(20)
    recording = torch.tensor([7, 3]).repeat_interleave(20)
    assert interval_half_width(values, recording) == pytest.approx(interval_half_width(torch.tensor([0.0, 1.0]).double()))
    assert interval_half_width(values, recording) == pytest.approx(12.7062 * 0.5)
    assert interval_half_width(values) == pytest.approx(0.162, abs=0.001)
    assert math.isnan(interval_half_width(values, torch.zeros(40, dtype=torch.int64))), "one recording has no spread to measure"


def test_recordings_of_different_length_count_by_their_clips():
    """Residuals of the mean 2.5: -1.5 - .5 and 0.5 + 1.5 in the groups of two, alone 0 in the last."""
    values, groups = torch.tensor([1.0, 2.0, 3.0, 4.0, 2.5]).double(), torch.tensor([4, 4, 9, 9, 1])
    error = math.sqrt(3 / 2 * (2**2 + 2**2 + 0)) / 5
    assert interval_half_width(values, groups) == pytest.approx(4.3027 * error)


def test_an_interval_by_recording_covers_as_often_as_it_says():
    """Clips share what their recording is like; intervals over clips cover the true mean, 0, about half the time."""
    generator, groups = torch.Generator().manual_seed(0), torch.arange(6).repeat_interleave(10)
    covered, naive = 0, 0
    for _ in range(1000):
        own = torch.randn(6, generator=generator, dtype=torch.float64)[groups]
        values = own + 0.5 * torch.randn(60, generator=generator, dtype=torch.float64)
        covered += abs(float(values.mean())) <= interval_half_width(values, groups)
        naive += abs(float(values.mean())) <= interval_half_width(values)
    assert 925 <= covered <= 975 and naive < 600


def test_groups_reach_every_interval_of_a_row():
    groups = torch.tensor([0, 0, 1, 1])
    frames = torch.rand(2, 3, 2).repeat_interleave(2, 0)
    scores = scores_with(psnr_db=frames, ssim=frames, mse=frames)
    row, alone = summarise_row(scores, groups), summarise_row(scores)
    for name, levels in row["metrics"].items():
        for width in ("ci95", "ci95_mean"):
            assert levels[width] > 2 * alone["metrics"][name][width]
        assert levels["best"] == alone["metrics"][name]["best"]
    assert row["crps_ci95"] > 2 * alone["crps_ci95"] and row["crps"] == alone["crps"]
    touched = torch.cat([frames, frames.new_full((1, 3, 2), math.nan)])
    got = summarise_samples({"psnr_touched_db": touched}, torch.tensor([0, 0, 1, 1, 2]))["metrics"]["psnr_touched_db"]
    assert got["ci95"] == row["metrics"]["psnr_db"]["ci95"], "a clip without a score has no part in its recording"


def scores_with(one_future=False, **frames):
    """Of given scores; the ensemble's are the same for both clips of a pair."""
    clips, n, length = next(iter(frames.values())).shape
    parts = [torch.rand(clips // 2, length).repeat_interleave(2, 0) for _ in range(4)]
    return Scores(frames, Ensemble(n, *parts), pixels=50, one_future=one_future)


def test_a_single_sample_of_many_futures_says_nothing_of_their_spread():
    frames = torch.rand(2, 1, 3)
    for one_future, want in ((True, float), (False, type(None))):
        row = summarise_row(scores_with(one_future, psnr_db=frames, ssim=frames, mse=frames))
        assert all(isinstance(row[name], want) for name in ("diversity", "spread_skill", "sample_spread"))
        assert isinstance(row["crps"], float)


def test_differences_are_taken_clip_by_clip():
    """Clips differ far more than models do: the difference is known well all the same."""
    hard = torch.tensor([10.0, 20.0, 30.0, 40.0]).double()
    ours = {"psnr_db": {"best": hard + 2, "mean": hard + 1}}
    theirs = {"psnr_db": {"best": hard, "mean": hard + torch.tensor([0.1, -0.1, 0.1, -0.1])}}
    got = paired_differences(ours, theirs, None)["psnr_db"]
    assert got["best"] == {"difference": 2, "ci95": 0}
    assert got["mean"]["difference"] == pytest.approx(1) and got["mean"]["ci95"] == pytest.approx(0.18374, abs=1e-4)
    grouped = paired_differences(ours, theirs, torch.tensor([0, 1, 0, 1]))["psnr_db"]["mean"]
    assert grouped["difference"] == pytest.approx(1) and grouped["ci95"] > 5 * got["mean"]["ci95"]


def evaluation(**changed):
    per_clip = {"psnr_db": {"best": [20.0, 30.0], "mean": [18.0, 25.0]}, "crps": {"mean": [0.1, 0.3]}}
    made = {"checkpoint": "one", "protocol": "kth", "clips": 2, "samples": 5, "per_clip": per_clip}
    return made | changed


def test_two_evaluations_of_the_same_clips_are_paired():
    worse = {"psnr_db": {"best": [19.0, 28.0], "mean": [18.0, None]}, "crps": {"mean": [0.2, 0.5]}}
    got = compare_evaluations(evaluation(), evaluation(checkpoint="other", samples=7, per_clip=worse))
    assert got["checkpoints"] == ["one", "other"] and got["samples"] == [5, 7] and "recordings" not in got
    assert got["differences"]["psnr_db"]["best"]["difference"] == 1.5
    assert got["differences"]["psnr_db"]["best"]["ci95"] == pytest.approx(12.7062 * 0.5, abs=1e-3)
    assert got["differences"]["psnr_db"]["mean"] == {"difference": None, "ci95": None}
    assert got["differences"]["crps"]["mean"]["difference"] == pytest.approx(-0.15)
    assert json.loads(json.dumps(got, allow_nan=False)) == got
    recorded = [evaluation(per_clip={"recording": [4, 4], **clips}) for clips in (evaluation()["per_clip"], worse)]
    got = compare_evaluations(*recorded)
    assert got["recordings"] == 1 and got["differences"]["psnr_db"]["best"] == {"difference": 1.5, "ci95": None}


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"protocol": "gatech"}, "protocol is 'kth' in one evaluation and 'gatech' in the other; give two of the same clips"),
        ({"clips": 3}, "clips is 2 in one evaluation and 3 in the other"),
        ({"split": "val"}, "split is 'test' in one evaluation and 'val' in the other"),
        ({"known": "0-3"}, "known is None in one evaluation and '0-3' in the other"),
        ({"test_set": "a.npz"}, "test_set is None in one evaluation and 'a.npz' in the other"),
        ({"digits": {"source": "test split of MNIST digits"}}, "digits is None in one evaluation and 'test split of MNIST"),
        ({"per_clip": {"recording": [0, 1]}}, "the clips are of different recordings"),
    ],
)
def test_evaluations_of_other_clips_are_refused(changed, sentence):
    with pytest.raises(ValueError, match=sentence):
        compare_evaluations(evaluation(), evaluation(**changed))


def test_an_evaluation_without_single_clips_is_refused():
    whole = {name: value for name, value in evaluation().items() if name != "per_clip"}
    with pytest.raises(ValueError, match="the second evaluation has no scores of single clips; make it anew with --per-clip"):
        compare_evaluations(evaluation(), whole)


def test_a_variants_numbers_are_of_its_clips_alone():
    mse = torch.tensor([[[1.0, 3.0]], [[5.0, 5.0]], [[2.0, 6.0]]])
    ensemble = Ensemble(1, torch.tensor([[0.1, 0.1], [0.9, 0.9], [0.3, 0.3]]), *[torch.zeros(3, 2)] * 3)
    got = summarise_variant(Scores({"mse": mse, "ssim": mse / 10}, ensemble, pixels=30), torch.tensor([True, False, True]))
    assert got == pytest.approx({"psnr_of_mean_mse_db": 10, "mse": 3, "ssim": 0.3, "crps": 0.2}, abs=1e-5)


def test_what_is_undefined_becomes_null_not_nan():
    row = summarise_samples({"psnr_db": torch.tensor([[[float("nan"), 1.0]], [[float("inf"), 1.0]]])})
    assert json.loads(json.dumps(row, allow_nan=False))["per_frame"]["psnr_db"]["mean"] == [None, 1.0]


@pytest.mark.parametrize(
    ("lag", "hit_at", "before", "after"),
    [
        (0, 4, [2, 3], [5]),
        (0, 2, [], [3, 4, 5]),
        (0, 1, [2, 3, 4, 5], []),  # inside the context, which shows what follows
        (1, 1, [], [2, 3, 4, 5]),  # in the context's last frame, but what follows comes after it
        (1, 0, [2, 3, 4, 5], []),
    ],
)
def test_frames_are_split_at_the_first_hit_the_context_does_not_settle(lag, hit_at, before, after):
    hits = torch.zeros(1, 6, 2, dtype=torch.bool)
    hits[0, hit_at, 1] = True
    sharpness = torch.tensor([[[2.0, 3.0, 4.0, 5.0]]])  # of frame t: t, so that a mean names its frames
    got = sharpness_around_hit(sharpness, hits, n_past=2, lag=lag)
    expected = {"sharpness_before_hit": before, "sharpness_after_hit": after}
    assert got == {name: sum(frames) / len(frames) if frames else None for name, frames in expected.items()}


def test_only_the_first_hit_splits_and_samples_are_averaged():
    hits = torch.zeros(1, 6, 1, dtype=torch.bool)
    hits[0, [3, 4]] = True
    sharpness = torch.tensor([[[1.0, 9.0, 0.8, 0.6], [0.8, 9.0, 0.6, 0.4]]])
    got = sharpness_around_hit(sharpness, hits, n_past=2, lag=0)
    assert got == {"sharpness_before_hit": 0.9, "sharpness_after_hit": 0.6}
