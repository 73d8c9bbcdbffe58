"""The arithmetic of an evaluation, on numbers small enough to do by hand."""

import json

import pytest
import torch

from vp.engine.scores import around_hit, summary

PSNR = torch.tensor([[[10.0, 20.0], [18.0, 16.0]], [[30.0, 30.0], [20.0, 10.0]]])  # (2 clips, 2 samples, 2 frames)
SSIM = torch.tensor([[[0.9, 0.7], [0.2, 0.4]], [[0.1, 0.1], [0.5, 0.3]]])
SHARPNESS = torch.tensor([[[0.5, 0.5], [1.2, 1.2]], [[0.9, 0.9], [2.0, 2.0]]])


def test_each_metric_chooses_its_own_best_sample_of_each_clip():
    row = summary({"psnr_db": PSNR, "ssim": SSIM})
    psnr, ssim = row["metrics"]["psnr_db"], row["metrics"]["ssim"]
    assert (psnr["best"], psnr["mean"], psnr["worst"]) == (23.5, 19.25, 15.0)
    assert (ssim["best"], ssim["mean"], ssim["worst"]) == (0.6, 0.4, 0.2)


def test_the_best_error_is_the_smallest():
    row = summary({"mse": PSNR})["metrics"]["mse"]
    assert (row["best"], row["mean"], row["worst"]) == (15.0, 19.25, 23.5)


def test_the_best_curve_belongs_to_the_best_samples_not_to_the_best_frames():
    curves = summary({"psnr_db": PSNR, "ssim": SSIM})["per_frame"]
    assert curves["psnr_db"] == {"best": [24.0, 23.0], "mean": [19.5, 19.0]}  # the best frames would give 24, 25
    assert curves["ssim"] == {"best": [0.7, 0.5], "mean": [0.425, 0.375]}


def test_the_best_sharpness_is_the_nearest_to_1():
    row = summary({"sharpness": SHARPNESS})["metrics"]["sharpness"]
    assert (row["best"], row["worst"]) == (pytest.approx(1.05), pytest.approx(1.25))


def test_ci95_is_that_of_the_mean_over_clips_of_the_best():
    ci95 = summary({"psnr_db": PSNR})["metrics"]["psnr_db"]["ci95"]
    assert ci95 == pytest.approx(1.96 * 13 / 2**0.5 / 2**0.5, abs=1e-4)  # of 17 and 30
    assert summary({"psnr_db": PSNR[:1]})["metrics"]["psnr_db"]["ci95"] is None


def test_what_is_undefined_becomes_null_not_nan():
    row = summary({"psnr_db": torch.tensor([[[float("nan"), 1.0]], [[float("inf"), 1.0]]])})
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
    got = around_hit(sharpness, hits, n_past=2, lag=lag)
    expected = {"sharpness_before_hit": before, "sharpness_after_hit": after}
    assert got == {name: sum(frames) / len(frames) if frames else None for name, frames in expected.items()}


def test_only_the_first_hit_splits_and_samples_are_averaged():
    hits = torch.zeros(1, 6, 1, dtype=torch.bool)
    hits[0, [3, 4]] = True
    sharpness = torch.tensor([[[1.0, 9.0, 0.8, 0.6], [0.8, 9.0, 0.6, 0.4]]])
    got = around_hit(sharpness, hits, n_past=2, lag=0)
    assert got == {"sharpness_before_hit": 0.9, "sharpness_after_hit": 0.6}
