"""The action editor: what it offers, what it sends to the model, and what a link or a browser may not say."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from vp.core.runtime import Runtime
from vp.core.video import Actions
from vp.data import Clip
from vp.data.push.source import ACTIONS
from vp.models.svg import networks, predictor, tiny
from vp.models.svg.config import Conditions
from vp.prediction import checkpoint
from vp.ui import actions, clips, link
from vp.ui.choices import Choices, Visit
from vp.ui.controls import SHOWN, control_updates
from vp.ui.handlers import Handlers
from vp.ui.models import Models
from vp.ui.settings import Settings

PATH = [[0.3, 0.4], [0.5, 0.5], [0.6, 0.7]]
FRAMES = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 1), dtype=np.uint8)
OWN = np.random.default_rng(1).uniform(-0.2, 0.2, (8, 4)).astype(np.float32)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A small model that takes the push world's actions, and one that takes none."""
    folder = tmp_path_factory.mktemp("models")
    for name, conditions in (("acting", Conditions(4, width=8)), ("idle", None)):
        config = dataclasses.replace(tiny(), conditions=conditions)
        torch.manual_seed(0)
        weights = {key: x + 0.05 * torch.randn_like(x) for key, x in networks(config).state_dict().items()}
        card = {"family": "svg", "config": checkpoint.config_to_json(config), "dataset": "push", "about": "a test"}
        checkpoint.save(folder / f"{name}.safetensors", weights, card)
    return Models("cpu", folder)


@pytest.fixture
def choice():
    return Clip(FRAMES, 5.0, actions=OWN)


def chosen(**plans) -> dict:
    return {**actions.NOTHING, **plans}


def text(**plans) -> str:
    return json.dumps(chosen(**plans))


def test_the_editor_offers_what_the_clip_and_the_model_allow(models, choice):
    model = models.get("acting")
    shown = actions.describe(model, choice, 3)
    assert [name for name, _ in shown["plans"]] == ["own", "still", "drawn"] and shown["chosen"]["plan"] == "own"
    assert np.array_equal(shown["frame"], FRAMES[2]), "the last frame given"
    mute = Clip(FRAMES, 5.0)
    fallen = actions.describe(model, mute, 3, {"plan": "own", "beside": "own"})["chosen"]
    assert fallen == {"plan": "still", "beside": "", "path": []}
    assert actions.describe(models.get("idle"), choice, 3) is None
    config = dataclasses.replace(tiny(), conditions=Conditions(4))
    nameless = predictor(config, networks(config), Runtime.pick("cpu", "fp32"))
    shown = actions.describe(dataclasses.replace(model, predictor=nameless), choice, 3)
    assert shown["frame"] is None and [name for name, _ in shown["plans"]] == ["own", "still"]


def test_a_drawn_path_begins_at_the_last_frame_given(models, choice):
    wishes = actions.stream_arguments(models.get("acting"), choice, chosen(plan="drawn", beside="own", path=PATH), 3, 5)
    answer_record = wishes["actions"]
    assert wishes["compare_with"] == "own" and answer_record.shape == (7, 4)
    assert np.array_equal(answer_record[:2], OWN[:2])
    assert np.array_equal(answer_record[2:], ACTIONS.path(np.array(PATH), 5)) and np.abs(answer_record[2:]).sum() > 0.1


def test_what_was_not_chosen_is_not_asked_for(models, choice):
    assert actions.stream_arguments(models.get("acting"), choice, {}, 3, 5) == {}
    assert actions.stream_arguments(models.get("idle"), choice, chosen(plan="still"), 3, 5) == {}
    assert actions.stream_arguments(models.get("acting"), choice, chosen(plan="still"), 3, 5) == {
        "actions": "still",
        "compare_with": None,
    }
    with pytest.raises(ValueError, match="no path is drawn yet"):
        actions.stream_arguments(models.get("acting"), choice, chosen(plan="drawn", path=PATH[:1]), 3, 5)


@pytest.mark.parametrize(
    "wrong", ["3", "[]", "{", '{"plan": "fly"}', '{"path": [[1]]}', '{"path": 3}', json.dumps({"path": [[0.1, 0.1]] * 501})]
)
def test_nonsense_from_outside_gets_one_sentence(wrong):
    with pytest.raises(ValueError, match="the actions cannot be read"):
        actions.parse(wrong)


def test_a_link_brings_the_actions_back_and_says_what_it_cannot(models):
    query = {"model": "acting", "clip": "random:push:3", "actions": text(plan="drawn", path=PATH)}
    pytest.importorskip("pymunk")
    settings, refused = link.read_link(models, query, "random:push:3")
    assert not refused and settings.actions == {"plan": "drawn", "beside": "", "path": PATH}
    _, refused = link.read_link(models, query | {"actions": '{"plan": "fly"}'}, "random:push:3")
    assert len(refused) == 1 and "link's actions cannot be used" in refused[0]
    _, refused = link.read_link(models, query | {"model": "idle"}, "random:push:3")
    assert "this model takes none" in refused[0]
    shown = control_updates(models.get("acting"), dataclasses.replace(settings, past=3))
    assert shown["editor"]["chosen"]["path"] == PATH and json.loads(shown["actions"])["plan"] == "drawn"
    assert control_updates(models.get("idle"), settings)["editor"] is None


