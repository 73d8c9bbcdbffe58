"""Choices while an answer is on its way, or a prediction runs: the page never shows something older than the last of them."""

import asyncio
import html
import json
import time
from urllib.parse import parse_qsl

import numpy as np
import pytest

from vp.data import Clip, write_mp4
from vp.models.svg_motion.options import USUAL
from vp.ui import clips, future_map, learning, look_inside
from vp.ui.choices import RANDOM, UPLOADED, Choices, Visit
from vp.ui.handlers import Handlers
from vp.ui.models import Models
from vp.ui.settings import Settings

FPS = 20.0


def ground(length=60, height=64, width=200):
    """uint8 (T, H, W, 3): a textured ground that moves sideways."""
    world = np.random.default_rng(0).integers(0, 256, (height // 8, width // 8 + length // 4 + 1, 3))
    world = np.kron(world, np.ones((8, 8, 1))).astype(np.uint8)
    return np.stack([world[:, 2 * t : width + 2 * t] for t in range(length)])


@pytest.fixture(scope="module")
def answers(general_folder):
    return Choices(Handlers(Models("cpu", general_folder), "upload:" + clips.UPLOADS.put(Clip(ground(), FPS))))


def settle(answers, visit, at=None, upload=None, **said):
    return answers.settle(at or visit.at, upload, None, visit, json.dumps({"asked": visit.asked + 1, **said}))


def opened(answers):
    visit = Visit()
    answers.settle(answers.usual_settings(), None, None, visit, json.dumps({"asked": 1}))
    return visit


# ---- without a browser ----


def test_choices_that_come_together_are_answered_together(answers):
    visit = opened(answers)
    at = Settings("a-learned", visit.at.clip, past=4, part={"moment": 1.0, "region": ""})
    said = settle(answers, visit, at, clip="balls", turn=3)
    assert said["clip"] == visit.at.clip == "example:balls" and said["picker"]["selected"] == "balls"
    assert visit.turn == 3 and visit.at.part == {} and said["result"] is None
    again = settle(answers, visit, clip="balls", turn=3)
    assert "clip" not in again and "picker" not in again, "a clip that was answered is not chosen again"


def test_an_unreadable_upload_leaves_the_page_as_it_is(answers, tmp_path):
    visit, path = opened(answers), tmp_path / "notes.txt"
    path.write_text("no pictures here\n" * 50)
    before = visit.at
    said = settle(answers, visit, upload=str(path), clip=UPLOADED, turn=1)
    assert "is a text file" in said["status"] and "go" not in said, "what runs goes on"
    assert visit.at is before and not said.keys() & {"clip", "player", "result"}
    assert settle(answers, visit, clip=RANDOM, turn=2)["clip"].startswith("random:")


def test_a_long_or_odd_name_of_a_file_takes_little_room(answers, tmp_path):
    visit = opened(answers)
    good, bad = tmp_path / f"\u202eholiday{'y' * 200}.mp4", tmp_path / f"{'n' * 200}.mp4"
    write_mp4(good, ground(12), FPS)
    bad.write_bytes(bytes(5000))
    label = settle(answers, visit, upload=str(good), clip=UPLOADED, turn=1)["upload"]["label"]
    assert len(label) < 60 and "holiday" in label and "yy.mp4, or upload another video" in label and label.isprintable()
    said = settle(answers, visit, upload=str(bad), clip=UPLOADED, turn=2)["status"]
    assert "nnn.mp4 has no pictures" in said and "n" * 81 not in said


def test_a_file_is_called_what_its_owner_calls_it_though_its_path_has_lost_characters(answers, tmp_path):
    visit, good, bad = opened(answers), tmp_path / "a%22b.mp4", tmp_path / "b.mp4"
    write_mp4(good, ground(12), FPS)
    bad.write_text("no pictures here\n" * 50)
    said = settle(answers, visit, upload=str(good), clip=UPLOADED, turn=1, file='a"b<\u202e>.mp4', given=2)
    assert said["upload"]["label"] == 'a"b<\\u202e>.mp4, or upload another video'
    assert "One clip at a time is taken: a&quot;b&lt;\\u202e&gt;.mp4, the first of 2 files. " in said["status"]
    assert "Press Generate" in html.unescape(said["status"]) or "press Generate" in said["status"]
    refused = settle(answers, visit, upload=str(bad), clip=UPLOADED, turn=2, file="<b>.mp4", given=3)["status"]
    assert "&lt;b&gt;.mp4, the first of 3 files. &lt;b&gt;.mp4 is a text file" in refused
    assert "One clip" not in settle(answers, visit, upload=str(good), clip=UPLOADED, turn=3)["status"]


def test_a_prediction_ends_once_the_page_shows_something_else(answers, run_coroutine):
    visit, closed = opened(answers), []

    async def predicting():
        try:
            for k in range(9):
                yield {"status": k}
        finally:
            closed.append(True)

    async def watch():
        updates = visit.while_shown(visit.at, predicting())
        assert await anext(updates) == {"status": 0}
        settle(answers, visit, clip="balls", turn=1)
        assert not [update async for update in updates] and closed
        stale = visit.while_shown(Settings("svg-lp-real", "example:digits-1"), predicting())
        assert not [update async for update in stale] and len(closed) == 2, "it was asked for before the clip was chosen"

    run_coroutine(watch())


@pytest.mark.parametrize("name", ["balls", "worker"])
def test_the_sentences_on_an_example_stay_true_for_another_model(answers, name):
    visit = opened(answers)
    chosen = settle(answers, visit, clip=name, turn=1)
    assert f"Model {visit.at.model} " in chosen["status"]
    other = {"svg-lp-real": "a-learned", "a-learned": "svg-lp-real"}[visit.at.model]
    said = settle(answers, visit, Settings(other, visit.at.clip), clip=name, turn=1)
    assert "Model " not in said["status"], "why another one was chosen is of no interest any more"
    assert visit.by_hand and visit.at.model == other
    warned = any("do not trust" in note for note in said["player"].notes)
    assert warned == (other == "a-learned") == ("do not trust" in said["status"])


def open_link(answers, query):
    """What is said on the page that a link opens, and the visit."""
    visit = Visit()
    query = dict(parse_qsl(query, strict_parsing=True))
    return answers.settle(answers.usual_settings(), None, None, visit, json.dumps({"asked": 1, "query": query})), visit


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ('model=d-diffusion&options={"steps":0}', "options cannot be used"),
        ("model=d-diffusion&options=[1]", "options cannot be used"),
        ("model=d-diffusion&known=012", "known cannot be used"),
        ("model=a-learned&task=fill", "this model takes the first frames"),
        ("model=a-learned&clip=example:worker&every=99&part={", "every cannot be used"),
        ("model=a-learned&clip=example:worker&every=99&part={", "part cannot be used"),
        ("model=a-learned&clip=example:balls&side=256", "side cannot be used"),
    ],
)
def test_what_a_link_gets_wrong_is_said(checkpoints, query, said):
    shown, visit = open_link(Choices(Handlers(Models("cpu", checkpoints), "example:digits-1")), query)
    assert said in shown["status"] and visit.at.model == query.split("&")[0].removeprefix("model=")


