"""Evaluations of models that take actions: true, shuffled and zero ones, and the pixels of touched objects."""

import sys
from types import SimpleNamespace

import pytest
import torch

from vp.core.predictor import Predictor
from vp.core.video import Actions, Batch, Capabilities, Observation, Prediction, Step
from vp.data import PROTOCOLS, protocol_clips
from vp.evaluation.evaluate import evaluate, headline_numbers
from vp.evaluation.touched import psnr_of_touched, touched_pixels
from vp.result.tables import format_action_gains, format_scores

CLIPS = 4
KNOWN = torch.arange(PROTOCOLS["push"].length) < PROTOCOLS["push"].n_past


class Obedient(Predictor):
    """Shows the truth of the clip whose actions it is told, and the last frame where it knows no such clip."""

    def __init__(self, clips: Batch):
        self.clips = clips.to("cpu")
        self.capabilities = Capabilities(channels=(3,), size=64, actions=Actions(tuple("abcd"), ((-1, 1),) * 4))

    def stream(self, observation: Observation, seeds, options=None):
        frames = observation.frames[:, :1].expand_as(observation.frames).clone()
        for row, actions in enumerate(observation.actions):
            same = (self.clips.actions == actions).flatten(1).all(1).nonzero()
            if len(same):
                frames[row] = self.clips.frames[same[0, 0]]
        yield Step(1, 1, prediction=Prediction(frames[:, None].expand(-1, seeds.shape[1], -1, -1, -1, -1)))


@pytest.fixture(scope="module")
def clips():
    pytest.importorskip("pymunk")
    return protocol_clips("push", CLIPS)


@pytest.fixture(scope="module")
def result(clips):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.modules["vp.evaluation.eval_rows"], "MEAN_CLIPS", 3)
        model = SimpleNamespace(name="obedient", predictor=Obedient(clips), family=SimpleNamespace(reference_rows={}))
        return evaluate(model, "push", CLIPS, 1)


def test_true_shuffled_and_zero_actions_are_rows_of_one_evaluation(result, clips):
    assert list(result["rows"]) == ["true actions", "shuffled actions", "zero actions"]
    db = {label: row["metrics"]["psnr_db"]["mean"] for label, row in result["rows"].items()}
    assert db["true actions"] == result["metrics"]["psnr_db"]["mean"] == 100
    frames = clips.frames.double() / 255
    wrong = frames.roll(1, 0)[:, 2:] - frames[:, 2:]  # every clip was told the actions of the one before
    assert db["shuffled actions"] == pytest.approx((-10 * wrong.square().mean((-2, -1)).log10()).mean().item(), abs=1e-3)
    assert result["actions"]["true_over_shuffled_db"] == pytest.approx(100 - db["shuffled actions"], abs=1e-4)
    copied = result["baselines"]["copy_last"]["metrics"]["psnr_db"]["mean"]
    assert result["actions"]["true_over_copy_last_db"] == pytest.approx(100 - copied, abs=1e-4)
    assert headline_numbers(result)["actions"] == result["actions"]


def test_tables_show_the_rows_and_the_gains(result):
    table, gains = format_scores(result), format_action_gains(result)
    assert "psnr_touched_db" in table.splitlines()[0] and "shuffled actions" in table
    lines = {line.split("  ")[0]: line.split()[-2:] for line in gains.splitlines()}
    assert float(lines["over shuffled"][0]) == pytest.approx(result["actions"]["true_over_shuffled_db"], abs=0.01)
    assert {"over zero", "over copy last"} <= set(lines)


def test_touched_pixels_are_those_of_objects_from_their_first_touch_on():
    objects = torch.zeros(1, 4, 2, 3, dtype=torch.uint8)
    objects[0, :, 0, 0], objects[0, :, 1, 1], objects[0, :, 1, 2] = 1, 2, 255
    contacts = torch.zeros(1, 4, 6, dtype=torch.bool)
    contacts[0, 0, 0] = True  # on the way to a known frame: nothing that has to be predicted
    contacts[0, 2, 1] = True
    clip = Batch(torch.zeros(1, 4, 3, 2, 3), extras={"objects": objects, "contacts": contacts})
    got = touched_pixels(clip, torch.arange(4) < 1)
    expected = torch.zeros(1, 4, 2, 3, dtype=torch.bool)
    expected[0, 2:, 1, 1] = True
    assert torch.equal(got, expected)
    assert touched_pixels(Batch(torch.zeros(1, 4, 3, 2, 3)), KNOWN[:4]) is None


def test_psnr_of_touched_objects_looks_nowhere_else():
    truth = torch.rand(1, 1, 2, 3, 4, 4)
    pixels = torch.zeros(1, 2, 4, 4, dtype=torch.bool)
    pixels[0, 0, 1:3, 1:3] = True
    futures = (1 - truth).expand(-1, 2, -1, -1, -1, -1).clone()
    futures[:, :, 0, :, 1:3, 1:3] = truth[:, :, 0, :, 1:3, 1:3] + 0.1
    got = psnr_of_touched(futures, truth, pixels)
    assert got[..., 0].tolist() == [pytest.approx([20.0, 20.0], abs=1e-3)]
    assert got[..., 1].isnan().all(), "nothing touched yet is no score, not a bad one"


def test_frames_and_clips_without_a_touch_do_not_count(result, clips):
    """Copy-last on touched pixels, by hand."""
    frames, pixels = clips.frames.double() / 255, touched_pixels(clips, KNOWN)
    of_clips = []
    for clip, mask in zip(frames, pixels):
        of_frames = []
        for t in range(2, len(clip)):
            if mask[t].any():
                error = (clip[1] - clip[t])[:, mask[t]].square().mean(-1)
                of_frames.append((-10 * error.clamp(min=1e-10).log10()).mean().item())
        if of_frames:
            of_clips.append(sum(of_frames) / len(of_frames))
    assert of_clips
    got = result["baselines"]["copy_last"]["metrics"]["psnr_touched_db"]["mean"]
    assert got == pytest.approx(sum(of_clips) / len(of_clips), abs=1e-3)


def test_a_single_clip_has_nobody_to_take_actions_from(clips):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.modules["vp.evaluation.eval_rows"], "MEAN_CLIPS", 3)
        model = SimpleNamespace(name="obedient", predictor=Obedient(clips), family=SimpleNamespace(reference_rows={}))
        result = evaluate(model, "push", 1, 1)
    assert list(result["rows"]) == ["true actions", "zero actions"] and "true_over_zero_db" in result["actions"]


def test_a_model_that_wants_other_actions_gets_one_sentence(clips):
    predictor = Obedient(clips)
    predictor.capabilities = Capabilities(channels=(3,), size=64, actions=Actions(tuple("abc"), ((-1, 1),) * 3))
    model = SimpleNamespace(name="obedient", predictor=predictor, family=SimpleNamespace(reference_rows={}))
    with pytest.raises(ValueError, match=r"actions of 4 numbers a frame came; this model takes 3 \(a, b, c\)"):
        evaluate(model, "push", 1, 1)
