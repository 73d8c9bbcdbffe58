"""Validation during training."""

import dataclasses
from types import SimpleNamespace

from vp.catalog import find_recipe
from vp.core.runtime import Runtime
from vp.core.video import Batch
from vp.training.validate import Validation


def scored(tmp_path, latent: str):
    family, found = find_recipe("svg-lp-smmnist")
    config = dataclasses.replace(found.config, latent=latent, width=16, flows=2)
    found = dataclasses.replace(found, config=config)
    settings = SimpleNamespace(data_root=None, digits="strokes", axes="")
    validation = Validation(family, found, settings, Runtime.pick("cpu", "fp32"))
    validation.clips = Batch(validation.clips.frames[:4])
    networks = family.networks(config).train()
    scores = validation.score(networks, 7, tmp_path)
    assert networks.training, "validation must leave the networks as they were"
    return scores


def test_scores_and_a_strip_of_a_model_with_a_posterior(tmp_path):
    import cv2

    scores = scored(tmp_path, "learned")
    assert scores["score"] == scores["ssim_best"] >= scores["ssim"]
    assert scores["psnr_db_best"] >= scores["psnr_db"] and scores["posterior_psnr_db"] > 0
    strip = cv2.imread(str(tmp_path / "strips" / "0000007.png"))
    assert strip.shape[:2] == (4 * 6 * 64, 15 * 64)  # truth, most likely, posterior and three samples of four clips
    assert scores["most_likely_psnr_db"] > 0 and 0 < scores["crps"] < 1 and scores["spread_skill"] > 0


def test_a_deterministic_model_has_one_sample_and_no_posterior(tmp_path):
    scores = scored(tmp_path, "none")
    assert scores["psnr_db_best"] == scores["psnr_db"] and "posterior_psnr_db" not in scores
    assert "most_likely_psnr_db" not in scores and scores["spread_skill"] == 0
