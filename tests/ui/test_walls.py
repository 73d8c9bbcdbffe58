"""What is said where a clip's walls are not those that a model learned."""

from __future__ import annotations

import pytest

from vp.data import DATASETS
from vp.prediction.card import as_card
from vp.prediction.domain import walls_note
from vp.ui import clips

STOCHASTIC, MIRRORS = {"data": {"smmnist-svg": 0.7, "smmnist-srvp": 0.3}}, {"data": {"mmnist": 1.0}}


@pytest.mark.parametrize(
    ("name", "card", "words"),
    [
        ("example:digits-1", MIRRORS, ("throw digits back at random;", "that reflect digits")),
        ("example:digits-4", STOCHASTIC, ("reflect digits as mirrors do;", "that throw digits back")),
        ("random:mmnist:3", STOCHASTIC, ("reflect digits as mirrors do;", "that throw digits back")),
    ],
)
def test_other_walls_are_said(name, card, words):
    clip = clips.find_clip(name)
    said = walls_note(clip.data, as_card(card).datasets)
    assert all(word in said for word in words)
    stated = clip.with_note(said)
    assert stated.notes == (*clip.notes, said) and stated.events == clip.events


@pytest.mark.parametrize(
    ("name", "card"),
    [
        ("example:digits-1", STOCHASTIC),
        ("example:digits-3", {"data": {"smmnist-svg": 1.0}}),
        ("example:digits-4", MIRRORS),
        ("example:balls", MIRRORS),
        ("example:push-1", MIRRORS),
        ("example:digits-1", {"data": {"push": 1.0}}),
        ("example:digits-1", {}),
    ],
)
def test_nothing_is_said_of_walls_that_are_alike_or_unknown(name, card):
    clip = clips.find_clip(name)
    said = walls_note(clip.data, as_card(card).datasets)
    assert said is None and clip.with_note(said) is clip


def test_every_example_names_its_data_set_as_it_was_made():
    from vp.ui.make_examples import DRAWN, FILMED

    assert {name: entry["data"] for name, entry in clips.examples().items()} == {
        **{name: law for name, (law, *_) in DRAWN.items()},
        "balls": "",
        **dict.fromkeys(FILMED, ""),
    }
    assert {name for name, data in DATASETS.items() if data.domain and data.domain.walls} == {
        "smmnist-svg",
        "smmnist-srvp",
        "mmnist",
    }
