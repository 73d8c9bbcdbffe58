"""The matched filter finds what has moved in noise, and says nothing where there is nothing."""

import pytest
import torch

from vp.nn.matching import REACH, corrected, displacements, likelihood, spectrum


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


def blob(x: int, y: int, channels: int = 1) -> torch.Tensor:
    frame = torch.zeros(1, 1, channels, 64, 64)
    frame[..., y : y + 12, x : x + 8] = torch.rand(12, 8, generator=torch.Generator().manual_seed(0)).round()
    return frame


def noisy(frame: torch.Tensor, tau: float) -> torch.Tensor:
    frame = 2 * frame[:, 0] - 1
    return tau * frame + (1 - tau) * noise(*frame.shape)


def found(pictures: torch.Tensor, frame: torch.Tensor, tau: float) -> torch.Tensor:
    return likelihood(pictures, spectrum(frame, torch.tensor([tau])))


def test_what_is_found_is_the_overlap_at_every_displacement():
    thing, frame = torch.rand(1, 1, 1, 20, 17, generator=torch.Generator().manual_seed(2)), noise(1, 1, 20, 17)
    got = found(thing, frame, 0.5)[0, 0].view(2 * REACH + 1, 2 * REACH + 1)
    wide = torch.nn.functional.pad(frame + 0.5, (REACH,) * 4)[0, 0]
    want = wide.unfold(0, 20, 1).unfold(1, 17, 1).mul(thing[0, 0, 0]).sum((-2, -1))
    torch.testing.assert_close(got, 4 * want, atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize(("dx", "dy"), [(0, 0), (4, -3), (-8, 7)])
@pytest.mark.parametrize("gap", [1.0, 2.0])
def test_a_thing_is_found_in_a_frame_that_is_seven_parts_noise(dx, dy, gap):
    evidence = found(blob(26, 24), noisy(blob(26 + dx, 24 + dy), 0.3), 0.3)
    assert evidence.shape == (1, 1, (2 * REACH + 1) ** 2)
    assert displacements(evidence.device)[evidence[0, 0].argmax()].tolist() == [dx, dy]
    still, renewed = torch.zeros(1, 1, 2), torch.ones(1, 1, 1)
    velocity, sure = corrected(still, still, renewed, evidence, gap)
    torch.testing.assert_close(velocity[0, 0], torch.tensor([-dx / gap, -dy / gap]), atol=0.3, rtol=0)
    assert sure[0, 0, 0] > 0.8 > sure[0, 0, 1], "sure after it has looked, not before"


def test_a_thing_at_the_edge_does_not_come_back_in_at_the_other_side():
    evidence = found(blob(56, 50), noisy(blob(0, 50), 0.5), 0.5)
    assert displacements(evidence.device)[evidence[0, 0].argmax()].tolist() != [8, 0]


def test_pure_noise_changes_no_velocity():
    evidence = found(blob(20, 20).expand(1, 3, -1, -1, -1), noise(1, 1, 64, 64), 0.0)
    assert not evidence.any()
    velocity = torch.tensor([[[3.0, 1.0], [-11.0, 0.0], [0.0, 0.0]]])
    before = torch.tensor([[[2.0, 1.0], [4.0, 4.0], [0.0, 0.0]]])
    kept, _ = corrected(velocity, before, torch.full((1, 3, 1), 0.4), evidence, 1.0)
    torch.testing.assert_close(kept, velocity, atol=1e-5, rtol=0)


def test_what_goes_on_as_it_did_is_hardly_shaken_by_noise():
    before = torch.tensor([[[-3.0, 2.0]]])
    evidence = found(blob(26, 24), noisy(blob(29, 22), 0.1), 0.1)
    steady, _ = corrected(before, before, torch.zeros(1, 1, 1), evidence, 1.0)
    torch.testing.assert_close(steady, before, atol=0.5, rtol=0)


def test_colours_count_together():
    grey, colour = (found(blob(20, 20, c), 0.3 * (2 * blob(24, 20, c)[:, 0] - 1), 0.3) for c in (1, 3))
    torch.testing.assert_close(colour, 3 * grey, atol=1e-3, rtol=1e-4)
