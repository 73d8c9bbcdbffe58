"""Packed convolutions are torch's own to the bit, whatever comes after whatever."""

import copy

import pytest
import torch
from torch import nn

from vp.core.packed_conv import MAX_SHAPES, PackedConv2d, is_packable, pack_convolutions
from vp.core.runtime import Runtime

LAYERS = {
    "plain": nn.Conv2d(6, 8, 3, padding=1),
    "strided": nn.Conv2d(6, 8, 4, 2, 1),
    "grouped": nn.Conv2d(6, 8, 3, groups=2),
    "no bias": nn.Conv2d(6, 8, 1, bias=False),
}


@pytest.mark.skipif(not is_packable(nn.Conv2d(1, 1, 1)), reason="torch was built without oneDNN")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", LAYERS)
def test_a_packed_convolution_gives_what_it_gave(name, dtype):
    layer = copy.deepcopy(LAYERS[name]).to(dtype)
    inputs = [torch.rand(n, 6, 12, 10).to(dtype) for n in range(1, MAX_SHAPES + 3)]
    with torch.inference_mode():
        want = [layer(x) for x in inputs]
        packed = pack_convolutions(nn.Sequential(layer))
        assert type(packed[0]) is PackedConv2d
        for _ in range(2):
            for x, y in zip(inputs, want):
                torch.testing.assert_close(packed(x), y, rtol=1e-5 if dtype == torch.float32 else 0.02, atol=1e-5)
                turned = packed(x.to(memory_format=torch.channels_last))
                torch.testing.assert_close(turned.float(), y.float(), rtol=0.02, atol=1e-2)


def test_other_layers_stay_as_they_are():
    layers = nn.Conv2d(2, 2, 3, padding="same"), nn.Conv2d(2, 2, 3, padding_mode="reflect"), nn.ConvTranspose2d(2, 2, 3)
    assert [type(layer) for layer in pack_convolutions(nn.Sequential(*layers))] == [nn.Conv2d, nn.Conv2d, nn.ConvTranspose2d]


def test_it_can_be_left():
    layer = nn.Conv2d(2, 2, 3)
    assert type(Runtime(torch.device("cpu"), bf16=False, packed=False).lowered(layer)) is nn.Conv2d
