"""Things are found in frames that are mostly noise, where no single frame would tell; nothing is followed where nothing is."""

import pytest
import torch
from torch import Tensor

from vp.nn.paths import middles
from vp.nn.tracks import evidence, tracks

SHAPES = (torch.rand(2, 14, 10, generator=torch.Generator().manual_seed(0)) > 0.4).float()


def going(start: tuple[int, int], *legs: tuple[int, int, int]) -> Tensor:
    """Places (T, 2) of an upper left corner: `start`, and so many steps on with each velocity, (steps, dx, dy)."""
    steps = [(dx, dy) for count, dx, dy in legs for _ in range(count)]
    return torch.tensor([start, *steps]).cumsum(0)


def drawn(courses: list[Tensor]) -> Tensor:
    """Each thing alone in every frame, (K, T, 64, 64)."""
    out = torch.zeros(len(courses), len(courses[0]), 64, 64)
    for frames, shape, course in zip(out, SHAPES, courses):
        for frame, (x, y) in zip(frames, course.tolist()):
            frame[y : y + 14, x : x + 10] = shape
    return out


def looked_for(courses: list[Tensor], tau: float, gap: float = 1.0, channels: int = 1) -> tuple[Tensor, Tensor, Tensor]:
    """How far from the truth each is found in noisy frames after the first, px; how sure that is, and to what share followed."""
    alone = drawn(courses)
    frames = 2 * alone.amax(0)[1:, None].expand(-1, channels, -1, -1) - 1
    noisy = tau * frames + (1 - tau) * torch.randn(frames.shape, generator=torch.Generator().manual_seed(1))
    velocity = torch.stack([course[1] - course[0] for course in courses]) / gap
    pictures = alone[:, :1].expand(-1, channels, -1, -1)
    length = len(frames)
    place, sure, followed = tracks(pictures[None], noisy[None], torch.full((1, length), tau), [gap] * length, velocity[None])
    return (place[0] - middles(alone[:, 1:])[0]).norm(dim=-1), sure[0], followed[0]


@pytest.mark.parametrize("channels", [1, 3])
def test_a_thing_that_goes_straight_on_is_found_in_frames_that_are_nine_parts_noise(channels):
    off, sure, followed = looked_for([going((20, 30), (9, 2, -1))], 0.12, channels=channels)
    assert off.shape == (1, 9) and off.max() < 1.5 and sure.min() > 0.8 and followed.min() > 0.7


def test_a_turn_is_found_by_the_frames_after_it():
    off, _, followed = looked_for([going((30, 10), (4, 3, 2), (6, -4, 1))], 0.2)
    assert off.max() < 1.5 and followed.min() > 0.8


def test_frames_that_lie_apart_are_followed_too():
    assert looked_for([going((8, 20), (6, 6, 2))], 0.2, gap=2.0)[0].max() < 1.5


def test_things_that_cross_keep_apart():
    off, _, followed = looked_for([going((6, 24), (9, 4, 0)), going((44, 26), (9, -4, 0))], 0.2)
    assert off.shape == (2, 9) and off.max() < 1.5 and followed.min() > 0.8


def test_pure_noise_and_empty_pictures_are_not_followed():
    assert looked_for([going((20, 30), (5, 2, -1))], 0.0)[2].max() < 0.05
    nothing = torch.zeros(1, 2, 1, 64, 64)
    place, _, followed = tracks(nothing, torch.randn(1, 4, 1, 64, 64), torch.full((1, 4), 0.5), [1.0] * 4, torch.zeros(1, 2, 2))
    assert followed.max() < 0.05 and place.isfinite().all()


@pytest.mark.parametrize("hidden", [0.0, 0.3])
def test_evidence_is_how_much_likelier_a_frame_is_with_the_thing_there_than_without(hidden):
    tau, generator = 0.3, torch.Generator().manual_seed(3)
    picture, noisy = drawn([going((20, 22))])[0, 0], torch.randn(64, 64, generator=generator)
    free = (torch.rand(64, 64, generator=generator) >= hidden).float()
    share = free[None, None, None] if hidden else None
    got = evidence(picture[None, None, None], noisy[None, None, None], torch.tensor([[tau]]), share)[0, 0, 0]
    for dx, dy in ((0, 0), (5, -3), (-18, 20)):
        there = picture.roll((dy, dx), (0, 1)) * free
        with_it, without = ((noisy - tau * (2 * x - 1)).square().sum() for x in (there, torch.zeros_like(there)))
        want = (without - with_it) / (2 * (1 - tau) ** 2)
        torch.testing.assert_close(got[dy + 40, dx + 40], want, atol=1e-2, rtol=1e-3)
