"""The menu of models: names that a person understands, in an order that helps, over ids that stay as they are."""

import pytest

from vp.prediction.card import as_card
from vp.prediction.model import load
from vp.ui.labels import describe_model, model_menu
from vp.ui.models import Models

DIGITS = {"smmnist-svg": 0.5, "digits-robust": 0.5}
CARDS = {
    "mine": {"dataset": "folder", "title": "SVG over motion"},
    "old": {"dataset": "mmnist", "about": "ConvLSTM encoder-decoder, Moving MNIST"},
    "svg-fp-smmnist": {"data": DIGITS, "about": "fixed prior, moving digits"},
    "svg-lp-people": {"data": {"kth": 1.0, "ucf101": 1.0}, "about": "learned prior, people"},
    "svg-lp-real": {"data": {"real128": 0.8, "ucf101": 0.2}, "about": "learned prior over motion, real clips"},
    "svg-lp-smmnist": {"data": DIGITS, "about": "learned prior, moving digits"},
    "copy-last": {"dataset": "", "title": "Copy the last frame"},
}
CARDS = {name: as_card(card) for name, card in CARDS.items()}


def test_the_model_of_any_clip_is_first_each_kind_stays_together_and_baselines_are_last():
    assert model_menu(CARDS) == [
        ("Any clip (svg-lp-real)", "svg-lp-real"),
        ("Moving digits, learned prior (svg-lp-smmnist)", "svg-lp-smmnist"),
        ("Moving digits, ConvLSTM encoder-decoder (old)", "old"),
        ("Moving digits, fixed prior (svg-fp-smmnist)", "svg-fp-smmnist"),
        ("People (svg-lp-people)", "svg-lp-people"),
        ("SVG over motion (mine)", "mine"),
        ("Copy the last frame (baseline)", "copy-last"),
    ]


def test_every_model_here_has_a_label_of_its_own():
    models = Models("cpu")
    labels = model_menu(models.cards)
    assert {name for _, name in labels} == set(models.cards) and len({label for label, _ in labels}) == len(labels)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("svg-lp-real", "Good for clips of any kind; any size, colour. "),
        ("svg-lp-push", "Good for a robot arm that pushes objects about in a bin; 64x64 colour. "),
        ("svg-lp-people", "Good for people, recorded by a camera; 64x64 grey. "),
        ("copy-last", "Copy the last frame: a baseline without training, for clips of any size, in colour."),
    ],
)
def test_the_line_below_says_what_a_model_is_good_for_with_colour_and_size(name, said):
    assert describe_model(load(name, "cpu")).startswith(said)
