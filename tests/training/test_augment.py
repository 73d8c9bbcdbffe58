"""Variety in training clips."""

import torch

from vp.core.video import Batch
from vp.data.drawn import is_plain
from vp.training.augment import CLOSER, CONTRAST, LIGHT, draw_variation, vary_clips


def varied(batch: Batch) -> Batch:
    return vary_clips(batch, draw_variation(len(batch.frames), [torch.Generator().manual_seed(0)]))


def ramp(clips=200):
    """Clips that rise from dark on the left to bright on the right, and stand still."""
    return torch.linspace(0.2, 0.8, 16).expand(clips, 3, 1, 16, 16).clone()


def test_half_of_the_clips_are_mirrored_and_a_clip_that_stands_still_goes_on_doing_so():
    frames = varied(Batch(ramp())).frames
    assert torch.equal(frames, frames[:, :1].expand_as(frames)) and frames.min() >= 0 and frames.max() <= 1
    rising = (frames[:, 0, 0, 8, -1] > frames[:, 0, 0, 8, 0]).float().mean()
    assert 0.35 < rising < 0.65
    assert len(frames[:, 0, 0, 8, 8].unique()) > 100, "each in a way of its own"


def test_clips_are_cut_closer_and_lit_within_limits():
    frames = varied(Batch(ramp())).frames
    spread = (frames[:, 0, 0, 8, -1] - frames[:, 0, 0, 8, 0]).abs() / 0.6
    assert (1 - CLOSER) * (1 - CONTRAST) - 0.1 < spread.min() < 0.75 and 1.1 < spread.max() < 1 + CONTRAST + 0.01
    grey = varied(Batch(torch.full((200, 2, 3, 8, 8), 0.5))).frames
    assert (grey - 0.5).abs().max() <= LIGHT + 1e-6 and (grey - 0.5).abs().max() > 0.8 * LIGHT


def test_the_generator_decides_and_clips_with_places_in_them_are_left_alone():
    clips = torch.rand(3, 4, 1, 16, 16)
    assert torch.equal(varied(Batch(clips)).frames, varied(Batch(clips)).frames)
    for batch in (Batch(clips, torch.zeros(3, 4, 2)), Batch(clips, extras={"masks": clips})):
        assert not is_plain(batch)
    numbered = varied(Batch(clips, extras={"recording": torch.arange(len(clips))}))
    assert torch.equal(numbered.frames, varied(Batch(clips)).frames)
    assert is_plain(Batch(clips, extras={"recording": torch.arange(3)}))
    assert numbered.extras["recording"].tolist() == [0, 1, 2]
