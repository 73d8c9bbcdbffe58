"""Group normalisation in float32."""

import torch
from torch import nn

from vp.nn.group_norm import GroupNorm


def test_it_is_torchs_in_float32_and_nearer_to_it_than_torchs_in_bfloat16():
    ours, plain, x = GroupNorm(4, 8), nn.GroupNorm(4, 8), 3 + torch.randn(2, 8, 6, 6)
    assert torch.equal(ours(x), plain(x))
    half = x.bfloat16().contiguous(memory_format=torch.channels_last)
    got = ours(half)
    assert got.dtype == torch.bfloat16 and got.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(got, plain(half.float()).bfloat16(), rtol=0, atol=0)


def test_its_weights_are_stored_as_torchs():
    assert GroupNorm(4, 8).state_dict().keys() == nn.GroupNorm(4, 8).state_dict().keys()