@pytest.mark.parametrize("b", ["zzz", "[1]"])
def test_a_link_with_nothing_but_a_wrong_comparison_says_so(answers, b):
    shown, _ = open_link(answers, f"b={b}")
    assert "B of the link cannot be read." in shown["status"]


def test_a_link_that_gives_something_twice_says_which_one_counts(answers):
    asked = json.dumps({"asked": 1, "query": {"seed": "7", "foo": "1"}, "repeated": ["seed", "foo"]})
    shown = answers.settle(answers.usual_settings(), None, None, Visit(), asked)
    assert shown["seed"] == 7 and "The link gives seed more than once; the last one is taken." in shown["status"]


@pytest.mark.parametrize(("model", "name"), [("", "svg-lp-real"), ("&model=a-learned", "a-learned")])
def test_a_link_without_a_model_gets_the_one_for_its_clip_and_one_with_a_model_keeps_it(answers, model, name):
    shown, visit = open_link(answers, f"clip=example:balls{model}")
    assert "Settings taken from the link; press Generate." in shown["status"]
    assert visit.at.model == shown["model"]["value"] == name and visit.by_hand == bool(model)


# ---- in a browser ----


@pytest.fixture
def slow(monkeypatch):
    """Slows the preview of the clips and the steps of the models down."""
    from vp.models.svg_motion.predictor import MotionPredictor

    preview, stream = Handlers.preview_with_warning, MotionPredictor.stream

    def slow_preview(self, at):
        time.sleep(1.5 if at.clip == "example:balls" else 0)
        return preview(self, at)

    def slow_stream(self, *args, **kwargs):
        for step in stream(self, *args, **kwargs):
            time.sleep(0.1)
            yield step

    monkeypatch.setattr(Handlers, "preview_with_warning", slow_preview)
    monkeypatch.setattr(MotionPredictor, "stream", slow_stream)


