"""The map of futures on the page."""

import asyncio
import base64
import threading
from types import SimpleNamespace

import pytest

from vp.prediction.future_map import map_futures, stream_map
from vp.prediction.latent_view import stream_view
from vp.prediction.model import load
from vp.prediction.request import Wishes
from vp.result.sprite_sheet import decode_image
from vp.ui.admission import Admission
from vp.ui.clips import find_clip
from vp.ui.future_map import describe, future_at, read_wish
from vp.ui.limits import Limits
from vp.ui.listeners import Caller
from vp.ui.newest_first import answer_newest

PAGE = SimpleNamespace(client=SimpleNamespace(host="1.2.3.4"))


@pytest.fixture(scope="module")
def value():
    model = load("svg-lp-smmnist")
    return describe(model, map_futures(model, find_clip("random:smmnist-svg:7"), Wishes(n_past=5, n_future=3), 8))


def test_a_place_gives_the_predicted_frames_side_by_side_and_says_what_is_mixed(value):
    own = future_at({"map": value["map"], "x": value["places"][2][0], "y": value["places"][2][1], "pins": [2]})
    sheet = decode_image(base64.b64decode(own["sheet"].partition("base64,")[2]))
    assert own["said"] == "Future 3." and (own["frames"], own["width"], own["height"]) == (3, 64, 64)
    assert sheet.shape == (64, 3 * 64, 1) and sheet.max() > 100
    between = future_at({"map": value["map"], "x": 0.5, "y": 0.5, "pins": [5, 1]})
    assert "future 2" in between["said"] and "future 6" in between["said"] and between["sheet"] != own["sheet"]


@pytest.mark.parametrize(
    "wrong", [{"map": "gone"}, {"pins": [99]}, {"pins": [-1]}, {"x": "left"}, {"x": float("nan")}, {"pins": None}, {"y": None}]
)
def test_what_cannot_be_answered_is_said_in_a_sentence(value, wrong, run_coroutine):
    future = answer_newest(Admission(), read_wish, future_at)
    answer = run_coroutine(future({"map": value["map"], "x": 0.1, "y": 0.2, "pins": []} | wrong, PAGE))
    assert list(answer) == ["error"] and answer["error"].endswith(".")


def test_of_what_one_visitor_asks_at_once_the_newest_is_computed_and_nobody_is_passed_over(value, run_coroutine):
    computed = []

    async def ask_at_once():
        admission, free = Admission(Limits(per_visitor=6)), threading.Event()
        future = answer_newest(admission, read_wish, lambda wish: computed.append(wish["x"]) or {"said": wish["x"]})

        def busy():
            yield 0
            free.wait(20)

        async def drag(x):
            return await future({"map": value["map"], "x": x, "y": 0.5, "pins": []}, PAGE)

        async def predict():
            return [x async for x in admission.run(Caller("other"), lambda: None, busy)]

        other = asyncio.ensure_future(predict())
        await asyncio.sleep(0.1)
        asked = [asyncio.ensure_future(drag(x / 10)) for x in range(8)]
        done, _ = await asyncio.wait(asked, timeout=1.5)
        early = [task.result() for task in done]
        free.set()
        await other
        return early, [await task for task in asked], admission.inside

    early, answers, left = run_coroutine(ask_at_once())
    assert len(early) == 7 and all("error" in answer for answer in early), "the device is busy: those before the newest give up"
    assert sum("of yours wait" in answer["error"] for answer in early) == 2, "more than six at a time are refused"
    assert len(computed) == 1 and computed == [answer["said"] for answer in answers if "said" in answer] and not left


def test_a_map_and_a_look_inside_are_stopped_in_the_middle_and_begun_again(app, open_page, monkeypatch):
    free, begun = threading.Event(), threading.Event()

    def slow(steps):
        def wait(*given):
            for step in steps(*given):
                begun.set()
                free.wait(20)
                yield step

        return wait

    page = open_page(app)
    for section, press, stop, said in (
        ("future-map", "#draw-map", "#stop-map", "#map-status"),
        ("look-inside", "#look", "#stop-look", "#latent-status"),
    ):
        free.clear()
        begun.clear()
        with monkeypatch.context() as patch:
            patch.setattr("vp.ui.future_map.stream_map", slow(stream_map))
            patch.setattr("vp.ui.look_inside.stream_view", slow(stream_view))
            page.click(f"#{section} button.label-wrap")
            assert page.is_disabled(stop)
            page.click(press)
            page.wait_for_selector(f"{stop}:not([disabled])")
            assert begun.wait(20)
            page.click(stop)
            page.wait_for_selector(f"{said} >> text=Stopped.")
            free.set()
        page.wait_for_timeout(500)
        assert page.inner_text(said) == "Stopped." and page.is_disabled(stop), "nothing late is shown"
    page.fill("#mapped input[type=number]", "8")
    page.click("#draw-map")
    page.wait_for_selector(".vp-map:not([hidden])", timeout=60_000)
    page.wait_for_selector("#stop-map[disabled]")


def test_a_map_is_drawn_dragged_on_and_gone_with_its_clip(app, open_page):
    page = open_page(app, viewport={"width": 390, "height": 844})
    page.click("#future-map button.label-wrap")
    page.fill("#mapped input[type=number]", "8")
    page.click("#draw-map")
    page.wait_for_selector(".vp-map:not([hidden])", timeout=60_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    plane = page.locator(".vp-map-plane")
    plane.scroll_into_view_if_needed()
    page.wait_for_function("() => document.querySelector('.vp-map-view canvas').width > 0")
    area = plane.bounding_box()
    page.mouse.move(area["x"] + 40, area["y"] + 40)
    page.mouse.down()
    for k in range(8):
        page.mouse.move(area["x"] + 60 + 20 * k, area["y"] + 60 + 10 * k)
    page.mouse.up()
    page.wait_for_selector(".vp-map[data-answered]", timeout=20_000)
    page.wait_for_function("() => document.querySelector('.vp-map-said').textContent.includes('future')")
    plane.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowRight")
    assert page.is_enabled(".vp-map-unpin")
    page.click(".vp-map-unpin")
    assert page.is_disabled(".vp-map-unpin")
    page.click("#fresh")
    page.wait_for_selector(".vp-map", state="hidden", timeout=20_000)
