"""A result set beside another one on the page."""

import pytest

from vp.ui.comparison import KEPT, compare, first_of, keep
from vp.ui.handlers import FIRST, find_result


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