@pytest.mark.browser
def test_nothing_late_replaces_a_newer_choice(open_page, general, slow, tmp_path):
    page = open_page(general)
    page.wait_for_function("document.querySelector('#choice-text textarea, #choice-text input')?.value")

    def selected():
        return page.locator("#picker button[aria-pressed=true]").get_attribute("data-name")

    # choose A, B and Generate at once: all is about B
    page.click("#picker button[data-name=balls]")
    page.click("#picker button[data-name=worker]")
    page.click("#generate")
    page.wait_for_selector("#status >> text=/Step [1-9]/", timeout=30_000)
    assert selected() == "worker" and "228x128" in page.inner_text(".vp-source")

    # another number of futures does not change the prediction that runs
    page.locator("#futures input[type=number]").fill("3")
    page.locator("#futures input[type=number]").press("Enter")
    page.wait_for_selector("#status >> text=Done", timeout=60_000)
    assert "8 futures" in page.inner_text(".vp-meta") and page.locator("#futures input[type=number]").input_value() == "3"
    page.wait_for_selector("#save-json:not([disabled])", timeout=30_000)
    with page.expect_download() as saved:
        page.click("#save-json")
    assert json.loads(saved.value.path().read_text())["samples"] == 8

    # an upload ends a prediction, and a drag on the film strip too; player and strip are about the same part
    page.click("#generate")
    page.wait_for_selector("#status >> text=/Step [1-9]/", timeout=30_000)
    path = tmp_path / "ground.mp4"
    write_mp4(path, ground(), FPS)
    page.set_input_files("#upload input[type=file]", path)
    page.wait_for_selector(".vp-name >> text=Your clip", timeout=30_000)
    page.click("#generate")
    page.wait_for_selector("#status >> text=/Step [1-9]/", timeout=30_000)
    page.locator(".vp-trim input").focus()
    for key in ("Home", "ArrowRight", "ArrowRight", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    page.wait_for_selector(".vp-source >> text=frames 4-", timeout=30_000)
    assert page.inner_text(".vp-trim-note").startswith("From second 0.2 ")
    page.wait_for_timeout(700)
    assert "Step" not in page.inner_text("#status") and page.inner_text(".vp-name") == "Your clip"
    page.wait_for_selector("#save-json:disabled", timeout=30_000)

    # a box of fewer pixels than are used is drawn as large as they are
    view = page.locator(".vp-trim-view").bounding_box()
    page.mouse.move(view["x"] + 20, view["y"] + 20)
    page.mouse.down()
    page.mouse.move(view["x"] + 26, view["y"] + 28, steps=3)
    drawn = page.evaluate("[...'wh'].map((k) => document.querySelector('.vp-trim-box').style[{w: 'width', h: 'height'}[k]])")
    assert [float(side.rstrip("%")) for side in drawn] == pytest.approx([100 * 16 / 200, 100 * 16 / 64], abs=0.5)
    page.mouse.up()
    page.wait_for_selector(".vp-source >> text=16x16", timeout=30_000)


@pytest.mark.browser
def test_what_is_pressed_right_after_a_model_is_chosen_is_about_that_model_with_its_own_settings(open_page, general, monkeypatch):
    preview, asked, going_on = Handlers.preview_with_warning, {}, []

    def slow_preview(self, at):
        time.sleep(0.5)
        return preview(self, at)

    def recorded(button, said):
        async def record(*given):
            asked[button] = next(x for x in given if isinstance(x, Settings))
            yield {said: "begun"}
            while not going_on:
                await asyncio.sleep(0.05)
            yield {said: "late"}

        return record

    monkeypatch.setattr(Handlers, "preview_with_warning", slow_preview)
    monkeypatch.setattr(future_map, "draw_in_turn", recorded("draw-map", "map_status"))
    monkeypatch.setattr(look_inside, "look_in_turn", recorded("look", "latent_status"))
    monkeypatch.setattr(learning, "learn", recorded("learn", "learned"))
    page = open_page(general)
    page.wait_for_function("document.querySelector('#choice-text textarea, #choice-text input')?.value")
    temperatures = {"svg-lp-real": USUAL, "a-learned": 1.0}

    def choose_and_press(model, button):
        page.click("#model input")
        page.evaluate(
            """([model, button]) => {
            const option = [...document.querySelectorAll("#model [role=option]")].find((one) => one.innerText.includes(model));
            option.dispatchEvent(new MouseEvent("mousedown", { bubbles: true }));
            document.querySelector(`#${button}`).click();
        }""",
            [model, button],
        )

    for folded in ("#future-map", "#look-inside", "#learning"):
        page.click(f"{folded} button")
    for button, model in zip(["draw-map", "look", "learn"], ["a-learned", "svg-lp-real", "a-learned"]):
        choose_and_press(model, button)
        for _ in range(100):
            page.wait_for_timeout(0 if button in asked else 200)
        assert (asked[button].model, asked[button].temperature) == (model, temperatures[model]), button
    choose_and_press("svg-lp-real", "link")
    page.wait_for_function("location.search.includes('svg-lp-real')")
    assert f"temperature={USUAL}" in page.evaluate("location.search")
    choose_and_press("a-learned", "compare")
    page.wait_for_selector("#status >> text=press Generate first")

    # what was begun before another choice says nothing more
    page.click("#draw-map")
    page.wait_for_selector("#map-status >> text=begun")
    page.click("#picker button[data-name=balls]")
    page.wait_for_selector("#map-status:not(:has-text('begun'))", state="attached")
    going_on.append(True)
    page.wait_for_timeout(500)
    assert "late" not in page.inner_text("#map-status")


def test_who_passes_by_the_menu_of_models_with_the_keyboard_chooses_nothing(app, open_page):
    """A menu reports its choice when it loses the focus; a finished result would be dropped, a running one ended."""
    page = open_page(app)
    page.wait_for_function("window.vpAsked === 1 && document.querySelector('#choice-text textarea, #choice-text input').value")
    shown, model = page.inner_text(".vp-name"), page.input_value("#model input")

    def pass_by():
        page.focus("#model input")
        page.keyboard.press("Tab")
        page.wait_for_timeout(1000)
        return page.evaluate("window.vpAsked"), page.inner_text(".vp-name"), page.is_enabled("#save-mp4")

    page.wait_for_selector("#save-mp4:not([disabled])")
    assert pass_by() == (1, shown, True)
    page.click("#model input")
    page.click("[role=option] >> nth=1")
    page.wait_for_function("JSON.parse(document.querySelector('#choice-text textarea, #choice-text input').value).asked === 2")
    assert page.input_value("#model input") != model and pass_by()[0] == 2
    page.click("#model input")
    page.click("[role=option] >> nth=0")
    page.wait_for_function("JSON.parse(document.querySelector('#choice-text textarea, #choice-text input').value).asked === 3")
