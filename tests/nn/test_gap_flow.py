"""Optical flow across gaps: other guesses are tried, and a pixel takes the one under which the frames are alike."""

import numpy as np
import pytest
import torch

from vp.nn.gap_flow import flows_between
from vp.nn.optical_flow import dis_flow

TIMES = (0, 1, 9, 10)


@pytest.fixture(scope="module")
def frames():
    """float32 (1, 4, 3, 96, 128): a fine texture that moves 4 px a frame sideways, at TIMES."""
    rng = np.random.default_rng(0)
    world = np.kron(rng.random((48, 120)), np.ones((2, 2)))
    shown = np.stack([world[:, 4 * t : 4 * t + 128] for t in TIMES])
    return torch.from_numpy(shown).float()[None, :, None].repeat(1, 1, 3, 1, 1)


def test_a_motion_too_far_to_match_is_found_from_the_speed_on_either_side(frames):
    forth_true = torch.tensor([-32.0, 0.0]).view(1, 2, 1, 1)
    inner = (..., slice(8, -8), slice(44, -44))  # what both frames show
    missed = (dis_flow(frames[:, 1], frames[:, 2]) - forth_true)[inner].norm(dim=1)
    back, forth = flows_between(frames, TIMES, (96, 128), 96)
    assert back.shape == forth.shape == (1, 3, 2, 96, 128)
    assert missed.median() > 4
    for flow, true in ((forth[:, 1], forth_true), (back[:, 1], -forth_true)):
        assert (flow - true)[inner].norm(dim=1).median() < 0.5


def test_without_a_gap_flows_are_the_estimator_s(frames):
    back, forth = flows_between(frames, (3, 4, 5, 6), (96, 128), 96)
    for k in range(3):
        assert torch.equal(forth[:, k], dis_flow(frames[:, k], frames[:, k + 1]))
        assert torch.equal(back[:, k], dis_flow(frames[:, k + 1], frames[:, k]))
    back, forth = flows_between(frames[:, :1], (7,), (48, 64), 96)
    assert back.shape == forth.shape == (1, 0, 2, 48, 64)
