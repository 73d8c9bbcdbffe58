"""Which model a clip gets: one made for it, and none instead of a person's own choice that takes any clip; and why."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks import drawn_clips as drawings
from vp.data import Clip
from vp.prediction.card import as_card
from vp.ui.clips import load_example, simulate_clip
from vp.ui.suited import choose_model

CARDS = {
    "flow": {"dataset": ""},
    "another": {"data": {"mmnist": 1.0}},
    "people": {"data": {"kth": 1.0, "ucf101": 1.0}},
    "svg-lp-push": {"data": {"push": 1.0}},
    "svg-lp-real": {"data": {"real128": 1.0}},
    "svg-lp-smmnist": {"data": {"smmnist-svg": 0.5, "digits-robust": 0.5}},
}
CARDS = {name: as_card(card) for name, card in CARDS.items()}


def filmed(seed=0) -> Clip:
    """A textured ground in colour that moves sideways, wider than high."""
    rng = np.random.default_rng(seed)
    world = np.kron(rng.integers(0, 256, (12, 40, 3)), np.ones((8, 8, 1))).astype(np.uint8)
    return Clip(np.stack([world[:, 3 * t : 160 + 3 * t] for t in range(12)]), 25.0)


def of_nowhere(clip: Clip) -> Clip:
    """The clip as if it had been uploaded."""
    return replace(clip, data="", events=())


def stays(name: str, usual: str, why: str) -> str:
    return f"Model {name} stays, as you chose it; {usual} is the usual one: {why}."


def chosen(clip, name="svg-lp-smmnist", by_hand=False, cards=CARDS):
    return choose_model(cards, clip, name, by_hand)


@pytest.mark.parametrize("law", ["smmnist-svg", "smmnist-srvp", "mmnist"])
def test_digits_get_the_digit_model_and_keep_any_other_made_for_digits(law):
    for clip in (simulate_clip(law, 3, "strokes", 12), of_nowhere(simulate_clip(law, 3, "strokes", 12))):
        assert chosen(clip) == ("svg-lp-smmnist", "Model svg-lp-smmnist stays: the clip shows moving digits.")
        assert chosen(clip, "another", by_hand=True) == (
            "another",
            stays("another", "svg-lp-smmnist", "the clip shows moving digits"),
        )
        assert chosen(clip, "another")[0] == "svg-lp-smmnist", "what no person chose is chosen anew"
        assert chosen(clip, "svg-lp-real") == ("svg-lp-smmnist", "Model svg-lp-smmnist was chosen: the clip shows moving digits.")
        assert chosen(clip, "svg-lp-push")[0] == "svg-lp-smmnist"


def test_the_push_world_gets_its_model():
    pytest.importorskip("pymunk")
    for clip in (load_example("push-1"), of_nowhere(load_example("push-1"))):
        assert chosen(clip) == ("svg-lp-push", "Model svg-lp-push was chosen: the clip shows the push world.")


def test_all_else_gets_the_model_of_real_clips():
    said = "Model svg-lp-real was chosen: it takes clips of any kind and size."
    for name in ("svg-lp-smmnist", "svg-lp-push", "another"):
        assert chosen(filmed(), name) == chosen(filmed(), name, by_hand=True) == ("svg-lp-real", said)
    assert chosen(load_example("balls"), "people") == ("svg-lp-real", said), "a drawing is no recording"
    assert chosen(filmed(), "people") == ("svg-lp-real", said), "what no person chose is chosen anew"
    assert chosen(filmed(), "svg-lp-real") == ("svg-lp-real", "Model svg-lp-real stays: it takes clips of any kind and size.")
    digits = simulate_clip("mmnist", 3, "strokes", 12).frames
    ground = np.array([160, 60, 20], np.uint8)
    assert chosen(Clip(np.maximum(digits, ground), 10.0))[0] == "svg-lp-real", "digits are grey"


def test_a_person_s_choice_that_knows_the_clip_stays():
    for name in ("people", "flow"):
        why = stays(name, "svg-lp-real", "it takes clips of any kind and size")
        assert chosen(filmed(), name, by_hand=True) == (name, why)
    digits = simulate_clip("mmnist", 3, "strokes", 12)
    for name in ("svg-lp-real", "flow"):
        assert chosen(digits, name, by_hand=True) == (name, stays(name, "svg-lp-smmnist", "the clip shows moving digits"))


def test_without_a_model_that_suits_nothing_changes():
    few = {name: CARDS[name] for name in ("flow", "svg-lp-smmnist")}
    assert chosen(filmed(), cards=few) == ("svg-lp-smmnist", "")
    assert chosen(load_example("push-1"), cards=few) == ("svg-lp-smmnist", "")


@pytest.mark.parametrize(
    "draw", ["balls", "credits", "document", "code_editor", "letters", "cartoon", "pong", "noise", "bin_game"]
)  # fmt: skip
def test_what_is_drawn_but_neither_digits_nor_the_push_world_gets_the_model_of_any_clip(draw):
    for name in ("svg-lp-real", "svg-lp-smmnist", "svg-lp-push", "people"):
        assert chosen(Clip(getattr(drawings, draw)(), 25.0), name)[0] == "svg-lp-real"


@pytest.mark.parametrize(
    ("count", "look"),
    [(2, {}), (3, {}), (2, {"ground": 255, "ink": 0}), (2, {"ground": 110, "ink": 235}), (1, {"side": 40}),
     (2, {"side": 112, "canvas": 256})],
)  # fmt: skip
def test_digits_on_other_grounds_and_of_other_sizes_get_the_digit_model(count, look):
    handwritten = [drawings.stroke_digit(number) for number in (3, 40, 61)[:count]]
    turned = [drawings.tilted(picture, 30) for picture in handwritten]
    printed = [drawings.printed_digit(digit) for digit in (4, 7, 2)[:count]]
    for pictures in (handwritten, turned, printed):
        assert chosen(Clip(drawings.moving(pictures, **look), 10.0), "svg-lp-real")[0] == "svg-lp-smmnist"


def test_an_enlarged_push_world_is_known():
    pytest.importorskip("pymunk")
    large = np.kron(load_example("push-1").frames, np.ones((1, 5, 5, 1), np.uint8))
    assert chosen(Clip(large, 5.0), "svg-lp-real")[0] == "svg-lp-push"


def small_and_grey(shift: int, side: int = 64) -> Clip:
    """A textured ground in grey that moves by `shift` px a frame, with a sensor's noise."""
    rng = np.random.default_rng(0)
    world = np.kron(rng.integers(60, 200, (side // 8, side // 8 + 12)), np.ones((8, 8)))
    frames = np.stack([world[:, shift * t : side + shift * t] for t in range(8)])
    return Clip((frames + rng.normal(0, 2, frames.shape)).clip(0, 255).astype(np.uint8)[..., None], 25.0)


def test_only_a_still_camera_s_small_grey_picture_gets_the_model_of_people():
    assert chosen(small_and_grey(0), "svg-lp-real")[0] == "people"
    colour = Clip(small_and_grey(0).frames * np.array([1.0, 0.6, 0.3]), 25.0)
    others = [small_and_grey(4), small_and_grey(0, 128), replace(colour, frames=colour.frames.astype(np.uint8))]
    others += [replace(small_and_grey(0), frames=small_and_grey(0).frames[:1])]
    assert [chosen(clip, "people")[0] for clip in others] == ["svg-lp-real"] * 4


def test_without_a_model_for_its_kind_a_clip_keeps_the_model_there_is():
    few = {name: CARDS[name] for name in ("flow", "svg-lp-real")}
    assert chosen(simulate_clip("mmnist", 3, "strokes", 12), "svg-lp-real", cards=few) == ("svg-lp-real", "")
