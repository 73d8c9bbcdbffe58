"""Sprites: tracked while frames are known, moved rigidly afterwards, taught to hold one thing each."""

import pytest
import torch

from vp.data import open_dataset
from vp.nn.movers import MOVERS, follows_paths
from vp.nn.moving_layers import Layers
from vp.nn.paths import middles
from vp.nn.separation import overheard, passes, separation
from vp.nn.sprites import BrightCutouts, Cutouts, Sprites, others, outlooks
from vp.nn.tracking import displaced

SIDE = 64


def digits(clips: int = 4, length: int = 6):
    batch = open_dataset("smmnist-svg", "train", digits="strokes").batch(clips, length, torch.Generator().manual_seed(3))
    return batch.frames.float() / 255, batch.extras["things"]


def moved(things: torch.Tensor) -> torch.Tensor:
    """(B, T - 1, K, 2) px a frame."""
    return middles(things.float() / 255)[0].diff(dim=1)


def rigid(count: int = 2, kind: type[Sprites] = Sprites) -> Sprites:
    """Sprites whose network leaves velocities alone and shows nothing but them."""
    sprites = kind(16, 16, count, 1, SIDE).eval()
    for last in (sprites.motion[-1], *((sprites.drift[-1], sprites.blend[-1]) if sprites.blended else ())):
        torch.nn.init.zeros_(last.weight)
        torch.nn.init.zeros_(last.bias)
    with torch.no_grad():
        sprites.motion[-1].bias[3] = -30.0
        if sprites.blended:
            sprites.blend[-1].bias.copy_(torch.tensor([30.0, 0, 0, 0]).repeat_interleave(4))
        sprites.gain.fill_(30.0)
    return sprites


