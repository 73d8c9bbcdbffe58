"""Warps by places that are no places: no crash, and what cannot be known is NaN."""

import numpy as np
import pytest
import torch

from vp.models.baselines.dense_flow import estimate_flow
from vp.nn.optical_flow import dis_flow
from vp.nn.warp import warp

BAD = [float("nan"), float("inf"), -float("inf")]


@pytest.mark.parametrize("bad", [*BAD, 1e30, -1e30])
@pytest.mark.parametrize("shape", [(1, 64, 64), (3, 7, 5), (16, 96, 96), (2, 1, 1)])
def test_forward_and_backward_live(bad, shape):
    """Without care the process crashes in backward (pytorch issue 24823)."""
    images = torch.rand(3, *shape, requires_grad=True)
    flow = torch.randn(3, 2, *shape[1:])
    flow[1, 0, : shape[1] // 2 + 1] = bad
    flow.requires_grad_()
    out = warp(images, flow)
    out.nansum().backward()
    odd = ~flow.isfinite().all(1, keepdim=True).expand_as(out)
    assert torch.equal(out.isnan(), odd) and flow.grad.isfinite().all() and images.grad.isfinite().all()
    assert torch.equal(out[::2], warp(images, flow.nan_to_num(0, 0, 0))[::2])


@pytest.mark.parametrize("bad", [*BAD, 1e30])
def test_optical_flow_of_frames_that_are_not_finite(bad):
    frames = torch.rand(1, 3, 32, 32)
    spoiled = frames.clone()
    spoiled[..., 8:20] = bad
    for one, other in ((frames, spoiled), (spoiled, frames)):
        for method in ("dis", "farneback"):
            assert np.isfinite(estimate_flow(one, other, method).numpy()).all()
        assert dis_flow(one, other).isfinite().all()
