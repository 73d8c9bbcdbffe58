"""A result set beside another one on the page."""

import asyncio
import json
from urllib.parse import quote

import pytest

from vp.ui import comparison
from vp.ui.comparison import KEPT, compare, first_of, keep
from vp.ui.handlers import find_result
from vp.ui.models import Models
from vp.ui.other_side import in_words, read_b, settings_of_b, write_b
from vp.ui.page import BUSY
from vp.ui.settings import default_settings
from vp.ui.shipped import FIRST


def test_a_baseline_stands_beside_the_first_result_and_a_comparison_is_taken_from_its_a():
    made = compare(FIRST, None, "Optical flow")
    both = made["player"]
    assert find_result(made["result"]) is both and len(both.kind("other")) == 1 and "Optical flow" in both.model["name"]
    assert first_of(made["result"]) == FIRST and keep(made["result"])["kept"] == FIRST
    again = compare(made["result"], None, "Copying the last frame")["player"]
    assert len(again.kind("other")) == 1 and not again.rows[-1].label.startswith("B: optical")


@pytest.mark.parametrize(
    "given, said",
    [
        ((None, None, KEPT), "press Generate first"),
        ((FIRST, None, KEPT), "no result is kept"),
        ((FIRST, FIRST, KEPT), "is B itself"),
        ((FIRST, "gone", KEPT), "no longer kept"),
        ((FIRST, None, "Magic"), "no row"),
    ],
)
def test_what_cannot_be_compared_is_said(given, said):
    with pytest.raises(ValueError, match=said):
        compare(*given)


def test_nothing_on_screen_cannot_be_kept():
    with pytest.raises(ValueError, match="press Generate first"):
        keep(None)


def test_two_settings_are_compared_under_one_cursor(app, open_page):
    page = open_page(app)

    def generate():
        page.click("#generate")
        page.wait_for_selector("#status >> text=Done", timeout=60_000)

    generate()
    page.click("#keep")
    page.wait_for_selector("#status >> text=is B now")
    page.click("label:has-text('Fixed prior')")
    generate()
    page.click("#compare")
    page.wait_for_selector("#status >> text=A above", timeout=20_000)
    page.wait_for_selector(".vp-others .vp-frame")
    name, verdict = page.inner_text(".vp-name"), page.inner_text(".vp-verdict")
    assert "prior fixed" in name and "prior learned" in name and "over seeds" in verdict
    assert page.locator(".vp-curve.vp-other").count() >= 2
    page.locator(".vp-others .vp-frame").last.click()
    assert page.locator(".vp-loupe-views canvas").count() == 5
    picture = "document.querySelectorAll('.vp-loupe-views canvas')[4].toDataURL()"
    before = page.evaluate(picture)
    page.locator(".vp-loupe .vp-loupe-range").fill("8")
    page.locator(".vp-loupe-wipe").fill("0.9")
    assert page.evaluate(picture) != before


def test_a_link_carries_both_sides_stop_ends_what_waits_and_compare_makes_b(app, open_page, copied_link, monkeypatch):
    b = {"model": "a-learned", "seed": 7, "n": 2, "options": {"prior": "fixed", "temperature": 0.5}}
    page = open_page(f"{app}?model=a-learned&n=2&clip=example:digits-2&future=4&b={quote(json.dumps(b))}")
    page.wait_for_selector("#status >> text=B is a-learned, prior fixed, temperature 0.5, seed 7")
    ended = []

    async def wait(*_):
        try:
            yield {"status": "It waits.", **BUSY}
            while True:
                await asyncio.sleep(0.05)
        finally:
            ended.append(True)

    with monkeypatch.context() as patch:
        patch.setattr(comparison, "in_turn", wait)
        page.click("#compare")
        page.wait_for_selector("#status >> text=It waits.")
        page.click("#stop")
        for _ in range(50):
            page.wait_for_timeout(0 if ended else 200)
        assert ended

    page.click("#generate")
    page.wait_for_selector("#status >> text=Done", timeout=60_000)
    page.click("#compare")
    page.wait_for_selector("#status >> text=A above", timeout=60_000)
    name = page.inner_text(".vp-name")
    assert "B: a-learned" in name and all(part in name for part in ("prior fixed", "temperature 0.5", "seed 7"))
    assert json.loads(copied_link(page)["b"]) == b
    assert page.is_enabled("#generate")


@pytest.fixture(scope="module")
def models(checkpoints):
    return Models("cpu", checkpoints)


def test_what_a_result_was_made_with_comes_back_from_a_link(models):
    result = find_result(FIRST)
    assert write_b(models, result) == "", "its model is not in this folder"
    made = {"model": "a-learned", "seed": 3, "n": 4, "options": {"prior": "posterior", "temperature": 0.25}}
    b = read_b(models, json.dumps(made))
    settings = settings_of_b(models, default_settings(models, "d-diffusion", "example:digits-2"), b)
    assert b == made and (settings.model, settings.seed, settings.n, settings.clip) == ("a-learned", 3, 4, "example:digits-2")
    assert (settings.prior, settings.temperature, settings.options) == ("posterior", 0.25, {})
    assert read_b(models, '{"baseline": "Optical flow"}') == {"baseline": "Optical flow"} and read_b(models, "") == {}


def test_two_sides_that_differ_in_pace_alone_are_told_apart_in_words():
    b = {"model": "svg-lp-real", "seed": 0, "options": {"temperature": 0.5, "pace": 2.0}}
    assert in_words(b) == "svg-lp-real, temperature 0.5, pace 2.0, seed 0"


@pytest.mark.parametrize(
    "wrong, said",
    [
        ("[]", "cannot be read"),
        ("{", "cannot be read"),
        ('{"baseline": "Magic"}', "Magic"),
        ('{"model": "nope"}', "not here"),
        ('{"model": "a-learned", "seed": -1}', "seed of B"),
        ('{"model": "a-learned", "n": 1000}', "n of B"),
        ('{"model": "a-learned", "options": {"prior": "magic"}}', "magic"),
        ('{"model": "a-learned", "options": [1]}', "options"),
        ("[" * 1999, "cannot be read"),
    ],
)
def test_a_link_with_a_wrong_b_is_refused_in_a_sentence(models, wrong, said):
    with pytest.raises(ValueError, match=said):
        read_b(models, wrong)