def test_generate_shows_two_plans_side_by_side(models, choice):
    name = f"upload:{clips.UPLOADS.put(choice)}"
    do = Handlers(models, name)

    def last(plans):
        at = Settings("acting", name, n=2, prior="learned", past=3, future=4, actions=plans)
        *_, updates = do.generate(at)
        return updates.get("player"), updates["status"]

    result, status = last(chosen(plan="drawn", beside="still", path=PATH))
    assert "Done" in status and [row.label for row in result.rows if row.kind == "plan"] == ["No movement"]
    assert any("other actions than the clip's own" in note for note in result.notes)
    assert not last(chosen())[0].kind("plan")
    assert "No path is drawn yet" in last(chosen(plan="drawn"))[1]


def test_another_clip_or_model_changes_the_editor(models, choice):
    name = f"upload:{clips.UPLOADS.put(choice)}"
    choices = Choices(Handlers(models, name))
    at = Settings("acting", name, actions=chosen(plan="still", path=PATH))
    shown = choices.show_clip(at)["editor"]
    assert np.array_equal(shown["frame"], FRAMES[4]) and shown["chosen"]["plan"] == "still"
    assert choices.show_clip(dataclasses.replace(at, model="idle"))["editor"] is None
    visit = Visit(dataclasses.replace(at, model="idle"))
    asked = json.dumps({"asked": 2})
    assert {*SHOWN, "status", "player"} <= set(choices.settle(at, None, None, visit, asked)) and visit.at.model == "acting"
    again = choices.settle(dataclasses.replace(at, model="idle"), None, None, visit, asked)
    assert not again and visit.at.model == "acting", "this question was answered"
    asked = json.dumps({"asked": 3})
    refused = choices.settle(dataclasses.replace(at, model="nobody"), None, None, visit, asked)
    assert refused["model"] == "acting" and "There is no model" in refused["status"] and "player" not in refused


def test_fresh_clips_and_examples_bring_their_actions():
    pytest.importorskip("pymunk")
    fresh = clips.simulate_clip("push", 0, "auto", 12)
    assert fresh.actions.shape == (12, 4) and clips.simulate_clip("mmnist", 0, "strokes", 12).actions is None
    for name, entry in clips.examples().items():
        clip = clips.find_clip(f"example:{name}")
        assert (clip.actions is not None) == ("actions" in entry)
        assert clip.actions is None or len(clip.actions) == len(clip.frames)


@pytest.mark.browser
def test_dragging_on_the_frame_draws_a_path_and_chooses_it(open_page, tmp_path):
    """The component's own script on a bare page: what it sends is what was drawn."""
    from vp.result.sprite_sheet import encode_png

    (tmp_path / "frame.png").write_bytes(encode_png(np.full((64, 64, 3), 90, np.uint8)))
    plans, chosen = [["own", "Own"], ["drawn", "Drawn"]], {**actions.NOTHING, "plan": "own"}
    shown = {"plans": plans, "frame": {"url": "frame.png"}, "chosen": chosen}
    script = f"""const element = document.body, props = {{ value: {json.dumps(shown)} }}, sent = window.sent = [];
    const watch = () => {{}}, trigger = (name, data) => sent.push([name, JSON.parse(data.chosen)]);
    {actions.JS}"""
    page_file = Path(tmp_path) / "page.html"
    page_file.write_text(f"<!doctype html><body>{actions.HTML}<script>{script}</script></body>")
    page = open_page(page_file.as_uri(), ready=False)
    canvas = page.locator("canvas")
    canvas.scroll_into_view_if_needed()
    area = canvas.bounding_box()
    spots = [(area["x"] + x * area["width"], area["y"] + y * area["height"]) for x, y in PATH]
    page.mouse.move(*spots[0])
    page.mouse.down()
    for spot in spots[1:]:
        page.mouse.move(*spot)
    page.mouse.up()
    name, chosen = page.evaluate("sent.at(-1)")
    assert name == "edit" and chosen["plan"] == "drawn" == page.locator(".vp-actions-plan").input_value()
    np.testing.assert_allclose(chosen["path"], PATH, atol=0.005)
    assert json.loads(page.locator(".vp-actions").get_attribute("data-chosen")) == chosen
    page.select_option(".vp-actions-beside", "own")
    assert page.evaluate("sent.at(-1)[1].beside") == "own"
    page.click(".vp-actions-clear")
    assert page.evaluate("sent.at(-1)[1].path") == []


def test_the_names_of_actions_come_from_the_data_set(models):
    assert models.get("acting").predictor.capabilities.actions == ACTIONS and isinstance(ACTIONS, Actions)


def test_the_public_endpoint_takes_actions_as_json_and_shows_two_plans(models, tmp_path, run_coroutine):
    from vp.data import write_mp4
    from vp.ui.admission import Admission
    from vp.ui.api import make_predict as endpoint

    write_mp4(tmp_path / "clip.mp4", FRAMES, 5)
    wishes = (str(tmp_path / "clip.mp4"), "acting", 1, "learned", 3, 4, 1.0, 0, "", "")

    def called(*given):
        async def collected():
            return [answer async for answer in endpoint(models, Admission())(*given)]

        return run_coroutine(collected())

    ((answer_record, *_),) = called(*wishes, json.dumps(OWN.tolist()), "still")
    assert [row["label"] for row in answer_record["rows"] if row["kind"] == "plan"] == ["No movement"]
    ((plain, *_),) = called(*wishes)
    assert not [row for row in plain["rows"] if row["kind"] == "plan"]
    assert answer_record["metrics"]["psnr_db"]["values"][-1] != plain["metrics"]["psnr_db"]["values"][-1]
