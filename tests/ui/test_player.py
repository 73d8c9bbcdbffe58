"""The player's JavaScript, on the offline page: exact pixels, linked plots, keys, and a drag that costs nothing."""

import dataclasses

import numpy as np
import pytest

from vp.result.export import render_page as html_of
from vp.result.result import Result, Row

pytestmark = pytest.mark.browser
LENGTH, KNOWN, SIDE = 24, 5, 64

PIXELS = """row => {
  const canvas = document.querySelector(`.vp-tile[data-row="${row}"] canvas`);
  const zoom = canvas.width / 64, middle = Math.floor(zoom / 2);
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  const out = [];
  for (let y = 0; y < 64; y++) for (let x = 0; x < 64; x++)
    out.push(data[4 * ((y * zoom + middle) * canvas.width + x * zoom + middle)]);
  return out;
}"""
SCRUB = """t => {
  const range = document.querySelector(".vp-range");
  range.value = t;
  range.dispatchEvent(new Event("input", { bubbles: true }));
}"""
DRAG = """async () => {
  const range = document.querySelector(".vp-range"), times = [];
  for (let k = 0; k < 30; k++) {
    range.value = k % 24;
    const start = performance.now();
    range.dispatchEvent(new Event("input", { bubbles: true }));
    document.querySelector(".vp-tile canvas").getContext("2d").getImageData(0, 0, 1, 1);
    times.push(performance.now() - start);
    await new Promise(requestAnimationFrame);
  }
  return times;
}"""


def make(samples=8, has_truth=LENGTH):
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 256, (LENGTH, SIDE, SIDE, 1), np.uint8)
    futures = [rng.integers(0, 256, truth.shape, np.uint8) for _ in range(samples)]
    rows = [Row("truth", "Ground truth", truth), Row("reference", "Posterior", futures[0])]
    rows += [Row("best", "Best", futures[1])]
    rows += [Row("sample", f"Sample {k + 1}", frames) for k, frames in enumerate(futures)]
    rows += [Row("mean", "Mean", futures[2]), Row("uncertainty", "Uncertainty", futures[3])]
    known, there = np.arange(LENGTH) < KNOWN, np.arange(LENGTH) < has_truth
    values = np.where(there & ~known, rng.uniform(10, 20, (len(rows), LENGTH)), np.nan)
    values[[0, -1]] = np.nan
    traces = {"prior_std": np.where(known, np.nan, rng.uniform(0, 1, values.shape)), "kl": values / 5}
    metrics = {"psnr_db": values, "ssim": values / 20}
    return Result(tuple(rows), known, there, 20.0, metrics, traces, ((9, "wall hit"),), {"name": "model"})


@pytest.fixture(scope="module")
def result():
    return make()


@pytest.fixture
def offline(tmp_path, open_page):
    """Opens the offline page of a result."""

    def visit(result, **options):
        path = tmp_path / "result.html"
        path.write_text(html_of(result), encoding="utf-8")
        return open_page(path.as_uri(), **options)

    return visit


def frame(page):
    return int(page.get_attribute(".vp-player", "data-frame"))


def to(page, t):
    page.evaluate(SCRUB, t)


def test_the_canvas_shows_exactly_the_arrays(offline, result):
    page = offline(result)
    for t in (0, KNOWN, LENGTH - 1):
        to(page, t)
        for index, row in enumerate(result.rows):
            assert page.evaluate(PIXELS, index) == row.frames[t].ravel().tolist(), (row.label, t)


def test_a_long_drag_is_fast_and_asks_for_nothing(offline, result):
    page = offline(result)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    times = sorted(page.evaluate(DRAG))
    assert times[int(0.95 * len(times))] < 16, times
    box = page.locator(".vp-range").first.bounding_box()
    page.mouse.move(box["x"] + 10, box["y"] + box["height"] / 2)
    page.mouse.down()
    for k in range(1, 31):
        page.mouse.move(box["x"] + 10 + (box["width"] - 20) * k / 30, box["y"] + box["height"] / 2)
    page.mouse.up()
    assert frame(page) == LENGTH - 1 and asked == []


