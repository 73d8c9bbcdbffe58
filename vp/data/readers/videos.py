"""Video files as recordings."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np

from ..clip import Clip
from ..framing import Framing
from ..recording import Recording
from ..video_decode import open_video
from .files import name_below

MAX_FRAMES = 10_000  # of a file; 120 MB at 64x64 in colour


def video_recording(
    path: Path, root: Path, group: str | None = None, split: str | None = None, squeeze: bool = False
) -> Recording:
    """A recording of a video file, its first frame decoded to check that it is one.

    Args:
        group: None: the file's own.
        squeeze: see `Framing.fit`.

    Raises:
        ValueError: not a video, or one frame only, in one sentence.
    """
    with closing(open_video(path)) as stream:
        known = stream.trusted and stream.promised >= 2
        frames = stream.promised if known else sum(1 for _ in islice(stream.timed_frames(), MAX_FRAMES))
    if frames < 2:
        raise ValueError(f"{path.name} has one picture only; give a video of 2 frames or more")
    name = name_below(path, root)
    return Recording(
        name, group or name, min(frames, MAX_FRAMES), stream.fps, partial(load_video, path, squeeze), split, form=stream.form
    )


def load_video(path: Path, squeeze: bool, framing: Framing) -> Clip:
    """The clip of a video, frames uint8 (T, H, W, 3); a damaged end is cut off, and so is what follows frame MAX_FRAMES."""
    with closing(open_video(path)) as stream:
        frames = [
            framing.fit(frame, squeeze) for frame, _ in islice(stream.timed_frames(), min(framing.most or MAX_FRAMES, MAX_FRAMES))
        ]
    if len(frames) < 2:
        raise ValueError(f"only one picture of {path.name} can be decoded; give a video of 2 frames or more")
    return Clip(np.stack(frames))
