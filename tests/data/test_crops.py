"""Training windows cut from whole frames: what is drawn, how often, and that a video is decoded once."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from vp.core.crops import Crops
from vp.data.clip import Clip
from vp.data.crops import CroppedClips, mean_change
from vp.data.framing import Framing
from vp.data.recording import Recording

PLAIN = Crops(short_side=16, side=16, strides=(1,), most_of_group=1.0, still=1.0, reversed=0.0, turned=0.0)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("VP_CACHE", str(tmp_path / "cache"))


def recording(name: str, frames: np.ndarray, group: str = "", loads: list[str] | None = None) -> Recording:
    def load(framing: Framing) -> Clip:
        if loads is not None:
            loads.append(name)
        if not len(frames):
            raise ValueError(f"{name} is damaged")
        return Clip(np.stack([framing.fit(frame) for frame in frames]))

    return Recording(name, group or name, max(len(frames), 30), 25.0, load)


def counted(length: int, height: int = 16, width: int = 32, channels: int = 3) -> np.ndarray:
    """uint8 (T, H, W, C): every pixel of frame t is t, plus its column times 4 in the second channel."""
    frames = np.zeros((length, height, width, channels), np.uint8)
    frames[..., 0] = np.arange(length)[:, None, None]
    frames[..., 1] = 4 * np.arange(width)
    return frames


def source(*recordings: Recording, crops: Crops = PLAIN) -> CroppedClips:
    return CroppedClips("test", recordings, Path("/nowhere"), crops, 3)


def draw(clips: CroppedClips, count: int = 16, length: int = 5, seed: int = 0) -> torch.Tensor:
    return clips.batch(count, length, torch.Generator().manual_seed(seed)).frames


def test_clips_are_cut_closer_and_tinted_all_frames_of_a_clip_alike():
    still = np.repeat(counted(1), 40, 0) * np.array([0, 1, 0], np.uint8) + np.array([30, 0, 90], np.uint8)
    usual = source(recording("a", still))
    closer = draw(source(recording("a", still), crops=dataclasses.replace(PLAIN, closer=1.0, nearest=0.5)))
    assert closer.shape == (16, 5, 3, 16, 16)
    spans = [(x[:, 0, 1].amax((1, 2)).int() - x[:, 0, 1].amin((1, 2)).int()) for x in (draw(usual), closer)]
    assert (spans[0] == 60).all() and spans[1].min() < 45 and spans[1].max() <= 60  # fewer columns, as wide
    tinted = draw(source(recording("a", still), crops=dataclasses.replace(PLAIN, tinted=1.0)))
    assert (tinted == tinted[:, :1]).all()
    colours = tinted[:, 0].float().mean((2, 3))
    assert colours.std(0).min() > 5 and (draw(usual)[:, 0, 0] == 30).all()
    both = dataclasses.replace(PLAIN, closer=1.0, tinted=1.0)
    grey = CroppedClips("test", [recording("a", still[..., :1])], Path("/nowhere"), both, 1)
    assert draw(grey).shape == (16, 5, 1, 16, 16)


def test_clips_are_squares_cut_from_anywhere_and_a_seed_means_the_same_ones():
    clips = source(recording("a", counted(40)))
    frames = draw(clips)
    assert frames.shape == (16, 5, 3, 16, 16) and frames.dtype == torch.uint8
    assert torch.equal(frames, draw(source(recording("a", counted(40))))) and not torch.equal(frames, draw(clips, seed=1))
    lefts = frames[:, 0, 1].flatten(1).amin(1) // 4
    assert len(lefts.unique()) > 5 and lefts.max() <= 16


def test_rates_and_directions():
    crops = Crops(short_side=16, side=16, strides=(1, 3), still=1.0, reversed=0.5)
    steps = draw(source(recording("a", counted(40)), crops=crops), 64)[:, :, 0, 0, 0].int().diff(dim=1)
    assert (steps == steps[:, :1]).all()
    assert set(steps[:, 0].tolist()) == {1, 3, -1, -3}


def test_a_stride_that_does_not_fit_is_not_taken():
    crops = Crops(short_side=16, side=16, strides=(3,), still=1.0, reversed=0.0)
    assert set(
        draw(source(recording("a", counted(30)), crops=crops), 8, 11)[:, :, 0, 0, 0].int().diff(dim=1).unique().tolist()
    ) == {1}


def test_no_group_gives_more_than_its_share():
    many = [recording(f"many {i}", np.full((30, 16, 16, 3), 200, np.uint8), "many") for i in range(60)]
    few = [recording(f"few {i}", np.full((30, 16, 16, 3), i, np.uint8)) for i in range(10)]
    clips = source(*many, *few, crops=Crops(short_side=16, side=16, still=1.0, most_of_group=0.15))
    seen = Counter(draw(clips, 2_000, 2)[:, 0, 0, 0, 0].tolist())
    assert seen[200] / 2_000 < 0.24, "without the cap it would be 44 %"
    assert min(seen[i] for i in range(10)) > 100


def test_windows_in_which_nothing_moves_are_rare():
    lively = counted(30) * 8
    clips = source(recording("still", np.full((30, 16, 32, 3), 255, np.uint8)), recording("lively", lively))
    clips.crops = Crops(short_side=16, side=16, still=0.1)
    assert (draw(clips, 200)[:, :, 2] == 255).flatten(1).all(1).float().mean() < 0.2
    assert mean_change(lively[:5]) > 3 and mean_change(np.ones_like(lively)) == 0


def test_a_video_is_decoded_once_and_the_next_training_decodes_it_no_more():
    loads: list[str] = []
    one, other = (source(recording("a", counted(40), loads=loads)) for _ in range(2))
    told: list[tuple[int, int]] = []
    one.prepare(lambda *x: told.append(x))
    assert torch.equal(draw(one), draw(other)) and loads == ["a"] and told == [(1, 1)]


def test_a_damaged_video_is_passed_over_and_all_damaged_are_told():
    clips = source(recording("good", counted(40)), recording("bad", counted(0)))
    clips.prepare(lambda done, total: None)
    assert draw(clips, 32).shape[0] == 32 and clips.refused == {"bad": "bad is damaged"}
    with pytest.raises(ValueError, match="no recording of test with 5 frames can be used: bad is damaged"):
        draw(source(recording("bad", counted(0))))
    with pytest.raises(ValueError, match="no recording of test with 31 frames can be used: all are shorter"):
        draw(source(recording("short", counted(30))), 1, 31)


def test_settings_out_of_range_are_refused():
    with pytest.raises(ValueError, match="side is 128 and short_side 64"):
        Crops(short_side=64)
    with pytest.raises(ValueError, match="strides are"):
        Crops(strides=(0,))
