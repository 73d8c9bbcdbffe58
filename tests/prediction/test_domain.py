"""Which clips a model is said not to know: few of its own, nearly all of those that differ in what it never saw."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch

from vp.data import open_dataset, read_clip
from vp.data.digits.robust import VARIANTS
from vp.prediction.card import as_card
from vp.prediction.domain import domain_note
from vp.prediction.known_frames import fit_to_model
from vp.ui.clips import CLIPS, examples

MIX = ("smmnist-svg", "smmnist-srvp", "digits-robust")


def clips(name: str, count: int, length: int, seed: int = 5) -> np.ndarray:
    """uint8 (B, T, H, W, C) of stroke digits."""
    source = open_dataset(name, "test", digits="strokes")
    return source.batch(count, length, torch.Generator().manual_seed(seed)).frames.movedim(2, -1).numpy()


@cache
def of_variants(length: int) -> dict[str, np.ndarray]:
    batch = open_dataset("digits-robust", "test", digits="strokes").batch(
        12 * 60, length, torch.Generator().manual_seed(5), in_turn=True
    )
    frames = batch.frames.movedim(2, -1).numpy()
    return {name: frames[batch.extras["variant"] == n] for n, name in enumerate(VARIANTS)}


def stated(frames: np.ndarray, data: tuple[str, ...]) -> list[str]:
    return [domain_note(clip, data) or "" for clip in frames]


def share(sentences: list[str], part: str = "") -> float:
    """Of clips about which something was said with `part` in it."""
    return np.mean([bool(said) and part in said for said in sentences])


@pytest.mark.parametrize(
    ("data", "length"),
    [(("mmnist",), 10), (("mmnist",), 16), (("mmnist",), 2), (("smmnist-svg", "smmnist-srvp"), 5), (MIX, 5), (MIX, 2), (MIX, 1)],
)
def test_a_model_s_own_clips_are_familiar(data, length):
    for name in data:
        assert share(stated(clips(name, 100, length), data)) <= 0.05, name


@pytest.mark.parametrize("length", [5, 10])
@pytest.mark.parametrize(
    ("variant", "words"),
    [
        ("still", "nothing moves"), ("inverted", "the ground is not black"), ("grey", "the ground is not black"),
        ("textured", "the ground is not black"), ("large", "too large or too many"), ("small", "too small"),
        ("one-digit", "one digit only"),
    ],
)  # fmt: skip
def test_a_model_of_one_published_set_is_said_not_to_know_each_other_kind(variant, words, length):
    assert share(stated(of_variants(length)[variant], ("mmnist",)), words) >= 0.8


def test_three_digits_are_noticed_by_their_ink_where_they_can_be():
    assert share(stated(of_variants(10)["three-digits"], ("mmnist",)), "too large or too many") >= 0.6
    assert share(stated(of_variants(10)["slow"], ("mmnist",)), "too slowly") >= 0.6


def test_models_of_both_random_laws_know_both_sizes_and_that_digits_may_stand_for_a_while():
    random_laws = ("smmnist-svg", "smmnist-srvp")
    for variant in ("still", "inverted", "grey", "textured", "small", "one-digit"):
        assert share(stated(of_variants(5)[variant], random_laws)) >= 0.8, variant
    assert share(stated(of_variants(5)["slow"], random_laws), "too slowly") == 0


def test_a_model_trained_on_variety_knows_every_variant():
    for variant, frames in of_variants(5).items():
        assert share(stated(frames[:30], MIX)) <= 0.05, variant


def test_what_is_unlike_digits_is_said_to_every_model_of_digits():
    square, rng = np.zeros((10, 64, 64, 1), np.uint8), np.random.default_rng(0)
    for t in range(10):
        square[t, t : t + 24, t : t + 24] = 255
    noise = rng.integers(0, 256, (10, 64, 64, 1), dtype=np.uint8)
    room = (np.linspace(40, 200, 64)[:, None] + rng.normal(0, 3, (10, 64, 64))).clip(0, 255).astype(np.uint8)[..., None]
    balls = read_clip(CLIPS / "balls.mp4").frames[:10, ::4, ::4].mean(-1, keepdims=True).astype(np.uint8)
    for stranger in (square, 255 - square, noise, room, balls, np.zeros_like(square), np.full_like(square, 99)):
        for data in (("mmnist",), ("smmnist-svg", "smmnist-srvp"), MIX):
            assert "do not trust what it shows" in domain_note(stranger, data)
        assert domain_note(stranger, ()) is None and domain_note(stranger[:0], MIX) is None


def test_the_sentence_says_what_is_known_and_what_is_not():
    still = np.repeat(clips("mmnist", 1, 1), 10, 1)[0]
    assert domain_note(still, ["mmnist"]) == (
        "This model has only seen two white 28-pixel digits that move at one speed on black; here nothing moves, so do not trust "
        "what it shows."
    )
    assert domain_note(np.zeros_like(still), MIX) == (
        "This model has only seen one to three digits of 20 to 40 pixels, lighter or darker than an even or textured ground that "
        "stands still; here there are no such digits, so do not trust what it shows."
    )


def test_a_card_names_the_whole_mix_or_one_data_set():
    assert as_card({"dataset": "kth", "data": {"kth": 1, "gatech": 1}}).datasets == ("kth", "gatech")
    assert as_card({"dataset": "kth"}).datasets == ("kth",) and as_card({"dataset": ""}).datasets == as_card({}).datasets == ()


def test_a_model_of_recorded_people_does_not_know_drawn_clips():
    rng = np.random.default_rng(0)
    room = np.linspace(40, 200, 64)[:, None] + rng.normal(0, 3, (15, 64, 64))
    recorded = room.clip(0, 255).astype(np.uint8)[..., None]
    assert all(domain_note(recorded, [name]) is None for name in ("kth", "gatech", "ucf101"))
    assert all("people" in said for said in stated(clips("mmnist", 8, 15), ("kth", "gatech")))


def test_the_push_world_is_known_by_its_bin_and_other_colour_clips_are_not():
    pytest.importorskip("pymunk")
    pushed = open_dataset("push", "test").batch(12, 4, torch.Generator().manual_seed(0)).frames.movedim(2, -1).numpy()
    assert all(domain_note(clip, ["push"]) is None for clip in pushed)
    rng = np.random.default_rng(0)
    others = [
        rng.integers(0, 256, (4, 64, 64, 3), dtype=np.uint8),
        np.full((4, 64, 64, 3), 80, np.uint8),
        255 - pushed[0],
        pushed[0][:, :, ::-1][:, :, 8:56],
    ]
    for other in others:
        assert "pushes objects about in a bin" in domain_note(np.ascontiguousarray(other), ["push"])


def test_the_app_s_own_digit_clips_are_known_to_models_of_their_data():
    for name, entry in examples().items():
        if entry["data"].startswith(("smmnist", "mmnist")):
            frames, _ = fit_to_model(read_clip(CLIPS / entry["file"]).frames[:5], 64, (1,))
            assert domain_note(frames, ("smmnist-svg", "smmnist-srvp", "mmnist")) is None, name
            assert domain_note(frames, MIX) is None, name
