"""Copy-last and flow extrapolation on motions whose continuation is known."""

import pytest
import torch

from vp.core.predictor import seed_grid
from vp.core.runtime import Runtime
from vp.core.video import Observation
from vp.metrics import psnr
from vp.models.baselines import BLEND, COPY_LAST, COPY_NEAREST, FLOW


def predictor(family):
    config = family.tiny()
    return family.predictor(config, family.networks(config), Runtime.pick("cpu", "fp32"))


def predict(family, observation, samples=1):
    return predictor(family).predict(observation, seed_grid(0, len(observation.frames), samples)).frames


def moving_blob(length=8, height=48, width=56, dx=2.0, dy=-1.0, channels=1):
    """A smooth bright blob on black at constant velocity: float32 (1, T, C, H, W)."""
    t = torch.arange(length).view(-1, 1, 1)
    y, x = torch.arange(height).view(-1, 1), torch.arange(width)
    distance = (x - 18 - dx * t).square() + (y - 28 - dy * t).square()
    return (-distance / 50).exp().view(1, length, 1, height, width).repeat(1, 1, channels, 1, 1)


def drifting_texture(length=8, size=64, dx=1.5):
    """Smooth waves that fill the frame and slide to the right: float32 (1, T, 1, size, size)."""
    t = torch.arange(length).view(-1, 1, 1)
    y, x = torch.arange(size).view(-1, 1), torch.arange(size) - dx * t
    return (0.5 + 0.25 * (x / 4).sin() + 0.25 * (x / 7 + y / 5).cos())[None, :, None].clamp(0, 1)


@pytest.mark.parametrize(
    ("known", "copied"),
    [
        ([1, 1, 0, 0, 0], [0, 1, 1, 1, 1]),
        ([0, 0, 1, 0, 0], [2, 2, 2, 2, 2]),
        ([0, 1, 0, 0, 1], [1, 1, 1, 1, 4]),
    ],
)
def test_copy_last_copies_the_nearest_known_frame_before_else_the_first(known, copied):
    frames = torch.rand(2, 5, 3, 4, 6)
    unknown = frames.masked_fill(~torch.tensor(known).bool().view(1, 5, 1, 1, 1), float("nan"))
    got = predict(COPY_LAST, Observation(unknown, torch.tensor(known).bool()), samples=3)
    assert torch.equal(got, frames[:, copied][:, None].repeat(1, 3, 1, 1, 1, 1))


CLIPS = {"blob": moving_blob(), "rgb blob": moving_blob(channels=3), "drift": drifting_texture()}


@pytest.mark.parametrize("clip", CLIPS.values(), ids=CLIPS)
def test_flow_continues_constant_motion(clip):
    """Errors of the velocity add up: 37-39 dB one frame ahead, 26-28 three ahead; copying is always 7 dB worse."""
    observation = Observation.prefix(clip, 2)
    inside = (..., slice(12, -12), slice(12, -12))  # what slid in over the border cannot be known
    flow = psnr(predict(FLOW, observation)[0, 0, 2:][inside], clip[0, 2:][inside])
    copied = psnr(predict(COPY_LAST, observation)[0, 0, 2:][inside], clip[0, 2:][inside])
    assert flow[0] > 35 and flow[2] > 25
    assert (flow > copied + 6).all()


def test_flow_of_a_still_clip_is_that_clip():
    still = drifting_texture(dx=0)
    difference = (predict(FLOW, Observation.prefix(still, 3))[:, 0] - still).abs()
    assert difference[..., 12:-12, 12:-12].max() < 1e-5  # the border is Farneback's weak spot, by itself
    assert difference.mean() < 1e-3


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (7, 5), (16, 31), (33, 130)])
@pytest.mark.parametrize("channels", [1, 3])
def test_flow_works_at_any_size(size, channels):
    observation = Observation.prefix(torch.rand(2, 2, channels, *size), 2, 5)
    frames = predict(FLOW, observation, samples=2)
    assert frames.shape == (2, 2, 5, channels, *size)
    assert frames.min() >= 0 and frames.max() <= 1  # a NaN would fail both


def test_flow_needs_two_frames_and_a_prefix():
    with pytest.raises(ValueError, match="1 known frames came; this model takes 2 or more"):
        predict(FLOW, Observation.prefix(torch.rand(1, 1, 1, 8, 8), 1, 3))
    with pytest.raises(ValueError, match="not a prefix"):
        predict(FLOW, Observation(torch.rand(1, 3, 1, 8, 8), torch.tensor([True, False, True])))


@pytest.mark.parametrize("family", [COPY_LAST, FLOW], ids=lambda family: family.name)
def test_a_baseline_has_nothing_to_train(family):
    config = family.config()
    assert not list(family.networks(config).parameters()) and family.phases(config) == ()


@pytest.mark.parametrize(
    "name, values",
    [("blend", [1, 1, 2, 3, 4, 4]), ("copy-nearest", [1, 1, 1, 4, 4, 4])],
)
def test_filling_in_mixes_or_copies_the_known_neighbours(name, values):
    frames = torch.full((1, 6, 1, 2, 2), float("nan"))
    frames[:, 1], frames[:, 4] = 0.1, 0.4
    known = torch.tensor([False, True, False, False, True, False])
    family = {"blend": BLEND, "copy-nearest": COPY_NEAREST}[name]
    got = predict(family, Observation(frames, known))
    assert got[0, 0, :, 0, 0, 0].tolist() == pytest.approx([x / 10 for x in values])
