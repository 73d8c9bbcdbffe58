"""Compression: the arithmetic of bits, and a codec whose decoder sees only what was sent."""

import json

import pytest
import torch

from vp.core.video import Batch
from vp.evaluation import compression as module
from vp.evaluation.compression import entropy, measure_compression, predict_next_frame, rate_and_quality, transmit
from vp.prediction.model import load
from vp.result.tables import format_compression


@pytest.fixture(scope="module")
def copy_last():
    return load("copy-last", "cpu", "fp32")


@pytest.fixture(autouse=True)
def drawn_digits(monkeypatch):
    monkeypatch.delenv("VP_DATA", raising=False)


def test_entropy_is_in_bits():
    assert entropy(torch.tensor([0, 4, 0])).item() == 0
    assert entropy(torch.tensor([1, 1, 2])).item() == pytest.approx(1.5)
    assert entropy(torch.ones(256, dtype=torch.int64)).item() == pytest.approx(8)


def test_a_still_clip_costs_nothing_and_noise_costs_its_grey_levels(copy_last):
    still = torch.randint(0, 256, (2, 1, 1, 8, 8), dtype=torch.uint8).expand(-1, 20, -1, -1, -1)
    assert rate_and_quality(copy_last.predictor, Batch(still), 16) == {"bits_per_pixel": 0.0, "psnr_db": 100.0}
    flicker = torch.zeros(4, 20, 1, 32, 32, dtype=torch.uint8)
    flicker[:, 10:] = 255 * torch.randint(0, 2, (4, 10, 1, 32, 32))
    got = rate_and_quality(copy_last.predictor, Batch(flicker), 255)  # a pixel stays, or flips up or down: 1/2, 1/4, 1/4
    assert got["bits_per_pixel"] == pytest.approx(1.5, abs=0.05) and got["psnr_db"] == 100


def test_the_decoder_needs_the_residuals_alone(copy_last):
    frames, step = torch.rand(3, 20, 1, 8, 8), 32 / 255
    residuals, decoded = transmit(copy_last.predictor, frames, step)
    assert (decoded - frames[:, 10:]).abs().max() <= step / 2 + 1e-6
    past = frames[:, :10]
    for residual in residuals.unbind(1):
        past = torch.cat([past, (predict_next_frame(copy_last.predictor, past) + step * residual).clamp(0, 1)[:, None]], 1)
    assert torch.equal(past[:, 10:], decoded)


def test_a_coarser_quantiser_costs_fewer_bits_and_quality(copy_last, monkeypatch):
    monkeypatch.setattr(module, "STEPS", (16, 64))
    calls = []
    result = measure_compression(copy_last, 2, progress=lambda *counts: calls.append(counts))
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert set(result["rows"]) == {"copy-last", "flow"} and result["clips"] == 2
    for row in result["rows"].values():
        fine, coarse = row["16"], row["64"]
        assert fine["bits_per_pixel"] > coarse["bits_per_pixel"] > 0 and fine["psnr_db"] > coarse["psnr_db"] > 20
    assert calls[-1] == (4, 4)
    table = format_compression(result).splitlines()
    assert len(table) == 3 and len({len(line) for line in table}) == 1
    with pytest.raises(ValueError, match="clips is 0"):
        measure_compression(copy_last, 0)
