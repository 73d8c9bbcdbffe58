"""Digits in their variety: every setting is met, a variant differs from the published clips in one thing, ink is seen."""

from __future__ import annotations

from dataclasses import fields

import pytest
import torch

from vp.data import PROTOCOLS, open_dataset, protocol_clips
from vp.data.digits.banks import DigitBank
from vp.data.digits.bounce import LAWS
from vp.data.digits.moving_digits import draw_clips, resize_digits
from vp.data.digits.robust import (
    DRAWS,
    LARGEST,
    MARGIN,
    SMALLEST,
    STILL,
    VARIANTS,
    DigitsRobust,
    mixed_settings,
    one_change_settings,
    paint_frames,
    resize_each,
    walk_digits,
)


def gen(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def draws(clips: int) -> torch.Tensor:
    return torch.rand(DRAWS, clips, generator=gen(), dtype=torch.float64)


@pytest.fixture(scope="module")
def source():
    return open_dataset("digits-robust", "val", digits="strokes")


def test_a_batch_has_the_contract_s_shapes_and_repeats_with_its_seed(source):
    first, again, other = (source.batch(5, 9, gen(seed)) for seed in (1, 1, 2))
    assert first.frames.shape == (5, 9, 1, 64, 64) and first.frames.dtype == torch.uint8
    assert first.extras["hits"].shape == (5, 9, 3) and first.extras["hits"].dtype == torch.bool
    assert torch.equal(first.frames, again.frames) and torch.equal(first.extras["hits"], again.extras["hits"])
    assert not torch.equal(first.frames, other.frames) and set(first.extras) == {"hits"}
    assert (source.channels, source.size, source.name) == (1, 64, "digits-robust")


def test_training_clips_meet_every_setting():
    settings = mixed_settings(draws(20_000))
    assert settings.count.unique().tolist() == [1, 2, 3] and settings.law.unique().tolist() == [0, 1]
    assert settings.side.unique().tolist() == list(range(SMALLEST, LARGEST + 1)) and (settings.side.diff(dim=1) != 0).any()
    assert (settings.speed == 0).double().mean() == pytest.approx(STILL, abs=0.01)
    assert settings.speed.max() < 2 and (settings.speed > 1.9).any() and ((settings.speed > 0) & (settings.speed < 0.1)).any()
    flat = settings.range == 0
    kinds = [flat & (settings.low == 0), flat & (settings.low == 1), flat & (settings.low > 0) & (settings.low < 1), ~flat]
    assert [kind.double().mean().item() for kind in kinds] == pytest.approx([0.4, 0.15, 0.2, 0.25], abs=0.02)


def test_ink_always_stands_out_from_every_pixel_of_the_ground():
    settings = mixed_settings(draws(20_000))
    darker, brighter = settings.low - settings.ink, settings.ink - settings.low - settings.range
    assert torch.maximum(darker, brighter).min() >= MARGIN - 1e-9 and settings.ink.min() >= 0 and settings.ink.max() <= 1
    textured = settings.range > 0
    assert settings.low.min() >= 0 and (settings.low + settings.range).max() <= 1
    assert 0.3 < (darker > 0)[textured].double().mean() < 0.7, "both kinds of ink"


def test_a_variant_differs_from_the_published_setting_in_one_thing():
    settings = one_change_settings(draws(240))
    law = [LAWS[name] for name in ("smmnist-svg", "smmnist-srvp")]
    expected = {"count": 2, "speed": 1, "low": 0, "range": 0, "ink": 1}
    changed = {
        "still": {"speed"}, "slow": {"speed"}, "fast": {"speed"}, "one-digit": {"count"}, "three-digits": {"count"},
        "small": {"side"}, "large": {"side"}, "grey": {"low", "ink"}, "inverted": {"low", "ink"},
        "textured": {"low", "range", "ink"}, "published-svg": set(), "published-srvp": set(),
    }  # fmt: skip
    for n in range(240):
        name, here = VARIANTS[n % 12], {field.name: getattr(settings, field.name)[n] for field in fields(settings)}
        assert here["law"] == (VARIANTS.index(name) if name.startswith("published") else n // 12 % 2)
        unlike = {key for key, value in expected.items() if here[key] != value}
        unlike |= {"side"} if (here["side"] != law[here["law"]].digit).any() else set()
        assert unlike == changed[name], name
    by = {name: slice(n, None, 12) for n, name in enumerate(VARIANTS)}
    assert (settings.speed[by["still"]] == 0).all()
    assert 0.25 <= settings.speed[by["slow"]].min() < settings.speed[by["slow"]].max() < 0.75
    assert 1.5 <= settings.speed[by["fast"]].min() < settings.speed[by["fast"]].max() < 2
    assert (settings.count[by["one-digit"]] == 1).all() and (settings.count[by["three-digits"]] == 3).all()
    assert settings.side[by["small"]].unique().tolist() == [20, 21, 22, 23, 24]
    assert settings.side[by["large"]].unique().tolist() == [36, 37, 38, 39, 40]


def test_variants_are_seen_in_the_pixels(source):
    batch = source.batch(96, 15, gen(), in_turn=True)
    assert torch.equal(batch.extras["variant"], torch.arange(96) % 12)
    moves = (batch.frames.diff(dim=1) != 0).flatten(1).any(1)
    for n, clip in enumerate(batch.frames):
        ground = clip.flatten().mode().values.item()
        match VARIANTS[n % 12]:
            case "textured":
                still = (clip == clip[:1]).all(0)
                assert 0.3 < still.float().mean() < 1 and clip[0, 0][still[0]].unique().numel() > 20, "the ground stands still"
            case "grey":
                assert 25 <= ground <= 179
            case "inverted":
                assert ground == 255 and clip.min() < 55
            case _:
                assert ground == 0 and clip.max() > 200
    assert not moves[batch.extras["variant"] == VARIANTS.index("still")].any()
    assert moves[batch.extras["variant"] != VARIANTS.index("still")].float().mean() > 0.95  # a digit may draw speed 0


def test_digits_never_leave_the_canvas_and_reach_its_far_side():
    settings = mixed_settings(draws(2_000))
    position, hits = walk_digits(settings, 20, gen())
    room = (64 - settings.side)[None, ..., None] - (settings.law == 0)[:, None, None].long()
    assert position.min() == 0 and (position <= room).all() and (position == room).any()
    assert not hits[:, settings.speed == 0].any() and hits[:, settings.speed > 1].any()


def test_digits_that_are_not_there_have_no_ink_and_no_hits():
    bank = DigitBank("squares", torch.full((5, 28, 28), 255, dtype=torch.uint8), torch.zeros(5).long())
    batch = DigitsRobust([bank]).batch(240, 12, gen(), in_turn=True)
    alone = batch.extras["variant"] == VARIANTS.index("one-digit")
    area = (batch.frames[alone] > 0).flatten(2).sum(2)
    assert area.unique().tolist() == [28 * 28, 32 * 32], "one whole digit in every frame"
    hits = batch.extras["hits"].any(1)
    assert not hits[alone, 1:].any() and hits[alone, 0].any()
    assert hits[batch.extras["variant"] == VARIANTS.index("three-digits"), 2].any()


@pytest.mark.parametrize("side", [20, 28, 32, 40])
def test_resizing_is_the_published_one_for_every_digit_apart(side):
    digits = torch.randint(0, 256, (6, 28, 28), generator=gen(), dtype=torch.uint8)
    sides = torch.tensor([[side, 33], [25, side], [side, side]])
    got = resize_each(digits.view(3, 2, 28, 28), sides).flatten(0, 1)
    for digit, canvas in zip(digits[sides.flatten() == side], got[sides.flatten() == side], strict=True):
        expected = resize_digits(digit[None], side)[0]
        assert (canvas[:side, :side].long() - expected.long()).abs().max() <= (0 if side == 28 else 1)
        assert not canvas[side:].any() and not canvas[:, side:].any()


def test_white_on_black_is_pasted_as_the_published_clips_are_and_inverted_is_its_negative():
    digits = torch.randint(0, 256, (4, 3, 32, 32), generator=gen(), dtype=torch.uint8)
    position = torch.randint(0, 33, (5, 4, 3, 2), generator=gen())
    expected, _ = draw_clips(digits, position, "sum")
    big = torch.nn.functional.pad(digits, (0, 8, 0, 8))
    black, white = torch.zeros(4, 64, 64), torch.full((4,), 255.0)
    assert torch.equal(paint_frames(big, position, black, white), expected)
    assert torch.equal(paint_frames(big, position, black + 255, white - 255), 255 - expected)


def test_the_protocol_has_every_variant_equally_often_and_prefixes():
    assert PROTOCOLS["digits-robust"].variants == VARIANTS and len(VARIANTS) == 12
    few, more = protocol_clips("digits-robust", 13, digits="strokes"), protocol_clips("digits-robust", 120, digits="strokes")
    assert more.frames.shape == (120, 15, 1, 64, 64)
    assert torch.equal(few.frames, more.frames[:13]) and torch.equal(few.extras["variant"], more.extras["variant"][:13])
    assert torch.bincount(more.extras["variant"]).tolist() == [10] * 12
    assert len(more.frames.flatten(1).unique(dim=0)) == 120


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_a_cpu_generator_means_the_same_clips_on_a_gpu(source):
    there = open_dataset("digits-robust", "val", digits="strokes", device="cuda")
    for in_turn in (False, True):
        here, other = (x.batch(24, 8, gen(), in_turn=in_turn).frames.cpu().int() for x in (source, there))
        assert (here - other).abs().max() <= 1, "rounding of float32 differs between devices"
    assert there.batch(4, 8, torch.Generator("cuda").manual_seed(0)).frames.is_cuda
