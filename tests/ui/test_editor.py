"""The picture editor's functions: what comes onto the canvas, and what goes back to the model."""

import numpy as np
import pytest

from vp.engine.result import Result, Row
from vp.ui import editor
from vp.ui.handlers import RESULTS


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


class Recorder:
    """Stands for the generating handler: keeps what it was asked for."""

    def __init__(self):
        self.asked = []

    def generate(self, *given, pictures=None):
        self.asked.append((given, pictures))
        yield ["player", "status", "id", "go", "stop"]


def test_repainting_keeps_earlier_paintings_and_asks_for_all_of_them():
    do, first, second = Recorder(), np.full((4, 4, 3), 1, np.uint8), np.full((4, 4, 3), 2, np.uint8)
    (update,) = editor.repaint(do, ("clip", "model"), {"composite": first}, 5, {})
    edits = update[-1]
    assert update[:-1] == ["player", "status", "id", "go", "stop"] and set(edits) == {5}
    (update,) = editor.repaint(do, ("clip", "model"), {"composite": second}, 6.0, edits)
    given, pictures = do.asked[-1]
    assert given == ("clip", "model") and set(pictures) == {5, 6} and np.array_equal(pictures[5], first)
    assert set(edits) == {5}, "what was kept before is left alone"


def test_an_empty_canvas_is_said_and_nothing_is_generated():
    do = Recorder()
    (update,) = editor.repaint(do, ("clip",), None, 5, {})
    assert "The canvas is empty" in update[1] and not do.asked
