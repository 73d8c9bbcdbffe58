"""Protocol clips: fixed, the same everywhere, and K clips are the first of more."""

from __future__ import annotations

import pytest
import torch

from vp.data import DATASETS, PROTOCOLS, find_protocol, protocol_clips, protocol_digits


@pytest.fixture(autouse=True)
def no_mnist(monkeypatch):
    monkeypatch.delenv("VP_DATA", raising=False)


LENGTHS = [
    ("smmnist-svg", 5, 10), ("smmnist-srvp", 5, 20), ("mmnist", 10, 10), ("next-frame", 9, 1), ("super-resolution", 10, 10),
    ("one-frame", 1, 15), ("long", 5, 55),
]  # fmt: skip


@pytest.mark.parametrize(("name", "past", "future"), LENGTHS)
def test_lengths_and_prefixes(name, past, future):
    protocol = PROTOCOLS[name]
    assert (protocol.n_past, protocol.n_future, protocol.size) == (past, future, 64) and protocol.dataset in DATASETS
    few, more = protocol_clips(name, 3), protocol_clips(name, 120)
    assert more.frames.shape == (120, past + future, 1, 64, 64) and few.frames.shape[0] == 3
    assert torch.equal(few.frames, more.frames[:3]) and torch.equal(few.extras["hits"], more.extras["hits"][:3])
    assert len(more.frames.flatten(1).unique(dim=0)) == 120


def test_the_global_seed_changes_nothing_and_splits_differ():
    torch.manual_seed(1)
    first = protocol_clips("smmnist-svg", 2).frames
    torch.manual_seed(2)
    assert torch.equal(first, protocol_clips("smmnist-svg", 2).frames)
    assert not torch.equal(first, protocol_clips("smmnist-svg", 2, split="val").frames)


def test_trajectories_are_pinned():
    """Fails when clips drawn from the seed change: numbers published before would no longer be comparable."""
    hits = {name: protocol_clips(name, 100).extras["hits"].sum().item() for name, *_ in LENGTHS}
    assert hits == {"smmnist-svg": 350, "smmnist-srvp": 514, "mmnist": 479, "next-frame": 250, "super-resolution": 479,
                    "one-frame": 388, "long": 1419}  # fmt: skip


def test_one_frame_ahead_is_scored_on_the_first_frames_of_the_same_clips():
    assert torch.equal(protocol_clips("next-frame", 120).frames, protocol_clips("mmnist", 120).frames[:, :10])


def test_any_data_set_is_a_protocol_with_lengths():
    longer = find_protocol("digits-robust:10+12")
    named = PROTOCOLS["digits-robust"]
    assert (longer.length, longer.seed, longer.variants) == (22, named.seed, named.variants)
    found = find_protocol("real128:5+10")
    assert (found.dataset, found.n_past, found.length, found.size) == ("real128", 5, 15, None), "the model decides the size"
    assert find_protocol("mmnist") == PROTOCOLS["mmnist"]
    assert protocol_clips("smmnist-srvp:3+4", 2).frames.shape == (2, 7, 1, 64, 64)


def test_which_digits_are_used_is_said(tmp_path):
    assert protocol_digits(tmp_path) == "test split of stroke digits"
    assert protocol_digits(digits="mnist", split="val") == "val split of MNIST digits"


def test_wrong_arguments_get_one_sentence():
    with pytest.raises(ValueError, match="protocol is 'ucf'; give one of smmnist-svg, .*, or a data set and lengths as in"):
        protocol_clips("ucf", 1)
    with pytest.raises(ValueError, match="there is no data set 'ucf'; there are .*ucf101"):
        find_protocol("ucf:5+10")
    with pytest.raises(ValueError, match="protocol is 'folder:0.5'; give 1 frame or more on both sides"):
        find_protocol("folder:0+5")
    with pytest.raises(ValueError, match="protocol folder:5.10 has windows of recordings"):
        protocol_clips("folder:5+10", 1)
    with pytest.raises(ValueError, match="clips is 0"):
        protocol_clips("mmnist", 0)
