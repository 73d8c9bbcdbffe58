"""Predictions under plans of actions: the clip's own, none, others, and two beside each other."""

import dataclasses

import numpy as np
import pytest
import torch

from vp.catalog import FAMILIES
from vp.core.video import Actions
from vp.data import Clip
from vp.models.svg.config import Conditions
from vp.prediction.actions import plan_actions, read_actions
from vp.prediction.model import Model
from vp.prediction.sample import sample
from vp.result.result import Result

from ..shaken import shaken_predictor

WANTED = Actions(("right", "away"), ((-1, 1), (-1, 1)))
OWN = np.arange(12, dtype=np.float32).reshape(6, 2)


@pytest.fixture(scope="module")
def model():
    family = FAMILIES["svg"]
    config = dataclasses.replace(family.tiny(), conditions=Conditions(2, width=8))
    return Model("acting", family, shaken_predictor(family, config), {})


@pytest.fixture
def clip():
    frames = np.random.default_rng(0).integers(0, 256, (6, 32, 32, 1), dtype=np.uint8)
    return Clip(frames, 5.0, actions=np.random.default_rng(1).normal(size=(6, 2)).astype(np.float32))


def samples(result: Result) -> np.ndarray:
    return result.frames("sample")


def test_a_plan_is_what_was_wished_for_and_padded_to_the_length():
    own = plan_actions(WANTED, OWN, None, 8)
    assert own.true and own.actions.shape == (1, 8, 2) and torch.equal(own.actions[0, :6], torch.from_numpy(OWN))
    assert not own.actions[0, 6:].any() and "end 1 frames early" in " ".join(own.notes)
    assert plan_actions(WANTED, OWN, "own", 6).notes == ("The arm takes the clip's own actions.",)
    for nothing in (plan_actions(WANTED, OWN, "still", 4), plan_actions(WANTED, None, None, 4)):
        assert not nothing.actions.any() and not nothing.true and nothing.actions.shape == (1, 4, 2)
    other = plan_actions(WANTED, OWN, OWN[:3] + 1, 3)
    assert not other.true and torch.equal(other.actions[0], torch.from_numpy(OWN[:3] + 1))
    assert plan_actions(None, OWN, None, 6) is None


@pytest.mark.parametrize(
    ("wanted", "own", "wish", "says"),
    [
        (None, None, "still", "this model takes none"),
        (WANTED, None, "own", r"the clip comes without actions; give 2 numbers a frame \(right, away\)"),
        (WANTED, OWN, "backwards", "actions are 'backwards'; give 'own', 'still'"),
        (WANTED, OWN, OWN[:, :1], "actions of 1 numbers a frame came; this model takes 2"),
        (WANTED, OWN, OWN[0], r"actions have shape \(2,\)"),
        (WANTED, OWN, OWN * np.nan, "not finite"),
        (WANTED, OWN[:, :1], None, "actions of 1 numbers"),
    ],
)
def test_plans_that_cannot_be_get_one_sentence(wanted, own, wish, says):
    with pytest.raises(ValueError, match=says):
        plan_actions(wanted, own, wish, 6)


def test_the_clip_s_own_actions_are_told_unless_others_are_given(model, clip):
    own, named, given = (sample(model, clip, 2, 3, 3, actions=a) for a in (None, "own", clip.actions))
    assert np.array_equal(samples(own), samples(named)) and np.array_equal(samples(own), samples(given))
    still = sample(model, clip, 2, 3, 3, actions="still")
    assert not np.array_equal(samples(own), samples(still))
    mute = sample(model, clip.frames, 2, 3, 3)
    assert np.array_equal(samples(mute), samples(still))
    assert any("comes without actions" in note for note in mute.notes)


def test_a_posterior_is_shown_only_where_the_truth_followed_the_actions(model, clip):
    assert sample(model, clip, 1, 3, 3).kind("reference")
    other = sample(model, clip, 1, 3, 3, actions="still")
    assert not other.kind("reference") and any("scores against it say little" in note for note in other.notes)


@pytest.mark.parametrize("n", [1, 3])
def test_two_plans_side_by_side_share_the_first_sample_s_dice(model, clip, n):
    both = sample(model, clip, n, 3, 3, seed=4, compare_with="still")
    (index,) = both.kind("plan")
    row, first = both.rows[index], both.rows[both.kind("sample")[0]]
    alone = sample(model, clip, 1, 3, 3, seed=4, actions="still")
    assert np.array_equal(row.frames, samples(alone)[0]) and not np.array_equal(row.frames, first.frames)
    assert row.seed == first.seed and row.label == "No movement" and "the clip's own actions" in row.note
    assert np.isfinite(both.metrics["psnr_db"][index, 3:]).all() and np.isfinite(both.traces["prior_std"][index, 1:]).all()
    assert np.array_equal(samples(both)[0], samples(sample(model, clip, n, 3, 3, seed=4))[0])


def test_a_result_with_two_plans_is_saved_and_read_again(model, clip, tmp_path):
    result = sample(model, clip, 2, 3, 3, compare_with="still")
    result.save(tmp_path)
    again = Result.load(tmp_path)
    for row, before in zip(again.rows, result.rows, strict=True):
        assert (row.kind, row.label, row.note) == (before.kind, before.label, before.note)
        assert np.array_equal(row.frames, before.frames)


def test_tables_of_actions_are_read_and_others_refused_by_name(tmp_path):
    (tmp_path / "a.csv").write_text("1,2\n3,4.5\n")
    assert read_actions(tmp_path / "a.csv").tolist() == [[1, 2], [3, 4.5]]
    (tmp_path / "b.csv").write_text("right,away\n1,2\n")
    for name in ("b.csv", "c.csv"):
        with pytest.raises(ValueError, match=f"{name} is no table of numbers"):
            read_actions(tmp_path / name)