def test_frames_say_what_they_are_in_words_and_colour(offline):
    page = offline(make(has_truth=15))
    tile, truth = page.locator(".vp-tile[data-kind=sample]").first, page.locator(".vp-tile[data-kind=truth]")
    said = {}
    for t in (0, KNOWN, LENGTH - 1):
        to(page, t)
        colour = tile.locator(".vp-frame").evaluate("e => getComputedStyle(e).backgroundColor")
        said[t] = (tile.locator(".vp-badge").inner_text(), colour, truth.locator(".vp-badge").inner_text())
    assert [words for words, _, _ in said.values()] == ["given", "generated", "generated"]
    assert [words for _, _, words in said.values()] == ["given", "truth", "no truth"]
    red, green, _ = [int(x) for x in said[0][1][4:-1].split(",")]
    assert green > red
    red, green, _ = [int(x) for x in said[KNOWN][1][4:-1].split(",")]
    assert red > green
    assert "no truth" in page.locator(".vp-chart").first.inner_text()


def test_keys_step_jump_and_play(offline, result):
    page = offline(result)
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert frame(page) == 2
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    assert frame(page) == LENGTH - 2
    page.keyboard.press(" ")
    page.wait_for_function("document.querySelector('.vp-player').dataset.frame < 10")  # it loops
    page.keyboard.press(" ")
    assert page.get_attribute(".vp-player", "data-playing") == "false"


def test_the_plot_moves_the_frame_and_the_frame_moves_the_cursor(offline, result):
    page = offline(result)
    svg = page.locator(".vp-chart svg").first
    svg.scroll_into_view_if_needed()
    seen = []
    for share in (0.3, 0.6, 0.95):
        box = svg.bounding_box()
        page.mouse.move(box["x"] + share * box["width"], box["y"] + 60)
        seen.append(frame(page))
    assert seen == sorted(set(seen)) and seen[0] > 0
    to(page, 3)
    at_3 = [float(line.get_attribute("x1")) for line in page.locator(".vp-cursor").all()]
    to(page, 20)
    at_20 = [float(line.get_attribute("x1")) for line in page.locator(".vp-cursor").all()]
    assert len(at_3) == 3 and all(later > sooner for sooner, later in zip(at_3, at_20, strict=True))
    box = svg.bounding_box()
    scale = box["width"] / float(svg.get_attribute("width"))
    page.mouse.move(box["x"] + at_3[0] * scale, box["y"] + 60)
    assert frame(page) == 3


@pytest.mark.parametrize("numbers", [(1e17, 1e17), (0.0, 0.0), (0.1, 0.1), (np.nan, np.nan)])
def test_a_curve_of_hardly_different_numbers_or_of_none_has_a_plot(offline, result, numbers):
    flat = np.resize(numbers, result.traces["prior_std"].shape)
    page = offline(dataclasses.replace(result, traces={"prior_std": flat}))
    assert page.locator(".vp-chart svg").count() == 3


def test_zoom_shows_the_difference_and_escape_closes_it(offline, result):
    page = offline(result)
    to(page, 10)
    page.locator(".vp-tile[data-row='4'] .vp-frame").click()
    assert page.locator(".vp-loupe").get_attribute("open") is not None
    read = "e => Array.from(e.getContext('2d').getImageData(2, 2, 1, 1).data)[0]"
    truth, sample, difference = [c.evaluate(read) for c in page.locator(".vp-loupe canvas").all()]
    assert (truth, sample) == tuple(int(result.rows[k].frames[10, 0, 0, 0]) for k in (0, 4))
    assert difference == abs(truth - sample)
    assert "PSNR" in page.locator(".vp-loupe-score").inner_text()
    page.keyboard.press("Escape")
    assert page.locator(".vp-loupe").get_attribute("open") is None


