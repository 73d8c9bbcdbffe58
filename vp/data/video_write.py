"""Writing clips: H.264 that every browser plays, and GIF."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np

from ..core.files import replacing

MP4_OPTIONS = ["-crf", "16", "-pix_fmt", "yuv420p", "-movflags", "+faststart"]
SLOWEST, FASTEST = 0.01, 1_000.0  # frames a second that files are played at: encoders and the GIF format fail beyond
SMALL_PX = 100_000  # in a picture, whose colours are quickly counted


def write_mp4(path: str | Path, frames: np.ndarray, fps: float, min_side: int = 0) -> None:
    """Writes H.264, yuv420p, of even size, with the index at the front, which every browser plays.

    Args:
        frames: uint8 (T, H, W, C), RGB or grey, one frame or more.
        fps: frames a second, clamped to SLOWEST..FASTEST.
        min_side: enlarge by a whole factor (nearest neighbour) until the shorter side has this many px.

    Raises:
        ValueError: frames of another shape or type, or fps not above 0.
        OSError: the encoder failed, as on a full disk; a file that was there stays.
    """
    from moviepy.video.io.ffmpeg_writer import FFMPEG_VideoWriter  # a clip asks for frames by time, and loses some to rounding

    frames = pad_to_even(enlarge_to_side(check_and_to_rgb(frames, fps), min_side))
    size = frames.shape[2], frames.shape[1]
    rate = min(max(fps, SLOWEST), FASTEST)
    options = {"codec": "libx264", "preset": "veryfast", "ffmpeg_params": MP4_OPTIONS}
    with replacing(path) as part, FFMPEG_VideoWriter(str(part), size, rate, **options) as writer:
        for frame in frames:
            writer.write_frame(np.ascontiguousarray(frame))
        check_encoder_end(writer.proc)


def check_encoder_end(process: subprocess.Popen[bytes]) -> None:
    """Waits for ffmpeg's end; raises OSError with its last words where its exit code is not 0, which moviepy does not look at."""
    _, said = process.communicate()
    if process.returncode:
        words = (said or b"").decode(errors="replace").strip().splitlines()
        raise OSError(f"ffmpeg ended with exit code {process.returncode}" + (f" ({words[-1].strip()})" if words else ""))


def write_gif(path: str | Path, frames: np.ndarray, fps: float, min_side: int = 0) -> None:
    """Writes an endless GIF, each frame with its own palette; arguments and errors as for `write_mp4`.

    A GIF counts time in hundredths of a second, and browsers slow down below two: rates above 50 play at 50.
    """
    from PIL import Image

    frames = enlarge_to_side(check_and_to_rgb(frames, fps), min_side)
    ticks = np.round(np.arange(len(frames) + 1) * 100 / min(max(fps, SLOWEST), 50.0)).astype(int)
    grey = (frames[..., 0] == frames[..., 1]).all() and (frames[..., 1] == frames[..., 2]).all()
    if grey:
        images = [Image.fromarray(frame[..., 0]) for frame in frames]
    else:
        images = [reduce_colours(Image.fromarray(frame)) for frame in frames]
    for before, image in zip(images, images[1:]):
        make_distinct(before, image)
    durations = (10 * np.diff(ticks)).tolist()
    rest = {"save_all": True, "append_images": images[1:], "duration": durations, "loop": 0, "disposal": 1}
    with replacing(path) as part:
        images[0].save(part, format="GIF", **rest)


def reduce_colours(image: Any) -> Any:
    """The Pillow image (mode RGB) with a palette of its own of at most 255 colours: one entry stays free, see `make_distinct`.

    Median cut keeps few colours exactly. Of a large picture with many, such as a montage, the octree is as near (37.8 against
    37.7 dB on that of assets/example) in a tenth of the time (6 against 70 ms).
    """
    from PIL import Image

    exact = image.width * image.height <= SMALL_PX or image.getcolors(255) is not None
    return image.quantize(255, Image.Quantize.MEDIANCUT if exact else Image.Quantize.FASTOCTREE)


def make_distinct(before: Any, image: Any) -> None:
    """Changes a corner pixel of `image` by one level where it equals `before`: Pillow would merge them into one long frame.

    Args:
        before, image: Pillow images of mode L, or P with no more than 255 colours.
    """
    shown = np.asarray(image.convert("RGB"))
    if not np.array_equal(np.asarray(before.convert("RGB")), shown):
        return
    corner = 0, 0
    if image.mode == "L":
        image.putpixel(corner, image.getpixel(corner) ^ 1)
        return
    red, green, blue = shown[corner].tolist()
    palette = image.getpalette()
    image.putpalette(palette[:765] + [0] * (765 - len(palette)) + [red, green, blue ^ 1])
    image.putpixel(corner, 255)


def check_and_to_rgb(frames: np.ndarray, fps: float) -> np.ndarray:
    """uint8 (T, H, W, 1 or 3) -> (T, H, W, 3), a view; raises ValueError for other frames or an fps not above 0."""
    array = isinstance(frames, np.ndarray)
    if not array or frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[3] not in (1, 3):
        came = f"{frames.dtype} {frames.shape}" if array else type(frames).__name__
        raise ValueError(f"frames are {came}; give a uint8 array (T, H, W, C) with 1 or 3 channels")
    if 0 in frames.shape:
        raise ValueError(f"frames are {frames.shape}: nothing to write; give one frame or more")
    if not fps > 0:
        raise ValueError(f"fps is {fps}; give a rate above 0")
    return np.broadcast_to(frames, (*frames.shape[:3], 3))


def enlarge_to_side(frames: np.ndarray, min_side: int) -> np.ndarray:
    """Frames (T, H, W, C) repeated by the smallest whole factor at which the shorter side is at least `min_side` px."""
    factor = -(-min_side // min(frames.shape[1:3]))
    return frames.repeat(factor, axis=1).repeat(factor, axis=2) if factor > 1 else frames


def pad_to_even(frames: np.ndarray) -> np.ndarray:
    """Repeats the last row or column of frames (T, H, W, C) where a side is odd: yuv420p halves both."""
    return np.pad(frames, ((0, 0), (0, frames.shape[1] % 2), (0, frames.shape[2] % 2), (0, 0)), mode="edge")
