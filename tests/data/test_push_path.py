"""Lines drawn on a frame become actions that move the finger along them."""

import numpy as np
import pytest

from vp.data.push.camera import SIZE, project, with_height
from vp.data.push.path import path_to_actions
from vp.data.push.physics import REACH
from vp.data.push.policy import FASTEST, PUSHING


def seen(places: np.ndarray) -> np.ndarray:
    """Where places at pushing height are on the frame, as shares."""
    return project(with_height(places, PUSHING)) / SIZE


def test_the_finger_ends_where_the_line_ends():
    places = np.array([[-0.4, -0.3], [0.1, 0.2], [0.3, 0.0]])
    actions = path_to_actions(seen(places), 10)
    assert actions.shape == (10, 4) and actions.dtype == np.float32 and (actions[:, 2:] == 0).all()
    walked = places[0] + actions[:, :2].cumsum(0)
    np.testing.assert_allclose(walked[-1], places[-1], atol=1e-5)
    corner = np.hypot(*(walked - places[1]).T).min()
    assert corner < np.hypot(*actions[:, :2].T).max(), "it goes by the corner, not straight to the end"


def test_no_step_is_faster_than_the_arm_and_a_short_line_is_walked_evenly():
    long = path_to_actions(seen(np.array([[-0.8, -0.8], [0.8, 0.8], [-0.8, 0.8]])), 5)
    assert np.hypot(*long[:, :2].T).max() <= FASTEST[0] + 1e-6
    short = np.hypot(*path_to_actions(seen(np.array([[0.0, 0.0], [0.5, 0.0]])), 10)[:, :2].T)
    np.testing.assert_allclose(short, 0.05, atol=1e-5)


def test_the_finger_stays_within_its_reach_and_a_dot_is_no_movement():
    walked = path_to_actions(np.array([[0.5, 0.5], [0.0, 1.0]]), 40)[:, :2].sum(0)
    assert (np.abs(walked) <= 2 * REACH).all()
    assert not path_to_actions(np.array([[0.5, 0.5], [0.5, 0.5]]), 6).any()


@pytest.mark.parametrize("points", [[[0.5, 0.5]], [[0.5, 0.5], [0.5, 1.5]], [0.5, 0.5], [[0.1, float("nan")], [0.5, 0.5]]])
def test_what_is_no_line_on_the_frame_is_refused(points):
    with pytest.raises(ValueError, match="give two or more points"):
        path_to_actions(np.array(points), 5)


def test_the_simulated_finger_follows_a_line():
    """The actions mean what the world takes them for: away from every object the finger arrives."""
    pytest.importorskip("pymunk")
    from vp.data.push.physics import Table
    from vp.data.push.scene import random_scene

    scene = random_scene(np.random.default_rng(3))
    table = Table(scene)
    for _ in range(4):
        table.advance(np.array([0, 0, 0.24, 0]))  # up, above them all
    start = table.position[:2]
    goal = np.clip(start + (0.3, -0.4), -REACH, REACH)
    for action in path_to_actions(seen(np.array([start, goal])), 10):
        table.advance(action)
    np.testing.assert_allclose(table.position[:2], goal, atol=0.06)
