"""A model learns the visitor's clip: on the frames before those to be predicted, stoppable, and nobody else's."""

import asyncio
from pathlib import Path

import gradio as gr
import numpy as np
import pytest

from vp.data import Clip, write_mp4
from vp.result.export import write_files
from vp.ui import admission, clips, handlers, learning, shipped
from vp.ui.admission import Admission
from vp.ui.choices import Choices
from vp.ui.handlers import RESULTS, Handlers
from vp.ui.models import ADAPTED, OWN, Models
from vp.ui.settings import Settings
from vp.ui.shipped import FIRST

FPS = 20.0


def ground(length=60, height=64, width=96):
    """uint8 (T, H, W, 3): a textured ground that moves sideways."""
    world = np.random.default_rng(0).integers(0, 256, (height // 8, width // 8 + length // 4 + 1, 3))
    world = np.kron(world, np.ones((8, 8, 1))).astype(np.uint8)
    return np.stack([world[:, 2 * t : width + 2 * t] for t in range(length)])


@pytest.fixture
def name():
    return "upload:" + clips.UPLOADS.put(Clip(ground(), FPS))


@pytest.fixture(scope="module")
def models(general_folder):
    return Models("cpu", general_folder)


async def collected(updates):
    return [update async for update in updates]


@pytest.fixture
def ended(run_coroutine):
    return lambda *given, **also: learned(run_coroutine, *given, **also)


def learned(run_coroutine, models, at, minutes=0.5):
    """What the page is told: every status, and the last update."""
    updates = run_coroutine(collected(learning.learn(models, Admission(), at, minutes)))
    return [update["learned"] for update in updates], updates[-1]


@pytest.mark.parametrize(("moment", "start", "frames"), [(2.0, "", range(45)), (0.5, "", range(15)), (2.0, "end", range(60))])
def test_no_frame_that_is_to_be_predicted_is_learned(models, name, moment, start, frames):
    at = Settings("svg-lp-real", name, part={"moment": moment, "region": ""}, start=start)
    assert np.array_equal(learning.frames_before(at, models.get("svg-lp-real")).frames, ground()[frames])


def test_frames_are_told_apart_by_number_where_the_rate_changes(models, tmp_path):
    from PIL import Image

    pictures = [Image.fromarray(frame) for frame in ground(90)]
    path, times = tmp_path / "phone.gif", [100] * 30 + [40] * 60
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=times)
    name = clips.store_upload(str(path))
    for moment in (2.0, 3.5, 4.5):
        at = Settings("svg-lp-real", name, past=5, part={"moment": moment, "region": ""})
        known = learning.chosen(name, learning.part_of(at, models.get("svg-lp-real")), 5, 5)
        learned = learning.frames_before(at, models.get("svg-lp-real"))
        assert np.array_equal(learned.frames[-1], known.frames[4])


def test_far_into_a_long_clip_the_newest_frames_are_learned(models):
    long = ground(200)
    name = "upload:" + clips.UPLOADS.put(Clip(long, FPS))
    at = Settings("svg-lp-real", name, part={"moment": 8.0, "region": ""})
    assert np.array_equal(learning.frames_before(at, models.get("svg-lp-real")).frames, long[45:165])


def test_what_was_learned_is_one_visitor_s_and_is_forgotten(models, name, monkeypatch, ended):
    monkeypatch.setattr(learning, "SHORTEST", 0.0)
    monkeypatch.setattr("vp.training.adapt.Adaptation.helps", property(lambda self: True))
    at = Settings("svg-lp-real", name, part={"moment": 2.0, "region": ""})
    said, last = ended(models, at, minutes=0.02)
    own = last["adapted"]
    assert "value" not in last["model"] and own.startswith(OWN), "it is offered, and chosen by hand"
    assert ("Adapted to your clip (svg-lp-real-adapted)", own) in last["model"]["choices"]
    assert "Adapting helps" in said[-1] and last["weights"]["visible"]
    assert models.get(own).card["adapted"]["from"] == "svg-lp-real" and own not in models.cards
    do = Handlers(models, name)
    assert do.preview(Settings(own, name)).rows[0].frames.shape[1:3] == (64, 96)
    again = ended(models, Settings(own, name, part={"moment": 2.0, "region": ""}), minutes=0.02)[1]["adapted"]
    assert models.origin(again) == "svg-lp-real" and models.get(again).name == "svg-lp-real-adapted"
    learning.forget(again)
    for moment, told in ((1.0, True), (2.0, False)):
        seen = do.preview(Settings(own, name, past=5, future=3, part={"moment": moment, "region": ""})).notes
        assert any("has learned the frames up to 44" in note for note in seen) == told
    _, _, fresh = Choices(do).choose_clip(Settings(own, "example:worker"), 0.0, by_hand=True)
    assert fresh["model"] == "svg-lp-real", "another clip is not what it has learned"
    learning.forget(own)
    with pytest.raises(ValueError, match="this adapted model is no longer kept"):
        models.get(own)
    assert Choices(do).choose_clip(Settings(own, "example:worker"), 0.0, by_hand=True)[2]["model"] == "svg-lp-real"
    assert not ADAPTED.things


@pytest.mark.parametrize(
    ("model", "moment", "minutes", "said"),
    [
        ("flow", 2.0, 1.0, "Flow has no weights to train"),
        ("svg-lp-real", 0.0, 1.0, "3 frames are too few to learn from"),
        ("svg-lp-real", 2.0, 99.0, "Minutes is 99.0; give 0.5 to 10"),
    ],
)
def test_what_cannot_be_learned_is_one_sentence(ended, models, name, model, moment, minutes, said):
    statuses, last = ended(models, Settings(model, name, past=3, part={"moment": moment, "region": ""}), minutes)
    assert said in statuses[-1] and last["learn"]["interactive"] and last["learning"] is None


def test_files_of_a_result_that_is_no_longer_on_screen_are_not_offered(models, name, monkeypatch):
    do, newest = Handlers(models, name), [None]
    stored = RESULTS.put(do.preview(Settings("svg-lp-real", name, past=3, future=2)))
    writing, files = do.update_downloads(stored, newest)
    assert all(update["interactive"] for update in files) and {update["label"] for update in files} >= {"Save MP4"}
    assert not any(update["interactive"] or update["value"] for update in writing) and writing[0]["label"] == "Writing MP4"

    def slow(*given):
        (disabled,) = do.update_downloads(None, newest)  # another clip was chosen meanwhile
        assert not any(update["interactive"] for update in disabled)
        return true_write(*given)

    true_write = handlers.write_files
    monkeypatch.setattr(handlers, "write_files", slow)
    newest[:] = [None]
    _, ended = do.update_downloads(stored, newest)
    assert ended == [gr.skip()] * len(ended), "Gradio repeats what was answered last: the buttons would say Writing for ever"


def test_a_result_can_be_saved_until_another_one_is_on_screen(models, name):
    updates = list(Handlers(models, name).generate(Settings("svg-lp-real", name, past=3, future=2)))
    shown = next(index for index, update in enumerate(updates) if "player" in update)
    assert not any("result" in update for update in updates[:shown]) and RESULTS.get(updates[-1]["result"])


def test_the_files_of_the_first_result_are_written_once_for_all_visitors(models, name, monkeypatch):
    def offered():
        *_, files = Handlers(models, name).update_downloads(FIRST, [None])
        return [update["value"] for update in files]

    written, paths = [], offered()
    monkeypatch.setattr(shipped, "write_files", lambda *given: written.append(given) or write_files(*given))
    assert offered() == paths and not written and all(Path(path).is_file() for path in paths)
    Path(paths[0]).unlink()  # as Gradio does with what is old
    again = offered()
    assert offered() == again and len(written) == 1 and all(Path(path).is_file() for path in again)


def test_learning_goes_on_between_the_steps_of_another_one_and_one_that_waits_can_be_stopped(
    models, name, monkeypatch, run_coroutine
):
    monkeypatch.setattr(learning, "SHORTEST", 0.0)
    monkeypatch.setitem(admission.SLICE_S, "learning", 0.0)
    callers = iter([admission.Caller(f"visitor {k}") for k in range(3)])
    monkeypatch.setattr(admission.Caller, "now", lambda: next(callers))
    at = Settings("svg-lp-real", name, past=3, part={"moment": 2.0, "region": ""})
    order = []

    async def visit(who, minutes):
        async for update in learning.learn(models, let_in, at, minutes):
            order.append((who, update["learned"]))
            if who == 2 and "before you" in update["learned"]:
                learning.STOPS.get(stops[0]).set()
            elif "learning" in update and update["learning"] and who == 2:
                stops.append(update["learning"])

    async def visits():
        await asyncio.gather(visit(0, 0.1), visit(1, 0.1), visit(2, 0.05))

    let_in, stops = Admission(), []
    run_coroutine(visits())
    steps = [who for who, said in order if "Step" in said]
    assert "0101" in "".join(map(str, steps)), "they take turns"
    assert "Stopped before it began" in [said for who, said in order if who == 2][-1]
    assert not let_in.inside and let_in.turns.holder is None


@pytest.mark.browser
def test_learning_is_stopped_and_keeps_the_best(open_page, general, tmp_path):
    path = tmp_path / "clip.mp4"
    write_mp4(path, ground(), FPS)
    page = open_page(general)
    page.set_input_files("#upload input[type=file]", path)
    page.wait_for_selector(".vp-source >> text=of 60", timeout=30_000)
    page.locator(".vp-trim input").focus()
    page.keyboard.press("End")
    page.wait_for_selector(".vp-source >> text=frames 5")
    page.click("#learning button >> nth=0")
    page.click("#learn")
    page.wait_for_selector("#learned >> text=Step", timeout=60_000)
    page.click("#unlearn")
    page.wait_for_selector("#learned >> text=Adapting", timeout=60_000)
    page.wait_for_selector("#learn:not([disabled])")
    page.click("#generate")
    page.wait_for_selector("#status >> text=Done", timeout=120_000)
    page.click("#learn")
    page.wait_for_selector("#learned >> text=Step", timeout=60_000)
    page.click("#picker button[data-name=worker]")
    page.wait_for_selector("#learned >> text=Stopped: another clip was chosen", timeout=30_000)
    page.wait_for_selector("#learn:not([disabled])")
