"""The picture editor's functions: what comes onto the canvas, and what goes back to the model."""

import base64
import dataclasses

import numpy as np
import pytest
import torch

from vp.models.fusion import networks, tiny
from vp.prediction import checkpoint
from vp.result.result import Result, Row
from vp.result.sprite_sheet import decode_image
from vp.ui import editor
from vp.ui.handlers import RESULTS, Handlers
from vp.ui.models import Models
from vp.ui.settings import Settings


@pytest.fixture
def result():
    frames = np.zeros((8, 32, 32, 3), np.uint8)
    pictures = frames.copy()
    pictures[5, 3, 4] = (77, 0, 0)
    rows = (Row("truth", "Truth", frames), Row("sample", "Prediction", frames.copy()), Row("picture", "Pictures", pictures))
    return RESULTS.put(Result(rows, np.arange(8) < 4, np.ones(8, bool), 10.0))


def pixels(value) -> np.ndarray:
    """The pictures behind the value's address, uint8 (F, H, W, 3)."""
    sheet = decode_image(base64.b64decode(value["url"].partition(",")[2]))
    return sheet.reshape(value["height"], value["count"], value["width"], 3).transpose(1, 0, 2, 3)


def event(picture, frame):
    height, width, _ = picture.shape
    return {"frame": frame, "height": height, "width": width, "pixels": picture.flatten().tolist()}


def test_a_result_with_pictures_opens_the_editor_with_those_of_the_frames_to_predict(result):
    panel, value = editor.editor_updates(result, {})
    assert panel["visible"] and (value["first"], value["count"], value["at"]) == (4, 4, None)
    shown = pixels(value)
    assert shown.shape == (4, 32, 32, 3) and shown[1, 3, 4].tolist() == [77, 0, 0] and shown.any(-1).sum() == 1
    assert editor.editor_updates(result, {7: None, 5: None})[1]["at"] == 5, "the frame that was painted last stays on the canvas"


def test_a_result_without_pictures_hides_it_and_no_result_leaves_it():
    frames = np.zeros((3, 8, 8, 1), np.uint8)
    plain = RESULTS.put(Result((Row("sample", "x", frames),), np.arange(3) < 1, np.ones(3, bool), 10.0))
    panel, value = editor.editor_updates(plain, {})
    assert panel["visible"] is False and value is None
    for name in (None, "gone"):
        assert not any("value" in update or "visible" in update for update in editor.editor_updates(name, {}))


def test_what_is_painted_arrives_whole_or_is_refused():
    picture = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)
    frame, got = editor.parse_painting(event(picture, 6.0))
    assert frame == 6 and np.array_equal(got, picture)
    for wrong in ({}, event(picture, 6) | {"height": 5}, event(picture, 6) | {"pixels": [300] * 60}, event(picture, "x")):
        with pytest.raises(ValueError, match="did not arrive whole"):
            editor.parse_painting(wrong)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small fusion model."""
    torch.manual_seed(0)
    nets, folder = networks(tiny()), tmp_path_factory.mktemp("models")
    with torch.no_grad():
        for p in nets.parameters():
            p.add_(0.05 * torch.randn_like(p))
    card = {"family": "fusion", "config": checkpoint.config_to_json(tiny()), "dataset": "mmnist", "about": "small"}
    checkpoint.save(folder / "small.safetensors", nets.state_dict(), card)
    return folder


@pytest.fixture
def do(folder):
    """The app's handlers over it."""
    return Handlers(Models("cpu", folder), "random:mmnist:3")


GIVEN = Settings("small", "random:mmnist:3", n=1, past=4, future=6)


def finished(updates):
    """(result id, edits) of the last of the updates."""
    *_, last = updates
    assert "Done" in last["status"]
    return last["result"], last.get("edits")


def test_repainting_changes_the_painted_frames_and_keeps_earlier_paintings(do):
    first, _ = finished(do.generate(GIVEN))
    edits, names = {}, [first]
    for frame in (5, 7):
        canvas = pixels(editor.editor_updates(first, {})[1])[frame - 4].copy()
        canvas[:, :16] = (77, 0, 0)
        name, edits = finished(editor.repaint(do, GIVEN, event(canvas, frame), edits))
        names.append(name)
    frames = [RESULTS.get(name).frames("sample")[0] for name in names]
    changed = [(x != frames[0]).any((1, 2, 3)).nonzero()[0].tolist() for x in frames[1:]]
    assert changed == [[5], [5, 7]] and list(edits) == [5, 7]
    again = editor.editor_updates(names[-1], edits)[1]
    assert again["at"] == 7 and (np.abs(pixels(again)[3][:, :16].astype(int) - (77, 0, 0)) <= 1).all()


def test_a_broken_picture_is_said_and_nothing_is_generated(do):
    with pytest.raises(ValueError, match="did not arrive whole"):
        list(editor.repaint(do, GIVEN, {}, {}))


def test_painting_for_a_model_without_pictures_is_refused_in_words(do):
    given = dataclasses.replace(GIVEN, model="copy-last")
    *_, update = editor.repaint(do, given, event(np.zeros((8, 8, 3), np.uint8), 5), {})
    assert "which has none of its own" in update["status"]


@pytest.fixture(scope="module")
def site(folder):
    """The address of an app over it, which ends after its pages: it would wait for them."""
    from vp.ui.app import build, launch_options

    demo = build("cpu", folder)
    _, address, _ = demo.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **launch_options())
    yield address
    demo.close()


@pytest.mark.browser
def test_a_visitor_paints_on_a_picture_and_sees_its_frame_again(site, open_page):
    page = open_page(site + "?model=small&clip=random:mmnist:3&past=4&future=6")
    page.wait_for_selector("#status >> text=Settings taken from the link", timeout=30_000)
    assert not page.is_visible("#editor")
    page.click("#generate")
    page.wait_for_selector("#status >> text=Done", timeout=60_000)
    canvas = page.locator("#painter canvas")
    canvas.scroll_into_view_if_needed()
    page.wait_for_function("document.querySelector('#painter canvas').width === 32")
    page.focus(".vp-editor-frame")
    page.keyboard.press("ArrowRight")  # frame 5
    area = canvas.bounding_box()
    page.mouse.move(area["x"] + 0.5 * area["width"], area["y"] + 0.1 * area["height"])
    page.mouse.down()
    page.mouse.move(area["x"] + 0.5 * area["width"], area["y"] + 0.9 * area["height"], steps=4)
    page.mouse.up()
    before = set(RESULTS.things)
    page.click(".vp-editor-go")
    page.wait_for_function("document.querySelector('.vp-player').dataset.finished === 'true'")
    for _ in range(60):
        if new := set(RESULTS.things) - before:
            break
        page.wait_for_timeout(250)
    painted = editor.picture_row(RESULTS.get(new.pop())).frames
    assert (np.abs(painted[5, 8:24, 16, 0].astype(int) - painted[5, 8:24, 16, 1]) >= 70).all(), "a red line down the middle"
    page.wait_for_selector("#status >> text=Done", timeout=60_000)
    page.wait_for_function("Number(document.querySelector('.vp-editor-frame').value) === 5")
    page.click("[data-view-button=strip]")
    assert "Fusion pictures, true" in page.inner_text(".vp-strips")
