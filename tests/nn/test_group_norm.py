"""Group normalisation with statistics in float32."""

import pytest
import torch
from torch import nn

from vp.nn.group_norm import GroupNorm


def pair(channels: int, groups: int) -> tuple[GroupNorm, nn.GroupNorm]:
    """Ours and torch's, with the same weights, none of them 1 or 0."""
    ours, plain = GroupNorm(groups, channels), nn.GroupNorm(groups, channels)
    with torch.no_grad():
        ours.weight.uniform_(0.5, 1.5)
        ours.bias.normal_()
    plain.load_state_dict(ours.state_dict())
    return ours, plain


def test_it_is_torchs_in_float32_and_nearer_to_it_than_torchs_in_bfloat16():
    (ours, plain), x = pair(8, 4), 3 + torch.randn(2, 8, 6, 6)
    assert torch.equal(ours(x), plain(x))
    half = x.bfloat16().contiguous(memory_format=torch.channels_last)
    got = ours(half)
    assert got.dtype == torch.bfloat16 and got.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(got, plain(half.float()).bfloat16(), rtol=0, atol=0)


@pytest.mark.parametrize("side", [8, 16, 32])
@pytest.mark.parametrize("order", [torch.channels_last, torch.contiguous_format])
def test_without_gradients_it_is_the_same_to_bfloat16s_precision(side, order):
    (ours, plain), x = pair(24, 8), 2 + 3 * torch.randn(3, 24, side, side)
    half = x.bfloat16().contiguous(memory_format=order)
    with torch.no_grad():
        got, want = ours(half), plain(half.float())
    assert got.dtype == torch.bfloat16 and got.shape == x.shape
    torch.testing.assert_close(got.float(), want, rtol=0.01, atol=0.03)


def test_maps_that_are_the_same_everywhere_become_the_bias():
    ours, _ = pair(8, 4)
    with torch.no_grad():
        got = ours(torch.full((1, 8, 16, 16), 5.0, dtype=torch.bfloat16))
    torch.testing.assert_close(got.float(), ours.bias.view(1, 8, 1, 1).expand(got.shape), rtol=0, atol=0.05)


def test_its_weights_are_stored_as_torchs():
    assert GroupNorm(4, 8).state_dict().keys() == nn.GroupNorm(4, 8).state_dict().keys()
