"""The part of a clip that is predicted from: moment, region and rate, chosen on the page; what is on screen is what is saved."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from vp.data import Clip, write_mp4
from vp.data.region import Region
from vp.models.baselines.copy_last import CopyLast
from vp.ui import clips
from vp.ui.excerpt import Excerpt, chosen, part_of, seen
from vp.ui.settings import Settings

LENGTH, FPS = 60, 20.0


def late(length=LENGTH, height=72, width=128):
    """uint8 (T, H, W, 3): a textured square on a textured ground that moves from frame 35 to 50, right of the middle."""
    rng = np.random.default_rng(0)
    ground = np.kron(rng.integers(60, 120, (height // 8, width // 8, 3)), np.ones((8, 8, 1))).astype(np.uint8)
    thing = np.kron(rng.integers(150, 250, (4, 4, 3)), np.ones((6, 6, 1))).astype(np.uint8)
    frames = np.repeat(ground[None], length, 0)
    for t in range(length):
        x = 70 + 2 * min(max(t - 35, 0), 15)
        frames[t, 24:48, x : x + 24] = thing
    return frames


@pytest.fixture
def video(tmp_path):
    path = tmp_path / "late.mp4"
    write_mp4(path, late(), FPS)
    return path


# ---- without a browser ----


def test_a_part_of_an_upload_is_what_the_file_has_there(video):
    name = clips.store_upload(str(video))
    whole = clips.find_clip(name)
    assert chosen(name, Excerpt(), 5).frames is whole.frames
    later = chosen(name, Excerpt(moment=1.0, every=2), 5, 10)
    assert np.array_equal(later.frames, whole.frames[20:40:2]) and later.fps == 10
    assert later.described(10, 128, 72) == "128x72, frames 20-38 of 60, 10 a second (every second frame), 1.0 s"
    cut = chosen(name, Excerpt(region=Region(0.5, 0.25, 0.5, 0.5)), 5, 10)
    assert np.array_equal(cut.frames, whole.frames[:10, 18:54, 64:])
    end = chosen(name, Excerpt(start="end"), 5)
    assert np.array_equal(end.frames, whole.frames[-5:])
    assert end.described(5, 128, 72).startswith("128x72, frames 55-59 of 60")
    thinned = chosen(name, Excerpt(start="end", every=4), 5)
    assert np.array_equal(thinned.frames, whole.frames[43::4]) and thinned.described(5, 1, 1).startswith("1x1, frames 43-59")
    with pytest.raises(ValueError, match="begin earlier, or leave fewer frames out"):
        chosen(name, Excerpt(moment=2.8, every=4), 5, 10)
    at = Settings("any", name, part={"clip": "example:worker", "moment": 2.0, "region": ""})
    assert part_of(at, SimpleNamespace(predictor=CopyLast())) == Excerpt(), "it was chosen of another clip"


def test_a_part_of_a_clip_at_hand_is_the_same(video):
    name = "upload:" + clips.UPLOADS.put(Clip(late(), FPS, events=((21, "hit"),), actions=np.zeros((LENGTH, 2), np.float32)))
    part = Excerpt(moment=1.0, region=Region(0.5, 0.25, 0.5, 0.5), every=2)
    clip = chosen(name, part, 5)
    assert np.array_equal(clip.frames, late()[20::2, 18:54, 64:]) and clip.fps == 10 and clip.events == ((0, "hit"),)
    assert (clip.first, clip.every, clip.actions) == (20, 2, None)
    end = chosen(name, Excerpt(start="end", every=3), 4)
    assert np.array_equal(end.frames, late()[LENGTH - 1 :: -3][:4][::-1])
    assert end.described(4, 128, 72).startswith("128x72, frames 50-59")
    with pytest.raises(ValueError, match="ends before second 9; choose an earlier moment"):
        chosen(name, Excerpt(moment=9.0), 5)
    assert seen(name).busiest_moment(0.25, 0.5) == pytest.approx(
        seen(clips.store_upload(str(video))).busiest_moment(0.25, 0.5), abs=0.06
    )


# ---- in a browser ----


def upload(open_page, address, path):
    page = open_page(address)
    page.set_input_files("#upload input[type=file]", path)
    page.wait_for_selector(".vp-name >> text=Your clip", timeout=30_000)
    return page


def source(page, *parts):
    """Waits until the line on the clip has these parts."""
    for part in parts:
        page.wait_for_selector(f".vp-source >> text={part}", timeout=30_000)
    return page.inner_text(".vp-source")


def saved(page, name="json"):
    page.wait_for_selector(f"#save-{name}:not([disabled])", timeout=60_000)
    with page.expect_download() as download:
        page.click(f"#save-{name}")
    return download.value.path().read_text()


@pytest.mark.browser
def test_moment_and_region_are_chosen_on_the_film_strip(open_page, general, video):
    page = upload(open_page, general, video)
    first = int(source(page, "of 60").split("frames ")[1].split("-")[0])
    assert 33 <= first <= 46, "three frames later the square moves"
    assert "most moves there" in page.inner_text(".vp-trim-note")
    page.locator(".vp-trim input").focus()
    page.keyboard.press("Home")
    source(page, "frames 0-5 of 60")
    assert page.inner_text(".vp-trim-note").startswith("From second 0.0 of")
    page.locator(".vp-trim-strip canvas").click(position={"x": 175, "y": 20})
    page.wait_for_function("!document.querySelector('.vp-source').textContent.includes('frames 0-')")
    middle = int(source(page, "of 60").split("frames ")[1].split("-")[0])
    assert 20 <= middle <= 32, "a click on the strip chooses the moment too"
    page.locator(".vp-trim input").focus()
    page.keyboard.press("Home")
    source(page, "frames 0-5 of 60")
    box = page.locator(".vp-trim-view").bounding_box()
    at = lambda x, y: (box["x"] + x * box["width"], box["y"] + y * box["height"])  # noqa: E731
    page.mouse.move(*at(0.5, 0.25))
    page.mouse.down()
    page.mouse.move(*at(0.8, 0.5))
    page.mouse.move(*at(0.98, 0.8))
    page.mouse.up()
    page.wait_for_function("!document.querySelector('.vp-source').textContent.startsWith('128x72')")
    width, height = map(int, page.inner_text(".vp-source").split(",")[0].split("x"))
    assert width == pytest.approx(0.48 * 128, abs=3) and height == pytest.approx(0.55 * 72, abs=3)
    page.wait_for_selector("#save-json[disabled]")  # nothing is predicted yet
    page.click("#generate")
    page.wait_for_selector("#status >> text=Done", timeout=120_000)
    record = json.loads(saved(page))
    assert record["source"] == page.inner_text(".vp-source") and record["source"].startswith(
        f"{width}x{height}, frames 0-5 of 60"
    )
    assert record["verdict"] == page.locator(".vp-verdict li").all_inner_texts() and len(record["verdict"]) == 2
    page.click(".vp-trim-all")
    source(page, "128x72", "frames 0-5")
    page.wait_for_selector("#save-json[disabled]")


@pytest.mark.browser
def test_whatever_changes_the_clip_is_seen_at_once_and_nothing_old_can_be_saved(press_until, open_page, general, video):
    page = open_page(general)
    assert json.loads(saved(page))["model"]["name"], "what is on screen at first"
    page.set_input_files("#upload input[type=file]", video)
    source(page, "of 60")
    page.wait_for_selector("#save-json[disabled]")
    page.click("#more button >> nth=0")

    def take_every_second():
        page.locator("#every input[type=number]").fill("2")
        page.locator("#every input[type=number]").press("Enter")

    # of two quick changes Gradio may send the first one's values twice
    press_until(page, take_every_second, ".vp-source >> text=every second frame", timeout=15_000)
    page.locator("#future input[type=number]").fill("4")
    page.locator("#future input[type=number]").press("Enter")
    page.wait_for_function("document.querySelector('.vp-meta').textContent.startsWith('7 frames')")
    page.click("#model input")
    page.get_by_role("option", name="a-learned").click()
    source(page, "64x64")
    assert page.locator("#every input[type=number]").input_value() == "2", "what was chosen of the clip stays"
    page.click("#picker button[data-name=digits-1]")
    source(page, "64x64, frames 0-")
    assert page.locator("#every input[type=number]").input_value() == "1"


@pytest.mark.browser
def test_a_link_keeps_the_part_and_nothing_can_be_saved_before_it_is_predicted(open_page, general, copied_link):
    part = json.dumps({"moment": 0.5, "region": "0,0,0.5,1"})
    page = open_page(f"{general}?clip=example:worker&model=svg-lp-real&every=2&part={part}")
    source(page, "every second frame")
    assert not page.inner_text(".vp-source").startswith("228x128")
    page.wait_for_selector("#save-json[disabled]")
    address = copied_link(page)
    assert address["every"] == "2" and json.loads(address["part"]) == {"moment": 0.5, "region": "0,0,0.5,1"}


@pytest.mark.browser
def test_the_files_of_the_opening_result_are_never_offered_on_a_page_that_a_link_opens(open_page, general):
    page = open_page(general)
    page.wait_for_selector("#save-json:not([disabled])", timeout=30_000)
    page.add_init_script("""
      window.seen = [];
      new MutationObserver(() => {
        const save = document.querySelector("#save-json");
        const now = save && `${save.innerText.trim()}${save.disabled ? "" : " can be pressed"}`;
        if (save && now !== seen.at(-1)) seen.push(now);
      }).observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
    """)
    page.goto(f"{general}?clip=example:worker&model=svg-lp-real&n=2")
    page.wait_for_selector("#status >> text=Settings taken from the link")
    page.wait_for_timeout(1500)
    assert set(page.evaluate("seen")) == {"Save JSON"}
    page.click("#generate")
    page.wait_for_selector("#save-json:not([disabled])", timeout=60_000)
    assert page.evaluate("seen.at(-1)") == "Save JSON can be pressed"
