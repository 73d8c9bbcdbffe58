"""Video files of every awkward kind, made by the ffmpeg that comes with imageio-ffmpeg."""

from __future__ import annotations

import subprocess

import imageio_ffmpeg
import pytest
import torch

SOURCE = "testsrc2=size={size}:rate={rate}:duration={seconds}"
X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")


def ffmpeg(*arguments: str) -> None:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-y", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
        pytest.skip(f"this ffmpeg cannot make the file: {reason}")


@pytest.fixture(autouse=True)
def one_thread():
    """On a busy machine threads that wait for each other make these small tensors 30 times slower."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def make_video(tmp_path):
    """make_video(name, *codec arguments, size, rate, seconds) -> path of a test pattern encoded like that."""

    def make(name: str, *codec: str, size: str = "160x120", rate: int = 25, seconds: float = 1.2):
        path = tmp_path / name
        source = SOURCE.format(size=size, rate=rate, seconds=seconds)
        ffmpeg("-f", "lavfi", "-i", source, *(codec or X264), str(path))
        return path

    return make


@pytest.fixture
def run_ffmpeg():
    return ffmpeg
