"""Clips of moving digits: pasting, overlap, seeds, shared trajectories, devices, speed of the contract."""

from __future__ import annotations

import pytest
import torch

from vp.data import open_dataset
from vp.data.digits.banks import DigitBank
from vp.data.digits.bounce import LAWS
from vp.data.digits.moving_digits import INK, MovingDigits, draw_clips, merge_layers, resize_digits


def gen(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def flat_bank(source: str, value: int, count: int = 7) -> DigitBank:
    return DigitBank(source, torch.full((count, 28, 28), value, dtype=torch.uint8), torch.zeros(count).long())


@pytest.mark.parametrize("side", [28, 32])
@pytest.mark.parametrize("overlap", ["sum", "max"])
def test_pasting_equals_a_plain_loop(side, overlap):
    digits = torch.randint(0, 256, (5, 3, side, side), generator=gen(), dtype=torch.uint8)
    position = torch.randint(0, 64 - side + 1, (4, 5, 3, 2), generator=gen())
    position[0, 0], position[1, 0] = 0, 64 - side
    frames, masks = draw_clips(digits, position, overlap)
    assert frames.shape == (5, 4, 1, 64, 64) and frames.dtype == torch.uint8
    for b in range(5):
        for t in range(4):
            layers = torch.zeros(3, 64, 64, dtype=torch.int64)
            for d, (y, x) in enumerate(position[t, b].tolist()):
                layers[d, y : y + side, x : x + side] = digits[b, d]
            expected = layers.amax(0) if overlap == "max" else layers.sum(0).clamp(max=255)
            assert torch.equal(frames[b, t, 0].long(), expected)
            inked = (layers > INK) * torch.arange(1, 4).view(3, 1, 1)
            assert torch.equal(masks[b, t, 0].long(), inked.amax(0)), "the later digit's number where two are"


def test_overlap_saturates_and_does_not_wrap():
    layers = torch.tensor([200, 200, 200], dtype=torch.uint8).view(1, 3, 1, 1)
    assert merge_layers(layers, "sum").item() == 255 and merge_layers(layers, "max").item() == 200


@pytest.mark.parametrize("name", LAWS)
def test_a_batch_has_the_contract_s_shapes_and_repeats_with_its_seed(name):
    source = open_dataset(name, "val", digits="strokes")
    first, again, other = (source.batch(6, 9, gen(seed)) for seed in (1, 1, 2))
    assert first.frames.shape == (6, 9, 1, 64, 64) and first.frames.dtype == torch.uint8
    assert first.extras["hits"].shape == (6, 9, 2) and first.extras["hits"].dtype == torch.bool
    assert torch.equal(first.frames, again.frames) and torch.equal(first.extras["hits"], again.extras["hits"])
    assert not torch.equal(first.frames, other.frames) and set(first.extras) == {"hits", "masks"}
    assert (source.channels, source.size, source.name) == (1, 64, name)


@pytest.mark.parametrize("name", LAWS)
def test_a_shared_trajectory_moves_different_digits_alike(name):
    shades = torch.arange(100, 190, 10, dtype=torch.uint8)
    bank = DigitBank("squares", shades[:, None, None].repeat(1, 28, 28), torch.arange(9))
    batch = MovingDigits(name, [bank]).batch(8, 12, gen(), shared_trajectory=True)
    places = batch.frames > 0
    assert (places == places[:1]).all() and (batch.extras["hits"] == batch.extras["hits"][:1]).all()
    assert len(batch.frames.flatten(1).unique(dim=0)) > 1
    apart = MovingDigits(name, [bank]).batch(8, 12, gen())
    assert not (apart.frames[1:] > 0).eq(apart.frames[:1] > 0).flatten(1).all(1).any()


def test_every_clip_of_a_mix_takes_its_digits_from_one_bank_half_the_time_each():
    source = MovingDigits("smmnist-svg", [flat_bank("a", 10, count=50), flat_bank("b", 100, count=3)], n_digits=3)
    chosen = source.images[source.choose_digits(2_000, gen())].flatten(2).amax(-1)
    assert (chosen == chosen[:, :1]).all()
    assert (chosen[:, 0] == 10).float().mean() == pytest.approx(0.5, abs=0.04)
    assert source.digits == "a+b"


def test_all_digits_of_a_bank_are_drawn():
    source = MovingDigits("mmnist", [flat_bank("a", 9, count=20)])
    assert source.choose_digits(500, gen()).unique().tolist() == list(range(20))


def test_resizing_keeps_flat_areas_and_centres():
    dot = torch.zeros(1, 28, 28, dtype=torch.uint8)
    dot[0, 13:15, 13:15] = 255
    big = resize_digits(dot, 32)[0].float()
    centre = (big.sum(0) @ torch.arange(32.0)) / big.sum()
    assert centre == pytest.approx(15.5, abs=0.01)
    assert resize_digits(torch.full((1, 28, 28), 77, dtype=torch.uint8), 32).unique().tolist() == [77]
    assert resize_digits(dot, 28) is dot


def test_svg_frames_follow_the_hits():
    """A lone digit's box touches a wall at every frame marked as a hit."""
    batch = MovingDigits("smmnist-svg", [flat_bank("a", 255)], n_digits=1).batch(200, 15, gen())
    box = batch.frames[:, :, 0] > 0
    at_wall = box[:, :, 0].any(-1) | box[:, :, 62].any(-1) | box[:, :, :, 0].any(-1) | box[:, :, :, 62].any(-1)
    hits = batch.extras["hits"][..., 0]
    assert hits.any() and at_wall[hits].all()


@pytest.mark.parametrize(("wrong", "says"), [({"name": "kht"}, "data set 'kht'"), ({"n_digits": 0}, "n_digits is 0")])
def test_wrong_arguments_get_one_sentence(wrong, says):
    with pytest.raises(ValueError, match=says):
        open_dataset(**{"name": "mmnist", "digits": "strokes", **wrong})


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
@pytest.mark.parametrize("name", LAWS)
def test_a_cpu_generator_means_the_same_clips_on_a_gpu(name):
    here, there = (open_dataset(name, "test", digits="strokes", device=device) for device in ("cpu", "cuda"))
    assert torch.equal(here.batch(4, 8, gen()).frames, there.batch(4, 8, gen()).frames.cpu())
    assert there.batch(4, 8, torch.Generator("cuda").manual_seed(0)).frames.is_cuda
