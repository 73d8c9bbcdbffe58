"""No violation that axe-core finds in components of our own, light and dark."""

from importlib.util import find_spec
from pathlib import Path

import pytest

# Gradio's own inputs are left to Gradio
OWN = "#player, #map, #comparing, #lesson-view, #latent, #picker, #trim, #action-editor, #options, #status, .vp-banner"
RULES = {"resultTypes": ["violations"], "rules": {"region": {"enabled": False}}}  # parts of a page have no landmarks of their own
RUN = """([selectors, options]) => {
  const include = selectors.split(", ").filter((one) => document.querySelector(one));
  const tell = (node) => node.html.slice(0, 120) + node.failureSummary;
  return axe.run({ include }, options).then((found) => found.violations.map((x) => `${x.id}: ${x.nodes.map(tell).join(" | ")}`));
}"""

# colours fade; what goes on for ever is none of that
FADED = """() => {
  const fading = document.getAnimations().filter((one) => Number.isFinite(one.effect.getComputedTiming().endTime));
  fading.forEach((one) => one.finish());
  return !fading.length;
}"""


@pytest.fixture(scope="module")
def axe():
    found = find_spec("axe_playwright_python")
    if found is None or not found.origin:
        pytest.skip("axe-core is not installed")
    return (Path(found.origin).parent / "axe.min.js").read_text(encoding="utf-8")


def violations(page, axe, selectors=OWN):
    page.evaluate(f"() => {{ {axe} }}")
    return page.evaluate(RUN, [selectors, RULES])


def test_axe_finds_nothing_in_light_or_dark(app, open_page, axe):
    page = open_page(app)
    page.click("#look-inside button.label-wrap")
    page.click("#look")
    page.wait_for_selector(".vp-latent:not([hidden])", timeout=60_000)
    page.click("#future-map button.label-wrap")
    page.fill("#mapped input[type=number]", "8")
    page.click("#draw-map")
    page.wait_for_selector(".vp-map:not([hidden])", timeout=60_000)
    page.click("#lessons button.label-wrap")
    page.click("#beside input")
    page.click("[role=option] >> text=Copying the last frame")
    page.click("#compare")
    page.wait_for_selector("#status >> text=A above", timeout=30_000)
    for dark in (False, True):
        page.evaluate("(dark) => document.body.classList.toggle('dark', dark)", dark)
        page.wait_for_function(FADED)
        assert violations(page, axe) == [], "dark" if dark else "light"
    page.click(".vp-tile[data-kind=sample] .vp-frame")
    assert violations(page, axe, ".vp-loupe") == []
