"""Takes the README's picture of the app: python tests/ui/screenshot.py [--out assets/screenshot.png] [--dark]

Needs playwright and Chromium, as the browser tests do; the page shows bundled stroke digits only.
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "assets" / "screenshot.png")
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
        page.screenshot(path=args.out)
        browser.close()
    demo.close()
    print(args.out, args.out.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
