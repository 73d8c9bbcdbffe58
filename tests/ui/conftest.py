"""One browser, one small trained-looking model and one live app for all tests of the interface."""

import asyncio
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

CHROMIUM_FLAGS = ["--no-sandbox", "--disable-gpu", "--in-process-gpu"]  # a process for graphics would only cost time


def chromium() -> str | None:
    for path in (os.environ.get("VP_CHROMIUM"), "/usr/bin/chromium", *map(shutil.which, ("chromium", "google-chrome"))):
        if path and Path(path).exists():
            return path
    return None


@pytest.fixture(scope="session")
def chrome():
    path = chromium()
    if path is None:
        reason = "no Chromium found; set VP_CHROMIUM to its path"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def contexts(chrome):
    """Browser contexts by visitor and options. They are shared: a page whose scripts are in the cache, parsed, opens sooner."""
    usual, opened = {"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"}, {}

    def find(visitor, **options):
        key = visitor, repr(sorted(options.items()))
        if key not in opened:
            opened[key] = chrome.new_context(**usual | options)
        return opened[key]

    yield find
    for context in opened.values():
        context.close()


@pytest.fixture
def open_page(contexts):
    """Opens an address in a new page, which finds nothing that an earlier test has stored; page errors and requests to other
    hosts fail the test at its end. Pages of another `visitor` share nothing in the browser."""
    pages, wrong = [], []

    def visit(address, ready=True, visitor="", **options):
        page = contexts(visitor, **options).new_page()
        pages.append(page)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: wrong.append(request.url) if outside(request.url) else None)
        page.goto(address)
        if ready:
            page.wait_for_selector(".vp-player[data-ready=true]", timeout=30_000)
        return page

    yield visit
    for page in pages:
        if not page.is_closed():
            page.evaluate("() => location.protocol === 'file:' || localStorage.clear()")
            page.close()
        page.context.clear_cookies()
    assert not wrong


@pytest.fixture(scope="session")
def press_until(chrome):
    """Does something, up to three times, until a selector is there; fails where it is not."""
    from playwright.sync_api import TimeoutError

    def press(page, act, selector, timeout):
        for last in (False, False, True):
            act()
            try:
                return page.wait_for_selector(selector, timeout=timeout)
            except TimeoutError:
                if last:
                    raise

    return press


def outside(url: str) -> bool:
    return url.startswith("http") and not url.startswith(("http://127.0.0.1", "http://localhost"))


@pytest.fixture(scope="session")
def copied_link(chrome):
    """Copies the link of what a page shows, once the address has changed; returns what the link says, by name."""

    def copy(page) -> dict[str, str]:
        opened = page.evaluate("location.search")
        page.click("#link")
        page.wait_for_function("opened => location.search !== opened", arg=opened)
        return page.evaluate("Object.fromEntries(new URLSearchParams(location.search))")

    return copy


@pytest.fixture(scope="session")
def run_coroutine():
    """Runs a coroutine in a thread of its own: the browser's driver keeps a loop running in this one."""
    with ThreadPoolExecutor(1) as pool:
        yield lambda coroutine: pool.submit(asyncio.run, coroutine).result()


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory):
    """A folder with a small learned-prior model, a deterministic one and a diffusion, untrained, and two that cannot be used."""
    from vp.catalog import FAMILIES
    from vp.models.ramvid.config import RamvidConfig
    from vp.models.svg.config import SVGConfig
    from vp.prediction import checkpoint

    folder = tmp_path_factory.mktemp("checkpoints")
    config = RamvidConfig(width=16, flows=1)
    card = {"family": "ramvid", "config": checkpoint.config_to_json(config), "dataset": "smmnist-svg", "about": "untrained"}
    checkpoint.save(folder / "d-diffusion.safetensors", FAMILIES["ramvid"].networks(config).state_dict(), card)
    for name, latent in (("a-learned", "learned"), ("b-deterministic", "none")):
        config = SVGConfig(latent=latent, width=16, z_dim=4, n_past=5, n_future=6)
        networks = FAMILIES["svg"].networks(config)
        described = checkpoint.config_to_json(config)
        card = {"family": "svg", "config": described, "dataset": "smmnist-svg", "about": "untrained"}
        checkpoint.save(folder / f"{name}.safetensors", networks.state_dict(), card)
    wide = card | {"config": described | {"width": 32}}
    checkpoint.save(folder / "c-misfit.safetensors", networks.state_dict(), wide)
    (folder / "broken.safetensors").write_bytes(b"not a checkpoint")
    return folder


@pytest.fixture(scope="session")
def app(checkpoints):
    """The address of a live app."""
    from vp.ui.app import build, launch_options

    demo = build("cpu", checkpoints)
    _, address, _ = demo.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **launch_options())
    yield address
    demo.close()


@pytest.fixture(scope="session")
def digit_video(tmp_path_factory):
    """A short mp4 of stroke digits."""
    from vp.data import open_dataset, write_mp4

    source = open_dataset("smmnist-svg", "test", digits="strokes")
    clip = source.batch(1, 14, torch.Generator().manual_seed(3)).frames[0]
    path = tmp_path_factory.mktemp("video") / "digits.mp4"
    write_mp4(path, np.ascontiguousarray(clip.movedim(1, -1).numpy()), 10, min_side=128)
    return path


@pytest.fixture(scope="session")
def general_folder(checkpoints, tmp_path_factory):
    """A folder with a digit model, and an untrained model of real clips beside it."""
    from vp.catalog import FAMILIES
    from vp.prediction import checkpoint

    folder = tmp_path_factory.mktemp("general")
    (folder / "a-learned.safetensors").write_bytes((checkpoints / "a-learned.safetensors").read_bytes())
    family = FAMILIES["svg-motion"]
    config = family.tiny()
    torch.manual_seed(0)
    card = {"family": "svg-motion", "config": checkpoint.config_to_json(config), "dataset": "real128", "about": "untrained"}
    card |= {"data": {"real128": 1.0}, "licence": "MIT"}
    checkpoint.save(folder / "svg-lp-real.safetensors", family.networks(config).state_dict(), card)
    return folder


@pytest.fixture(scope="session")
def general(general_folder):
    """Address of an app with these models."""
    from vp.ui.app import build, launch_options

    demo = build("cpu", general_folder)
    _, address, _ = demo.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **launch_options())
    yield address
    demo.close()
