"""What files say beside their pictures: pixels that are not square, mirroring, turning, and how many frames there are."""

from __future__ import annotations

import struct

import numpy as np
import pytest
import torch

from vp.data import DATASETS, Framing, open_dataset, video_decode
from vp.data.containers import read_mirror_matrix
from vp.data.video_file import read_clip

X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")


@pytest.fixture(params=["opencv", "ffmpeg"])
def decoder(request, monkeypatch):
    if request.param == "ffmpeg":
        monkeypatch.setattr(video_decode, "open_with_opencv", lambda path: video_decode.Stream(iter(()), 25.0, 0))
    return request.param


@pytest.mark.parametrize(
    ("name", "codec", "aspect", "shape"),
    [
        ("wide.mp4", X264, "2/1", (120, 320)),
        ("anamorphic.mkv", X264, "16/11", (120, 233)),
        ("narrow.mp4", X264, "8/9", (120, 142)),
        ("dvd.mpg", ("-c:v", "mpeg2video"), "4/3", (120, 213)),
        ("square.mp4", X264, "1/1", (120, 160)),
        ("mistaken.mkv", ("-c:v", "ffv1"), "300/1", (120, 160)),
    ],
)
def test_pixels_that_are_not_square_are_made_so(decoder, name, codec, aspect, shape, make_video):
    path = make_video(name, "-vf", f"setsar={aspect}", *codec, seconds=0.4)
    clip = read_clip(path)
    assert clip.frames.shape[1:3] == pytest.approx(shape, abs=1)
    whole = open_dataset("folder", "all", path, framing=Framing(short_side=120))
    batch = whole.batch(1, 5, torch.Generator().manual_seed(0))
    assert batch.frames.shape[-2:] == pytest.approx(shape, abs=1)


def test_pixels_of_a_picture_that_lies_on_its_side_are_stretched_the_other_way(decoder, make_video, run_ffmpeg, tmp_path):
    make_video("plain.mp4", "-vf", "setsar=2/1", *X264)
    for name, flags in (("turned", ("90",)), ("mirrored", ("90", "-display_hflip"))):
        path = tmp_path / f"{name}.mp4"
        run_ffmpeg("-display_rotation", *flags, "-i", str(tmp_path / "plain.mp4"), "-c", "copy", str(path))
        assert read_clip(path).frames.shape[1:3] == (160, 60)


TURNS = {
    ("-display_hflip",): lambda x: x[:, ::-1],
    ("-display_vflip",): lambda x: x[::-1],
    ("-display_rotation", "90"): np.rot90,
    ("-display_rotation", "180"): lambda x: x[::-1, ::-1],
    ("-display_rotation", "90", "-display_hflip"): lambda x: np.rot90(x, 2).swapaxes(0, 1),
    ("-display_rotation", "270", "-display_hflip"): lambda x: x.swapaxes(0, 1),
}


@pytest.mark.parametrize("flags", TURNS, ids=" ".join)
@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_pictures_are_mirrored_and_turned_as_the_file_says(decoder, suffix, flags, make_video, run_ffmpeg, tmp_path):
    plain, told = make_video("plain.mp4", *X264, seconds=0.4), tmp_path / f"told{suffix}"
    run_ffmpeg(*flags, "-i", str(plain), "-c", "copy", str(told))
    expected = TURNS[flags](read_clip(plain).frames[3]).astype(int)
    shown = read_clip(told).frames[3]
    assert shown.shape == expected.shape and np.abs(expected - shown).mean() < 3


@pytest.mark.parametrize("damage", ["cut", "no moov", "zero sizes", "no mp4"])
def test_a_damaged_header_says_nothing_about_mirroring(damage, make_video, run_ffmpeg, tmp_path):
    path = tmp_path / "told.mp4"
    run_ffmpeg("-display_hflip", "-i", str(make_video("plain.mp4", *X264)), "-c", "copy", str(path))
    data = path.read_bytes()
    place = data.rindex(b"tkhd")
    broken = {
        "cut": data[: place + 20],
        "no moov": data.replace(b"moov", b"m\0ov"),
        "zero sizes": data[: place - 4] + b"\0\0\0\1tkhd\0\0\0\0\0\0\0\2" + data[place + 12 :],
        "no mp4": b"RIFF" * 40,
    }
    path.write_bytes(broken[damage])
    assert read_mirror_matrix(path) is None


# --- how many frames there are ---


@pytest.mark.parametrize(
    ("promise", "index", "reads"),
    [(1, True, 30), (5, True, 30), (0, True, 30), (1_000_000, True, 30), (7, False, 30), (1_000_000, False, 30)],
)
@pytest.mark.parametrize("data", ["folder", "kth"])
def test_the_header_of_an_avi_file_is_not_believed(promise, index, reads, data, make_video):
    path = make_video("person01_boxing_d1_uncomp.avi", "-c:v", "mjpeg")
    content = bytearray(path.read_bytes())
    for kind, offset in ((b"avih", 24), (b"strh", 40)):
        place = content.find(kind) + offset
        content[place : place + 4] = struct.pack("<I", promise)
    if not index:
        place = content.rindex(b"idx1")
        content[place : place + 4] = b"JUNK"
    path.write_bytes(content)
    (recording,) = DATASETS[data].scan(data, path).recordings
    assert recording.promised == reads == len(recording.load(Framing(16)).frames)


def test_an_avi_file_that_was_cut_off_has_the_frames_that_are_there(make_video):
    path = make_video("cut.avi", "-c:v", "mjpeg")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    (recording,) = DATASETS["folder"].scan("folder", path).recordings
    assert recording.promised == len(recording.load(Framing(16)).frames) < 20
    assert "promises about 30 frames" in read_clip(path).notes[0]
