"""The picture editor's functions: what comes onto the canvas, and what goes back to the model."""

import numpy as np
import pytest
import torch

from vp.engine import checkpoint
from vp.engine.result import Result, Row
from vp.models.fusion import networks, tiny
from vp.ui import editor, jobs
from vp.ui.handlers import RESULTS, Handlers
from vp.ui.models import Models


@pytest.fixture
def result():
    frames = np.zeros((8, 32, 32, 3), np.uint8)
    pictures = frames.copy()
    pictures[5, 3, 4] = (77, 0, 0)
    rows = (Row("truth", "Truth", frames), Row("sample", "Prediction", frames.copy()), Row("picture", "Pictures", pictures))
    return RESULTS.put(Result(rows, np.arange(8) < 4, np.ones(8, bool), 10.0))


def test_a_result_with_pictures_opens_the_editor_at_a_predicted_frame(result):
    panel, slider, canvas, *buttons = editor.show(result, 0)
    assert panel["visible"] and (slider["minimum"], slider["maximum"], slider["value"]) == (4, 7, 4)
    assert canvas.shape == (384, 384, 3) and all(button["interactive"] for button in buttons)
    assert editor.show(result, 6)[1]["value"] == 6 and editor.show(result, 60)[1]["value"] == 7


def test_a_result_without_pictures_hides_it_and_no_result_stills_it():
    frames = np.zeros((3, 8, 8, 1), np.uint8)
    plain = RESULTS.put(Result((Row("sample", "x", frames),), np.arange(3) < 1, np.ones(3, bool), 10.0))
    panel, *_, repaint, undo = editor.show(plain, 0)
    assert panel["visible"] is False and not repaint["interactive"] and not undo["interactive"]
    for name in (None, "gone"):
        panel, *_, repaint, _ = editor.show(name, 0)
        assert "visible" not in panel and not repaint["interactive"]


def test_the_canvas_shows_every_pixel_as_a_square(result):
    canvas = editor.take(result, 5)
    assert (canvas[36:48, 48:60] == (77, 0, 0)).all() and canvas.any(-1).sum() == 144


def test_what_is_painted_comes_back_over_black():
    composite = np.zeros((4, 4, 4), np.uint8)
    composite[0] = (200, 100, 0, 255)
    composite[1] = (200, 100, 0, 51)
    got = editor.painted({"background": None, "layers": [], "composite": composite})
    assert got.tolist()[0][0] == [200, 100, 0] and got.tolist()[1][0] == [40, 20, 0] and not got[2:].any()
    plain = np.full((4, 4, 3), 9, np.uint8)
    assert np.array_equal(editor.painted({"background": plain, "layers": [], "composite": None}), plain)
    with pytest.raises(ValueError, match="the canvas is empty"):
        editor.painted({"background": None, "layers": [], "composite": None})


@pytest.fixture(scope="module")
def do(tmp_path_factory):
    """The app's handlers over one small fusion model."""
    torch.manual_seed(0)
    nets, folder = networks(tiny()), tmp_path_factory.mktemp("models")
    with torch.no_grad():
        for p in nets.parameters():
            p.add_(0.05 * torch.randn_like(p))
    card = {"family": "fusion", "config": checkpoint.config_to_json(tiny()), "dataset": "mmnist", "about": "small"}
    checkpoint.save(folder / "small.safetensors", nets.state_dict(), card)
    models = Models("cpu", folder)
    jobs.SERVING[:] = [models]
    return Handlers(models, "random:mmnist:3")


GIVEN = ("random:mmnist:3", "predict", "", "", "small", 1, None, 4, 6, None, 0)


def finished(updates):
    """(result id, edits) of the last of the updates."""
    *_, (_, said, name, *_, edits) = updates
    assert "Done" in said
    return name, edits


def test_repainting_changes_the_painted_frames_and_keeps_earlier_paintings(do):
    *_, (_, _, first, *_) = do.generate(*GIVEN)
    canvas, edits, names = editor.take(first, 5), {}, [first]
    canvas[:, :192] = (77, 0, 0)
    for frame in (5, 7.0):
        name, edits = finished(editor.repaint(do, GIVEN, {"composite": canvas}, frame, edits))
        names.append(name)
    frames = [RESULTS.get(name).frames("sample")[0] for name in names]
    changed = [(x != frames[0]).any((1, 2, 3)).nonzero()[0].tolist() for x in frames[1:]]
    assert changed == [[5], [5, 7]] and set(edits) == {5, 7}
    assert (editor.take(names[-1], 7)[:, :192] == (77, 0, 0)).all(), "the painting stays on the canvas"


def test_an_empty_canvas_is_said_and_nothing_is_generated(do):
    (update,) = editor.repaint(do, GIVEN, None, 5, {})
    assert "The canvas is empty" in update[1] and update[-1] == {}


def test_painting_for_a_model_without_pictures_is_refused_in_words(do):
    given = tuple("copy-last" if x == "small" else x for x in GIVEN)
    *_, update = editor.repaint(do, given, {"composite": np.zeros((8, 8, 3), np.uint8)}, 5, {})
    assert "which has none of its own" in update[1]
