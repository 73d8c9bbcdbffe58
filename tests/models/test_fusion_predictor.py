"""Predicting by way of fusion pictures: shown, replaced, painted on."""

import pytest
import torch

from vp.core.predictor import seed_grid
from vp.core.video import Observation
from vp.models.fusion.pictures import fusion_pictures, to_overlay
from vp.models.fusion.predictor import FusionOptions

from .fusion_configs import OVERLAY, clips, model

LENGTH, PAST = 10, 4


def predict(predictor, frames, samples=1, pictures=None, target=None, **options):
    observation = Observation.prefix(frames, PAST, LENGTH, pictures=pictures, target=target)
    return predictor.predict(observation, seed_grid(0, len(frames), samples), FusionOptions(**options))


@pytest.fixture(scope="module", params=["stack", "overlay"])
def predictor(request):
    torch.manual_seed(0)
    return model() if request.param == "stack" else model(drawing=OVERLAY)


def test_pictures_of_every_frame_are_shown_in_colour_and_the_true_ones_where_known(predictor):
    frames, drawing = clips(), predictor.cfg.drawing
    got = predict(predictor, frames, samples=3)
    assert set(got.pictures) == {"fusion"} and got.pictures["fusion"].shape == (2, 3, LENGTH, 3, 32, 32)
    true = to_overlay(fusion_pictures(frames, drawing, PAST), drawing)
    torch.testing.assert_close(got.pictures["fusion"][:, 0, :PAST], true[:, :PAST])
    with_target = predict(predictor, frames, target=frames)
    torch.testing.assert_close(with_target.pictures["fusion_true"][:, 0], true)
    assert torch.equal(with_target.frames, got.frames[:, :1])


def test_frames_are_painted_from_true_pictures_on_request_and_only_with_a_target(predictor):
    frames = clips()
    usual = predict(predictor, frames, target=frames, translator="plain")
    observation = Observation.prefix(frames, PAST, LENGTH, target=frames)
    upper = predictor.predict(observation, seed_grid(0, 2, 1), FusionOptions(pictures="true", translator="plain"))
    assert not torch.allclose(usual.frames, upper.frames)
    torch.testing.assert_close(upper.pictures["fusion"], upper.pictures["fusion_true"])
    with pytest.raises(ValueError, match="pictures is 'true', but there is no true clip"):
        predictor.check(Observation.prefix(frames, PAST, LENGTH), FusionOptions(pictures="true"))


def test_each_option_changes_the_frames_and_leaves_the_pictures(predictor):
    frames = clips()
    usual = predict(predictor, frames)
    for change in ({"translator": "plain"}, {"sharpen": False}):
        other = predict(predictor, frames, **change)
        assert not torch.allclose(usual.frames, other.frames) and torch.equal(usual.pictures["fusion"], other.pictures["fusion"])


def test_a_painted_picture_changes_its_frame_and_no_other(predictor):
    frames = clips()
    usual = predict(predictor, frames)
    painted = torch.full((2, LENGTH, 3, 32, 32), float("nan"))
    painted[0, 6] = usual.pictures["fusion"][0, 0, 6]
    painted[0, 6, :, 4:12, 4:12] = torch.tensor([0.3, 0.0, 0.0]).view(3, 1, 1)  # a patch of the segment's red
    got = predict(predictor, frames, pictures={"fusion": painted})
    changed = (got.frames != usual.frames).flatten(3).any(-1)[:, 0]
    assert changed.nonzero().tolist() == [[0, 6]]
    torch.testing.assert_close(got.pictures["fusion"][0, 0, 6], painted[0, 6])


def test_true_pictures_of_frames_to_come_are_never_replaced(predictor):
    frames, painted = clips(), torch.full((2, LENGTH, 3, 32, 32), float("nan"))
    painted[:, 6] = 0.5
    usual, got = (predict(predictor, frames, target=frames, pictures=x) for x in (None, {"fusion": painted}))
    wishes = [Observation.prefix(frames, PAST, LENGTH, target=frames, pictures=x) for x in (None, {"fusion": painted})]
    true, same = (predictor.predict(wish, seed_grid(0, 2, 1), FusionOptions(pictures="true")) for wish in wishes)
    assert torch.equal(true.frames, same.frames) and not torch.equal(usual.frames, got.frames)


def test_giving_its_own_pictures_back_changes_nothing(predictor):
    frames = clips()
    usual = predict(predictor, frames)
    again = predict(predictor, frames, pictures={"fusion": usual.pictures["fusion"][:, 0]})
    torch.testing.assert_close(again.frames, usual.frames, atol=1e-4, rtol=0)


def test_another_segmenters_pictures_of_known_frames_lead_the_prediction(predictor):
    frames = clips()
    given = torch.full((2, LENGTH, 3, 32, 32), float("nan"))
    given[:, :PAST] = 0.0
    got, usual = predict(predictor, frames, pictures={"fusion": given}), predict(predictor, frames)
    assert not torch.allclose(got.pictures["fusion"][:, :, PAST:], usual.pictures["fusion"][:, :, PAST:])
    assert torch.equal(got.frames[:, :, :PAST], usual.frames[:, :, :PAST])


def test_pictures_of_another_shape_are_refused(predictor):
    with pytest.raises(ValueError, match=r"fusion pictures are \(2, 3, 32, 32\); give one in RGB for every frame"):
        predict(predictor, clips(), pictures={"fusion": torch.zeros(2, 3, 32, 32)})


def test_steps_go_by_calls_and_fewer_known_frames_are_refused_with_the_reason(predictor):
    steps = list(predictor.stream(Observation.prefix(clips(), PAST, LENGTH), seed_grid(0, 2, 1)))
    assert [step.index for step in steps] == [4, 6] and {step.total for step in steps} == {6}
    assert torch.equal(steps[0].preview[:, :, :8], steps[1].preview[:, :, :8])
    with pytest.raises(ValueError, match="3 known frames came; this model takes 4 or more: its 3D U-Net reads 4 fusion pictures"):
        predictor.check(Observation.prefix(clips(), 3, LENGTH))
