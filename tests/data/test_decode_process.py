"""Decoding apart gives what decoding here gives; a limit or the decoder's death becomes one sentence."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from vp.data import decode_process, read_clip, write_gif, write_mp4
from vp.data.decode_process import LIMITS, decode_apart
from vp.data.overview import read_overview
from vp.data.region import Region

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux enforces these limits")


def textured(length=40, height=96, width=160):
    world = np.random.default_rng(0).integers(0, 256, (height // 8, width // 8 + length, 3))
    world = np.kron(world, np.ones((8, 8, 1))).astype(np.uint8)
    return np.stack([world[:, 2 * t : width + 2 * t] for t in range(length)])


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    path = tmp_path_factory.mktemp("video") / "video.mp4"
    write_mp4(path, textured(), 60.0)
    return path


def folder_for(tmp_path):
    (tmp_path / "job").mkdir()
    return tmp_path / "job"


def sentence(error):
    text = str(error.value)
    assert "\n" not in text and "Traceback" not in text and len(text) < 300
    return text


def test_a_clip_and_its_overview_are_what_decoding_here_gives(video, tmp_path):
    given = {"max_frames": 12, "max_fps": 30.0, "max_side": 128}
    here, there = read_clip(video, **given), decode_apart(str(video), folder_for(tmp_path), True, **given)
    clip, view = there
    assert np.array_equal(clip.frames, here.frames) and clip.notes == here.notes and len(clip.notes) == 2
    assert (clip.fps, clip.first, clip.every, clip.total, clip.path) == (here.fps, 0, 2, 40, str(video))
    seen = read_overview(video)
    assert all(np.array_equal(getattr(view, name), getattr(seen, name)) for name in ("thumbnails", "times", "motion"))
    assert (view.width, view.height) == (160, 96)


def test_a_part_and_a_gif_are_too(tmp_path):
    write_gif(tmp_path / "x.gif", textured(14, 64, 64), 10)
    given = {"start": 0.5, "region": Region(1 / 3, 0.25, 1 / 3, 0.5), "every": 2}
    clip, view = decode_apart(str(tmp_path / "x.gif"), folder_for(tmp_path), **given)
    here = read_clip(tmp_path / "x.gif", **given)
    assert view is None and np.array_equal(clip.frames, here.frames) and (clip.first, clip.every) == (here.first, 2)


def test_an_unusable_file_gets_the_same_sentence(tmp_path):
    (tmp_path / "list.mp4").write_bytes(b"#EXTM3U\nfile:///etc/passwd\n")
    with pytest.raises(ValueError, match="^list.mp4 is a playlist, not a video"):
        decode_apart(str(tmp_path / "list.mp4"), folder_for(tmp_path))


@linux
@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"wall_s": 0.05}, "takes more than 0.05 seconds"),
        ({"memory": 30_000_000}, "the decoder ended with|30 MB of memory|no pictures that can be decoded"),
        ({"file_bytes": 50_000}, "the decoder ended with"),
    ],
)
def test_a_limit_that_is_reached_is_one_sentence(video, tmp_path, limits, said):
    with pytest.raises(ValueError, match=said) as error:
        decode_apart(str(video), folder_for(tmp_path), limits=replace(LIMITS, **limits))
    assert "give" in sentence(error)


@linux
def test_the_decoder_leaves_the_processor_to_predictions():
    job = {"memory": 2 * 10**9, "cpu_s": 10, "file_bytes": 10**6}
    code = f"import os, vp.data.decode_worker as w; before = os.nice(0); w.limit_process({job}); print(os.nice(0) - before)"
    done = subprocess.run([sys.executable, "-c", code], cwd=decode_process.ROOT, capture_output=True, text=True, check=True)
    assert int(done.stdout) == min(5, 19 - os.nice(0))


@linux
def test_a_decoder_that_computes_without_end_is_ended_with_all_it_started(tmp_path, monkeypatch):
    code = "import resource as r, subprocess as s; s.Popen(['sleep', '60']); r.setrlimit(r.RLIMIT_CPU, (1, 2))\nwhile 1: 0"
    start, groups = subprocess.Popen, []

    def spawn(command, **given):
        worker = start([sys.executable, "-c", code], **given)
        groups.append(worker.pid)
        return worker

    monkeypatch.setattr(decode_process.subprocess, "Popen", spawn)
    (tmp_path / "x.mp4").write_bytes(b"x")
    with pytest.raises(ValueError, match="takes more than 10 seconds of computing") as error:
        decode_apart(str(tmp_path / "x.mp4"), folder_for(tmp_path))
    assert "mp4, webm" in sentence(error)
    with pytest.raises(ProcessLookupError):
        for _ in range(200):  # the sleeper is reaped by init
            os.killpg(groups[0], 0)
            time.sleep(0.02)


@linux
@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT])
def test_a_decoder_s_death_is_one_sentence(video, tmp_path, monkeypatch, number):
    start = subprocess.Popen
    dying = [sys.executable, "-c", f"import os; os.kill(os.getpid(), {int(number)})"]
    monkeypatch.setattr(decode_process.subprocess, "Popen", lambda command, **given: start(dying, **given))
    with pytest.raises(ValueError, match=f"video.mp4 cannot be used: the decoder ended with -{int(number)}; mp4, webm") as error:
        decode_apart(str(video), folder_for(tmp_path))
    sentence(error)


def test_too_many_bytes_shrink_the_clip_and_too_much_computing_shortens_it(video, tmp_path):
    small = replace(LIMITS, clip_bytes=3 * 40 * 80 * 48)
    clip, _ = decode_apart(str(video), folder_for(tmp_path), limits=small, max_frames=40)
    assert clip.frames.shape == (40, 48, 80, 3) and "shrunk from 160x96 to 80x48" in clip.notes[-1]
    with pytest.raises(ValueError, match="takes too long to decode up to second 0"):
        read = replace(LIMITS, cpu_s=0.001)
        decode_apart(str(video), tmp_path / "job", limits=read)


def test_the_decoder_starts_without_torch_and_gradio():
    code = "import vp.data.decode_worker, vp.data.overview, vp.data.video_file, sys; print({'torch', 'gradio'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], cwd=decode_process.ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_decoder_knows_no_secrets_and_no_address(video, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "secret")
    seen = {}
    monkeypatch.setattr(decode_process.subprocess, "Popen", lambda command, **given: seen.update(given) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        decode_apart("http://127.0.0.1/x.mp4", folder_for(tmp_path))
    assert "HF_TOKEN" not in seen["env"] and "protocol_whitelist;file" in seen["env"]["OPENCV_FFMPEG_CAPTURE_OPTIONS"]
