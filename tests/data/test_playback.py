"""Rates that no player or encoder can keep: gaps, time-lapse, wild rates asked of the writers, and clips that stand still."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from vp.data.video_file import read_clip, write_gif, write_mp4

H264 = ("-fps_mode", "vfr", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")


@pytest.mark.parametrize(
    ("stamp", "fps", "says"),
    [
        ("if(lt(N,10),N,N+900000)/25/TB", 25, "has a gap of 10 h between frames 9 and 10; it is played as if there were none"),
        ("N*1800/TB", 1, "has one frame every 30 min; it is played at 1 a second"),
        ("if(lt(N,10),N,N+50)/25/TB", 25, "has a gap of 2.04 s between frames 9 and 10"),
        ("(N+3000*floor(N/10))/25/TB", 25, "has a gap of 2 min between frames 9 and 10 and in 1 more places"),
        ("N*86400/TB", 1, "has one frame every 24 h"),
        ("N*4/TB", 0.25, ""),
    ],
)
def test_a_clip_with_gaps_or_a_frame_now_and_then_is_played_at_a_rate_that_every_file_can_have(
    stamp, fps, says, make_video, tmp_path
):
    path = make_video("clip.mp4", "-vf", f"setpts='{stamp}'", *H264, size="32x24", seconds=1)
    clip = read_clip(path)
    assert len(clip.frames) == 25 and clip.fps == pytest.approx(fps, rel=0.01)
    assert says in "".join(clip.notes) and bool(says) == bool(clip.notes)
    for name, write in (("out.gif", write_gif), ("out.mp4", write_mp4)):
        write(tmp_path / name, clip.frames, clip.fps)
        assert read_clip(tmp_path / name).fps == pytest.approx(clip.fps, rel=0.02)


@pytest.mark.parametrize("fps", [1e-9, 1e-4, 1e-3, 0.3, 1_000.0, 1e6, float("inf")])
def test_writers_take_any_rate_above_0(fps, tmp_path):
    frames = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
    for name, write in (("out.gif", write_gif), ("out.mp4", write_mp4)):
        write(tmp_path / name, frames, fps)
        assert len(read_clip(tmp_path / name).frames) == 4


def still(shade: int | tuple[int, ...], frames: int = 10) -> np.ndarray:
    return np.full((frames, 24, 32, 3), shade, np.uint8)


@pytest.mark.parametrize(
    "frames",
    [
        still(100),
        still((10, 200, 30)),
        np.concatenate([still(100, 4), still((9, 9, 200), 5), still(100, 3)]),
        np.repeat(np.random.default_rng(0).integers(0, 256, (1, 24, 32, 3), np.uint8), 7, 0),
        np.repeat(np.random.default_rng(0).integers(0, 256, (1, 320, 330, 3), np.uint8), 3, 0),
        still(255)[..., :1],
    ],
)
def test_a_gif_keeps_every_frame_of_a_clip_that_stands_still(frames, tmp_path):
    write_gif(tmp_path / "out.gif", frames, 10)
    with Image.open(tmp_path / "out.gif") as gif:
        assert gif.n_frames == len(frames)
    again = read_clip(tmp_path / "out.gif")
    assert again.frames.shape[0] == len(frames) and again.fps == 10
    few = len(np.unique(frames.reshape(-1, frames.shape[-1]), axis=0)) < 200
    assert not few or np.abs(again.frames.astype(int) - frames).max() <= 1


def test_a_large_gif_keeps_few_colours_exactly_and_many_nearly(tmp_path):
    height, width = np.mgrid[0:320, 0:330]
    many = np.stack([np.stack([height * 3 // 4, width * 3 // 4, 128 + 0 * height], -1)] * 2).astype(np.uint8)
    few = 100 + many // 64  # alike
    for frames, most in ((many, 6.0), (few, 0.0)):
        write_gif(tmp_path / "out.gif", frames, 10)
        with Image.open(tmp_path / "out.gif") as gif:
            assert np.abs(np.asarray(gif.convert("RGB")).astype(int) - frames[0]).mean() <= most
