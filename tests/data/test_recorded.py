"""Clips drawn from recordings: windows, actions, memory, damage, and that a generator alone decides."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vp.data.clip import Clip
from vp.data.framing import Framing
from vp.data.recorded import Cache, ClipTensors, RecordedClips
from vp.data.recording import Recording


def gen(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def counting(name: str, number: int, frames: int, actions: int = 2, decoded: list | None = None, height: int = 16, **more):
    """Frames show (number, t) in two pixels; actions[t] is (number, t), so that every alignment can be checked."""

    def load(framing: Framing) -> Clip:
        if decoded is not None:
            decoded.append(name)
        pictures = np.zeros((frames, *framing.target_size(height, 16), 3), np.uint8)
        pictures[:, 0, 0], pictures[:, 0, 1] = number, np.arange(frames)[:, None]
        rows = np.stack([np.full(frames, number), np.arange(frames)], 1).astype(np.float32)[:, :actions]
        state = np.arange(frames, dtype=np.float32)[:, None]
        return Clip(pictures, actions=rows if actions else None, extras={"state": state})

    return Recording(name, name, frames, 20.0, load, actions=actions, **more)


def source(*recordings, channels=3, **framing) -> RecordedClips:
    return RecordedClips("test", recordings, Framing(size=8, **framing), channels)


def times(batch) -> torch.Tensor:
    return batch.frames[:, :, 0, 0, 1]


def test_shapes_types_and_that_actions_and_extras_belong_to_their_frames():
    batch = source(*(counting(f"r{n}", n, 30) for n in range(5))).batch(4, 7, gen())
    assert batch.frames.shape == (4, 7, 3, 8, 8) and batch.frames.dtype == torch.uint8
    assert batch.actions.shape == (4, 7, 2) and batch.actions.dtype == torch.float32
    assert torch.equal(batch.actions[..., 1], times(batch).float()) and torch.equal(batch.extras["state"][..., 0], times(batch))
    assert torch.equal(batch.actions[..., 0], batch.frames[:, :, 0, 0, 0].float())
    assert (times(batch).diff(dim=1) == 1).all()


def test_a_generator_alone_decides_whatever_was_drawn_and_decoded_before():
    recordings = [counting(f"r{n}", n, 20 + n) for n in range(9)] + [counting("short", 99, 3)]
    fresh, used = source(*recordings), source(*recordings, cache_mb=0)
    for seed in range(5):
        used.batch(3, 5, gen(seed))
    for seed in (7, 8):
        first, again = fresh.batch(6, 5, gen(seed)), used.batch(6, 5, gen(seed))
        assert torch.equal(first.frames, again.frames) and torch.equal(first.actions, again.actions)
    assert not torch.equal(fresh.batch(6, 5, gen(1)).frames, fresh.batch(6, 5, gen(2)).frames)


def test_damage_changes_nothing_for_those_drawn_after_it():
    """A run that resumes meets the damaged file anew, one that went on knows it: both must draw the same clips."""

    def broken(framing: Framing) -> Clip:
        raise ValueError("r3 is damaged")

    def make() -> RecordedClips:
        recordings = [counting(f"r{n}", n, 12) for n in range(6)]
        return source(*recordings, Recording("r9", "r9", 12, 20.0, broken, actions=2))

    went_on, resumed = make(), make()
    went_on.batch(7, 5, gen(1))
    assert went_on.refused == {"r9": "r3 is damaged"}
    first, again = went_on.batch(7, 5, gen(2)), resumed.batch(7, 5, gen(2))
    assert torch.equal(first.frames, again.frames)


def test_whole_frames_keep_their_aspect_and_only_those_of_one_size_are_stacked():
    clips = RecordedClips("test", [counting("wide", 1, 9), counting("high", 2, 9, height=24)], Framing(short_side=8), 3)
    assert clips.size is None
    windows, numbers = clips.draw_windows(2, 5, gen())
    assert {number: tuple(w.frames.shape) for number, w in zip(numbers, windows)} == {0: (5, 3, 8, 8), 1: (5, 3, 12, 8)}
    assert clips.batch(1, 5, gen()).frames.shape[:3] == (1, 5, 3)
    with pytest.raises(ValueError, match="clips of test are 8x8 and 8x12 px; give square frames, one clip at a time, or crops"):
        clips.batch(2, 5, gen())


def test_fewer_recordings_than_clips_are_drawn_again_and_more_are_not():
    numbers = source(counting("a", 1, 12), counting("b", 2, 12)).batch(7, 5, gen()).frames[:, 0, 0, 0, 0]
    assert sorted(numbers.tolist()) in ([1, 1, 1, 1, 2, 2, 2], [1, 1, 1, 2, 2, 2, 2])
    numbers = source(*(counting(f"r{n}", n, 12) for n in range(12))).batch(12, 5, gen()).frames[:, 0, 0, 0, 0]
    assert sorted(numbers.tolist()) == list(range(12))


def test_every_clip_tells_its_recording_whatever_was_too_short_or_damaged():
    def broken(framing: Framing) -> Clip:
        raise ValueError("damaged")

    damaged = Recording("damaged", "damaged", 20, 20.0, broken, actions=2)
    clips = source(counting("short", 1, 3), damaged, counting("c", 3, 20), counting("d", 4, 9))
    for seed in range(3):
        batch = clips.batch(5, 6, gen(seed))
        assert batch.extras["recording"].dtype == torch.int64 and set(batch.extras["recording"].tolist()) == {2, 3}
        assert torch.equal(batch.extras["recording"] + 1, batch.actions[:, 0, 0].long()), "counted among all, usable or not"


def test_every_start_of_every_stretch_is_drawn_and_none_across_a_gap():
    batch = source(counting("a", 1, 40, parts=((2, 8), (20, 23), (30, 36)))).batch(600, 5, gen())
    starts = times(batch)[:, 0]
    assert sorted(set(starts.tolist())) == [2, 3, 30, 31] and (times(batch).diff(dim=1) == 1).all()
    assert torch.bincount(starts.long())[[2, 3, 30, 31]].min() > 600 / 4 - 3 * (600 * 0.25 * 0.75) ** 0.5


def test_short_recordings_are_passed_over_and_the_longest_is_named():
    clips = source(counting("short", 1, 4), counting("long", 2, 9))
    assert set(clips.batch(5, 6, gen()).frames[:, 0, 0, 0, 0].tolist()) == {2}
    with pytest.raises(ValueError, match="no recording of test has 10 frames; the longest has 9"):
        clips.batch(1, 10, gen())


def test_a_stride_thins_frames_and_puts_the_actions_on_the_way_side_by_side():
    clips = source(counting("a", 1, 10), stride=3)
    assert clips.fps == pytest.approx(20 / 3, abs=1e-3)
    batch = clips.batch(1, 4, gen())  # frames 0, 3, 6, 9: the only window
    assert times(batch)[0].tolist() == [0, 3, 6, 9] and batch.extras["state"][0, :, 0].tolist() == [0, 3, 6, 9]
    assert batch.actions[0].tolist() == [[1, 0, 1, 1, 1, 2], [1, 3, 1, 4, 1, 5], [1, 6, 1, 7, 1, 8], [1, 9, 0, 0, 0, 0]]
    assert times(source(counting("a", 1, 10), fps=7.0).batch(1, 4, gen()))[0].tolist() == [0, 3, 6, 9]
    with pytest.raises(ValueError, match="has 5 frames; the longest has 4"):
        clips.batch(1, 5, gen())


def test_actions_are_left_out_where_a_recording_has_none():
    batch = source(counting("a", 1, 10), counting("b", 2, 10, actions=0)).batch(2, 5, gen())
    assert batch.actions is None


def test_grey_and_colour():
    grey = source(counting("a", 100, 10), channels=1).batch(1, 5, gen())
    assert grey.frames.shape == (1, 5, 1, 8, 8) and grey.frames[0, 0, 0, 0, 0] == 100


def test_promises_that_decoding_does_not_keep():
    short = Recording("a", "a", 50, 25.0, lambda framing: counting("a", 1, 6, actions=0).load(framing))
    other = counting("b", 2, 50, actions=0)
    assert set(source(short, other).batch(4, 20, gen()).frames[:, 0, 0, 0, 0].tolist()) == {2}
    with pytest.raises(ValueError, match="fewer frames than their headers say"):
        source(short).batch(1, 20, gen())
    wrong = Recording("c", "c", 6, 25.0, lambda framing: counting("c", 1, 6).load(framing), actions=7)
    with pytest.raises(ValueError, match="c has 2 numbers an action and promised 7"):
        source(wrong).batch(1, 5, gen())


def test_decoded_clips_are_kept_within_bounds():
    decoded: list[str] = []
    recordings = [counting(f"r{n}", n, 10, decoded=decoded) for n in range(4)]
    roomy, tight = source(*recordings), source(*recordings, cache_mb=2 * 10 * 8 * 8 * 3 / 1e6 + 1e-3)
    for seed in range(6):
        roomy.batch(4, 5, gen(seed))
    assert len(decoded) == 4
    for seed in range(6):
        tight.batch(4, 5, gen(seed))
        assert len(tight.cache.clips) <= 2 and tight.cache.held == sum(clip.nbytes for clip in tight.cache.clips.values())
    assert len(decoded) > 12


def test_the_cache_drops_what_was_not_asked_for_longest_and_keeps_the_newest():
    clip = ClipTensors(torch.zeros(10, dtype=torch.uint8))
    cache = Cache(20)
    for name in "ab":
        cache.put(name, clip)
    cache.get("a")
    cache.put("c", clip)
    assert list(cache.clips) == ["a", "c"]
    cache.put("big", ClipTensors(torch.zeros(99, dtype=torch.uint8)))
    assert list(cache.clips) == ["big"] and cache.held == 99


@pytest.mark.parametrize(
    ("size", "short_side", "target"),
    [
        ((360, 640), 128, (128, 228)),
        ((640, 360), 64, (114, 64)),
        ((48, 64), 96, (96, 128)),
        ((64, 64), 64, (64, 64)),
        ((9, 9), None, (16, 16)),
    ],
)
def test_a_short_side_keeps_the_aspect_and_enlarges_too(size, short_side, target):
    framing = Framing(16, short_side)
    assert framing.target_size(*size) == target
    for shape in (size, (*size, 1), (*size, 3)):
        picture = np.full(shape, 7, np.uint8)
        assert (framing.fit(picture) == np.full((*target, *shape[2:]), 7)).all()


def test_squares_cut_or_squeeze_and_masks_keep_their_numbers():
    picture = np.zeros((8, 16), np.uint8)
    picture[:, :4], picture[:, 12:] = 9, 5
    assert not Framing(8).fit(picture).any(), "the centre"
    assert Framing(8).fit(picture, squeeze=True)[0].tolist() == [9, 9, 0, 0, 0, 0, 5, 5]
    whole = Framing(8, short_side=7).fit(picture, nearest=True)
    assert whole.shape == (7, 14) and set(np.unique(whole)) == {0, 5, 9}
    assert set(np.unique(Framing(8, short_side=7).fit(picture))) > {0, 5, 9}, "averaged"
    same = Framing(8, short_side=8).fit(picture)
    assert same is picture


@pytest.mark.parametrize(
    "wrong",
    [{"size": 0}, {"short_side": 0}, {"channels": 2}, {"stride": 0}, {"stride": 2, "fps": 5.0}, {"fps": 0.0}, {"cache_mb": -1}],
)
def test_wrong_framing_gets_one_sentence(wrong):
    with pytest.raises(ValueError, match=r"is .*; give"):
        Framing(**wrong)
