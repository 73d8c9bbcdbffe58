"""Forward warping."""

import pytest
import torch

from vp.nn.splat import splat


def at(height: int, width: int, *values: tuple[int, int, float]) -> torch.Tensor:
    """float32 (1, 1, H, W) of zeros but for (row, column, value)."""
    out = torch.zeros(1, 1, height, width)
    for row, column, value in values:
        out[..., row, column] = value
    return out


def everywhere(x: float, y: float, height: int = 4, width: int = 6) -> torch.Tensor:
    return torch.tensor([x, y]).view(1, 2, 1, 1).expand(1, 2, height, width)


def test_pixels_go_where_the_flow_says_and_leave_a_gap():
    moved, filled = splat(at(4, 6, (1, 2, 5.0)), everywhere(2, 1), at(4, 6))
    assert torch.equal(moved, at(4, 6, (2, 4, 5.0)))
    assert filled[0, 0, 0].sum() == 0 and filled[0, 0, :, :2].sum() == 0 and filled[0, 0, 1:, 2:].min() == 1


def test_between_pixels_a_value_is_shared_bilinearly_and_even_ground_stays_even():
    moved, filled = splat(at(4, 6, (1, 2, 1.0)), everywhere(0.25, 0), at(4, 6))
    assert moved[0, 0, 1].tolist() == pytest.approx([0, 0, 0.75, 0.25, 0, 0])
    even, _ = splat(torch.full((1, 1, 4, 6), 7.0), everywhere(0.25, 0.5), at(4, 6))
    assert torch.allclose(even[filled > 0][:12], torch.tensor(7.0))


def test_what_is_more_important_hides_what_is_less():
    flow = torch.zeros(1, 2, 4, 6)
    flow[:, 0, 1, 1] = 2.0  # onto the pixel that stays at (1, 3)
    maps = at(4, 6, (1, 1, 1.0), (1, 3, -1.0))
    level, in_front = (splat(maps, flow, at(4, 6, (1, 1, weight)))[0][0, 0, 1, 3] for weight in (0.0, 10.0))
    assert level == 0 and in_front > 0.999


def test_gradients_reach_values_flow_and_importance():
    maps, flow, importance = (torch.rand(2, c, 5, 7, dtype=torch.float64, requires_grad=True) for c in (2, 2, 1))
    assert torch.autograd.gradcheck(lambda *x: splat(*x)[0], (maps, 0.8 * flow + 0.1, importance))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1e30])
def test_a_flow_that_means_nothing_does_not_crash(value):
    flow = torch.zeros(1, 2, 4, 6)
    flow[..., 1, 2] = value
    moved, filled = splat(torch.ones(1, 2, 4, 6), flow, at(4, 6))
    assert moved.shape == (1, 2, 4, 6) and filled.shape == (1, 1, 4, 6)
