"""Maps of many futures, and futures between them."""

import numpy as np
import pytest

from vp.prediction.future_map import (
    NEIGHBOURS,
    THUMBNAIL,
    lay_out,
    map_futures,
    neighbours,
    predict_between,
    small_frames,
    stream_map,
)
from vp.prediction.model import load
from vp.prediction.request import Wishes
from vp.prediction.sample import sample
from vp.ui.clips import find_clip


@pytest.fixture(scope="module")
def found():
    model = load("svg-lp-smmnist")
    clip = find_clip("random:smmnist-svg:7")
    *made, (_, futures) = stream_map(model, clip, Wishes(n_past=5, n_future=3), 8)
    return model, clip, futures, made


def test_a_map_places_the_futures_that_sampling_makes(found):
    model, clip, futures, made = found
    assert made[-1] == (8, None) and futures.places.shape == (8, 2) and futures.thumbnails.shape[:2] == (8, 3)
    assert futures.places.min() >= 0 and futures.places.max() <= 1 and 0 < futures.kept <= 1
    sampled = sample(model, clip, n=8, n_past=5, n_future=3).frames("sample")
    assert np.abs(small_frames(sampled[:, 5:]).astype(int) - futures.thumbnails).max() <= 1


def test_at_a_future_s_own_place_it_is_that_future_and_between_two_it_is_neither(found):
    model, _, futures, _ = found
    own = predict_between(futures, *neighbours(futures.places, *futures.places[4]))
    between = predict_between(futures, np.array([4, 5]), np.array([1.0, 1.0]))
    assert own.shape == between.shape == futures.request.frames.shape

    def apart(frames, index):
        return np.abs(small_frames(frames[None, 5:])[0].astype(int) - futures.thumbnails[index]).mean()

    assert apart(own, 4) < 0.1 * apart(own, 5), "rounding in a batch of another size apart"
    assert all(apart(between, index) > 0.2 * apart(own, 5) for index in (4, 5))


def test_neighbours_are_the_nearest_and_count_less_the_further_off_they_are():
    places = np.array([[0, 0], [1, 0], [0, 2], [5, 5]], np.float32)
    indices, weights = neighbours(places, 0.25, 0.0)
    assert indices.tolist() == [0, 1, 2] and len(indices) == NEIGHBOURS and (np.diff(weights) < 0).all() and weights[0] == 1
    assert weights[1] == pytest.approx(1 / 3)
    assert neighbours(places, 5, 5)[0].tolist() == [3]
    with pytest.raises(ValueError, match="finite"):
        neighbours(places, float("nan"), 0.0)


def test_the_plane_keeps_distances_between_views_that_lie_in_one():
    rng = np.random.default_rng(0)
    flat = rng.normal(size=(20, 2)) * [3, 1]
    places, kept = lay_out((flat @ rng.normal(size=(2, 50))).astype(np.float32) + 7)
    assert kept > 0.999
    apart = lambda x: np.linalg.norm(x[:, None] - x[None], axis=-1)  # noqa: E731
    views = flat @ np.linalg.qr(rng.normal(size=(50, 2)))[0].T
    places, _ = lay_out(views.astype(np.float32))
    ratio = apart(places)[0, 1:] / apart(flat)[0, 1:]
    assert np.ptp(ratio) < 1e-3 * ratio.mean()
    assert (lay_out(np.ones((4, 9), np.float32))[0] == 0.5).all()


def test_thumbnails_keep_the_aspect():
    assert small_frames(np.zeros((2, 3, 96, 192, 3), np.uint8)).shape == (2, 3, THUMBNAIL, 2 * THUMBNAIL, 3)
    assert small_frames(np.zeros((2, 3, 96, 192, 1), np.uint8)).shape == (2, 3, THUMBNAIL, 2 * THUMBNAIL, 1)


def test_what_cannot_be_mapped_is_refused_in_a_sentence(found):
    model, clip, futures, _ = found
    with pytest.raises(ValueError, match="give 3 to 256"):
        map_futures(model, clip, Wishes(), 1)
    with pytest.raises(ValueError, match="one future"):
        map_futures(load("svg-det-smmnist"), clip, Wishes())
