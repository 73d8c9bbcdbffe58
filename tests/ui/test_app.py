"""The live app in a real browser: what a visitor does, from the first paint to the saved file."""

import json
import re
import shutil
import time

import pytest

from vp.core.predictor import Predictor

pytestmark = pytest.mark.browser


def wait_done(page):
    page.wait_for_selector("#status >> text=Done", timeout=60_000)
    page.wait_for_selector(".vp-player[data-finished=true]")


def saved_options(page, model):
    """The options in the JSON file on offer, once it is the file of a result of `model`."""
    for _ in range(40):
        page.wait_for_selector("#save-json:not([disabled])")
        with page.expect_download() as saved:
            page.click("#save-json")
        record = json.loads(saved.value.path().read_text())
        if record["model"]["name"] == model:
            return record["options"]
        page.wait_for_timeout(250)
    raise AssertionError(f"the file on offer is still that of {record['model']}")


def choose(page, name):
    """Picks a model from the dropdown, by the name that ends its label, or a baseline by its title."""
    page.click("#model input")
    page.get_by_role("option", name=re.compile(rf"(\({name}\)|^{name} \(baseline\))$")).click()


@pytest.fixture
def home(app, open_page):
    """The front page, with the controls of the default model in place."""

    def visit(query="", **options):
        page = open_page(app + query, **options)
        page.wait_for_function("document.querySelector('#model').innerText.includes('Trained on') || location.search")
        return page

    return visit


@pytest.fixture
def counted(app, monkeypatch):
    """Slows the model down and counts its steps."""
    from vp.models.svg.predictor import SVGPredictor

    steps, original = [], SVGPredictor.stream

    def slow(self: Predictor, *args, **kwargs):
        for step in original(self, *args, **kwargs):
            steps.append(step.index)
            time.sleep(0.2)
            yield step

    monkeypatch.setattr(SVGPredictor, "stream", slow)
    return steps


def test_the_first_paint_is_a_finished_result_in_which_a_drag_asks_the_server_for_nothing(home):
    page = home()
    assert page.get_attribute(".vp-player", "data-finished") == "true"
    assert page.locator(".vp-tile").count() >= 2 and page.locator(".vp-chart").count() >= 2
    assert page.locator(".vp-problem").inner_text().startswith("Left out: broken.safetensors"), "a damaged file is named"
    assert page.locator("#picker button").count() >= 4

    page.wait_for_selector("#save-mp4:not([disabled])", timeout=60_000)  # the downloads of the first result are written
    page.wait_for_timeout(1000)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    box = page.locator(".vp-range").first.bounding_box()
    page.mouse.move(box["x"] + 10, box["y"] + 12)
    page.mouse.down()
    for k in range(30):
        page.mouse.move(box["x"] + 10 + (box["width"] - 20) * k / 29, box["y"] + 12)
    page.mouse.up()
    assert not [url for url in asked if "heartbeat" not in url]


def test_generating_streams_previews_and_ends_in_files_or_within_a_step_of_stop(home, counted):
    page = home()
    page.click("#generate")
    page.wait_for_selector(".vp-player[data-finished=false]", timeout=30_000)
    page.wait_for_selector(r"#status >> text=/Step \d+ of \d+, [\d.]+ s left/")
    wait_done(page)
    assert page.locator(".vp-samples .vp-tile").count() == 8
    labels = page.locator(".vp-label").all_inner_texts()
    assert {"Ground truth", "Most likely", "Posterior", "Best of 8", "Mean", "Uncertainty"} <= set(labels)
    page.wait_for_selector("#save-html:not([disabled])")
    with page.expect_download() as saved:
        page.click("#save-html")
    assert saved.value.path().read_text().startswith("<!doctype html>")
    with page.expect_download() as saved:
        page.click("#save-json")
    record = json.loads(saved.value.path().read_text())
    assert record["samples"] == 8 and record["metrics"]["ssim"]["summary"]["best"] is not None

    page.click("#generate")
    page.wait_for_selector("#status >> text=/Step [2-9]/", timeout=30_000)
    page.click("#stop")
    page.wait_for_selector("#status >> text=Stopped")
    at_stop = len(counted)
    time.sleep(1.0)
    assert len(counted) <= at_stop + 1
    assert page.locator("#generate").is_enabled()


