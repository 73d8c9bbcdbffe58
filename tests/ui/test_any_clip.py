"""Clips of any size in the live app, with a model that takes them: which model they get, and what is shown and sent."""

import json

import numpy as np
import pytest

from vp.data import read_clip, write_mp4

pytestmark = pytest.mark.browser


@pytest.fixture
def address(general):
    return general


def video(folder, height, width, fps=25.0, length=40):
    """A textured ground that moves sideways."""
    world = np.random.default_rng(0).integers(0, 256, (height // 8 + 1, width // 8 + length, 3))
    world = np.kron(world, np.ones((8, 8, 1))).astype(np.uint8)
    path = folder / f"{width}x{height}.mp4"
    write_mp4(path, np.stack([world[:height, 2 * t : width + 2 * t] for t in range(length)]), fps)
    return path


def upload(open_page, address, path):
    page = open_page(f"{address}?clip=example:digits-1")
    give(page, path)
    return page


def give(page, path):
    """Uploads a clip where one of digits is on the page."""
    page.wait_for_function("document.querySelector('#model input').value.endsWith('(a-learned)')")
    page.set_input_files("#upload input[type=file]", path)
    page.wait_for_selector(".vp-name >> text=Your clip", timeout=30_000)
    page.wait_for_selector("#status >> text=svg-lp-real was chosen: it takes clips of any kind and size")


def generate(page):
    page.click("#generate")
    page.wait_for_selector("#status >> text=Done", timeout=120_000)
    page.wait_for_selector(".vp-player[data-finished=true]")


def saved_record(page):
    """The JSON file on offer, once it is no longer that of the result that the page opened with, which has another seed."""
    for _ in range(40):
        page.wait_for_selector("#save-json:not([disabled])", timeout=120_000)
        with page.expect_download() as saved:
            page.click("#save-json")
        record = json.loads(saved.value.path().read_text())
        if (record["model"]["name"], record["seed"]) == ("svg-lp-real", 0):
            return record
        page.wait_for_timeout(250)
    raise AssertionError(f"the file on offer is still that of {record['model']}")


def shape(page, where):
    return page.eval_on_selector(where, "x => x.getBoundingClientRect().width / x.getBoundingClientRect().height")


@pytest.mark.parametrize(("height", "width"), [(300, 128), (360, 640)])
def test_a_clip_keeps_its_frame_from_the_upload_to_the_saved_file(open_page, address, tmp_path, height, width):
    page = upload(open_page, address, video(tmp_path, height, width))
    assert shape(page, ".vp-tile canvas") == pytest.approx(width / height, rel=0.03)
    assert "any size, colour" in page.locator("#model").inner_text()
    assert "Weights: research use only." in page.locator("#model").inner_text(), "whatever the card says"
    generate(page)
    assert shape(page, ".vp-samples canvas") == pytest.approx(width / height, rel=0.03)
    assert page.locator(".vp-tile").count() == 14
    frame = saved_record(page)["frame"]
    assert max(frame["width"], frame["height"]) == min(512, max(height, width))
    assert frame["width"] / frame["height"] == pytest.approx(width / height, rel=0.03)
    with page.expect_download() as saved:
        page.click("#save-mp4")
    assert max(read_clip(saved.value.path(), max_side=4096).frames.shape[1:3]) <= 1280
    page.click(".vp-samples .vp-frame >> nth=0")
    assert shape(page, ".vp-loupe-views canvas") == pytest.approx(width / height, rel=0.05)


def test_a_fast_clip_is_thinned_out_and_said_so_and_a_larger_size_can_be_had(open_page, address, tmp_path):
    page = upload(open_page, address, video(tmp_path, 360, 640, fps=60))
    assert "has 60 frames a second; one in 2 is used, 30 a second" in page.locator(".vp-notes").inner_text()
    page.click("#more button >> nth=0")
    page.click("#side input")
    page.get_by_role("option", name="As filmed").click()
    page.locator("#futures input[type=number]").fill("1")
    page.locator("#futures input[type=number]").press("Enter")
    generate(page)
    record = saved_record(page)
    assert record["frame"] == {"height": 360, "width": 640, "channels": 3} and record["fps"] == pytest.approx(30, abs=0.1)


def test_what_comes_after_the_clip_s_end_is_predicted_without_a_truth(open_page, address, tmp_path, copied_link):
    page = upload(open_page, address, video(tmp_path, 128, 228, length=25))
    page.get_by_label("What comes after its end").check()
    page.wait_for_selector("#status >> text=Ready: press Generate.")
    generate(page)
    record = saved_record(page)
    past = sum(record["known"])
    assert record["has_truth"] == record["known"] == [1] * past + [0] * (len(record["known"]) - past) and not record["metrics"]
    assert "after the clip's end: there is no truth" in page.locator(".vp-notes").inner_text()
    labels = page.locator(".vp-label").all_inner_texts()
    assert "best of" not in page.locator(".vp-legend").inner_text()
    assert "Most likely" in labels and not any(name.startswith(("Best", "Posterior")) for name in labels)
    assert copied_link(page)["start"] == "end"


def test_the_page_opens_on_a_clip_from_life_with_its_model_and_a_person_s_choice_of_model_stays(open_page, address, tmp_path):
    page = open_page(address)
    page.wait_for_function("document.querySelector('#model input').value.endsWith('(svg-lp-real)')")
    assert page.locator("#picker button[aria-pressed=true]").get_attribute("data-name") == "worker"
    page.click("#picker button[data-name=digits-1]")
    give(page, video(tmp_path, 128, 224))
    page.click("#model input")
    page.get_by_role("option", name="(a-learned)").click()
    page.wait_for_selector("#status >> text=do not trust what it shows")
    generate(page)
    assert page.locator("#model input").input_value().endswith("(a-learned)")
    assert page.locator(".vp-name").inner_text() == "a-learned"
    page.click("#picker button[data-name=digits-1]")
    page.wait_for_selector("#status >> text=Model a-learned stays")
    assert page.locator("#model input").input_value().endswith("(a-learned)")


def test_a_link_keeps_its_model_and_size_where_they_go_together(open_page, address, copied_link):
    page = open_page(f"{address}?clip=example:balls&model=svg-lp-real&side=256")
    page.wait_for_selector("#status >> text=Settings taken from the link; press Generate.")
    assert page.locator("#model input").input_value().endswith("(svg-lp-real)")
    assert copied_link(page)["side"] == "256"
