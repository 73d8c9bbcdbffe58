"""Things are found in frames that are mostly noise, where no single frame would tell; nothing is followed where nothing is."""

import pytest
import torch
from torch import Tensor

from vp.nn.paths import middles
from vp.nn.tracks import QUIET, WALL, evidence, tracks, unexplained

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


def frame_of(tau: float, picture: Tensor) -> Tensor:
    """A noisy frame (1, 1, 1, 64, 64) of it."""
    noise = torch.randn(picture.shape, generator=torch.Generator().manual_seed(3))
    return (tau * (2 * picture - 1) + (1 - tau) * noise)[None, None, None]


def test_evidence_is_how_much_likelier_a_frame_is_with_the_thing_there_than_elsewhere():
    tau, picture = 0.3, drawn([going((20, 22))])[0, 0]
    noisy = frame_of(tau, picture)
    got = evidence(picture[None, None, None], noisy, torch.tensor([[tau]]))[0, 0, 0]

    def likelihood(dx: int, dy: int) -> Tensor:
        return -(noisy - tau * (2 * picture.roll((dy, dx), (0, 1)) - 1)).square().sum() / (2 * (1 - tau) ** 2)

    for dx, dy in ((5, -3), (-18, 20)):
        want = likelihood(0, 0) - likelihood(dx, dy)
        torch.testing.assert_close(got[40, 40] - got[dy + 40, dx + 40], want, atol=1e-2, rtol=1e-3)


def test_a_thing_is_unlikely_to_leave_the_frame():
    picture = drawn([going((20, 22))])[0, 0]  # ten pixels wide
    got = evidence(picture[None, None, None], torch.zeros(1, 1, 1, 64, 64), torch.zeros(1, 1))[0, 0, 0]
    torch.testing.assert_close(got[40, [20, 40, 74]], torch.zeros(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(got[40, [18, 75]], torch.tensor([-2 * WALL, -WALL]), atol=1e-4, rtol=0)


def test_a_thing_hidden_by_another_is_worth_nothing_where_the_other_is_already_explained():
    tau, pictures = 0.3, drawn([going((20, 22)), going((20, 22))])[:, 0]
    level, both = torch.tensor([[tau]]), pictures.amax(0)
    maps = evidence(pictures[None, :, None], tau * (2 * both - 1)[None, None, None], level)
    free = unexplained(maps, pictures[None, :, None], level, torch.zeros(1, 2, 1, 2))[0, :, 0]
    against = 2 * tau**2 / (1 - tau) ** 2
    want = [against * (p.sum() + (p - p * q).sum()) for p, q in (pictures, pictures.flip(0))]
    torch.testing.assert_close(free[:, 40, 40], torch.stack(want), atol=1e-2, rtol=1e-3)


def test_what_is_noisier_than_quiet_is_not_sure():
    picture = drawn([going((20, 22))])[None, :, :1]
    for tau, told in ((QUIET - 0.01, False), (QUIET + 0.01, True)):
        level = torch.full((1, 3), tau)
        sure = tracks(picture, frame_of(tau, picture[0, 0, 0])[:, [0, 0, 0]], level, [1.0] * 3, torch.zeros(1, 1, 2))[1]
        assert (sure > 0).tolist() == [[[told] * 3]]
