"""Learned paths: what the filter believes, what it is taught from, and that teaching helps."""

import pytest
import torch

from vp.core.family import Progress
from vp.data import open_dataset
from vp.nn.path_lesson import alike, mistaken, path_error, path_loss, path_phase
from vp.nn.path_sprites import PathSprites
from vp.nn.paths import PathFilter, middles

SIDE = 64


def straight(paths: int, length: int) -> torch.Tensor:
    """(N, T, 2) px, with speeds of their own, all within the frame."""
    generator = torch.Generator().manual_seed(1)
    start = 24 + 16 * torch.rand(paths, 1, 2, generator=generator)
    speed = 2 * torch.rand(paths, 1, 2, generator=generator) - 1
    return start + speed * torch.arange(length)[:, None]


def test_the_middle_of_the_ink_is_found_and_an_empty_picture_has_none():
    pictures = torch.zeros(2, 3, 16, 20)
    pictures[0, 1, 4:7, 10:12] = 0.5
    middle, ink = middles(pictures)
    assert middle[0, 1].tolist() == [10.5, 5.0] and ink[0, 1] == 3.0
    assert ink.sum() == 3.0 and middle.isfinite().all()


def test_a_fresh_filter_nears_what_it_sees_and_a_seen_path_goes_on():
    torch.manual_seed(0)
    network, places = PathFilter(SIDE), straight(32, 12)
    with torch.no_grad():
        path = network.begin(places[:, 0])
        torch.testing.assert_close(path.place, places[:, 0])
        for t in range(1, 12):
            before = network.foresee(path)
            path = network.see(before, places[:, t])
            assert ((path.place - places[:, t]).norm(dim=-1) <= (before.place - places[:, t]).norm(dim=-1) + 1e-4).all()


def test_reflections_and_turns_stay_in_the_frame_and_differ():
    places = straight(3, 5)
    views = alike(places, SIDE)
    assert views.shape == (24, 5, 2) and torch.equal(views[:3], places)
    assert views.min() >= 0 and views.max() <= SIDE - 1
    assert len({tuple(view.flatten().tolist()) for view in views}) == 24


def test_half_the_things_are_found_in_wrong_places_at_first_and_nearly_all_in_right_ones_later():
    places = straight(400, 30)
    off = (mistaken(places, 16, torch.Generator().manual_seed(0)) - places).norm(dim=-1)
    assert off.max() < 16 * 2**0.5 + 1 and 0.3 < (off[:, 0] > 1).float().mean() < 0.5
    assert (off[:, -1] > 1).float().mean() < 0.05


def test_a_few_hundred_steps_teach_where_straight_paths_lead():
    torch.manual_seed(0)
    network = PathFilter(SIDE)
    optimizer = torch.optim.AdamW(network.parameters(), 2e-3)
    generator = torch.Generator().manual_seed(0)
    for _ in range(150):
        speed = 4 * torch.rand(32, 1, 2, generator=generator) - 2
        places = 32 + 8 * torch.rand(32, 1, 2, generator=generator) + speed * torch.arange(10)[:, None]
        loss = path_error(network, places, places, 6)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    held = straight(64, 10)
    stays = torch.nn.functional.smooth_l1_loss(held[:, 5:6].expand(-1, 4, -1), held[:, 6:])
    with torch.no_grad():
        assert path_error(network, held, held, 6) < 0.2 * stays


def test_the_lesson_takes_single_things_and_skips_missing_ones():
    batch = open_dataset("mmnist", "train", digits="strokes").batch(2, 12, torch.Generator().manual_seed(0))
    nets = torch.nn.ModuleDict({"net": PathSprites(16, 16, 2, 1, SIDE)})
    loss = path_loss("net", 8, nets, batch, Progress(stage=1.0), torch.Generator().manual_seed(0))
    loss.total.backward()
    moved = {name.split(".")[0] for name, p in nets["net"].named_parameters() if p.grad is not None and p.grad.any()}
    assert moved == {"paths"} and loss.terms["path"] > 0
    batch.extras["things"][:, :, 1] = 0
    alone = path_loss("net", 8, nets, batch, Progress(stage=1.0), torch.Generator().manual_seed(0))
    assert alone.total.isfinite() and alone.total != loss.total
    assert path_phase("net", 8).trains == ("net",)


