"""The records that cross boundaries refuse what is wrong, in words."""

import pytest
import torch

from vp.core.video import Batch, Capabilities, Observation


def clip(batch=1, length=6, channels=1, side=8):
    return torch.rand(batch, length, channels, side, side)


def test_a_prefix_pads_with_nan_and_knows_its_length():
    observation = Observation.prefix(clip(length=4), 3, length=10)
    assert observation.frames.shape[1] == 10 and observation.n_past == 3 and observation.is_prefix
    assert observation.frames[:, 3:].isnan().all() and observation.frames[:, :3].isfinite().all()


def test_any_mask_is_told_from_a_prefix():
    known = torch.tensor([True, False, True, False])
    observation = Observation(clip(length=4), known)
    assert observation.n_past == 1 and not observation.is_prefix
    with pytest.raises(ValueError, match="not a prefix"):
        Capabilities().check(observation)
    Capabilities(any_mask=True).check(observation)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: (f.double(), torch.ones(6, dtype=torch.bool)), "float64"),
        (lambda f: (f[0], torch.ones(6, dtype=torch.bool)), r"\(B, T, C, H, W\)"),
        (lambda f: (f, torch.ones(5, dtype=torch.bool)), "one per frame"),
        (lambda f: (f, torch.ones(6)), "known is torch.float32"),
        (lambda f: (f * 255, torch.ones(6, dtype=torch.bool)), r"outside \[0, 1\]"),
        (lambda f: (f * torch.nan, torch.ones(6, dtype=torch.bool)), r"outside \[0, 1\]"),
    ],
)
def test_wrong_tensors_are_refused(change, words):
    frames, known = change(clip() + 0.01)
    with pytest.raises(ValueError, match=words):
        Observation(frames.clamp(max=300), known)


def test_unknown_frames_may_hold_anything():
    frames = clip()
    frames[:, 2:] = torch.nan
    Observation(frames, torch.arange(6) < 2)


@pytest.mark.parametrize(
    ("capabilities", "words"),
    [
        (Capabilities(channels=(3,)), "1 channel.*takes 3"),
        (Capabilities(size=64), "8x8.*64x64"),
        (Capabilities(n_past=(4, None)), "2 known frames came; this model takes 4 or more"),
        (Capabilities(n_future=(1, 3)), "4 frames to predict came; this model takes 1 to 3"),
    ],
)
def test_what_a_model_cannot_take_is_said_in_one_sentence(capabilities, words):
    with pytest.raises(ValueError, match=words):
        capabilities.check(Observation.prefix(clip(), 2))


def test_a_batch_becomes_floats_once():
    batch = Batch(torch.full((1, 2, 1, 4, 4), 255, dtype=torch.uint8)).to("cpu")
    assert batch.frames.dtype == torch.float32 and (batch.frames == 1).all()
    assert batch.to("cpu").frames.equal(batch.frames)
