"""Every awkward upload gives a usable clip or one clear sentence; what we write can be read and played."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import cv2
import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from vp.data import video_decode
from vp.data.region import Region
from vp.data.video_file import read_clip, write_gif, write_mp4

X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")


def moving_square(frames: int = 12, side: int = 64) -> np.ndarray:
    """uint8 (T, H, W, 3): a red square moving right on a grey ground."""
    clip = np.full((frames, side, side, 3), 90, np.uint8)
    for t in range(frames):
        clip[t, 20:40, 2 + 3 * t : 22 + 3 * t] = (230, 30, 30)
    return clip


def sentence(error) -> str:
    text = str(error.value)
    assert "\n" not in text and "Traceback" not in text and len(text) < 300
    return text


def test_a_name_that_is_no_utf_8_is_refused_and_does_not_crash_the_decoder(tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/b\xe9.avi")
    try:
        Path(path).write_bytes(b"RIFF\0\0")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    with pytest.raises(ValueError, match="no UTF-8; rename it"):
        read_clip(path)


# --- files that can be used ---


def test_a_clip_can_begin_later_or_be_the_file_s_end(tmp_path):
    write_mp4(tmp_path / "clip.mp4", moving_square(40), 10.0)
    whole = read_clip(tmp_path / "clip.mp4")
    later = read_clip(tmp_path / "clip.mp4", max_frames=8, start=1.5)
    assert np.array_equal(later.frames, whole.frames[15:23]) and later.fps == whole.fps
    assert (later.first, later.every, later.total, later.notes) == (15, 1, 0, ()) and whole.total == 40
    assert later.cut(2).described(6, 32, 24) == "32x24, frames 17-22, 10 a second, 0.6 s"
    end = read_clip(tmp_path / "clip.mp4", max_frames=6, start="end")
    assert np.array_equal(end.frames, whole.frames[-6:])
    thinned = read_clip(tmp_path / "clip.mp4", start=2.0, max_fps=5.0)
    assert np.array_equal(thinned.frames, whole.frames[20::2])


@pytest.mark.parametrize(
    ("start", "said"), [(9.0, "ends before second 9"), (-1, "0 or more"), ("middle", "or 'end'"), (float("nan"), "0 or more")]
)
def test_a_start_that_cannot_be_used_is_one_sentence(tmp_path, start, said):
    write_mp4(tmp_path / "clip.mp4", moving_square(12), 10.0)
    with pytest.raises(ValueError, match=said) as error:
        read_clip(tmp_path / "clip.mp4", start=start)
    sentence(error)


def test_a_region_is_cut_out_before_anything_is_shrunk(tmp_path):
    write_mp4(tmp_path / "clip.mp4", moving_square(8), 10.0)
    whole, part = read_clip(tmp_path / "clip.mp4"), Region.of_pixels("8,16,32,24", 64, 64)
    clip = read_clip(tmp_path / "clip.mp4", region=part)
    assert np.array_equal(clip.frames, whole.frames[:, 16:40, 8:40])
    assert read_clip(tmp_path / "clip.mp4", size=24, region=part).frames.shape == (8, 24, 24, 3)
    assert read_clip(tmp_path / "clip.mp4", max_side=16, region=part).frames.shape == (8, 12, 16, 3)


@pytest.mark.parametrize("max_fps", [None, 10.0])
def test_one_frame_of_several_is_taken(tmp_path, max_fps):
    write_mp4(tmp_path / "clip.mp4", moving_square(20), 20.0)
    whole = read_clip(tmp_path / "clip.mp4")
    clip = read_clip(tmp_path / "clip.mp4", every=3, max_fps=max_fps)
    every = 3 if max_fps is None else 6
    assert np.array_equal(clip.frames, whole.frames[::every]) and clip.every == every
    thinned = "every third frame" if every == 3 else "one frame in 6"
    line = f"64x64, frames 0-{every} of 20, {20 / every:.3g} a second ({thinned}), {2 * every / 20:.1f} s"
    assert clip.described(2, 64, 64) == line
    with pytest.raises(ValueError, match="every is 0; give 1 to take all frames"):
        read_clip(tmp_path / "clip.mp4", every=0)
    with pytest.raises(ValueError, match="give one of them"):
        read_clip(tmp_path / "clip.mp4", every=2, fps=5)


def test_an_end_that_is_too_far_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr("vp.data.video_file.MAX_DECODED", 10)
    write_mp4(tmp_path / "clip.mp4", moving_square(12), 10.0)
    with pytest.raises(ValueError, match="its end is too far; give a start in seconds") as error:
        read_clip(tmp_path / "clip.mp4", start="end")
    sentence(error)


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("plain.mp4", X264),
        ("full_chroma.mp4", ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv444p")),
        ("ten_bit.mp4", ("-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le")),
        ("vp9.webm", ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8")),
        ("av1.mp4", ("-c:v", "libsvtav1", "-preset", "12", "-svtav1-params", "lp=1")),
        ("animated.gif", ()),
        ("stream.ts", X264),
        ("motion.avi", ("-c:v", "mjpeg")),
        ("film.mkv", X264),
    ],
)
def test_every_usual_format_gives_all_its_frames(name, codec, make_video):
    path = make_video(name, *codec) if codec else make_video(name, "-c:v", "gif")
    clip = read_clip(path, size=64)
    assert clip.frames.shape[1:] == (64, 64, 3) and clip.frames.dtype == np.uint8
    assert 28 <= len(clip.frames) <= 31 and clip.fps == pytest.approx(25, rel=0.05)
    assert clip.frames.std() > 40 and np.abs(np.diff(clip.frames.astype(int), axis=0)).mean() > 1
    assert clip.notes == ()


def test_av1_goes_through_ffmpeg_where_opencv_has_no_decoder(make_video, monkeypatch):
    path = make_video("plain.mp4", *X264)
    direct = read_clip(path, size=64)
    nothing = lambda path: video_decode.Stream(iter(()), 25.0, 0)  # noqa: E731
    monkeypatch.setattr(video_decode, "open_with_opencv", nothing)
    fallback = read_clip(path, size=64)
    assert len(fallback.frames) == len(direct.frames) and fallback.fps == pytest.approx(direct.fps, rel=0.01)
    assert np.abs(fallback.frames.astype(int) - direct.frames).mean() < 1.5


@pytest.mark.parametrize("decoder", ["opencv", "ffmpeg"])
def test_a_rotation_flag_is_honoured(decoder, make_video, run_ffmpeg, tmp_path, monkeypatch):
    turned = tmp_path / "turned.mp4"
    run_ffmpeg("-display_rotation", "90", "-i", str(make_video("plain.mp4", *X264)), "-c", "copy", str(turned))
    if decoder == "ffmpeg":
        monkeypatch.setattr(video_decode, "open_with_opencv", lambda path: video_decode.Stream(iter(()), 25.0, 0))
    plain, clip = read_clip(tmp_path / "plain.mp4"), read_clip(turned)
    assert clip.frames.shape[1:] == (160, 120, 3)
    assert np.abs(np.rot90(plain.frames[0]).astype(int) - clip.frames[0]).mean() < 3


def test_variable_frame_rate_keeps_the_time_stamps(make_video):
    """Frames 0-9 at 25 a second, then every fourth: thinning to 5 a second takes them by time, not by number."""
    path = make_video("vfr.mp4", "-vf", "select='lt(n,10)+not(mod(n,4))'", "-fps_mode", "vfr", *X264, seconds=2.4)
    every, some = read_clip(path, size=32), read_clip(path, size=32, fps=5)
    assert len(every.frames) == 22
    assert 11 <= len(some.frames) <= 12 and some.fps == pytest.approx(5, abs=0.5)


def test_a_high_rate_is_thinned_by_time(make_video):
    path = make_video("fast.mp4", *X264, rate=120, seconds=1)
    clip = read_clip(path, size=32, fps=20)
    assert len(clip.frames) == 20 and clip.fps == pytest.approx(20, abs=0.2)
    assert read_clip(path, size=32, fps=500).fps == pytest.approx(120, abs=1), "frames are never repeated"


@pytest.mark.parametrize("size", ["161x121", "2x2", "16x400"])
def test_odd_sizes(size, make_video):
    path = make_video("odd.mkv", "-vf", f"scale={size},setsar=1", "-pix_fmt", "yuv444p", "-c:v", "ffv1", seconds=0.2)
    width, height = map(int, size.split("x"))
    assert read_clip(path).frames.shape == (5, height, width, 3)
    assert read_clip(path, size=64).frames.shape == (5, 64, 64, 3)


def test_4k_is_shrunk_with_a_note_or_cropped_to_size(make_video):
    path = make_video("big.mp4", *X264, size="3840x2160", seconds=0.16)
    kept = read_clip(path)
    assert kept.frames.shape == (4, 288, 512, 3) and "3840x2160" in kept.notes[0]
    assert read_clip(path, size=64).frames.shape == (4, 64, 64, 3)


def test_beyond_8k_is_refused_before_decoding(make_video, monkeypatch):
    monkeypatch.setattr(video_decode, "MAX_FRAME_PIXELS", 100 * 100)
    with pytest.raises(ValueError, match="160x120") as error:
        read_clip(make_video("plain.mp4"))
    sentence(error)


def test_two_minutes_are_cut_and_it_is_known_where(make_video):
    path = make_video("long.mp4", *X264, size="64x48", seconds=120, rate=10)
    clip = read_clip(path, size=32, max_frames=40)
    assert len(clip.frames) == 40 and not clip.notes and (clip.first, clip.total) == (0, 0)


def test_a_cut_exactly_at_the_end_needs_no_note(make_video):
    assert read_clip(make_video("plain.mp4"), size=32, max_frames=30).notes == ()


def test_centre_crop_then_area_averaging(tmp_path):
    """The one resizer of training data, uploads and tests: equal to cropping and INTER_AREA by hand."""
    frames = np.random.default_rng(0).integers(0, 256, (3, 90, 160, 3), np.uint8)
    path = tmp_path / "noise.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"FFV1"), 25, (160, 90))
    for frame in frames:
        writer.write(frame[..., ::-1])
    writer.release()
    squares = read_clip(path).frames[:, :, 35:125]
    expected = [cv2.resize(square, (64, 64), interpolation=cv2.INTER_AREA) for square in squares]
    assert np.array_equal(read_clip(path, size=64).frames, np.stack(expected))


def test_grey_is_asked_for_and_said(make_video, tmp_path):
    colour = read_clip(make_video("plain.mp4"), size=32, channels=1)
    assert colour.frames.shape[-1] == 1 and "grey" in colour.notes[-1]
    grey = np.repeat(moving_square()[..., 1:2], 3, axis=3)
    write_mp4(tmp_path / "grey.mp4", grey, 10)
    assert read_clip(tmp_path / "grey.mp4", channels=1).notes == ()


# --- damage ---


def test_a_truncated_file_gives_what_decodes_and_says_so(make_video):
    path = make_video("cut.mp4", *X264, "-movflags", "+faststart")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    clip = read_clip(path, size=64)
    assert 2 <= len(clip.frames) < 26 and "promises about 30" in clip.notes[0]
    assert f"only {len(clip.frames)} can" in clip.notes[0]
    thinned = read_clip(path, size=64, fps=10)
    assert thinned.notes == clip.notes and len(thinned.frames) < len(clip.frames)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", ["flipped.mp4", "flipped.webm", "flipped.gif", "flipped.ts"])
def test_flipped_bits_give_a_clip_or_one_sentence(name, seed, make_video):
    codecs = {"webm": ("-c:v", "libvpx", "-cpu-used", "8"), "gif": ("-c:v", "gif")}
    codec = codecs.get(name.split(".")[1], X264)
    path = make_video(name, *codec)
    data = bytearray(path.read_bytes())
    rng = np.random.default_rng(seed)
    for place in rng.integers(0 if seed == 3 else 600, len(data), 60):
        data[place] ^= 1 << int(rng.integers(8))
    path.write_bytes(data)
    try:
        clip = read_clip(path, size=64)
    except ValueError as error:
        assert "\n" not in str(error) and name in str(error)
    else:
        assert len(clip.frames) >= 2 and np.isfinite(clip.fps)


# --- files that cannot be used ---


def test_no_index(make_video):
    path = make_video("headless.mp4", *X264)  # the moov box comes last
    data = path.read_bytes()
    path.write_bytes(data[: data.rindex(b"moov") - 4])
    with pytest.raises(ValueError, match="headless.mp4 has no pictures that can be decoded") as error:
        read_clip(path)
    sentence(error)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("nothing.mp4", b"", "is empty"),
        ("notes.mp4", b"Dear diary, this is not a video.\n" * 40, "is a text file"),
        ("noise.mp4", bytes(range(256)) * 40, "no pictures"),
        ("list.m3u8", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n", "is a playlist"),
        ("list.mp4", b"\n ffconcat version 1.0\nfile other.mp4\n\0", "is a playlist"),
    ],
)
def test_what_is_no_video_is_named(name, content, says, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=f"{name} .*{says}|{name} {says}") as error:
        read_clip(tmp_path / name)
    assert "give" in sentence(error)


def test_sound_only(run_ffmpeg, tmp_path):
    run_ffmpeg("-f", "lavfi", "-i", "sine=duration=1", "-c:a", "aac", str(tmp_path / "song.mp4"))
    with pytest.raises(ValueError, match="sound only") as error:
        read_clip(tmp_path / "song.mp4")
    sentence(error)


def test_a_picture_named_mp4_and_a_single_frame(make_video, tmp_path):
    Image.fromarray(moving_square()[0]).save(tmp_path / "picture.png")
    (tmp_path / "picture.png").rename(tmp_path / "picture.mp4")
    for path in (tmp_path / "picture.mp4", make_video("one.mp4", *X264, seconds=0.04)):
        with pytest.raises(ValueError, match=f"{path.name} has one picture only") as error:
            read_clip(path)
        sentence(error)


def test_no_such_file_a_folder_and_an_address(tmp_path):
    for path in (tmp_path / "missing.mp4", tmp_path, "http://localhost:9/clip.mp4", ""):
        with pytest.raises(ValueError, match="there is no file"):
            read_clip(path)


@pytest.mark.parametrize("wrong", [{"size": 0}, {"max_frames": 1}, {"fps": 0}, {"fps": float("nan")}, {"channels": 4}])
def test_wrong_arguments(wrong, tmp_path):
    with pytest.raises(ValueError, match=next(iter(wrong))) as error:
        read_clip(tmp_path / "any.mp4", **wrong)
    sentence(error)


# --- writing ---


def stream_line(path) -> str:
    done = subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-i", str(path)], capture_output=True, text=True)
    return next(line for line in done.stderr.splitlines() if "Video:" in line)


@pytest.mark.parametrize("channels", [1, 3])
def test_mp4_plays_in_browsers_and_comes_back(channels, tmp_path):
    frames, path = moving_square()[:, :, :63, :channels], tmp_path / "out.mp4"
    write_mp4(path, frames, 12.5)
    line = stream_line(path)
    assert "h264" in line and "yuv420p" in line and "64x64" in line and "12.50 fps" in line
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat"), "the index comes first, so it plays while loading"
    clip = read_clip(path)
    assert clip.frames.shape == (12, 64, 64, 3) and clip.fps == pytest.approx(12.5)
    red = np.abs(clip.frames[:, :, :63].astype(int) - np.broadcast_to(frames, (12, 64, 63, 3)))
    assert red.mean() < 6


def test_small_frames_are_enlarged_to_sharp_squares(tmp_path):
    frames = moving_square(side=64)[:, :, :, 1:2]
    write_mp4(tmp_path / "big.mp4", frames, 10, min_side=250)
    write_gif(tmp_path / "big.gif", frames, 10, min_side=250)
    clip = read_clip(tmp_path / "big.mp4")
    assert clip.frames.shape == (12, 256, 256, 3)
    assert np.abs(clip.frames[:, 2::4, 2::4].astype(int) - frames).mean() < 2
    with Image.open(tmp_path / "big.gif") as gif:
        assert gif.size == (256, 256)
        assert np.array_equal(np.asarray(gif.convert("L"))[::4, ::4], frames[0, :, :, 0])


def test_gif_has_every_frame_its_time_and_loops(tmp_path):
    write_gif(tmp_path / "out.gif", moving_square(10), 15)
    with Image.open(tmp_path / "out.gif") as gif:
        assert gif.n_frames == 10 and gif.info["loop"] == 0
        total = 0
        for index in range(10):
            gif.seek(index)
            total += gif.info["duration"]
        assert total == pytest.approx(10_000 / 15, abs=10)
    clip = read_clip(tmp_path / "out.gif")
    assert np.abs(clip.frames.astype(int) - moving_square(10)).mean() < 2


@pytest.mark.parametrize("write", [write_mp4, write_gif])
@pytest.mark.parametrize(
    ("frames", "fps", "says"),
    [
        (np.zeros((4, 8, 8, 3)), 10, "float64"),
        (np.zeros((4, 8, 8), np.uint8), 10, "(4, 8, 8)"),
        (np.zeros((0, 8, 8, 3), np.uint8), 10, "nothing to write"),
        (np.zeros((4, 8, 8, 3), np.uint8), 0, "fps is 0"),
        ([1, 2], 10, "list"),
    ],
)
def test_what_cannot_be_written_is_said(write, frames, fps, says, tmp_path):
    with pytest.raises(ValueError) as error:
        write(tmp_path / "out", frames, fps)
    assert says in sentence(error)


@pytest.mark.parametrize(("fps", "stride"), [(60, 2), (59.94, 2), (50, 2), (120, 4), (240, 8), (30, 1), (29.97, 1), (12.5, 1)])
def test_a_rate_that_is_too_high_is_divided_by_a_whole_number_and_told(fps, stride, tmp_path):
    path, frames = tmp_path / "fast.mp4", np.zeros((48, 32, 32, 3), np.uint8)
    frames += (5 * np.arange(48, dtype=np.uint8))[:, None, None, None]
    write_mp4(path, frames, fps)
    clip = read_clip(path, max_fps=30)
    assert len(clip.frames) == 48 // stride and clip.fps == pytest.approx(fps / stride, rel=0.01)
    steps = np.diff(clip.frames.mean((1, 2, 3)))
    assert np.abs(steps - 5 * stride).max() < 3, "evenly spaced"
    told = [note for note in clip.notes if "frames a second" in note]
    said = f"The video has {fps:.3g} frames a second; one in {stride} is used, {fps / stride:.3g} a second."
    assert told == [said] * (stride > 1)


def test_a_larger_picture_is_kept_where_it_is_asked_for(tmp_path):
    path = tmp_path / "large.mp4"
    write_mp4(path, np.zeros((3, 360, 800, 3), np.uint8), 25)
    assert read_clip(path).frames.shape[1:3] == (230, 512)
    assert read_clip(path, max_side=4096).frames.shape[1:3] == (360, 800) and not read_clip(path, max_side=4096).notes
    refused = {"max_side is 0": {"max_side": 0}, "max_fps is 0.5": {"max_fps": 0.5}, "give one": {"fps": 5, "max_fps": 30}}
    for says, wrong in refused.items():
        with pytest.raises(ValueError, match=says):
            read_clip(path, **wrong)