def test_film_strips_show_every_row_and_scrub(offline, result):
    page = offline(result)
    page.click("[data-view-button=strip]")
    strips = page.locator(".vp-strip canvas")
    assert strips.count() == len(result.rows) and not page.locator(".vp-refs").is_visible()
    box = strips.nth(2).bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.5, box["y"] + 5)
    assert frame(page) == LENGTH // 2


def test_baselines_appear_when_asked_for_and_marks_everywhere(offline, result):
    rows = [dataclasses.replace(row, mark="sees the future") if row.kind == "reference" else row for row in result.rows]
    rows.append(Row("baseline", "Optical flow", rows[0].frames))
    with_row = lambda numbers, value: {name: np.vstack([x, np.full((1, LENGTH), value)]) for name, x in numbers.items()}  # noqa: E731
    metrics, traces = with_row(result.metrics, 12.0), with_row(result.traces, np.nan)
    told = dataclasses.replace(result, rows=tuple(rows), metrics=metrics, traces=traces, verdict=("Optical flow scores better.",))
    page = offline(told)
    assert page.inner_text(".vp-verdict") == "Optical flow scores better."
    flow, curve = page.locator(".vp-tile[data-kind=baseline]"), page.locator(".vp-curve.vp-baseline")
    assert flow.count() == curve.count() == 0 and "baselines" not in page.inner_text(".vp-legend")
    page.click(".vp-baselines")
    assert flow.count() == 1 and curve.count() == 2 and "baselines" in page.inner_text(".vp-legend")
    assert "sees the future" in page.inner_text(".vp-tile[data-kind=reference]")
    page.click("[data-view-button=strip]")
    assert page.locator(".vp-strip[data-kind=baseline]").count() == 1
    assert "sees the future" in page.inner_text(".vp-strip[data-kind=reference]")
    page.click(".vp-baselines")
    assert page.locator(".vp-strip[data-kind=baseline]").count() == 0
    page.click("[data-view-button=tiles]")
    page.click(".vp-tile[data-kind=reference] .vp-frame")
    assert page.inner_text(".vp-loupe-title") == "Posterior (sees the future)"


def test_it_plays_once_by_itself_unless_motion_is_unwelcome(offline, result):
    assert frame(offline(result)) == LENGTH - 1  # where the futures differ most
    page = offline(result, reduced_motion="no-preference")
    page.wait_for_function(f"document.querySelector('.vp-player').dataset.frame == '{LENGTH - 1}'")
    page.wait_for_function("document.querySelector('.vp-player').dataset.playing == 'false'")


@pytest.mark.parametrize("width", [390, 768])
def test_narrow_screens_do_not_scroll_sideways(offline, result, width):
    page = offline(result, viewport={"width": width, "height": 844})
    for view in ("tiles", "strip"):
        page.click(f"[data-view-button={view}]")
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_single_future_and_a_bare_clip_have_a_player_too(offline, result):
    one = make(samples=4)
    scores = {"psnr_db": one.metrics["psnr_db"][[0, 3]]}
    single = Result(one.rows[:1] + one.rows[3:4], one.known, one.has_truth, 10.0, scores)
    page = offline(single)
    assert page.locator(".vp-tile").count() == 2 and page.locator(".vp-chart").count() == 1
    bare = offline(Result(one.rows[:1], one.known, one.has_truth, 10.0))
    assert bare.locator(".vp-tile").count() == 1 and not bare.locator(".vp-charts").is_visible()


@pytest.mark.parametrize(
    "prior, said", [("fixed", "fixed prior"), ("posterior", "posterior"), ("posterior-mean", "posterior mean")]
)
def test_a_posterior_is_not_called_a_prior(offline, prior, said):
    page = offline(dataclasses.replace(make(4), options={"prior": prior}))
    assert said in [part.strip() for part in page.inner_text(".vp-meta").split("\u00b7")]
