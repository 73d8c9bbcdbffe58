"""Looking inside a future on the page."""

import base64
from types import SimpleNamespace

import numpy as np
import pytest

from vp.prediction.latent_view import look_at_latent
from vp.prediction.model import load
from vp.prediction.request import Wishes
from vp.result.sprite_sheet import decode_image
from vp.ui.admission import Admission
from vp.ui.clips import find_clip
from vp.ui.films import columns_of, tile
from vp.ui.latent import describe, move, read_wish
from vp.ui.newest_first import answer_newest

PAGE = SimpleNamespace(client=SimpleNamespace(host="1.2.3.4"))


@pytest.fixture(scope="module")
def value():
    model = load("svg-lp-smmnist")
    wishes = Wishes(n_past=5, n_future=3, options={"prior": "posterior"})
    return describe(model, look_at_latent(model, find_clip("random:smmnist-svg:7"), wishes), 1)


def test_what_the_page_gets_is_plain_and_marked(value):
    assert [len(table) for table in value["tables"].values()] == [8] * 5 and value["tables"]["kl"][0] is None
    assert len(value["tables"]["prior_std"][3]) == len(value["names"]) == 16
    assert {film["mark"] for film in value["films"]} == {"sees the future"} and value["drawn_from"] == "posterior"


def test_a_moved_number_gives_the_whole_film(value):
    got = move({"view": value["view"], "frame": 6, "dimension": 2, "value": 3})
    sheet = decode_image(base64.b64decode(got["sheet"].partition("base64,")[2]))
    assert sheet.shape == (64, 8 * 64, 1) and got["apart"] > 0
    own = tile(value["films"][0]["frames"])
    assert np.array_equal(sheet[:, : 6 * 64], own[:, : 6 * 64]) and not np.array_equal(sheet[:, 6 * 64 :], own[:, 6 * 64 :])


@pytest.mark.parametrize(
    "wrong", [{"view": "gone"}, {"frame": 4}, {"frame": 8}, {"dimension": 16}, {"dimension": None}, {"value": 3.1},
              {"value": float("nan")}, {"frame": float("inf")}],
)  # fmt: skip
def test_what_cannot_be_moved_is_said_in_a_sentence(value, wrong, run_coroutine):
    ask = answer_newest(Admission(), read_wish, move)
    answer = run_coroutine(ask({"view": value["view"], "frame": 6, "dimension": 0, "value": 1.0} | wrong, PAGE))
    assert list(answer) == ["error"] and answer["error"].endswith(".")


def test_long_films_have_several_lines():
    frames = np.arange(30, dtype=np.uint8)[:, None, None, None] * np.ones((1, 90, 160, 3), np.uint8)
    sheet = tile(frames)
    assert columns_of(30, 160) == 25 and sheet.shape == (180, 4000, 3) and sheet[90, 4 * 160, 0] == 29


def test_a_number_is_chosen_moved_and_put_back_under_the_player_s_cursor(app, open_page):
    page = open_page(app, viewport={"width": 390, "height": 844})
    page.click("#picker button[data-name=digits-2]")
    page.wait_for_selector(".vp-name >> text=Example")
    page.click("#look-inside button.label-wrap")
    page.click("#look")
    page.wait_for_selector(".vp-latent:not([hidden])", timeout=60_000)
    page.click("#lessons button.label-wrap")
    page.wait_for_selector(".vp-lesson-show")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator(".vp-inside-row").count() == 2 + 4 + 1 + 5
    box = page.locator("[data-table=prior_std] canvas").bounding_box()
    page.locator("[data-table=prior_std] canvas").click(position={"x": box["width"] * 6.5 / 11, "y": box["height"] * 0.6})
    said, frame = page.locator(".vp-latent-said"), page.locator(".vp-player")
    assert said.inner_text().startswith("Frame 6, z3.") and frame.get_attribute("data-frame") == "6"
    page.focus(".vp-latent-time")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    assert said.inner_text().startswith("Frame 7, z2.") and frame.get_attribute("data-frame") == "7"
    page.focus(".vp-latent-value")
    page.keyboard.press("End")
    page.wait_for_selector(".vp-latent[data-moved]", timeout=30_000)
    assert "edited by hand" in page.inner_text(".vp-latent-moved") and "+3.0" in page.inner_text(".vp-latent-name")
    page.locator(".vp-scrub .vp-range").fill("9")
    assert said.inner_text().startswith("Frame 9, z2.") and "at frame 7" in page.inner_text(".vp-latent-name")
    page.click(".vp-latent-back")
    assert "Nothing moved" in page.inner_text(".vp-latent-moved") and page.is_disabled(".vp-latent-back")
    page.click("#fresh")
    page.wait_for_selector(".vp-latent", state="hidden", timeout=20_000)
