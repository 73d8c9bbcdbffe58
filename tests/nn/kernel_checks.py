"""Fused kernels against PyTorch: on a GPU, or in a process that has Triton's interpreter on, as `test_fused` runs them.

Not collected by itself: the interpreter has to be on before triton is imported, and would change every other test.
"""

import os
import warnings

import pytest
import torch
import torch.nn.functional as F

from vp.models.svg_motion.conv_gru import ConvGRUCell
from vp.nn import fused
from vp.nn.blocks import conv_block
from vp.nn.conv_lstm import ConvLSTMCell
from vp.nn.group_norm import GroupNorm

DEVICE = "cpu" if os.environ.get("TRITON_INTERPRET") == "1" else "cuda"
TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 5e-3}  # of the difference's norm, relative
DTYPES, ORDERS = list(TOLERANCE), [torch.contiguous_format, torch.channels_last]


@pytest.fixture(autouse=True)
def kernels_only(monkeypatch):
    """No gradients, no quiet fall back to PyTorch, and no TF32."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    with torch.no_grad(), torch.device(DEVICE), warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def assert_near(got, want, tolerance):
    assert got.shape == want.shape and got.isfinite().all()
    assert (got.float() - want.float()).norm() <= tolerance * want.float().norm()


def expected(x, groups, weight, shift, leak, bias):
    x = x.double() if bias is None else x.double() + bias.double().view(-1, *(1,) * (x.dim() - 2))
    return F.leaky_relu(F.group_norm(x, groups, weight.double(), shift.double()), 1.0 if leak is None else leak)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape, groups", [((2, 12, 7, 5), 2), ((1, 3, 9, 1), 3), ((1, 80, 13, 11), 2), ((2, 4, 1, 1), 1)])
def test_a_normalisation_is_that_of_pytorch_in_float64(shape, groups, dtype, order):
    x = (3 * torch.randn(shape)).to(dtype).contiguous(memory_format=order)
    weight, shift, bias = torch.randn(3, shape[1])
    for leak, added in ((None, None), (0.2, bias.to(dtype))):
        got = fused.group_norm(x, groups, weight, shift, 1e-5, leak, added)
        assert got.dtype == dtype and got.stride() == x.stride()
        assert_near(got, expected(x, groups, weight, shift, leak, added), TOLERANCE[dtype])


def test_a_large_mean_does_not_cancel_the_variance():
    x, ones = 1000 + 0.1 * torch.randn(2, 8, 40, 40), torch.ones(8)
    assert_near(fused.group_norm(x, 2, ones, 0 * ones, 1e-5), expected(x, 2, ones, 0 * ones, None, None), 1e-3)


def test_maps_that_are_not_dense_have_more_axes_or_no_clips():
    weight, shift = torch.randn(2, 6)
    whole = torch.randn(2, 12, 4, 5, 3)
    for x in (whole[:, ::2], whole[:, :6, 1], whole[..., 0][:, 3:9].transpose(2, 3), whole[:1, :6].expand(3, -1, -1, -1, -1)):
        assert_near(fused.group_norm(x, 3, weight, shift, 1e-5), expected(x, 3, weight, shift, None, None), 1e-5)
    deep = whole.contiguous(memory_format=torch.channels_last_3d)[:, :6].contiguous(memory_format=torch.channels_last_3d)
    got = fused.group_norm(deep, 3, weight, shift, 1e-5)
    assert got.stride() == deep.stride()
    assert_near(got, expected(deep, 3, weight, shift, None, None), 1e-5)
    for shape in ((0, 6, 4, 4), (2, 6, 0, 4)):
        assert fused.group_norm(torch.randn(shape), 3, weight, shift, 1e-5).shape == shape


def both(layer, call):
    """What the layer gives with kernels, checked to have been used, and without."""
    launched, launch = [], fused.launch
    fused.launch = lambda *a: launched.append(a[0]) or launch(*a)
    try:
        got = call()
    finally:
        fused.launch = launch
    for part in layer.modules():
        if hasattr(part, "fused"):
            part.fused = False
    return got, call(), launched


@pytest.mark.parametrize("order", ORDERS)
def test_blocks_and_cells_give_the_same_with_and_without(order):
    for layer in (conv_block(6, 8, 2), GroupNorm(2, 6, 0.2)):
        x = torch.randn(1, 6, 9, 7).contiguous(memory_format=order)
        got, want, launched = both(layer, lambda: layer(x))
        assert launched == ["group_norm_kernel"]
        assert_near(got, want, 1e-5)
    x, h, c = (torch.randn(2, n, 9, 7).contiguous(memory_format=order) for n in (5, 12, 12))
    lstm, gru = ConvLSTMCell(5, 12), ConvGRUCell(5, 12)
    got, want, launched = both(lstm, lambda: lstm(x, (h, c)))
    assert launched == ["lstm_kernel"]
    for a, b in zip(got, want):
        assert_near(a, b, 1e-5)
    got, want, launched = both(gru, lambda: gru(x, h))
    assert launched == ["gru_reset_kernel", "gru_update_kernel"]
    assert_near(got, want, 1e-5)


def test_cells_in_bfloat16_keep_their_states_in_float32():
    lstm, gru = ConvLSTMCell(5, 6).bfloat16(), ConvGRUCell(5, 6).bfloat16()
    x, h = (torch.randn(2, n, 6, 7).bfloat16().contiguous(memory_format=torch.channels_last) for n in (5, 6))
    c = torch.randn(2, 6, 6, 7)  # in another order than the gates
    got, want, _ = both(lstm, lambda: lstm(x, (h, c)))
    assert [y.dtype for y in got] == [torch.bfloat16, torch.float32]
    for a, b in zip(got, want):
        assert_near(a, b, 1e-2)  # PyTorch itself rounds every gate to bfloat16
    got, want, _ = both(gru, lambda: gru(x, c))
    assert got.dtype == torch.float32
    assert_near(got, want, 5e-3)


def test_with_gradients_and_in_other_dtypes_pytorch_computes():
    x = torch.randn(1, 8, 4, 4)
    assert fused.can_fuse(x) and not fused.can_fuse(x.double())
    with torch.enable_grad():
        assert not fused.can_fuse(x)
    side = int(fused.LARGEST_GROUP**0.5) + 1
    assert fused.group_norm(torch.zeros(1, 1, side, side), 1, torch.ones(1), torch.zeros(1), 1e-5) is None