def trusting() -> PathSprites:
    """With the network's own votes and bends shut off, and all that is seen written into both sprites."""
    torch.manual_seed(0)
    sprites = PathSprites(16, 16, 2, 1, SIDE).eval()
    with torch.no_grad():
        for last in (sprites.motion[-1], sprites.write[-2]):
            last.weight.zero_()
            last.bias.zero_()
        sprites.motion[-1].bias[3] = -30.0
        sprites.write[-2].bias.copy_(torch.tensor([30.0, 30.0]).repeat_interleave(4))
    return sprites


@pytest.mark.parametrize("known", [1, 4])
def test_sprites_go_where_their_paths_lead_and_stay_where_they_are_found(known):
    """A sprite is drawn at the places that its filter foresees."""
    sprites, plan = trusting(), torch.zeros(1, 16, SIDE // 4, SIDE // 4)
    frames = torch.zeros(1, 8, 1, SIDE, SIDE)
    for t in range(8):
        frames[0, t, 0, 20 + t : 30 + t, 20 + 2 * t : 28 + 2 * t] = 1.0
    with torch.no_grad():
        layers = sprites.begin(1, frames)
        for t in range(known):
            layers = sprites.move(layers, frames[:, t], plan)[0] if t else layers
            layers = sprites.store(layers, frames[:, t], plan)
        found = middles(layers.pictures.mean(2))[0]
        torch.testing.assert_close(layers.at, found)
        for _ in range(known, 8):
            path = sprites.paths.foresee(layers.path)
            layers, _ = sprites.move(layers, frames[:, known - 1], plan)
            torch.testing.assert_close(layers.path.place, path.place)
            torch.testing.assert_close(layers.at, path.place)
            drawn, ink = middles(layers.moved.mean(2))
            torch.testing.assert_close(drawn, layers.at, atol=0.05, rtol=0)


def test_settled_sprites_go_by_the_law_from_where_they_really_were():
    """One thing, misplaced while it was known: it is looked for once more, and then goes through a bounce as it should."""
    sprites, known, law = trusting(), 12, PathFilter(SIDE).law
    digits = open_dataset("mmnist", "train", digits="strokes")
    for seed in range(40):
        clips = digits.batch(8, 30, torch.Generator().manual_seed(seed))
        places, _ = middles(clips.extras["things"].float())
        law.learn(*(x.transpose(1, 2).flatten(0, 1) for x in (clips.extras["states"], places)))
    sprites.paths.law.load_state_dict(law.state_dict())
    frames, plan = clips.extras["things"][:, :, :1].float() / 255, torch.zeros(8, 16, SIDE // 4, SIDE // 4)
    things = torch.zeros(8, 30, 2, 1, SIDE, SIDE)
    things[:, :, :1, :] = frames[:, :, :, None]
    truth = middles(frames[:, :, 0])[0]
    with torch.no_grad():
        layers = sprites.begin(8, frames)
        for t in range(known):
            layers = sprites.move(layers, frames[:, t], plan)[0] if t else layers
            layers = sprites.store(layers, frames[:, t], plan)
        layers = layers._replace(pictures=things[:, known - 1], at=truth[:, None, known - 1].expand(-1, 2, -1).clone())
        settled = sprites.settle(layers, frames[:, :known])
        errors = []
        for t in range(known, 30):
            settled, _ = sprites.move(settled, frames[:, known - 1], plan)
            errors.append((settled.at[:, 0] - truth[:, t]).norm(dim=-1))
    errors = torch.stack(errors, 1).mean(0)
    assert errors[0] < 0.5 and errors[-1] < 2
    assert (truth[:, known - 1 : known] - truth[:, known:]).norm(dim=-1).mean() > 10 * errors.mean()
