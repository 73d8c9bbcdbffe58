"""One future of a diffusion model after each of its steps."""

import numpy as np
import pytest

from vp.catalog import FAMILIES
from vp.core.video import Step
from vp.prediction.denoising_view import MOST_SHOWN, look_at_denoising, shown_steps, stream_denoising
from vp.prediction.model import Model, load
from vp.prediction.request import Wishes
from vp.prediction.sample import sample

from ..shaken import shaken_predictor

CLIP = np.random.default_rng(0).integers(0, 255, (8, 24, 32, 3), np.uint8)
WISHES = Wishes(n=3, n_past=3, n_future=4, options={"steps": 4})


@pytest.fixture(scope="module")
def model():
    family = FAMILIES["ramvid-motion"]
    return Model("moving", family, shaken_predictor(family, family.tiny()), {})


def test_the_last_step_is_the_future_that_sampling_makes_and_earlier_ones_are_on_their_way(model):
    view = look_at_denoising(model, CLIP, WISHES, 3)
    third = sample(model, CLIP, n=3, n_past=3, n_future=4, options={"steps": 4}).frames("sample")[2]
    assert np.abs(view.frames[-1].astype(int) - third).max() <= 1
    assert view.steps == (1, 2, 3, 4) == tuple(range(1, view.total + 1)) and view.frames.shape == (4, 7, 24, 32, 3)
    assert all(np.array_equal(frames[:3], CLIP[:3]) for frames in view.frames)
    assert view.distances[-1] == 0 and min(view.distances[:-1]) > 0


def test_of_many_steps_some_are_shown_and_their_pictures_alone_are_made(model, monkeypatch):
    made = []
    preview = Step.preview.func

    def counted(step):
        made.append(step.index)
        return preview(step)

    monkeypatch.setattr(Step, "preview", property(counted))
    view = look_at_denoising(model, CLIP, Wishes(n_past=3, n_future=4, options={"steps": 40}))
    assert len(view.steps) == MOST_SHOWN and view.steps[0] == 1 and view.steps[-1] == 40 == view.total
    assert made == list(view.steps)
    assert shown_steps(1) == {1} and shown_steps(3) == {1, 2, 3}


def test_what_does_not_denoise_and_no_such_future_are_said(model):
    with pytest.raises(ValueError, match="flow does not denoise in steps; choose a diffusion model"):
        next(stream_denoising(load("flow"), CLIP, Wishes(n_past=3, n_future=4), 1))
    with pytest.raises(ValueError, match="future"):
        next(stream_denoising(model, CLIP, WISHES, 0))
