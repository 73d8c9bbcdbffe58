"""The compact network: what its features see and how its layers move."""

import torch

from vp.models.svg import tiny
from vp.models.svg.compact import CompactSVG
from vp.models.svg.network import previous_frames


def test_compact_features_show_the_velocity_and_need_no_frame_before_the_first():
    model = CompactSVG(tiny())
    frames = torch.rand(2, 3, 1, 32, 32)
    assert torch.equal(previous_frames(frames)[:, 1:], frames[:, :-1]) and torch.equal(
        previous_frames(frames)[:, 0], frames[:, 0]
    )
    with torch.no_grad():
        still, moving = (model.encode(frames[:, 2], before)[0] for before in (frames[:, 2], frames[:, 1]))
    assert not torch.allclose(still, moving)
