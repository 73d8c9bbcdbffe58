"""Things are followed back through frames in which they cross and turn."""

import torch

from vp.nn.looking_back import looked_for

SIDE = 48


def test_things_that_cross_and_turn_back_are_found_to_the_pixel():
    generator = torch.Generator().manual_seed(0)
    shapes = torch.rand(2, 2, 10, 10, generator=generator)
    x = torch.tensor([[4, 8, 12, 16, 20, 24, 28], [30, 25, 20, 15, 10, 15, 20]])
    y = torch.tensor([[10, 12, 14, 16, 14, 12, 10], [11, 11, 12, 13, 14, 15, 16]])
    alone = torch.zeros(2, 2, 7, SIDE, SIDE)  # clips, things, times
    for k in range(2):
        for t in range(7):
            alone[:, k, t, y[k, t] : y[k, t] + 10, x[k, t] : x[k, t] + 10] = shapes[:, k]
    away = looked_for(alone[:, :, -1], alone.amax(1))
    truth = torch.stack([x - x[:, -1:], y - y[:, -1:]], -1).float()
    torch.testing.assert_close(away, truth[None].expand(2, -1, -1, -1))


def test_a_thing_alone_and_a_thing_that_is_not_there():
    frames = torch.zeros(1, 3, SIDE, SIDE)
    frames[0, 0, 5:9, 6:9], frames[0, 1, 6:10, 9:12], frames[0, 2, 7:11, 12:15] = 1, 1, 1
    assert looked_for(frames[:, None, -1], frames)[0, 0].tolist() == [[-6, -2], [-3, -1], [0, 0]]
    assert not looked_for(frames[:, None, -1], torch.zeros_like(frames)).any()
