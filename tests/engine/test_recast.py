"""The same weights under changed settings."""

import dataclasses

import pytest
import torch

from vp.catalog import FAMILIES
from vp.core.predictor import seed_grid
from vp.core.video import Observation
from vp.engine import checkpoint, load
from vp.engine.recast import recast


@pytest.fixture
def blended(tmp_path):
    family = FAMILIES["vpn"]
    config = dataclasses.replace(family.tiny(), layers=2, mover="paths")
    card = {"family": "vpn", "config": checkpoint.config_to_json(config), "dataset": "mmnist", "metrics": {"mse": 1}}
    checkpoint.save(tmp_path / "blended.safetensors", family.networks(config).state_dict(), card)
    return tmp_path / "blended.safetensors"


def test_sprites_that_were_blended_are_cut_out(blended, tmp_path):
    out = tmp_path / "cut.safetensors"
    found = recast(str(blended), ["mover=path-cutouts"], out)
    assert found["left_out"] and all("blend" in part or "drift" in part for part in found["left_out"])
    old, new = checkpoint.read_weights(blended), checkpoint.read_weights(out)
    assert all(torch.equal(x, old[part]) for part, x in new.items())
    model = load(out, "cpu", "fp32")
    assert model.card["metrics"] == {} and model.card["recast"] == ["mover=path-cutouts"] and model.card["dataset"] == "mmnist"
    clip = torch.rand(1, 8, 1, 32, 32)
    assert model.predictor.predict(Observation.prefix(clip, 4, 8), seed_grid(0, 1, 1)).frames.isfinite().all()


def test_what_needs_training_is_refused(blended, tmp_path):
    out = tmp_path / "out.safetensors"
    with pytest.raises(ValueError, match="blended.safetensors has no weights for .* train with --init instead"):
        recast(str(blended), ["widths=[32, 32]"], out)
    with pytest.raises(ValueError, match="there is no setting 'colour'"):
        recast(str(blended), ["colour=red"], out)
    assert not out.exists()
