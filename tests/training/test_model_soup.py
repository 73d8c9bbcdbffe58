"""Averages of checkpoints."""

import dataclasses

import pytest
import torch

from vp.catalog import FAMILIES
from vp.prediction import checkpoint
from vp.prediction.model import load
from vp.training.model_soup import model_soup


@pytest.fixture
def pair(tmp_path):
    """Two checkpoints of one network: all weights 0 and 1."""
    family = FAMILIES["svg"]
    config = family.tiny()
    card = {"family": "svg", "config": checkpoint.config_to_json(config), "dataset": "mmnist", "metrics": {"psnr": 1}}
    for name, value in (("zero", 0.0), ("one", 1.0)):
        weights = {key: torch.full_like(x, value) for key, x in family.networks(config).state_dict().items()}
        checkpoint.save(tmp_path / f"{name}.safetensors", weights, card | {"about": name})
    wider = dataclasses.replace(config, width=32)
    weights = family.networks(wider).state_dict()
    checkpoint.save(tmp_path / "wider.safetensors", weights, card | {"config": checkpoint.config_to_json(wider)})
    return tmp_path


def test_the_mean_takes_the_shares_and_loads_like_any_other(pair):
    out = pair / "mean.safetensors"
    found = model_soup([str(pair / "zero.safetensors"), str(pair / "one.safetensors")], [3, 1], out)
    assert found == {"file": str(out), "average": {"zero": 0.75, "one": 0.25}}
    assert all(torch.equal(x, torch.full_like(x, 0.25)) for x in checkpoint.read_weights(out).values())
    card = load(out, device="cpu").card
    assert card["about"] == "one" and card["metrics"] == {} and card["average"] == found["average"]


def test_the_mean_has_the_strictest_licence_of_its_parts(pair):
    zero, out = pair / "zero.safetensors", pair / "mean.safetensors"
    card = checkpoint.read_card(zero) | {"dataset": "kth", "licence": "MIT"}
    checkpoint.save(zero, checkpoint.read_weights(zero), card)
    for names in (("zero", "one"), ("one", "zero")):
        model_soup([str(pair / f"{name}.safetensors") for name in names], [1, 1], out)
        assert checkpoint.read_card(out)["licence"] == "research use only"


def test_what_cannot_be_averaged_gets_one_sentence(pair):
    zero, wider, out = str(pair / "zero.safetensors"), str(pair / "wider.safetensors"), pair / "out.safetensors"
    with pytest.raises(ValueError, match=r"wider.safetensors holds another network than .*zero.safetensors"):
        model_soup([zero, wider], [1, 1], out)
    for names, shares in (([zero], [1]), ([zero, wider], [1]), ([zero, wider], [1, 0])):
        with pytest.raises(ValueError, match="give two checkpoints or more, and a share above 0 for each"):
            model_soup(names, shares, out)
    assert not out.exists()