def test_a_prediction_of_what_is_no_longer_chosen_is_cancelled(home, counted):
    """Another clip, model, length or moment while it runs: it ends, and what was chosen stays on screen."""
    page = home()

    def another_length():
        page.locator("#future input[type=number]").fill("4")
        page.locator("#future input[type=number]").press("Enter")

    def another_moment():
        page.locator(".vp-trim input").focus()
        page.keyboard.press("ArrowRight")

    page.click("#more button >> nth=0")
    for change, seen in (
        (lambda: page.click("#picker button[data-name=digits-2]"), ".vp-name >> text=Example"),
        (another_length, ".vp-meta >> text=/^(9|14) frames/"),
        (another_moment, ".vp-source >> text=frames 1-"),
        (lambda: choose(page, "b-deterministic"), "#futures >> text=deterministic"),
    ):
        page.click("#generate")
        page.wait_for_selector("#status >> text=/Step [2-9]/", timeout=30_000)
        change()
        page.wait_for_selector("#generate:not([disabled])", timeout=10_000)
        page.wait_for_selector(seen)
        at_end = len(counted)
        page.wait_for_timeout(600)
        assert len(counted) == at_end and not re.search("Step|Done", page.inner_text("#status"))
        assert page.locator(seen).count() == 1 and page.locator("#stop").is_disabled()


def test_a_new_clip_is_shown_before_it_is_predicted_and_after_every_file_there_is_room_for_another(home, tmp_path, digit_video):
    page = home()
    page.click("#picker button[data-name=balls]")
    page.wait_for_selector(".vp-notes >> text=do not trust what it shows")
    assert "converted from colour to grey" in page.locator(".vp-notes").inner_text()
    page.click("#fresh")
    page.wait_for_selector(".vp-name >> text=simulator")
    page.wait_for_selector("#save-mp4[disabled]", timeout=5_000)

    (tmp_path / "notes.txt").write_text("no pictures here\n" * 50)
    page.set_input_files("#upload input[type=file]", tmp_path / "notes.txt")
    page.wait_for_selector("#status >> text=notes.txt is a text file", timeout=15_000)
    assert "Traceback" not in page.content()
    page.set_input_files("#upload input[type=file]", digit_video)  # there is room for another one at once
    page.wait_for_selector(".vp-name >> text=Your clip", timeout=15_000)
    page.wait_for_selector("#upload >> text=digits.mp4, or upload another video", timeout=15_000)
    for name in ("first.mp4", "second.mp4"):
        path = shutil.copy(digit_video, tmp_path / name)
        page.set_input_files("#upload input[type=file]", path)
        page.wait_for_selector(f"#upload >> text={name}, or upload another video", timeout=15_000)
        assert page.locator("#upload input[type=file]").count() == 1, "there is room for the next one"
    first, second = (shutil.copy(digit_video, tmp_path / name) for name in ("third.mp4", "fourth.mp4"))
    page.set_input_files("#upload input[type=file]", first)
    page.set_input_files("#upload input[type=file]", second)
    page.wait_for_selector("#upload >> text=fourth.mp4, or", timeout=15_000)
    page.click("#picker button[data-name=digits-2]")
    page.wait_for_selector("#upload >> text=Or upload a video", timeout=15_000)


def test_of_two_files_dropped_at_once_it_is_said_which_one_is_taken(home, digit_video):
    page = home()
    drop = """([where, names, bytes]) => {
      const given = new DataTransfer();
      for (const name of names) given.items.add(new File([new Uint8Array(bytes)], name, { type: "video/mp4" }));
      const event = new DragEvent("drop", { dataTransfer: given, bubbles: true, cancelable: true });
      document.querySelector(where).dispatchEvent(event);
      return event.defaultPrevented;
    }"""
    bytes_ = list(digit_video.read_bytes())
    assert page.evaluate(drop, ["#player", ["elsewhere.mp4"], bytes_]), "it would be opened in place of the page"
    page.evaluate(drop, ["#upload button", ['a"b.mp4', "second.mp4"], bytes_])
    page.wait_for_selector('#upload >> text=a"b.mp4, or upload another video', timeout=15_000)
    assert 'One clip at a time is taken: a"b.mp4, the first of 2 files.' in page.inner_text("#status")
    page.set_input_files("#upload input[type=file]", digit_video)
    page.wait_for_selector(f"#upload >> text={digit_video.name}, or", timeout=15_000)
    assert "One clip" not in page.inner_text("#status")