def holding(pictures: torch.Tensor, velocity: torch.Tensor) -> Layers:
    empty = Layers.empty(len(pictures), pictures.shape[1], 1, SIDE, SIDE // 4, pictures)
    return empty._replace(pictures=pictures, moved=pictures, velocity=velocity)


def test_whole_pixels_are_tracked_exactly():
    _, things = digits(clips=16)
    motion = moved(things)
    before, after = (things[:, t].float().flatten(0, 1)[:, None] / 255 for t in (0, 1))
    found = displaced(before, after)
    torch.testing.assert_close(found, motion[:, 0].flatten(0, 1), atol=0.05, rtol=0)


def test_nothing_is_tracked_where_nothing_is():
    _, things = digits()
    picture = things[:, 0, :1].float() / 255
    assert not displaced(torch.zeros_like(picture), picture).any()
    assert not displaced(picture, torch.zeros_like(picture)).any()


@pytest.mark.parametrize("kind", [Sprites, Cutouts])
def test_sprites_that_are_left_alone_go_on_exactly(kind):
    frame = torch.zeros(1, 1, SIDE, SIDE)
    frame[..., 20:30, 20:26] = torch.rand(10, 6, generator=torch.Generator().manual_seed(0))
    sprites, plan = rigid(1, kind), torch.zeros(1, 16, SIDE // 4, SIDE // 4)
    layers = holding(frame[:, None], torch.tensor([[[-3.0, 2.0]]]))
    with torch.no_grad():
        for t in range(1, 5):
            layers, recent = sprites.move(layers, frame, plan)
            shown = sprites.compose(layers.moved, recent, plan)
            torch.testing.assert_close(shown, frame.roll((-2 * t, 3 * t), (2, 3)), atol=1e-4, rtol=0)


@pytest.mark.parametrize("kind", [Sprites, Cutouts])
def test_what_is_hidden_behind_another_comes_out_whole(kind):
    pictures = torch.zeros(1, 2, 1, SIDE, SIDE)
    pictures[:, 0, :, 20:30, 10:20], pictures[:, 1, :, 20:30, 30:40] = 0.5, 1.0
    sprites, plan = rigid(kind=kind), torch.zeros(1, 16, SIDE // 4, SIDE // 4)
    layers, frame = holding(pictures, torch.tensor([[[-5.0, 0.0], [5.0, 0.0]]])), pictures.amax(1)
    hidden = []
    with torch.no_grad():
        for _ in range(4):
            layers, recent = sprites.move(layers, frame, plan)
            hidden.append((sprites.compose(layers.moved, recent, plan) == 0.5).sum().item())
    shown = sprites.compose(layers.moved, recent, plan)
    assert hidden[1] == 0, "one stands before the other"
    torch.testing.assert_close(shown[..., 20:30, 30:40], torch.full((1, 1, 10, 10), 0.5))
    torch.testing.assert_close(shown[..., 20:30, 10:20], torch.ones(1, 1, 10, 10))


def test_nothing_but_sprites_shows_where_they_are_cut_out():
    torch.manual_seed(0)
    sprites, plan = Cutouts(16, 16, 2, 1, SIDE), torch.randn(1, 16, SIDE // 4, SIDE // 4)
    layers = holding(torch.zeros(1, 2, 1, SIDE, SIDE), torch.zeros(1, 2, 2))
    layers, recent = sprites.move(layers, torch.rand(1, 1, SIDE, SIDE), plan)
    assert not sprites.compose(layers.moved, recent, plan).any(), "what was in the previous frame alone is gone"
    assert not any("blend" in name or "drift" in name for name, _ in sprites.named_parameters())


def test_sprites_that_are_brightened_show_a_known_frame_as_it_was():
    frame = torch.rand(2, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    frame = torch.where(frame < 0.3, 0, frame)
    written = torch.stack([0.5 * frame, 0.2 * frame], 1)  # too faint, and mixed up
    bright, plain = BrightCutouts(16, 16, 2, 1, SIDE), Cutouts(16, 16, 2, 1, SIDE)
    torch.testing.assert_close(bright.kept(written, frame), torch.stack([frame, 0.4 * frame], 1))
    assert torch.equal(plain.kept(written, frame), written)
    assert bright.kept(torch.full_like(written, 0.01), frame).max() < 0.04, "what was not written is not made up"


def test_others_and_outlooks_tell_sprites_apart():
    pictures = torch.rand(2, 3, 1, 8, 8)
    torch.testing.assert_close(others(pictures)[:, 1], pictures[:, [0, 2]].amax(1))
    assert not others(pictures[:, :1]).any()
    frame = torch.zeros(1, 1, 8, 8)
    frame[..., :2, :2] = 1
    first, second = outlooks(frame, 2)[0]
    torch.testing.assert_close(first, -second)
    assert first[:, 0, 0].abs().max() < 1e-6, "counted from the ink"


def test_the_best_order_of_sprites_counts_clip_by_clip():
    _, things = digits(clips=2, length=3)
    true = things.float()[:, :, :, None] / 255
    true[1] = true[1].flip(1)  # the second clip's sprites hold its digits the other way round
    motion = moved(things)
    motion[1] = motion[1].flip(1)
    heard = [("stored", true[:, 0])]
    for t in (1, 2):
        heard += [("moved", true[:, t]), ("velocity", -motion[:, t - 1]), ("stored", true[:, t])]
    pictures, velocity = separation(heard, things)
    assert pictures < 1e-6 and velocity < 1e-3
    heard[1] = ("moved", true[:, 1].flip(1))
    pictures, _ = separation(heard, things)
    assert pictures > 1e-3, "one order for the whole clip"
    leap = [("stored", true[:, 0]), ("moved", true[:, 2]), ("velocity", -motion.sum(1) / 2)]
    pictures, velocity = separation(leap, things[:, [0, 2]], times=[0, 2])
    assert pictures < 1e-6 and velocity < 1e-3, "pixels a frame, also across a gap"


@pytest.mark.parametrize("kind", MOVERS)
def test_a_rollout_is_overheard_only_while_somebody_listens(kind):
    frames, _ = digits(clips=2, length=3)
    mover = MOVERS[kind](16, 16, 2, 1, SIDE)
    plan = torch.zeros(2, 16, SIDE // 4, SIDE // 4)

    def roll() -> None:
        layers = mover.store(mover.begin(2, frames), frames[:, 0], plan)
        mover.move(layers, frames[:, 0], plan)

    with overheard(mover) as heard:
        roll()
        roll()
    roll()
    told = [[name for name, _ in each] for each in passes(heard)]
    each = ["stored", "moved", "velocity", *["place"] * follows_paths(kind)]
    assert told == ([] if kind == "layers" else [each] * 2)
