"""Five things that a person should be able to show with the app within 90 seconds each, done by pressing what a person presses.

    python -m benchmarks.five_tasks
    python -m benchmarks.five_tasks --only blur,flatter

Every task starts on the page as it opens, and ends with a look at what is on screen. Needs playwright and Chromium. Prints a JSON
line for each; exit code 1 where one fails or takes longer.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import time
from collections.abc import Callable
from typing import Any

LONGEST_S = 90.0
READY_MS = 60_000
DIGITS = "digits-2"
# of the canvas of a tile: where its light is, as a share of the width, and how steep its edges are for its light
MEASURE_JS = """(canvas) => {
  const { width: w, height: h } = canvas, data = canvas.getContext("2d").getImageData(0, 0, w, h).data;
  let light = 0, moment = 0, edges = 0;
  for (let y = 0; y < h; y++) for (let x = 0; x < w; x++) {
    const v = data[4 * (y * w + x)];
    light += v;
    moment += v * (x + 0.5) / w;
    if (x) edges += (v - data[4 * (y * w + x - 1)]) ** 2;
  }
  return { centre: moment / light, sharpness: Math.sqrt(edges * w / h) / light };
}"""


def open_digits(page: Any) -> None:
    """Picks the example with digits; the app picks the model."""
    page.click(f"#picker button[data-name={DIGITS}]")
    page.wait_for_selector(".vp-name >> text=Example")


def choose_model(page: Any, name: str, prior: str) -> None:
    """Picks a model by the name that ends its label; `prior` is then its own."""
    page.click("#model input")
    page.get_by_role("option", name=re.compile(rf"\({name}\)$")).click()
    page.wait_for_function("prior => document.querySelector('#prior input:checked').value === prior", arg=prior)


def generate(page: Any) -> None:
    page.click("#generate")
    page.wait_for_selector("#status >> text=Done", timeout=READY_MS)
    page.wait_for_selector(".vp-player[data-finished=true]")


def go_to_frame(page: Any, t: int) -> None:
    page.locator(".vp-scrub .vp-range").fill(str(t))


def last_frame(page: Any) -> int:
    return int(page.get_attribute(".vp-scrub .vp-range", "max"))


def measure_tiles(page: Any, kind: str) -> list[dict[str, float]]:
    return [tile.evaluate(MEASURE_JS) for tile in page.locator(f".vp-tile[data-kind={kind}] canvas").all()]


def fixed_prior(page: Any) -> str:
    """The fixed prior cannot know when a digit bounces: it says the same at every frame; the learned one does not."""
    open_digits(page)
    page.click("#look-inside button.label-wrap")
    spreads = {}
    for name, prior in (("svg-fp-smmnist", "fixed"), ("svg-lp-smmnist", "learned")):
        choose_model(page, name, prior)
        page.click("#look")
        page.wait_for_selector(f".vp-latent:not([hidden]) .vp-inside-title >> text={name}", timeout=READY_MS)
        page.focus(".vp-latent-time")
        said = []
        for _ in range(10):
            said += re.findall(r"Expected: (\S+ ± \S+)\.", page.inner_text(".vp-latent-said"))
            page.keyboard.press("ArrowRight")
        spreads[name] = said
    assert "wall hit" in page.inner_text(".vp-latent-events"), "the wall hits are not marked"
    assert len(spreads["svg-fp-smmnist"]) == 10 and set(spreads["svg-fp-smmnist"]) == {"0.00 ± 1.00"}, spreads
    assert len(set(spreads["svg-lp-smmnist"])) > 5, spreads
    return f"fixed: {spreads['svg-fp-smmnist'][0]} at all frames; learned: {spreads['svg-lp-smmnist'][0]} to {said[-1]}"


def goes_left(page: Any) -> str:
    """A future in which the digits end further left than in the last frame that was given."""
    open_digits(page)
    page.locator("#futures input[type=number]").fill("16")
    for _ in range(3):
        page.click("#dice")
        generate(page)
        go_to_frame(page, 4)
        before = measure_tiles(page, "truth")[0]["centre"]
        go_to_frame(page, last_frame(page))
        centres = [tile["centre"] for tile in measure_tiles(page, "sample")]
        if min(centres) < before - 0.01:
            break
    best = centres.index(min(centres))
    page.locator(".vp-tile[data-kind=sample] .vp-frame").nth(best).click()
    title = page.inner_text(".vp-loupe-title")
    assert title == f"Sample {best + 1}" and centres[best] < before - 0.01, (title, before, centres)
    return f"{title}: from {before:.0%} of the width to {centres[best]:.0%}"


def posterior(page: Any) -> str:
    """The posterior scores better than any sample, and is marked as seeing the future."""
    open_digits(page)
    generate(page)
    page.click(".vp-numbers summary")
    titles = page.locator(".vp-numbers th[scope=col]").all_inner_texts()
    rows = [row.locator("td, th").all_inner_texts() for row in page.locator(".vp-numbers tbody tr").all()]
    scores = {}
    for title in ("PSNR best", "PSNR posterior"):
        column = [row[titles.index(title)] for row in rows]
        numbers = [float(text) for text in column if re.fullmatch(r"-?\d+\.\d+", text)]
        scores[title] = sum(numbers) / len(numbers)
    assert "sees the future" in page.inner_text(".vp-tile[data-kind=reference]")
    assert scores["PSNR posterior"] > scores["PSNR best"], scores
    return ", ".join(f"{title} {score:.1f} dB" for title, score in scores.items())


def blur(page: Any) -> str:
    """The network trained on squared error alone is less sharp than its twin with a latent, at the last frame."""
    page.click("#lessons button.label-wrap")
    page.click("#lesson >> text=Why squared error blurs")
    sharpness = []
    for step, name in enumerate(("svg-det-smmnist", "svg-lp-smmnist")):
        page.click(f".vp-lesson-show[data-step='{step}']")
        page.wait_for_selector(f".vp-name >> text={name}")
        page.wait_for_selector(".vp-player[data-finished=true]")
        go_to_frame(page, last_frame(page))
        sharpness.append(measure_tiles(page, "sample")[0]["sharpness"])
    assert sharpness[1] > 1.1 * sharpness[0], sharpness
    return f"with a latent the edges are {sharpness[1] / sharpness[0]:.1f} times as steep"


def flatter(page: Any) -> str:
    """What choosing the best of 16 futures with the truth in hand adds to a score."""
    open_digits(page)
    page.locator("#futures input[type=number]").fill("16")
    generate(page)
    foot = page.inner_text(".vp-chart-foot >> text=Choosing the best of 16")
    found = re.search(r"adds (\d+\.\d) dB", foot)
    assert found and float(found[1]) > 0, foot
    return foot


TASKS: dict[str, tuple[str, Callable[[Any], str]]] = {
    "fixed-prior": ("show that the fixed prior does not know when a digit bounces", fixed_prior),
    "left": ("find a future in which the digits go left", goes_left),
    "posterior": ("show that the posterior sees the answer", posterior),
    "blur": ("show that squared error blurs", blur),
    "flatter": ("say how much the best of N flatters", flatter),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help=f"some of {','.join(TASKS)}", default=",".join(TASKS))
    parser.add_argument("--chromium", default=shutil.which("chromium") or "/usr/bin/chromium")
    args = parser.parse_args()
    from playwright.sync_api import sync_playwright

    from vp.ui.app import build, launch_options

    demo = build("cpu")
    _, address, _ = demo.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **launch_options())
    failed = False
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=args.chromium, args=["--no-sandbox"])
        for name in args.only.split(","):
            wanted, task = TASKS[name]
            page = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce").new_page()
            page.goto(address)
            page.wait_for_selector(".vp-player[data-ready=true]", timeout=READY_MS)
            began, seen = time.monotonic(), ""
            try:
                seen = task(page)
            except Exception as error:
                seen, failed = f"failed: {' '.join(str(error).split())[:400]}", True
            seconds = round(time.monotonic() - began, 1)
            failed = failed or seconds > LONGEST_S
            print(json.dumps({"task": wanted, "seconds": seconds, "seen": seen}), flush=True)
            page.context.close()
        browser.close()
    demo.close()
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
