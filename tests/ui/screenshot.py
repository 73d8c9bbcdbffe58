"""Takes the README's moving picture of the app: python tests/ui/screenshot.py [--out assets/app.gif] [--dark]

It scrubs through the finished result that the page opens with; a .png shows its first moment. Needs playwright and Chromium, as
the browser tests do.
"""

import argparse
import io
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]


SCRUB = """t => {
  const range = document.querySelector(".vp-range");
  range.value = t;
  range.dispatchEvent(new Event("input", { bubbles: true }));
}"""
WIDTH, FRAME_MS = 900, 180


def film(page, out: Path) -> None:
    """A GIF of the page while its bar is dragged from the first frame to the last."""
    from PIL import Image

    pictures = []
    for t in range(int(page.get_attribute(".vp-range", "max")) + 1):
        page.evaluate(SCRUB, t)
        picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        pictures.append(picture.resize((WIDTH, round(WIDTH * picture.height / picture.width)), Image.Resampling.LANCZOS))
    palette = pictures[len(pictures) // 2].quantize(128)
    small = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    small[0].save(out, save_all=True, append_images=small[1:], duration=FRAME_MS, loop=0, optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "assets" / "app.gif")
    parser.add_argument("--dark", action="store_true")
    args = parser.parse_args()
    from conftest import chromium
    from playwright.sync_api import sync_playwright

    from vp.ui.app import build, launch_options

    demo = build("cpu")
    _, address, _ = demo.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **launch_options())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        scheme = "dark" if args.dark else "light"
        size = {"width": 1400, "height": 1000}
        page = browser.new_page(viewport=size, color_scheme=scheme, reduced_motion="reduce")
        page.goto(address)
        page.wait_for_selector(".vp-player[data-ready=true]")
        page.wait_for_selector("#save-mp4:not([disabled])", timeout=60_000)
        if args.out.suffix == ".gif":
            film(page, args.out)
        else:
            page.screenshot(path=args.out)
        browser.close()
    demo.close()
    print(args.out, args.out.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
