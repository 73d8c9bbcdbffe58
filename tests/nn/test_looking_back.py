"""Things are followed back through frames in which they cross and turn."""

import torch

from vp.nn.looking_back import elsewhere, looked_for, seen

SIDE = 48


def crossing(generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Two clips of two things that cross and turn back, each thing alone (B, K, T, H, W), and how far each is from its end."""
    shapes = torch.rand(2, 2, 10, 10, generator=generator)
    x = torch.tensor([[4, 8, 12, 16, 20, 24, 28], [30, 25, 20, 15, 10, 15, 20]])
    y = torch.tensor([[10, 12, 14, 16, 14, 12, 10], [11, 11, 12, 13, 14, 15, 16]])
    alone = torch.zeros(2, 2, 7, SIDE, SIDE)  # clips, things, times
    for k in range(2):
        for t in range(7):
            alone[:, k, t, y[k, t] : y[k, t] + 10, x[k, t] : x[k, t] + 10] = shapes[:, k]
    return alone, torch.stack([x - x[:, -1:], y - y[:, -1:]], -1).float()[None].expand(2, -1, -1, -1)


def test_things_that_cross_and_turn_back_are_found_to_the_pixel():
    alone, truth = crossing(torch.Generator().manual_seed(0))
    torch.testing.assert_close(looked_for(alone[:, :, -1], alone.amax(1)), truth)


def test_what_hid_a_thing_is_gone_from_it_once_it_is_known_where_it_was():
    generator = torch.Generator().manual_seed(1)
    alone, away = crossing(generator)
    alone = torch.stack([alone, 0.5 * alone], 3)  # two channels
    frames, last = alone.amax(1), alone[:, :, -1]
    smeared = (last + 0.3 * frames[:, -1:].roll(3, -1)).clamp(max=1)
    torch.testing.assert_close(seen(smeared, frames, away), last)
    wrong = torch.zeros_like(away)
    torch.testing.assert_close(seen(last, frames, wrong), last)


def test_of_clips_each_keeps_what_explains_it():
    alone, away = crossing(torch.Generator().manual_seed(2))
    frames, last = alone.amax(1)[:, :, None], alone[:, :, -1, None]
    away = torch.stack([away[0], torch.zeros_like(away[1])])
    stored = torch.stack([torch.zeros_like(last[0]), last[1]])
    torch.testing.assert_close(seen(stored, frames, away), last)


def test_pictures_elsewhere_show_nothing_beyond_their_edges():
    picture = torch.arange(1.0, 13).view(1, 1, 1, 1, 3, 4)
    got = elsewhere(picture, torch.tensor([2.0, -1]).view(1, 1, 1, 2))
    assert got[0, 0, 0, 0].tolist() == [[0, 0, 0, 0], [3, 4, 0, 0], [7, 8, 0, 0]]


def test_a_thing_alone_and_a_thing_that_is_not_there():
    frames = torch.zeros(1, 3, SIDE, SIDE)
    frames[0, 0, 5:9, 6:9], frames[0, 1, 6:10, 9:12], frames[0, 2, 7:11, 12:15] = 1, 1, 1
    assert looked_for(frames[:, None, -1], frames)[0, 0].tolist() == [[-6, -2], [-3, -1], [0, 0]]
    assert not looked_for(frames[:, None, -1], torch.zeros_like(frames)).any()
