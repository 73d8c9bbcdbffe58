"""One future with its latent, with one number of it moved, and at other temperatures."""

import numpy as np
import pytest

from vp.core.latent_steps import LatentChange
from vp.prediction.latent_view import TEMPERATURES, change_by_hand, find_peaks, look_at_latent, stream_view
from vp.prediction.model import load
from vp.prediction.request import Wishes
from vp.prediction.sample import sample
from vp.ui.clips import find_clip

WISHES = Wishes(n=3, n_past=5, n_future=4, options={"temperature": 0.5})


@pytest.fixture(scope="module")
def looked():
    model, clip = load("svg-lp-smmnist"), find_clip("random:smmnist-svg:7")
    return model, clip, look_at_latent(model, clip, WISHES, 3)


def test_it_is_the_future_that_sampling_makes_and_its_own_temperature_is_in_the_sweep(looked):
    model, clip, view = looked
    third = sample(model, clip, n=3, n_past=5, n_future=4, options={"temperature": 0.5}).frames("sample")[2]
    assert np.abs(view.frames.astype(int) - third).max() <= 1
    assert tuple(view.by_temperature) == TEMPERATURES and np.abs(view.by_temperature[0.5].astype(int) - view.frames).max() <= 1
    apart = [np.abs(view.by_temperature[at][5:].astype(int) - view.by_temperature[0.0][5:]).mean() for at in TEMPERATURES]
    assert apart == sorted(apart) and apart[-1] > 5
    assert view.steps.prior_mean.shape == (1, 1, 9, len(view.names)) and view.steps.kl[0, 0, 1:].isfinite().all()


def test_a_number_moved_by_hand_leaves_the_frames_before_it(looked):
    model, _, view = looked
    moved = change_by_hand(model, view, LatentChange(6, 0, 3.0))
    assert np.array_equal(moved[:6], view.frames[:6]) and not np.array_equal(moved[6:], view.frames[6:])


def test_events_are_the_clip_s_own_or_else_the_peaks_of_the_kl(looked):
    model, clip, view = looked
    assert view.events == tuple(event for event in clip.events if event[0] < 9) and view.events
    bare = look_at_latent(model, clip.frames, WISHES)
    assert {label for _, label in bare.events} <= {"surprise"}
    assert [t for t, _ in bare.events] == find_peaks(bare.steps.kl[0, 0].numpy())


def test_peaks_are_above_their_neighbours_and_the_median():
    nan = float("nan")
    assert find_peaks(np.array([nan, 1.0, 5.0, 1.0, 1.1, 1.0, 9.0, 9.0, 1.0, 3.0])) == [2, 6, 9]
    assert find_peaks(np.array([nan, nan])) == [] and find_peaks(np.array([nan, 2.0, 2.0, 2.0])) == []


def test_what_has_no_latent_or_no_such_future_is_said(looked):
    _, clip, _ = looked
    for model, future, said in (
        (load("flow"), 1, "no latent"),
        (load("svg-det-smmnist"), 1, "no latent"),
        (looked[0], 0, "future"),
    ):
        with pytest.raises(ValueError, match=said):
            next(stream_view(model, clip, WISHES, future))
