"""Which model a clip gets: one made for it, and none instead of a person's own choice that takes any clip."""

from dataclasses import replace

import numpy as np
import pytest

from vp.data import Clip
from vp.ui.clips import drawn, example
from vp.ui.suited import suited

CARDS = {
    "flow": {"dataset": ""},
    "another": {"data": {"mmnist": 1.0}},
    "people": {"data": {"kth": 1.0, "ucf101": 1.0}},
    "svg-lp-push": {"data": {"push": 1.0}},
    "svg-lp-real": {"data": {"real128": 1.0}},
    "svg-lp-smmnist": {"data": {"smmnist-svg": 0.5, "digits-robust": 0.5}},
}


def filmed(seed=0) -> Clip:
    """A textured ground in colour that moves sideways, wider than high."""
    rng = np.random.default_rng(seed)
    world = np.kron(rng.integers(0, 256, (12, 40, 3)), np.ones((8, 8, 1))).astype(np.uint8)
    return Clip(np.stack([world[:, 3 * t : 160 + 3 * t] for t in range(12)]), 25.0)


def of_nowhere(clip: Clip) -> Clip:
    """The clip as if it had been uploaded."""
    return replace(clip, data="", events=())


def chosen(clip, name="svg-lp-smmnist", by_hand=False, cards=CARDS):
    return suited(cards, clip, name, by_hand)


@pytest.mark.parametrize("law", ["smmnist-svg", "smmnist-srvp", "mmnist"])
def test_digits_get_the_digit_model_and_keep_any_other_made_for_digits(law):
    for clip in (drawn(law, 3, "strokes", 12), of_nowhere(drawn(law, 3, "strokes", 12))):
        assert chosen(clip) == ("svg-lp-smmnist", "") and chosen(clip, "another", by_hand=True) == ("another", "")
        assert chosen(clip, "svg-lp-real") == ("svg-lp-smmnist", "Model svg-lp-smmnist was chosen: the clip shows moving digits.")
        assert chosen(clip, "svg-lp-push")[0] == "svg-lp-smmnist"


def test_the_push_world_gets_its_model():
    pytest.importorskip("pymunk")
    for clip in (example("push-1"), of_nowhere(example("push-1"))):
        assert chosen(clip) == ("svg-lp-push", "Model svg-lp-push was chosen: the clip shows the push world.")


def test_all_else_gets_the_model_of_real_clips():
    said = "Model svg-lp-real was chosen: it takes clips of any kind and size."
    for name in ("svg-lp-smmnist", "svg-lp-push", "another"):
        assert chosen(filmed(), name) == chosen(filmed(), name, by_hand=True) == ("svg-lp-real", said)
    assert chosen(example("balls"), "people") == ("svg-lp-real", said), "a drawing is no recording"
    assert chosen(filmed(), "svg-lp-real") == ("svg-lp-real", "")
    digits = drawn("mmnist", 3, "strokes", 12).frames
    ground = np.array([160, 60, 20], np.uint8)
    assert chosen(Clip(np.maximum(digits, ground), 10.0))[0] == "svg-lp-real", "digits are grey"


def test_a_person_s_choice_that_knows_the_clip_stays():
    assert chosen(filmed(), "people", by_hand=True) == ("people", "")
    assert chosen(filmed(), "flow", by_hand=True) == ("flow", "")
    digits = drawn("mmnist", 3, "strokes", 12)
    for name in ("svg-lp-real", "flow"):
        assert chosen(digits, name, by_hand=True) == (name, "")


def test_without_a_model_that_suits_nothing_changes():
    few = {name: CARDS[name] for name in ("flow", "svg-lp-smmnist")}
    assert chosen(filmed(), cards=few) == ("svg-lp-smmnist", "")
    assert chosen(example("push-1"), cards=few) == ("svg-lp-smmnist", "")
