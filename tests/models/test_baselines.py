"""Copy-last and flow extrapolation on motions whose continuation is known."""

import pytest
import torch

from vp.core.predictor import seed_grid
from vp.core.runtime import Runtime
from vp.core.video import Observation
from vp.metrics import psnr
from vp.models.baselines import BLEND, COPY_LAST, COPY_NEAREST, FLOW, FLOW_BETWEEN, FLOW_RANDOM
from vp.models.baselines.dense_flow import METHODS, estimate_flow
from vp.models.baselines.flow_random import CELLS, draw_motion, velocity_residual


def predictor(family):
    config = family.tiny()
    return family.predictor(config, family.networks(config), Runtime.pick("cpu", "fp32"))


def predict(family, observation, samples=1, seed=0, **options):
    model = predictor(family)
    seeds = seed_grid(seed, len(observation.frames), samples)
    return model.predict(observation, seeds, model.options_type.parse(options)).frames


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


def texture(length=8, height=96, width=128, dx=1.5, dy=-0.5, channels=3):
    """Waves in every direction that fill the frame and slide at constant velocity: float32 (1, T, C, H, W)."""
    t, c = torch.arange(length).view(-1, 1, 1, 1), torch.arange(channels).view(-1, 1, 1)
    y, x = torch.arange(height).view(-1, 1) - dy * t, torch.arange(width) - dx * t
    waves = ((0.3, 0.1, 0.11), (-0.2, 0.25, 0.1), (0.05, 0.4, 0.12), (0.5, -0.3, 0.08))
    return (0.5 + sum(size * (x * a + y * b + c * (1 + a)).sin() for a, b, size in waves))[None]


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


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("method", ["dis", "farneback"])
def test_the_flow_of_a_translation_is_right_to_a_fraction_of_a_pixel(method, channels):
    clip = texture(channels=channels)
    found = estimate_flow(clip[:, 0], clip[:, 1], method)[0, :, 16:-16, 16:-16]
    assert (found - torch.tensor([1.5, -0.5])[:, None, None]).norm(dim=0).mean() < 0.1


def test_auto_is_farneback_up_to_64_px_and_dis_above():
    for size, method in (((64, 90), "farneback"), ((65, 90), "dis")):
        a, b = texture(2, *size)[0].split(1)
        assert torch.equal(estimate_flow(a, b), estimate_flow(a, b, method))
        assert not torch.equal(estimate_flow(a, b), estimate_flow(a, b, "dis" if method == "farneback" else "farneback"))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("family", [FLOW, FLOW_RANDOM, FLOW_BETWEEN], ids=lambda family: family.name)
def test_a_texture_goes_on_to_within_a_fraction_of_a_pixel(family, method):
    """Copying the last frame is off by 1.6 px a frame: 20 dB at the first, 14 at the fourth."""
    clip = texture(7)
    got = predict(family, Observation.prefix(clip, 3), samples=8, method=method)[0, :, 3:]
    inside = (..., slice(16, -16), slice(16, -16))
    each = psnr(got[inside], clip[0, 3:][inside])
    off = 0.25 if family is FLOW_RANDOM else 1  # its best sample keeps the speed by chance only
    assert (each.amax(0) > torch.tensor([35, 33, 31, 29]) - 10 * (1 - off)).all(), each.amax(0)


@pytest.mark.parametrize(
    ("family", "known"),
    [
        (FLOW, [1, 1, 1, 0, 0]),
        (FLOW_RANDOM, [1, 1, 1, 0, 0]),
        (FLOW_RANDOM, [1, 1, 0, 0, 0]),
        (FLOW_BETWEEN, [1, 1, 1, 0, 0]),
        (FLOW_BETWEEN, [0, 1, 0, 0, 1]),
    ],
)
def test_a_still_clip_stays_still_bit_for_bit(family, known):
    known = torch.tensor(known).bool()
    still = torch.rand(1, 1, 3, 70, 90, generator=torch.Generator().manual_seed(0)).expand(1, 5, -1, -1, -1)
    got = predict(family, Observation(still.masked_fill(~known.view(1, -1, 1, 1, 1), float("nan")), known), samples=3)
    assert torch.equal(got, still[:, None].expand_as(got))


