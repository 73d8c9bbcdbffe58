"""The section that loads a model from the Hub, in a browser."""

import pytest

from ..hub.fake_hub import serve

pytestmark = pytest.mark.browser


def test_a_model_from_the_hub_comes_into_the_menu(app, open_page, checkpoints, monkeypatch, tmp_path):
    with serve() as hub:
        hub.repos["models/ann/mine"] = {"mine.safetensors": (checkpoints / "a-learned.safetensors").read_bytes()}
        for name, value in {"HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0", "HF_HOME": str(tmp_path)}.items():
            monkeypatch.setenv(name, value)
        page = open_page(app)
        page.get_by_role("button", name="Load a model from the Hub").click()
        page.fill("#hub-address textarea, #hub-address input", "ann/nothing")
        page.click("#hub-load")
        page.get_by_text("there is no such repository").wait_for(timeout=60_000)
        page.fill("#hub-address textarea, #hub-address input", "ann/mine")
        page.click("#hub-load")
        page.get_by_text("mine is here. Choose it in the menu of models.").wait_for(timeout=60_000)
        page.click("#model input")
        page.get_by_role("option", name="From the Hub (mine)").click()
        page.click("#generate")
        page.locator("#status", has_text="Done in").wait_for(timeout=90_000)
