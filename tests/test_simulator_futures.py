"""The simulator's own futures: of a protocol's very clips, other ones where the past does not settle them, and calibrated."""

import json

import pytest
import torch

from benchmarks.simulator_futures import PLACES, futures, measure, table
from vp.data import PROTOCOLS, protocol_clips


@pytest.fixture(autouse=True)
def drawn_digits(monkeypatch):
    monkeypatch.delenv("VP_DATA", raising=False)


@pytest.mark.parametrize("protocol", ["smmnist-svg", "smmnist-srvp"])
def test_futures_go_on_from_a_protocols_clips_and_part_at_bounces_alone(protocol):
    n_past, clips = PROTOCOLS[protocol].n_past, 105  # more than are drawn at once
    true = protocol_clips(protocol, clips)
    apart = []
    for clip, (truth, made) in enumerate(futures(protocol, clips, 3)):
        assert torch.equal(truth, true.frames[clip]) and made.shape == (3, *truth.shape)
        assert (made[:, :n_past] == truth[:n_past]).all()
        bounced = true.extras["hits"][clip].any(-1)
        lag = 1 if protocol == "smmnist-svg" else 0
        first = next((t + lag for t in range(n_past - lag, len(truth)) if bounced[t]), len(truth))
        assert (made[:, :first] == truth[:first]).all(), "until the first bounce all futures are the true one"
        if first < len(truth):
            apart.append(bool((made[:, first:] != truth[first:]).any()))
    assert sum(apart) > 0.9 * len(apart) > 40


def test_they_are_calibrated_and_their_error_is_their_spread():
    got = measure("smmnist-svg", 40, [2, 6])
    assert json.loads(json.dumps(got, allow_nan=False)) == got and list(got["rows"]) == ["2", "6"]
    few, many = got["rows"].values()
    assert many["spread_skill"] == pytest.approx(1, abs=0.2) and many["diversity"] == pytest.approx(1, abs=0.2)
    assert many["metrics"]["mse"]["mean"] == pytest.approx(many["sample_spread"], rel=0.2)
    assert many["metrics"]["psnr_db"]["best"] > few["metrics"]["psnr_db"]["best"]
    lines = table(got).splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [["of", "2"], ["of", "6"]] and lines[0].endswith("sample_spread")


def test_protocols_without_chance_are_refused():
    assert "mmnist" not in PLACES
    with pytest.raises(ValueError, match="protocol is 'mmnist'; give one with random bounces: smmnist-svg"):
        next(futures("mmnist", 1, 1))