def test_random_flow_differs_by_seed_and_by_what_it_cannot_know():
    clip = texture(6)
    observation = Observation.prefix(clip, 3)
    one, same, other = (predict(FLOW_RANDOM, observation, samples=4, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(one, same) and not torch.equal(one, other)
    apart = (one[0, :, None, 3:] - one[0, None, :, 3:]).abs().mean((3, 4, 5))
    assert (apart[..., 0] + torch.eye(4) > 0.002).all() and (apart[..., 2] + torch.eye(4) > apart[..., 0]).all()


def test_the_dice_of_random_flow_have_the_distributions_they_are_said_to_have():
    speeds, dampings, fields = draw_motion(seed_grid(0, 1, 1500), 64, 96)
    for values, low, high in ((speeds, 0.5, 1.3), (dampings, 0.8, 1.0)):
        quantiles = values.flatten().quantile(torch.tensor([0.0, 0.25, 0.5, 0.75, 1.0]))
        expected = low + (high - low) * torch.tensor([0.0, 0.25, 0.5, 0.75, 1.0])
        assert ((quantiles - expected).abs() < 0.06 * (high - low)).all() and values.min() >= low and values.max() <= high
    assert fields.shape == (1, 1500, 2, 64, 96) and fields.mean().abs() < 0.02
    at_nodes = fields[0, :, :, 4 :: 64 // CELLS, 4 :: 64 // CELLS].std(0)
    assert ((at_nodes - 1).abs() < 0.25).all()
    neighbours, far = ((fields[0, :, 0, 20, 20] * fields[0, :, 0, 20, 20 + step]).mean() for step in (1, 40))
    assert neighbours > 0.7 and far.abs() < 0.1, "smooth, and independent far away"


def test_the_residual_is_how_far_the_velocity_changed_in_pixels_a_frame():
    steady = texture(3, dx=2, dy=0)
    t = torch.tensor([0.0, 0.5, 2.5])  # 0.5 px, then 2 px
    y, x = torch.arange(96).view(-1, 1), torch.arange(128) - t.view(-1, 1, 1)
    faster = (0.5 + 0.2 * (x * 0.3 + y * 0.2).sin() + 0.2 * (x * 0.1 - y * 0.35).cos())[None, :, None]
    inside = (..., slice(24, -24), slice(24, -24))
    for clip, expected, tolerance in ((steady, 0, 0.15), (faster, 1.5, 0.3)):
        last = -estimate_flow(clip[:, 2], clip[:, 1], "dis")
        got = velocity_residual(clip, last, "dis")
        assert got.shape == (1, 1, 96, 128) and got[inside].mean() == pytest.approx(expected, abs=tolerance)
    last = -estimate_flow(faster[:, 2], faster[:, 1], "dis")
    assert velocity_residual(faster[:, 1:], last, "dis")[inside].mean() == pytest.approx(1, abs=0.2), (
        "half of the speed, from two frames"
    )


def test_the_frames_between_two_are_nearly_exact_and_beyond_them_the_motion_goes_on():
    clip, known = texture(9), torch.zeros(9).bool()
    known[[2, 6]] = True
    got = predict(FLOW_BETWEEN, Observation(clip.masked_fill(~known.view(1, -1, 1, 1, 1), float("nan")), known))[0, 0]
    inside = (..., slice(20, -20), slice(20, -20))
    db = psnr(got[inside], clip[0][inside])
    assert (db[3:6] > 36).all(), "6.3 px apart"
    assert (db[[1, 7]] > 33).all() and (db[[0, 8]] > 28).all()
    blended = predict(BLEND, Observation(clip.masked_fill(~known.view(1, -1, 1, 1, 1), float("nan")), known))[0, 0]
    assert (db[3:6] > psnr(blended[inside], clip[0][inside])[3:6] + 12).all()


def test_a_curved_path_meets_what_slows_down_where_a_straight_one_does_not():
    """A texture that slows down, of which two known frames say nothing, and four say all."""
    at = torch.arange(15.0)
    shifts = 0.9 * at - 0.03 * at.square()
    clip = torch.cat([texture(2, dx=shifts[t].item(), dy=0)[:, 1:] for t in range(15)], 1)
    known = torch.tensor([t < 2 or t > 12 for t in range(15)])
    observation = Observation(clip.masked_fill(~known.view(1, -1, 1, 1, 1), float("nan")), known)
    straight, curved = (
        (predict(FLOW_BETWEEN, observation, path=path)[0, 0] - clip[0])[~known, ..., 16:-16].abs().mean()
        for path in ("straight", "curved")
    )
    assert curved < straight / 3
    assert torch.equal(predict(FLOW_BETWEEN, observation), predict(FLOW_BETWEEN, observation, path="straight"))


def test_with_one_frame_nothing_moves_between_or_beyond():
    frames, known = torch.rand(2, 4, 1, 20, 24), torch.tensor([False, True, False, False])
    got = predict(FLOW_BETWEEN, Observation(frames, known), samples=2)
    assert torch.equal(got, frames[:, None, [1]].expand_as(got))


def test_flow_of_a_still_clip_is_that_clip():
    still = drifting_texture(dx=0)
    difference = (predict(FLOW, Observation.prefix(still, 3))[:, 0] - still).abs()
    assert difference[..., 12:-12, 12:-12].max() < 1e-5  # the border is Farneback's weak spot, by itself
    assert difference.mean() < 1e-3


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (7, 5), (16, 31), (33, 130)])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("family", [FLOW, FLOW_RANDOM, FLOW_BETWEEN], ids=lambda family: family.name)
def test_flow_works_at_any_size(size, channels, method, family):
    observation = Observation.prefix(torch.rand(2, 2, channels, *size), 2, 5)
    frames = predict(family, observation, samples=2, method=method)
    assert frames.shape == (2, 2, 5, channels, *size)
    assert frames.min() >= 0 and frames.max() <= 1  # a NaN would fail both


def test_flow_needs_two_frames_and_a_prefix():
    with pytest.raises(ValueError, match="1 known frames came; this model takes 2 or more"):
        predict(FLOW, Observation.prefix(torch.rand(1, 1, 1, 8, 8), 1, 3))
    with pytest.raises(ValueError, match="not a prefix"):
        predict(FLOW, Observation(torch.rand(1, 3, 1, 8, 8), torch.tensor([True, False, True])))


@pytest.mark.parametrize("family", [COPY_LAST, FLOW, FLOW_RANDOM, FLOW_BETWEEN], ids=lambda family: family.name)
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
