"""A file that ends the process of its decoder does not end ours, and is decoded otherwise where that is possible."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from benchmarks.hostile_files import avi
from vp.data import opencv_process, read_clip, video_decode, write_mp4
from vp.data.decode_process import decode_apart
from vp.data.opencv_process import IDLE, OpenCVProcess


@pytest.fixture
def video(tmp_path):
    write_mp4(tmp_path / "video.mp4", np.random.default_rng(0).integers(0, 256, (6, 48, 64, 3), np.uint8), 10)
    return tmp_path / "video.mp4"


@pytest.fixture
def raw(tmp_path):
    """An uncompressed AVI, stored bottom-up, that kills OpenCV 5.0 (malloc_consolidate(): invalid chunk size)."""
    (tmp_path / "raw.avi").write_bytes(avi(64, 64, 8))
    return tmp_path / "raw.avi"


def test_frames_are_those_that_opencv_gives_here(video, monkeypatch):
    apart = read_clip(video)
    monkeypatch.setattr(video_decode.EFFORT, "opencv", video_decode.HERE)
    here = read_clip(video)
    assert np.array_equal(apart.frames, here.frames) and (apart.fps, apart.notes, apart.total) == (
        here.fps,
        here.notes,
        here.total,
    )
    assert apart.frames.flags.writeable


def test_an_uncompressed_avi_is_a_clip_for_the_command_line_and_for_visitors(raw, video, tmp_path):
    assert read_clip(raw).frames.shape == (8, 64, 64, 3)
    assert len(read_clip(video).frames) == 6, "the next file has a new process"
    (tmp_path / "job").mkdir()
    assert decode_apart(str(raw), tmp_path / "job")[0].frames.shape == (8, 64, 64, 3)


@pytest.mark.parametrize("dies_at", [1, 2, 4])
def test_what_is_left_when_the_process_dies_is_read_by_ffmpeg(video, monkeypatch, dies_at):
    whole, ask = read_clip(video), OpenCVProcess.ask

    def ask_until(self, **wish):
        if wish.get("next") == dies_at:
            self.process.kill()
        return ask(self, **wish)

    monkeypatch.setattr(OpenCVProcess, "ask", ask_until)
    clip = read_clip(video)
    assert clip.frames.shape == whole.frames.shape and clip.fps == pytest.approx(whole.fps)
    assert np.abs(clip.frames.astype(int) - whole.frames).mean() < 2


def test_one_process_serves_file_after_file_read_in_part_or_refused(video, tmp_path, monkeypatch):
    read_clip(video)
    (process,) = IDLE[-1:]
    assert len(read_clip(video, max_frames=2).frames) == 2
    monkeypatch.setattr(video_decode, "MAX_FRAME_PIXELS", 100)
    with pytest.raises(ValueError, match="64x48"):
        read_clip(video)
    monkeypatch.undo()
    assert len(read_clip(video).frames) == 6 and IDLE[-1] is process
    process.process.kill()
    process.process.wait()
    assert len(read_clip(video).frames) == 6 and process not in IDLE, "one that has ended is replaced"


def test_two_streams_have_two_processes_and_one_that_dies_ends_its_own_alone(video):
    first, second = (opencv_process.open_apart(video) for _ in range(2))
    next(first.rest), next(second.rest)
    process = first.rest.gi_frame.f_locals["process"]
    os.kill(process.process.pid, signal.SIGKILL)
    process.process.wait()
    assert second.rest.gi_frame.f_locals["process"].process.poll() is None
    assert len(list(first.rest)) == len(list(second.rest)) == 5, "both had given one frame"


@pytest.mark.skipif(sys.platform == "win32", reason="no select on pipes")
def test_it_ends_with_who_asks_and_when_it_has_long_been_idle(monkeypatch):
    code = "import sys; from vp.data import opencv_worker as w; w.LONGEST_IDLE_S = float(sys.argv[1]); w.main()"
    environment = os.environ | {"PYTHONPATH": str(opencv_process.ROOT)}
    for idle_s, close in (("60", True), ("0.1", False)):
        process = subprocess.Popen([sys.executable, "-c", code, idle_s], stdin=subprocess.PIPE, env=environment)
        if close:
            process.stdin.close()
        assert process.wait(20) == 0
