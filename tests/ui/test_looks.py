"""How the page looks, in light and dark, on a desk and on a phone: in reach, uncovered, legible."""

import shutil

import pytest

from .test_axe import FADED

pytestmark = pytest.mark.browser

OURS = ".vp-banner *, .vp-player *, .vp-picker *, .vp-trim-foot *, .vp-status *, .vp-option *, .vp-learn-about"
# [text, ratio] of the texts of our own components with less contrast than 4.5:1 to what is behind them
FAINT = """(ours) => {
  const parse = (text) => {
    const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number);
    return { rgb: [r, g, b], a };
  };
  const light = ({ rgb }) => {
    const [r, g, b] = rgb.map((x) => (x / 255 <= 0.04045 ? x / 255 / 12.92 : ((x / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (x) => {
    for (; x; x = x.parentElement) {
      const style = getComputedStyle(x), colour = parse(style.backgroundColor);
      if (style.backgroundImage !== "none" && !x.matches(".vp-label")) return null; // hatched: no one colour
      if (colour.a > 0.99) return colour;
    }
    return parse("rgb(255, 255, 255)");
  };
  const own = (x) => [...x.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
  const faint = [];
  for (const x of document.querySelectorAll(ours)) {
    if (!own(x) || !x.checkVisibility({ visibilityProperty: true }) || x.closest(":disabled, .vp-cover, .vp-hidden")) continue;
    const ground = behind(x), style = getComputedStyle(x);
    if (!ground) continue;
    const ink = x instanceof SVGElement ? style.fill : style.color;
    const [a, b] = [light(parse(ink)), light(ground)].sort((p, q) => q - p);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) faint.push([x.className.baseVal ?? x.className, x.textContent.slice(0, 30), ratio.toFixed(2)]);
  }
  return faint;
}"""
# how far the settings, or the controls that stick out of their list, reach below the upper edge of the buttons, px
COVERED = """() => {
  const list = document.querySelector("#settings"), top = document.querySelector("#actions").getBoundingClientRect().top;
  const ends = getComputedStyle(list).overflowY === "auto" ? [list] : [...list.querySelectorAll("button, input, canvas")];
  return Math.max(0, ...ends.map((x) => x.getBoundingClientRect().bottom - top));
}"""


def shown(open_page, address, width, height, scheme):
    page = open_page(address, viewport={"width": width, "height": height}, color_scheme=scheme)
    page.wait_for_function("getComputedStyle(document.documentElement).getPropertyValue('--buttons')")
    assert page.evaluate("document.body.classList.contains('dark')") == (scheme == "dark")
    return page


def in_reach(page):
    box, height = page.locator("#generate").bounding_box(), page.viewport_size["height"]
    return box["y"] >= 0 and box["y"] + box["height"] <= height


def assert_legible_in_reach_and_within_the_window(page):
    """In the scheme in which the page was opened, and in the other one."""
    width = page.viewport_size["width"]
    page.wait_for_function("width => document.documentElement.scrollWidth <= width", arg=width)  # once a new size is laid out
    assert in_reach(page)
    page.mouse.move(width - 40, 300)
    page.mouse.wheel(0, 900)
    page.wait_for_timeout(200)
    assert in_reach(page), "wherever the page is scrolled to"
    for scheme in ("as opened", "the other"):
        assert page.evaluate(FAINT, OURS) == [], scheme
        page.evaluate("document.body.classList.toggle('dark')")
        page.wait_for_function(FADED)


def test_on_a_phone_everything_is_legible_in_reach_and_within_the_window(open_page, app):
    page = shown(open_page, app, 390, 844, "dark")
    assert_legible_in_reach_and_within_the_window(page)
    deck, buttons = (page.locator(part).bounding_box() for part in (".vp-deck", "#actions"))
    assert deck["y"] + deck["height"] <= buttons["y"] + 1, "the player's own controls lie above the buttons, not under them"


def test_on_a_desk_everything_is_legible_and_no_button_lies_over_a_control(open_page, app):
    page = shown(open_page, app, 1280, 900, "light")
    style = "(x) => [getComputedStyle(x).paddingRight, getComputedStyle(x).textOverflow]"
    assert page.eval_on_selector("#model input", style) == ["30px", "ellipsis"], "a long name ends before the arrow"
    for width, height in ((1280, 900), (1280, 720), (1440, 900)):
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate("() => new Promise(requestAnimationFrame)")
        for share in (0, 0.3, 0.6, 1):
            page.evaluate("(s) => { const x = document.querySelector('#settings'); x.scrollTop = s * x.scrollHeight; }", share)
            assert page.evaluate(COVERED) < 1 and in_reach(page), (width, height, share)
        if height == 900:
            page.evaluate("document.querySelector('#settings').scrollTop = 0")
            strip, buttons = (page.locator(part).bounding_box() for part in (".vp-trim", "#actions"))
            assert strip["y"] + strip["height"] <= buttons["y"], "the film strip is seen whole when the page opens"
    page.set_viewport_size({"width": 1280, "height": 900})
    assert_legible_in_reach_and_within_the_window(page)


# how far the name on the place for files reaches below the upper edge of the words there, px, and how far they stick out below
OVER_WORDS = """() => {
  const words = document.createRange(), place = document.querySelector("#upload");
  words.selectNodeContents(place.querySelector(".wrap[data-testid=upload-text]"));
  const lines = [...words.getClientRects()].filter((line) => line.width), name = place.querySelector("label");
  const covered = name.getBoundingClientRect().bottom - Math.min(...lines.map((line) => line.top));
  return [covered, Math.max(...lines.map((line) => line.bottom)) - place.getBoundingClientRect().bottom];
}"""


def test_the_name_of_a_file_lies_over_no_word_of_the_place_for_the_next_one(open_page, app, digit_video, tmp_path):
    page = open_page(app)
    page.set_input_files("#upload input[type=file]", shutil.copy(digit_video, tmp_path / f"{'Holidays ' * 9}.mp4"))
    page.wait_for_selector("#upload >> text=or upload another video", timeout=30_000)
    heights = set()
    for width in (320, 390, 800, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate("() => new Promise(requestAnimationFrame)")
        covered, sticks_out = page.evaluate(OVER_WORDS)
        assert covered <= 0 and sticks_out <= 0, width
        heights.add(round(page.locator("#upload label").bounding_box()["height"]))
    page.set_viewport_size({"width": 1280, "height": 900})
    assert len(heights) > 1, "a name of one line and one of two"

    page.route("**/upload?**", lambda route: None)  # it stays on its way
    page.set_input_files("#upload input[type=file]", tmp_path / f"{'Holidays ' * 9}.mp4")
    page.wait_for_selector("#upload .file-name")
    place, name, ring = (page.locator(part).bounding_box() for part in ("#upload", "#upload .file-name", "#upload .progress-bar"))
    assert place["x"] <= ring["x"] and ring["x"] + ring["width"] <= name["x"]
    assert name["x"] + name["width"] <= place["x"] + place["width"]
