"""Decoded frames cached in memory-mapped files, so that a video is decoded once and training reads windows of it at once."""

from __future__ import annotations

import hashlib
import os
import uuid
from pathlib import Path

import numpy as np

from .framing import Framing
from .recorded import to_channels
from .recording import Recording


class PixelCache:
    """Frames of recordings as memory-mapped uint8 files.

    The folder is `frames` below the environment variable VP_CACHE, or below `~/.cache/vp`; it may be deleted at any time while no
    training runs.

    Args:
        name: of the data set.
        root: its folder.
        framing: size of the frames.
        channels: 1 or 3.
    """

    def __init__(self, name: str, root: Path, framing: Framing, channels: int):
        self.framing, self.channels = framing, channels
        size = f"short{framing.short_side}" if framing.short_side else f"square{framing.size}"
        place = hashlib.sha256(str(root).encode()).hexdigest()[:8]
        base = Path(os.environ.get("VP_CACHE") or Path.home() / ".cache" / "vp")
        self.folder = base / "frames" / f"{name}-{size}-{channels}-{place}"

    def path(self, recording: Recording) -> Path:
        """The cache file of a recording, a hash of its name, length, rate and `form`, which is new for a changed recording."""
        what = f"{recording.name} {recording.promised} {recording.fps}" + (f" {recording.form}" if recording.form else "")
        return self.folder / f"{hashlib.sha256(what.encode()).hexdigest()[:24]}.npy"

    def frames(self, recording: Recording) -> np.ndarray:
        """uint8 (T, H, W, C), read only; decoded first where the cache file is missing.

        Raises:
            ValueError: the recording is damaged. OSError: the cache cannot be written.
        """
        path = self.path(recording)
        if not path.exists():
            frames = np.ascontiguousarray(to_channels(recording.load(self.framing).frames, self.channels))
            self.folder.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f"{path.stem}-{uuid.uuid4().hex}.part")  # several trainings may decode the same video at once
            try:
                with part.open("wb") as file:
                    np.save(file, frames)
                part.replace(path)
            finally:
                part.unlink(missing_ok=True)
        return np.load(path, mmap_mode="r", allow_pickle=False)
