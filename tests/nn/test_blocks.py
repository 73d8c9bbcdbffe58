"""Blocks shared by families: known answers."""

import pytest
import torch

from vp.nn.conv_lstm import ConvLSTMCell
from vp.nn.warp import resize_bilinear, warp


def test_conv_lstm_on_one_pixel_is_the_lstm_of_torch():
    """With 1x1 maps the convolution is a matrix product, and torch's LSTMCell does the same arithmetic."""
    cell, plain = ConvLSTMCell(3, 4, kernel=1), torch.nn.LSTMCell(3, 4)
    weight, bias = cell.gates.weight[:, :, 0, 0], cell.gates.bias
    order = torch.cat([torch.arange(4), 4 + torch.arange(4), 12 + torch.arange(4), 8 + torch.arange(4)])  # i f o g -> i f g o
    with torch.no_grad():
        plain.weight_ih.copy_(weight[order, :3])
        plain.weight_hh.copy_(weight[order, 3:])
        plain.bias_ih.copy_(bias[order])
        plain.bias_hh.zero_()
    state, expected = cell.zero_state(2, 1, 1, torch.zeros(1)), None
    for x in torch.randn(5, 2, 3):
        state = cell(x[..., None, None], state)
        expected = plain(x, expected)
    torch.testing.assert_close(state[0][..., 0, 0], expected[0])
    torch.testing.assert_close(state[1][..., 0, 0], expected[1])


def test_a_fresh_cell_remembers():
    assert (ConvLSTMCell(2, 3).gates.bias[3:6] == 1).all()


@pytest.mark.parametrize(("side", "kept"), [(6, torch.float32), (65, torch.bfloat16)])
def test_what_a_cell_computes_in_bfloat16_without_gradients_is_as_near_as_bfloat16_is(side, kept):
    cell, x, state = ConvLSTMCell(3, 8), torch.randn(2, 3, side, side), tuple(torch.randn(2, 2, 8, side, side))
    with torch.inference_mode():
        want = cell(x, state)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            got = cell(x, state)
    assert [part.dtype for part in got] == [torch.bfloat16, kept], "small maps are converted, and their memory stays so"
    torch.testing.assert_close([part.float() for part in got], list(want), rtol=0.02, atol=0.02)


@pytest.mark.parametrize("size", [(16, 24), (3, 5), (4, 6)])
def test_maps_are_widened_as_torch_interpolates_them(size):
    maps = torch.randn(2, 3, 4, 6, requires_grad=True)
    want = torch.nn.functional.interpolate(maps, size=size, mode="bilinear", align_corners=False)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        got = resize_bilinear(maps, size)
    torch.testing.assert_close(got, want, rtol=0, atol=1e-5)
    got.square().sum().backward()
    assert maps.grad.abs().sum() > 0


def test_a_whole_flow_moves_pixels_exactly_and_repeats_the_edge():
    picture = torch.rand(1, 2, 6, 7)
    flow = torch.zeros(1, 2, 6, 7)
    flow[:, 0], flow[:, 1] = 2, -1  # look 2 px right and 1 px up: content moves 2 left and 1 down
    out = warp(picture, flow)
    torch.testing.assert_close(out[..., 1:, :5], picture[..., :-1, 2:])
    torch.testing.assert_close(out[..., 1:, 5:], picture[..., :-1, -1:].expand(-1, -1, -1, 2))


def test_half_a_pixel_is_the_mean_of_two():
    picture = torch.rand(1, 1, 4, 6)
    out = warp(picture, torch.tensor([0.5, 0.0])[None, :, None, None].expand(1, 2, 4, 6))
    torch.testing.assert_close(out[..., :-1], (picture[..., 1:] + picture[..., :-1]) / 2)


def test_the_flow_gets_a_gradient():
    flow = torch.zeros(1, 2, 4, 4, requires_grad=True)
    warp(torch.rand(1, 1, 4, 4), flow).square().sum().backward()
    assert flow.grad.abs().sum() > 0
