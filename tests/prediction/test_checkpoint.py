"""Checkpoint files: what goes in comes out, and what is wrong is named in one sentence."""

import dataclasses
import errno
import json
import os
import shutil

import pytest
import torch

from vp.core import files
from vp.models.svg import FAMILY, networks, tiny
from vp.models.svg.config import Objective, SVGConfig
from vp.prediction import checkpoint
from vp.prediction.model import available, load


@pytest.fixture
def saved(tmp_path):
    """A tiny SVG checkpoint in a folder of its own."""
    nets, path = networks(tiny()), tmp_path / "tiny.safetensors"
    card = {"family": "svg", "config": checkpoint.config_to_json(tiny()), "dataset": "smmnist-svg", "about": "for a test"}
    checkpoint.save(path, nets.state_dict(), card, storage="fp32")
    return path, nets


def test_a_round_trip_keeps_weights_and_config(saved):
    path, nets = saved
    model = load(path, device="cpu")
    assert model.predictor.cfg == tiny() and model.predictor.capabilities.dataset == "smmnist-svg"
    for name, x in checkpoint.read_weights(path).items():
        assert torch.equal(x, nets.state_dict()[name])


def test_numbers_too_large_for_a_half_are_kept_in_float32(saved, tmp_path):
    path, nets = saved
    weights = {name: x.clone() for name, x in nets.state_dict().items()}
    large = next(name for name, x in weights.items() if x.ndim > 1)
    weights[large].view(-1)[0] = 70_000.0
    checkpoint.save(path, weights, checkpoint.read_card(path))
    read = checkpoint.read_weights(path)
    assert read[large].view(-1)[0] == 70_000 and torch.equal(read[large], weights[large])
    assert all(x.isfinite().all() for x in read.values()) and load(path, device="cpu").name == "tiny"


@pytest.mark.parametrize("kind", ["sync", "rename"])
def test_what_the_disk_refuses_is_an_os_error_and_leaves_what_was_there(saved, monkeypatch, kind):
    path, nets = saved
    before = path.read_bytes()

    def full(operation, where):
        if operation == kind:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "operation", full)
    with pytest.raises(OSError, match="No space left"):
        checkpoint.save(path, nets.state_dict(), {**checkpoint.read_card(path), "about": "another"})
    assert path.read_bytes() == before and [x.name for x in path.parent.iterdir()] == [path.name]


def test_others_may_read_a_checkpoint_as_the_umask_says(saved):
    umask = os.umask(0o022)
    try:
        checkpoint.add_metrics(saved[0], "mmnist", {"clips": 1})
        assert saved[0].stat().st_mode & 0o777 == 0o644
    finally:
        os.umask(umask)


def test_nested_configs_survive_json():
    config = SVGConfig(objective=Objective(lengths=((0.0, 3), (0.5, 9)), beta_ramp=(0.1, 0.2)))
    text = json.dumps(checkpoint.config_to_json(config))
    assert checkpoint.config_from_json(SVGConfig, json.loads(text)) == config
    with pytest.raises(ValueError, match="SVGConfig has no colour"):
        checkpoint.config_from_json(SVGConfig, {"colour": 1})


def test_recording_numbers_changes_the_card_and_nothing_else(saved):
    path, _ = saved
    before = checkpoint.read_weights(path)
    checkpoint.add_metrics(path, "smmnist-svg", {"psnr_db": {"best": 17.0}})
    checkpoint.add_metrics(path, "mmnist", {"clips": 3})
    card, after = checkpoint.read_card(path), checkpoint.read_weights(path)
    assert card["metrics"] == {"smmnist-svg": {"psnr_db": {"best": 17.0}}, "mmnist": {"clips": 3}}
    assert card["about"] == "for a test"
    assert before.keys() == after.keys() and all(torch.equal(before[name], after[name]) for name in before)


def damage(path, kind):
    data = path.read_bytes()
    if kind == "truncated":
        path.write_bytes(data[: len(data) // 2])
    elif kind == "text":
        path.write_text("not a checkpoint")
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "foreign":
        from safetensors.torch import save_file

        save_file({"x": torch.zeros(1)}, path)
    elif kind == "huge header":
        path.write_bytes(b"\xff" * 7 + b"\x00" + data)


@pytest.mark.parametrize("kind", ["truncated", "text", "empty", "foreign", "huge header"])
def test_a_damaged_or_foreign_file_is_named_and_the_others_stay_usable(saved, tmp_path, kind):
    path, _ = saved
    shutil.copy(path, tmp_path / "broken.safetensors")
    damage(tmp_path / "broken.safetensors", kind)
    with pytest.raises(ValueError, match=rf"^{tmp_path}/broken\.safetensors is damaged or is not a vp checkpoint"):
        load(tmp_path / "broken.safetensors", device="cpu")
    cards = {card.name: card for card in available(tmp_path)}
    assert "broken.safetensors" in cards["broken"].problem and not cards["tiny"].problem


def test_weights_that_do_not_fit_their_config_are_refused_in_one_sentence(saved, tmp_path):
    path, nets = saved
    wider = dataclasses.replace(tiny(), width=32)
    card = {"family": "svg", "config": checkpoint.config_to_json(wider), "dataset": ""}
    checkpoint.save(tmp_path / "odd.safetensors", nets.state_dict(), card)
    with pytest.raises(ValueError, match="odd.safetensors does not fit its own description") as error:
        load(tmp_path / "odd.safetensors", device="cpu")
    assert "\n" not in str(error.value)


def test_unknown_names_list_what_there_is(saved, tmp_path):
    with pytest.raises(ValueError, match="tiny, copy-last, flow"):
        load("nothing", folder=tmp_path)


def test_another_format_or_family_is_refused(saved, tmp_path):
    _, nets = saved
    checkpoint.save(tmp_path / "new.safetensors", nets.state_dict(), {"family": "oracle", "config": {}, "dataset": ""})
    with pytest.raises(ValueError, match="'oracle' model; this version knows svg"):
        load(tmp_path / "new.safetensors", device="cpu")


def test_every_shipped_checkpoint_loads_and_is_small():
    paths = sorted(checkpoint.FOLDER.glob("*.safetensors"))
    assert sum(p.stat().st_size for p in paths) < 40e6
    for path in paths:
        assert path.stat().st_size < 10e6
        card = checkpoint.read_card(path)
        assert {"family", "config", "dataset", "context", "step", "commit", "licence", "metrics"} <= card.keys()
        load(path, device="cpu")


def test_the_family_is_registered_under_its_own_name():
    from vp.catalog import FAMILIES

    assert FAMILIES["svg"] is FAMILY and all(name == family.name for name, family in FAMILIES.items())
