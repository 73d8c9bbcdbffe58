"""How long a person waits on this machine for a map of futures, a drag on it, and futures of a clip of their own.

    python -m benchmarks.latencies

Runs the app in this process and presses in a browser what a person presses; needs playwright and Chromium. Every wait is from the
press to the picture on screen, the shortest of three with the model loaded. Prints a JSON line for each; exit code 1 where one is
longer than what is aimed at on two cores.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

EXAMPLE = Path(__file__).parents[1] / "assets" / "clips" / "worker.mp4"
READY_MS = 120_000
TRIES, STEPS = 3, 60
SIZES = (((320, 180), 8, 2.0), ((320, 180), 16, 4.0), ((640, 360), 8, 4.0))  # of an upload, px; futures; seconds aimed at
# presses a button and waits until a status line has said something new and then what is said at the end, and pictures are there
PRESS_JS = """async ([button, line, end]) => {
  const said = () => document.querySelector(line)?.innerText ?? "", frame = () => new Promise(requestAnimationFrame);
  const began = performance.now();
  document.querySelector(button).click();
  while (said().includes(end)) await frame();
  while (!said().includes(end)) await frame();
  while (document.querySelector(".vp-player").dataset.ready !== "true") await frame();
  await frame();
  return (performance.now() - began) / 1000;
}"""
# one press of an arrow key on the map, until the future there is shown: its seconds
STEP_JS = """async (key) => {
  const map = document.querySelector(".vp-map"), before = map.dataset.answered;
  map.querySelector(".vp-map-plane").dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  while (map.dataset.answered === before) await new Promise((done) => setTimeout(done, 2));
  return Number(map.dataset.latency) / 1000;
}"""


def press(page: Any, button: str, line: str, end: str) -> float:
    """The shortest of TRIES waits, seconds, from a press until the status line at `line` says `end`."""
    page.evaluate(PRESS_JS, [button, line, end])
    return min(page.evaluate(PRESS_JS, [button, line, end]) for _ in range(TRIES))


def measure_map(page: Any) -> Iterator[tuple[str, float, float]]:
    """Draws a map of 64 futures of digits, and walks on it."""
    page.click("#picker button[data-name=digits-2]")
    page.wait_for_selector(".vp-name >> text=Example", timeout=READY_MS)
    page.click("#future-map button.label-wrap")
    page.fill("#mapped input[type=number]", "64")
    yield "map of 64 futures, svg-lp-smmnist", press(page, "#draw-map", "#map-status", "Point at the map"), 3.0
    page.wait_for_selector(".vp-map:not([hidden])", timeout=READY_MS)
    walk = [page.evaluate(STEP_JS, key) for key in ("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp") for _ in range(STEPS // 4)]
    yield "a step on it, median", float(np.median(walk)), 0.1
    yield "a step on it, 95th percentile", float(np.quantile(walk, 0.95)), 0.1


def measure_uploads(page: Any, folder: Path) -> Iterator[tuple[str, float, float]]:
    """Predicts ten frames of uploads of some sizes."""
    for (width, height), futures, aim in SIZES:
        path = folder / f"{width}x{height}.mp4"
        enlarge_example(path, width, height)
        page.reload()
        page.wait_for_selector(".vp-player[data-ready=true]", timeout=READY_MS)
        page.locator("#upload input[type=file]").set_input_files(path)
        page.wait_for_selector("#status >> text=press Generate", timeout=READY_MS)
        page.locator("#futures input[type=number]").fill(str(futures))
        page.locator("#futures input[type=number]").press("Enter")
        name = f"{futures} futures x 10 frames of an upload of {width}x{height}"
        yield name, press(page, "#generate", "#status", "Done"), aim


def enlarge_example(path: Path, width: int, height: int) -> None:
    """Writes the first 40 frames of an example from life at this size."""
    from vp.data import read_clip, write_mp4

    frames = read_clip(EXAMPLE).frames[:40]
    write_mp4(path, np.stack([cv2.resize(frame, (width, height), interpolation=cv2.INTER_CUBIC) for frame in frames]), 16)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chromium", default=shutil.which("chromium") or "/usr/bin/chromium")
    args = parser.parse_args()
    from playwright.sync_api import sync_playwright

    from vp.ui.app import build, launch_options

    demo = build("cpu")
    _, address, _ = demo.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **launch_options())
    late = False
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=args.chromium, args=["--no-sandbox"])
        page = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce").new_page()
        page.goto(address)
        page.wait_for_selector(".vp-player[data-ready=true]", timeout=READY_MS)
        for measure in (measure_map(page), measure_uploads(page, Path(folder))):
            for name, seconds, aim in measure:
                late |= seconds > aim
                print(json.dumps({"wait": name, "seconds": round(seconds, 3), "aim": aim}), flush=True)
        browser.close()
    demo.close()
    return int(late)


if __name__ == "__main__":
    sys.exit(main())