def test_on_a_phone_nothing_scrolls_sideways_and_the_upload_and_the_result_are_one_tap_away(home):
    page = home(viewport={"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    outside_scrollers = ".vp-player :not(.vp-scroll *)"
    rights = f"[...document.querySelectorAll('{outside_scrollers}')].map((e) => e.getBoundingClientRect().right)"
    assert max(page.evaluate(rights)) <= 390
    in_view = "id => { const at = document.querySelector(id).getBoundingClientRect(); return at.top >= 0 && at.bottom <= 844; }"
    assert not page.evaluate(in_view, "#upload")
    page.click(".vp-jump >> text=Clip and model")
    page.wait_for_function(in_view, arg="#upload")
    page.click(".vp-jump >> text=Result")
    page.wait_for_function(in_view, arg=".vp-name")


def test_on_a_phone_the_long_name_of_an_unreadable_file_leaves_the_buttons_in_reach(home, tmp_path):
    page = home(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    path = tmp_path / f"{'n' * 200}.mp4"
    path.write_bytes(bytes(5000))
    page.set_input_files("#upload input[type=file]", path)
    page.wait_for_selector("#status >> text=has no pictures", timeout=15_000)
    assert page.evaluate("[innerWidth, document.documentElement.scrollWidth]") == [390, 390]


def test_a_number_that_was_emptied_or_is_too_large_becomes_the_nearest_one(home):
    page = home()
    page.click("#more button >> nth=0")
    for typed, used in (("", 1), ("999999", 40), ("-3", 1), ("2.5", 2)):
        page.locator("#future input[type=number]").fill(typed)
        page.locator("#future input[type=number]").press("Tab")
        if used <= 2:  # the clip is shorter than the longest future
            page.wait_for_selector(f".vp-meta >> text=/^{5 + used} frames/")
        page.wait_for_function(f"document.querySelector('#future input[type=number]').value === '{used}'")
    page.locator("#seed input").fill("")
    page.click("#generate")
    wait_done(page)
    assert "seed 0" in page.inner_text(".vp-meta") and not page.locator(".toast-body").count()


def test_a_deterministic_model_explains_its_single_future_and_one_that_cannot_be_loaded_is_refused(home):
    page = home()
    choose(page, "b-deterministic")
    page.wait_for_selector("#futures >> text=deterministic")
    assert page.locator("#futures input[type=range]").is_disabled()
    assert not page.locator("#prior").is_visible()
    page.click("#generate")
    wait_done(page)
    assert page.locator(".vp-tile").count() == 2
    choose(page, "a-learned")
    page.wait_for_selector("#futures >> text=How many")
    assert "deterministic" not in page.locator("#futures").inner_text()
    choose(page, "c-misfit")
    page.wait_for_selector("text=c-misfit.safetensors does not fit its own description")
    choose(page, "Optical flow extrapolation")
    page.wait_for_selector("#model >> text=a baseline without training")


def test_a_link_restores_the_settings_and_copying_one_writes_them(home, copied_link):
    page = home("?model=a-learned&n=3&seed=11&clip=random:mmnist:5&prior=fixed&future=7&past=4&temperature=0.5")
    page.wait_for_selector("#status >> text=Settings taken from the link")
    page.click("#generate")
    wait_done(page)
    said = page.locator(".vp-meta").inner_text()
    missing = [part for part in ("3 futures", "fixed", "temperature 0.5", "seed 11", "4 past", "7 future") if part not in said]
    assert not missing, said
    assert {"seed": "11", "n": "3", "model": "a-learned", "clip": "random:mmnist:5"}.items() <= copied_link(page).items()


def test_a_link_carries_ticks_and_options_and_slow_motion_predicts_between_the_frames_of_the_clip(home, copied_link):
    page = home('?model=d-diffusion&n=2&task=ticked&known=000111100100000&options={"steps":2,"solver":"euler"}')
    page.wait_for_selector("#status >> text=Settings taken from the link")
    page.wait_for_function("document.querySelector('.vp-given[data-t=\"9\"]').ariaPressed === 'true'")
    assert ticks(page) == "000111100100000"
    page.click("#generate")
    wait_done(page)
    address = copied_link(page)
    assert address["known"] == "000111100100000" and address["task"] == "ticked"
    assert json.loads(address["options"]) == {"steps": 2, "solver": "euler"}
    made = saved_options(page, "d-diffusion")
    assert (made["steps"], made["solver"]) == (2, "euler")

    times, gaps = 4, 3
    page.click(f"#task >> text=Slow motion x{times}")
    pressed = "[...document.querySelectorAll('.vp-given')].map(x => x.ariaPressed === 'true')"
    page.wait_for_function(f"(all => all[{times}] && !all[{times // 2}] && all[2 * {times}])({pressed})")
    page.wait_for_selector("#status:not(:has-text('Done'))")
    page.click("#generate")
    wait_done(page)
    phases = page.eval_on_selector_all(".vp-track .vp-segments span", "all => all.map(x => x.dataset.phase)")
    assert phases == ["context", "beyond"] * gaps + ["context"]
    assert page.evaluate("document.querySelectorAll('.vp-given').length") == 15


def test_a_broken_link_still_opens_and_says_what_it_ignored(home):
    page = home("?model=nope&n=999&seed=x&clip=upload:abc")
    page.wait_for_selector("#status >> text=which is not here")
    said = page.locator("#status").inner_text()
    assert "'999'" in said and "'x'" in said and "uploads are never shared" in said


@pytest.mark.parametrize(
    ("query", "then"), [("", ""), ("?clip=example:digits-2", " Settings taken from the link; press Generate.")]
)
def test_a_page_that_was_opened_anew_after_a_lost_connection_says_so_once(home, query, then):
    page = home(query, visitor="on a train")
    page.wait_for_function("document.querySelector('#choice-text textarea, #choice-text input')?.value")
    page.context.set_offline(True)
    try:
        page.click("#picker button[data-name=balls]")
        page.wait_for_selector(".toast-body >> text=Connection to the server was lost", timeout=30_000)
    finally:
        page.context.set_offline(False)
    page.wait_for_selector("#status >> text=connection", timeout=30_000)
    lost = "The connection to the server was lost, and the page was opened anew: what was on it is gone."
    assert page.inner_text("#status") == lost + then and not page.locator(".toast-body").count()
    page.reload()
    page.wait_for_function("document.querySelector('#choice-text textarea, #choice-text input')?.value")
    assert "connection" not in page.inner_text("#status")


def test_two_visitors_do_not_share_anything(home):
    first, second = home(), home(visitor="another")
    first.click("#picker button[data-name=digits-2]")
    first.wait_for_selector(".vp-name >> text=Example")
    first.click("#generate")
    wait_done(first)
    assert second.locator(".vp-name").inner_text() != first.locator(".vp-name").inner_text()


def ticks(page):
    pressed = page.eval_on_selector_all(".vp-given", "all => all.map(x => x.ariaPressed)")
    return "".join("1" if on == "true" else "0" for on in pressed)


def test_a_model_that_takes_any_frames_has_ticks_and_its_own_options_reach_the_sampler(home):
    page = home()
    assert not page.is_visible("#task") and not page.is_visible(".vp-ticks")
    choose(page, "d-diffusion")
    page.wait_for_selector(".vp-given")
    assert ticks(page) == "1" * 5 + "0" * 10
    page.click("#task >> text=Fill the middle")
    page.wait_for_function("[...document.querySelectorAll('.vp-given')].at(-1).ariaPressed === 'true'")
    assert ticks(page) == "110000000000111"
    page.click("#task >> text=Make up a clip")
    page.wait_for_function("document.querySelector('.vp-tick-note').textContent.includes('0 of 15')")

    page.locator(".vp-ticks").scroll_into_view_if_needed()
    first, last = (page.locator(f".vp-given[data-t='{t}']").bounding_box() for t in (3, 6))
    page.mouse.move(first["x"] + 4, first["y"] + 8)
    page.mouse.down()
    page.mouse.move(last["x"] + 4, last["y"] + 8, steps=12)
    page.mouse.up()
    page.wait_for_function("document.querySelector('#task input:checked').value === 'ticked'")
    page.focus(".vp-given[data-t='9']")
    page.keyboard.press("Enter")
    page.wait_for_timeout(500)  # the page's answer must neither undo the tick nor take the focus
    assert ticks(page) == "000111100100000"
    assert page.evaluate("document.activeElement.dataset.t") == "9"
    page.click("#generate")
    wait_done(page)
    shown = page.eval_on_selector_all(".vp-track .vp-segments span", "all => all.map(x => [x.dataset.phase, x.style.flexGrow])")
    assert shown == [["generated", "3"], ["context", "4"], ["generated", "2"], ["context", "1"], ["generated", "5"]]
    choose(page, "b-deterministic")
    page.wait_for_selector(".vp-ticks", state="hidden")

    choose(page, "d-diffusion")
    page.click("#more button >> nth=0")
    page.wait_for_selector(".vp-option[data-name=steps]")
    names = page.eval_on_selector_all(".vp-option", "all => all.map(x => x.dataset.name)")
    assert names == ["steps", "solver", "antithetic", "guidance", "resample", "context_noise", "conditioning", "long"]
    page.locator(".vp-option[data-name=steps] input").evaluate("x => { x.value = 3; x.dispatchEvent(new Event('input')); }")
    page.locator(".vp-option[data-name=steps] input").dispatch_event("change")
    page.select_option(".vp-option[data-name=solver] select", "euler")
    page.click("#generate")  # at once: what the form shows is what counts
    wait_done(page)
    options = saved_options(page, "d-diffusion")
    assert (options["steps"], options["solver"]) == (3, "euler")
    choose(page, "a-learned")
    page.wait_for_selector(".vp-option", state="detached")
