"""Motion of our own in training clips."""

import torch

from vp.core.video import Batch
from vp.training.imposed_motion import ACCELERATED, DRAWS, draw_motion, impose_motion, move_view, passed_share, paste_cutouts


def still_ramp(clips, length=9, side=32):
    """Clips that stand still and rise from dark on the left to bright on the right."""
    return torch.linspace(0.2, 0.8, side).expand(clips, length, 1, side, side).clone()


def draws(clips, seed=0):
    return draw_motion(clips, [torch.Generator().manual_seed(seed)])


def test_the_way_that_is_gone_is_even_or_evenly_accelerated():
    gone = passed_share(9, torch.tensor([0.9, 0.1, 0.24]))
    assert torch.equal(gone[:, 0], torch.zeros(3)) and torch.allclose(gone[:, -1], torch.ones(3)) and (gone.diff() >= -1e-6).all()
    assert torch.allclose(gone[0].diff(), torch.full((8,), 1 / 8))
    turns = gone.diff().diff()
    assert turns[1].max() < -1e-3 and turns[2].min() > 1e-3, "below ACCELERATED it slows down or speeds up"
    assert (turns.std(1) < 1e-5).all() and ACCELERATED > 0.24


def test_a_moving_view_of_a_still_clip_moves_evenly_and_shows_nothing_else():
    own = draws(6)[:, 1:7]
    own[:, 1] = 0.5  # no zoom; 7 * 0.5 % 1 = 0.5: even
    seen = move_view(still_ramp(6), own)
    level = seen.mean((2, 3, 4))
    assert seen.min() >= 0.2 - 1e-6 and seen.max() <= 0.8 + 1e-6
    assert (level.diff().diff().abs() < 1e-4).all() and level.diff().abs().max() > 1e-3


def test_a_cutout_drifts_evenly_over_the_clip_and_leaves_the_rest_as_it_is():
    own = draws(6)[:, 9:]
    own[:, 1:8] = torch.tensor(
        [0.9, 0.0, 0.9, 0.5, 0.5, 0.5, 0.5]
    )  # fast, to the right, even, from the middle, neither turned nor grown
    own[:, 0] = 0.0  # small
    made = paste_cutouts(torch.zeros(6, 5, 1, 64, 64), torch.ones(6, 1, 64, 64), own)
    mass = made.sum((2, 3, 4))
    columns = (made.sum((2, 3)) * torch.arange(64.0)).sum(-1) / mass
    rows = (made.sum((2, 4)) * torch.arange(64.0)).sum(-1) / mass
    assert ((mass - mass[:, :1]).abs() < 0.03 * mass).all() and (mass < 0.15 * 64 * 64).all()
    assert (columns.diff() > 1).all() and (columns.diff().diff().abs() < 0.1).all() and (rows.diff().abs() < 0.1).all()


def test_that_share_of_the_clips_gets_either_and_the_generator_decides():
    clips = Batch(torch.rand(10, 4, 3, 16, 16), extras={"recording": torch.arange(10)})
    moved = impose_motion(clips, draws(10), 0.2)
    changed = (moved.frames != clips.frames).flatten(1).any(1)
    assert 2 <= changed.sum() <= 4 and moved.frames.shape == clips.frames.shape
    assert moved.frames.min() >= 0 and moved.frames.max() <= 1 and torch.equal(moved.extras["recording"], torch.arange(10))
    assert torch.equal(impose_motion(clips, draws(10), 0.2).frames, moved.frames)
    assert not torch.equal(impose_motion(clips, draws(10, seed=1), 0.2).frames, moved.frames)
    assert torch.equal(impose_motion(clips, draws(10), 0.0).frames, clips.frames)
    assert draws(10).shape == (10, DRAWS)
