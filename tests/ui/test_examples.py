"""The example clips: each is credited, and those from life are of a split that nothing is trained or chosen on."""

import os
from pathlib import Path

import pytest

from vp.data import DATASETS
from vp.prediction.card import as_card
from vp.ui.clips import ASSETS, CLIPS, examples, load_example
from vp.ui.make_examples import FILMED
from vp.ui.suited import choose_model

CREDITED = ("CC BY 4.0", "CC0")
SPLITS_OF_USE = ("example", "train", "choices", "val")


def test_every_clip_from_life_is_credited_in_the_app_and_in_the_readme():
    rows = [line for line in (ASSETS / "README.md").read_text().splitlines() if line.startswith("| `clips/")]
    for name, about in FILMED.items():
        assert examples()[name]["credit"] == about.credit and about.credit.endswith(CREDITED)
        assert load_example(name).notes == (f"A real clip: {about.credit}.",)
        (row,) = [row for row in rows if row.startswith(f"| `clips/{name}.mp4`")]
        assert "https://creativecommons.org/" in row
    rendered = examples().keys() - FILMED.keys()
    assert all("credit" not in examples()[name] for name in rendered)


def test_clips_from_life_differ_in_shape_and_go_to_the_model_of_real_clips():
    shapes = {name: load_example(name).frames.shape[1:3] for name in FILMED}
    assert len(set(shapes.values())) >= 3 and any(height > width for height, width in shapes.values())
    cards = {"svg-lp-smmnist": {"data": {"digits-robust": 1.0}}, "svg-lp-push": {"data": {"push": 1.0}}}
    cards["svg-lp-real"] = {"data": {"real128": 1.0}}
    cards = {name: as_card(card) for name, card in cards.items()}
    for name in FILMED:
        assert choose_model(cards, load_example(name), "svg-lp-smmnist", by_hand=False)[0] == "svg-lp-real", name


def test_assets_stay_small():
    assert sum(path.stat().st_size for path in ASSETS.rglob("*") if path.is_file()) < 8e6
    assert all((CLIPS / entry[key]).is_file() for entry in examples().values() for key in ("file", "still", "moving"))


def test_they_are_of_the_split_that_is_there_to_be_shown():
    root = os.environ.get("VP_DATA")
    if not root or not (Path(root) / "real128" / "index.csv").is_file():
        pytest.skip("real128 is not at hand: set VP_DATA to a folder that holds it")
    shown = {about.file for about in FILMED.values()}
    of = {split: {r.name for r in DATASETS["real128"].recordings("real128", split, root)} for split in SPLITS_OF_USE}
    assert shown <= of.pop("example") and not any(shown & names for names in of.values())


def test_examples_move_under_the_pointer_only_where_motion_is_welcome(app, open_page):
    page = open_page(app)
    picture, name = "#picker button[data-name=digits-1] img", "#picker button[data-name=digits-1]"
    still = page.get_attribute(picture, "src")
    page.hover(name)
    assert page.get_attribute(picture, "src") == still
    page.emulate_media(reduced_motion="no-preference")
    page.hover(".vp-banner h1")
    page.hover(name)
    assert page.get_attribute(picture, "src") != still
