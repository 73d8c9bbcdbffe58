"""Hypotheses about where things go: what is learned of walls, how few findings settle a course, and when none fits."""

import pytest
import torch

from vp.data.bounce import mirror_tracks
from vp.nn.crowd import BANK, Law
from vp.nn.paths import PathFilter

KNOWN, LENGTH = 16, 48


def walked(paths: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """States (N, T, 4) and findings (N, T, 2) of things under Moving MNIST's law, with offsets of their own."""
    generator = torch.Generator().manual_seed(seed)
    tracks = mirror_tracks(paths, LENGTH, generator)
    states = tracks.state.transpose(0, 1)[..., [1, 0, 3, 2]].float()
    offset = 13.5 + torch.rand(paths, 1, 2, generator=generator)
    return states, tracks.position.transpose(0, 1).flip(-1) + offset


@pytest.fixture(scope="module")
def law() -> Law:
    law = Law()
    for seed in range(BANK // 64):
        law.learn(*walked(64, seed))
    return law


def off(law: Law, findings: torch.Tensor, truth: torch.Tensor, believed: str = "mean") -> torch.Tensor:
    """Distances (N, T) px of where things are believed to be, frame after frame, from where they will be."""
    crowd, errors = law.weigh(findings), []
    for t in range(findings.shape[1], truth.shape[1]):
        crowd = law.advance(crowd)
        errors.append((getattr(law, believed)(crowd) - truth[:, t]).norm(dim=-1))
    return torch.stack(errors, 1)


def test_walls_and_speeds_are_learned_from_paths(law):
    torch.testing.assert_close(law.walls, torch.tensor([[0.0, 0.0], [36.0, 36.0]], dtype=torch.float64), atol=1e-4, rtol=0)
    torch.testing.assert_close(law.bounce, torch.tensor([0.0, 1.0], dtype=torch.float64), atol=1e-4, rtol=0)
    assert (law.offset[0] - 14).abs().max() < 0.05 and (law.offset[1] - 12**-0.5).abs().max() < 0.05
    torch.testing.assert_close(law.speeds.norm(dim=-1), torch.full((BANK,), 3.6, dtype=torch.float64), atol=1e-4, rtol=0)
    assert len(law.speeds.unique(dim=0)) == BANK


def test_walls_that_give_back_a_part_are_told_from_those_that_stop():
    generator = torch.Generator().manual_seed(0)
    place, speed = 5 + 20 * torch.rand(64, 2, generator=generator), 8 * torch.rand(64, 2, generator=generator) - 4
    states = []
    for _ in range(30):
        place = place + speed
        inside = place.clamp(5, 25)
        speed = torch.where(place == inside, speed, -0.8 * speed)
        place = inside + 0.8 * (inside - place)
        states.append(torch.cat([place, speed], -1))
    law, states = Law(), torch.stack(states, 1)
    law.learn(states, states[..., :2])
    torch.testing.assert_close(law.walls, torch.tensor([[5.0, 5.0], [25.0, 25.0]], dtype=torch.float64), atol=1e-3, rtol=0)
    torch.testing.assert_close(law.bounce, torch.tensor([0.8, 0.8], dtype=torch.float64), atol=1e-3, rtol=0)


def test_too_few_turns_teach_nothing():
    law, (states, found) = Law(), walked(2, 0)
    law.learn(states[:, :3], found[:, :3])
    assert not law.lessons and not law.walls.any()


def test_sixteen_findings_settle_a_course_through_bounces(law):
    _, found = walked(60, 1_000)
    errors = off(law, found[:, :KNOWN], found).mean(0)
    straight = found[:, KNOWN - 1 : KNOWN] + (found[:, KNOWN - 1] - found[:, KNOWN - 2])[:, None] * torch.arange(1, 33)[:, None]
    assert errors[0] < 0.3 and errors[15] < 0.6 and errors[31] < 0.9
    assert (straight - found[:, KNOWN:]).norm(dim=-1).mean(0)[15] > 20 * errors[15]


def test_the_likeliest_place_is_right_to_the_pixel_more_often_than_the_average_and_no_better_on_the_whole(law):
    _, found = walked(60, 1_003)
    average, likeliest = (off(law, found[:, :KNOWN], found, believed) for believed in ("mean", "mode"))
    exact = [(errors[:, 15] < 0.01).float().mean() for errors in (average, likeliest)]
    assert exact[1] > 0.6 > 0.3 > exact[0]
    assert (likeliest.square().mean() > average.square().mean()) and likeliest[:, 15].mean() < 0.7
    torch.testing.assert_close(likeliest, likeliest.square().round().sqrt(), atol=1e-3, rtol=0)  # whole pixels off


def test_wrong_findings_are_outvoted_and_what_fits_no_course_is_not_trusted(law):
    _, found = walked(40, 1_001)
    wrong = found[:, :KNOWN].clone()
    wrong[:, 6] += 5
    wrong[:, 11] -= 4
    assert law.weigh(wrong).trusted.all()
    assert off(law, wrong, found).mean(0)[0] < 0.5
    lost = 40 * torch.rand(40, KNOWN, 2, generator=torch.Generator().manual_seed(0))
    assert not law.weigh(lost).trusted.any()


def test_a_filter_foresees_by_the_law_once_it_has_one_and_by_itself_where_nothing_fits(law):
    torch.manual_seed(0)
    network, (_, found) = PathFilter(64), walked(6, 1_002)
    found[3:, :KNOWN] = 40 * torch.rand(3, KNOWN, 2)
    with torch.no_grad():
        path = network.begin(found[:, 0])
        for t in range(1, KNOWN):
            path = network.see(network.foresee(path), found[:, t])
        assert network.settle(path, found[:, :KNOWN]).crowd is None
        network.law.load_state_dict(law.state_dict())
        alone, settled = network.foresee(path), network.foresee(network.settle(path, found[:, :KNOWN]))
        assert (settled.place - found[:, KNOWN])[:3].norm(dim=-1).max() < 1
        torch.testing.assert_close(settled.place[3:], alone.place[3:])
        assert network.see(settled, found[:, KNOWN]).crowd is None


def test_a_committed_filter_goes_to_the_likeliest_place_but_learns_from_the_average(law):
    torch.manual_seed(0)
    network, (_, found) = PathFilter(64, committed=True), walked(6, 1_004)
    network.law.load_state_dict(law.state_dict())
    with torch.no_grad():
        path = network.settle(network.begin(found[:, 0]), found[:, :KNOWN])
        crowd = law.advance(path.crowd)
        torch.testing.assert_close(network.foresee(path).place, law.mean(crowd))
        torch.testing.assert_close(network.eval().foresee(path).place, law.mode(crowd))
    assert not torch.equal(law.mean(crowd), law.mode(crowd))
