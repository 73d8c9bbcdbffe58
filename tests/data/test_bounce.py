"""The vectorised walks against plain loops over one track, written from the published descriptions."""

from __future__ import annotations

import math

import pytest
import torch

from vp.data.digits.bounce import LAWS, draw_integers, draw_srvp_tracks, draw_svg_tracks, mirror_walk, srvp_walk, svg_walk

TRACKS, LENGTH = 400, 40


def gen(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def plain_svg(y, x, dy, dx, kicks):
    positions, hits = [], []
    for kick in kicks.tolist():
        (away_y, new_dx), (away_x, new_dy) = kick
        hit = False
        if y < 0:
            y, dy, dx, hit = 0, away_y, new_dx, True
        elif y >= 32:
            y, dy, dx, hit = 31, -away_y, new_dx, True
        if x < 0:
            x, dx, dy, hit = 0, away_x, new_dy, True
        elif x >= 32:
            x, dx, dy, hit = 31, -away_x, new_dy, True
        positions.append([y, x])
        hits.append(hit)
        x, y = x + dx, y + dy
    return positions, hits


def plain_srvp(y, x, dy, dx, kicks):
    positions, hits = [[round(y), round(x)]], [False]
    for draws in kicks.tolist()[1:]:
        left, hit, draws = 1.0, False, iter(draws)
        while True:
            to_y = (36 - y) / dy if dy > 0 else y / -dy if dy < 0 else math.inf
            to_x = (36 - x) / dx if dx > 0 else x / -dx if dx < 0 else math.inf
            if min(to_x, to_y) >= left - 1e-6:
                y, x = y + dy * left, x + dx * left
                break
            spent, hit = min(to_x, to_y), True
            y, x, left = y + dy * spent, x + dx * spent, left - spent
            new_dy, new_dx = next(draws)
            if to_y <= spent + 1e-9:
                y, new_dy = (36.0, -abs(new_dy)) if dy > 0 else (0.0, abs(new_dy))
            if to_x <= spent + 1e-9:
                x, new_dx = (36.0, -abs(new_dx)) if dx > 0 else (0.0, abs(new_dx))
            dy, dx = new_dy, new_dx
        positions.append([y, x])
        hits.append(hit)
    return positions, hits


def test_svg_walk_equals_the_plain_loop():
    start, velocity = draw_integers(0, 31, (TRACKS, 2), gen(1)), draw_integers(-4, 4, (TRACKS, 2), gen(2))
    kicks = torch.stack([draw_integers(1, 4, (LENGTH, TRACKS, 2), gen(3)), draw_integers(-4, 4, (LENGTH, TRACKS, 2), gen(4))], -1)
    tracks = svg_walk(start, velocity, kicks)
    for n in range(TRACKS):
        positions, hits = plain_svg(*start[n].tolist(), *velocity[n].tolist(), kicks[:, n])
        assert tracks.position[:, n].tolist() == positions and tracks.hits[:, n].tolist() == hits


def test_a_corner_hit_in_x_redraws_the_vertical_speed_too():
    kicks = torch.tensor([[[[1, 0], [1, 0]]], [[[3, 2], [4, -1]]], [[[1, 0], [1, 0]]]])
    tracks = svg_walk(torch.tensor([[1, 1]]), torch.tensor([[-2, -2]]), kicks)
    assert tracks.position[:, 0].tolist() == [[1, 1], [0, 0], [-1 + 1, 4]]  # dy is -1 by the x hit, not 3 by the y hit
    assert tracks.hits[:, 0].tolist() == [False, True, True]


def test_srvp_walk_equals_the_plain_loop():
    start, velocity = draw_integers(0, 36, (TRACKS, 2), gen(1)).double(), draw_integers(-4, 4, (TRACKS, 2), gen(2)).double()
    kicks = draw_integers(-4, 4, (LENGTH, 8, TRACKS, 2), gen(3)).double()
    tracks = srvp_walk(start, velocity, kicks)
    for n in range(TRACKS):
        positions, hits = plain_srvp(*start[n].tolist(), *velocity[n].tolist(), kicks[:, :, n])
        assert tracks.hits[:, n].tolist() == hits
        # within half a pixel of the exact position: the loop does not round
        torch.testing.assert_close(tracks.position[:, n].float(), torch.tensor(positions).float(), atol=0.501, rtol=0)


def test_srvp_spends_the_rest_of_the_step_after_the_contact():
    kicks = torch.zeros(2, 8, 1, 2)
    kicks[:, 0] = torch.tensor([2.0, -4.0])
    tracks = srvp_walk(torch.tensor([[10.0, 35.0]]), torch.tensor([[4.0, 4.0]]), kicks)
    # a quarter of the step to the wall (y 11, x 36), then three quarters with (2, -4): (12.5, 33)
    assert tracks.position[1, 0].tolist() == [12, 33] and tracks.hits[1, 0]


def test_mirror_walk_equals_the_plain_loop():
    start = 36 * torch.rand(TRACKS, 2, generator=gen(1), dtype=torch.float64)
    angle = 6.283 * torch.rand(TRACKS, generator=gen(2), dtype=torch.float64)
    velocity = 3.6 * torch.stack([angle.sin(), angle.cos()], -1)
    tracks = mirror_walk(start, velocity, LENGTH)
    for n in range(TRACKS):
        (y, x), (dy, dx) = start[n].tolist(), velocity[n].tolist()
        for t in range(LENGTH):
            y, x, hit = y + dy, x + dx, False
            if not 0 < y < 36:
                y, dy, hit = min(max(y, 0.0), 36.0), -dy, True
            if not 0 < x < 36:
                x, dx, hit = min(max(x, 0.0), 36.0), -dx, True
            assert tracks.position[t, n].tolist() == [int(y), int(x)] and tracks.hits[t, n] == hit


@pytest.mark.parametrize("name", LAWS)
def test_every_track_may_have_its_own_travel_and_speed(name):
    draw, room, far = LAWS[name].draw, 64 - LAWS[name].digit, int(name == "smmnist-svg")
    travel, speed = torch.tensor([24, 44, room, room]).repeat(100), torch.tensor([2, 0.3, 1, 0]).double().repeat(100)
    tracks, plain = draw(400, 30, gen(), travel=travel, speed=speed), draw(400, 30, gen())
    assert (tracks.position >= 0).all() and (tracks.position <= travel[:, None] - far).all()
    assert [tracks.position[:, n::4].max().item() for n in range(3)] == [24 - far, 44 - far, room - far]
    assert torch.equal(tracks.position[:, 2::4], plain.position[:, 2::4]), "published where both are"
    assert not tracks.position[:, 3::4].diff(dim=0).any(), "at no speed nothing moves"
    steps = tracks.position.diff(dim=0).abs().amax((0, 2))
    assert steps[0::4].max() in (7, 8) and steps[1::4].max() == 2  # 8 and 1.2 px, 7.2 and 1.08 px of mirrors


def test_srvp_and_mirror_walks_scale_with_the_canvas():
    start, velocity = (
        36 * torch.rand(TRACKS, 2, generator=gen(), dtype=torch.float64),
        draw_integers(-4, 4, (TRACKS, 2), gen(2)).double(),
    )
    kicks = draw_integers(-4, 4, (LENGTH, 8, TRACKS, 2), gen(3)).double()
    for walk, last in ((srvp_walk, (kicks, 4 * kicks)), (mirror_walk, (LENGTH, LENGTH))):
        small, big = walk(start, velocity, last[0]), walk(4 * start, 4 * velocity, last[1], travel=144)
        assert torch.equal(small.hits, big.hits) and (4 * small.position - big.position).abs().max() <= 4


@pytest.mark.parametrize("name", LAWS)
def test_digits_never_leave_the_canvas_and_use_all_of_it(name):
    law = LAWS[name]
    position = law.draw(3_000, 30, gen()).position
    far = 31 if name == "smmnist-svg" else 64 - law.digit
    assert (position.min(), position.max()) == (0, far)


def test_hit_rate_of_svgs_law():
    """12 % of digit-frames; the standard error of 20,000 tracks of 15 frames is below 0.001."""
    assert draw_svg_tracks(20_000, 15, gen()).hits.float().mean() == pytest.approx(0.118, abs=0.006)


def second_difference_after(tracks, shift: int) -> torch.Tensor:
    """Of tracks hit at t and at no other near frame, the share whose step into t + shift is unlike the one before t."""
    steps = tracks.position.diff(dim=0)  # steps[t] leads from t to t + 1
    changed = []
    for t in range(3, len(steps) - 2):
        lone = tracks.hits[t] & ~tracks.hits[t - 2 : t].any(0) & ~tracks.hits[t + 1 : t + 3].any(0)
        changed.append((steps[t + shift - 1, lone] != steps[t - 2, lone]).any(-1))
    return torch.cat(changed).float().mean()


def test_what_is_random_after_a_hit():
    """SVG's impact frame clamps a known position: one step later is new. SRVP's step of the contact is new already."""
    svg, srvp = draw_svg_tracks(4_000, 30, gen()), draw_srvp_tracks(4_000, 30, gen())
    after = svg.position[1:][svg.hits[:-1]]
    at = svg.position[svg.hits]
    assert ((at == 0) | (at == 31)).any(-1).all(), "at the hit the digit is drawn at a wall"
    assert after.float().std() > 5 and second_difference_after(svg, 1) > 0.9
    assert second_difference_after(srvp, 0) > 0.8
