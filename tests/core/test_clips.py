"""What is done to clips everywhere alike."""

import torch

from vp.core.clips import pad_with_last_frame, previous_frames, repeat_per_sample, shrink_and_enlarge


def test_a_smaller_scale_keeps_flat_pictures_and_means_and_stays_in_range():
    flat, noise = torch.full((2, 3, 1, 8, 8), 0.3), torch.rand(2, 3, 1, 8, 8).round()
    assert torch.equal(shrink_and_enlarge(noise, 1), noise)
    torch.testing.assert_close(shrink_and_enlarge(flat, 2), flat)
    small = shrink_and_enlarge(noise, 2)
    assert small.shape == noise.shape and small.min() >= 0 and small.max() <= 1 and not torch.equal(small, noise)
    edge = torch.zeros(1, 1, 8, 8)
    edge[..., 4:] = 1
    assert shrink_and_enlarge(edge, 2)[0, 0, 4].diff().min() >= -0.1, "an edge stays where it was"
    assert shrink_and_enlarge(edge, 2)[0, 0, 4, 3] < 0.5 < shrink_and_enlarge(edge, 2)[0, 0, 4, 4]


def test_every_frame_has_one_before_it_and_every_sample_its_own_copy():
    frames = torch.rand(2, 3, 1, 4, 4)
    assert torch.equal(previous_frames(frames)[:, 1:], frames[:, :-1]) and torch.equal(
        previous_frames(frames)[:, 0], frames[:, 0]
    )
    copies = repeat_per_sample(frames, torch.zeros(2, 5, dtype=torch.int64))
    assert copies.shape == (2, 5, 3, 1, 4, 4) and torch.equal(copies[:, 4], frames)
    copies[:, 0] = 0.0
    assert torch.equal(copies[:, 1], frames)


def test_a_clip_in_the_making_is_held_at_its_last_frame_and_does_not_change_afterwards():
    frames = torch.rand(2, 6, 1, 4, 4)
    shown = pad_with_last_frame(frames[:, :3], 6)
    assert torch.equal(shown[:, :3], frames[:, :3]) and torch.equal(shown[:, 3:], frames[:, 2:3].expand(-1, 3, -1, -1, -1))
    frames.zero_()
    assert shown.sum() > 0
    assert torch.equal(pad_with_last_frame(frames, 6), frames)
