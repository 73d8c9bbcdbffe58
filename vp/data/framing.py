"""How recordings become clips: size, channels, rate."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Framing:
    """
    Args:
        size: side of the frames in px; the centre square is cut out and resized by area averaging.
        channels: 1 (grey), 3 (RGB), or None for what the data set usually has.
        stride: every so many frames are taken. fps: thin out to about this rate instead, in whole strides.
        cache_mb: memory for decoded clips.

    Raises:
        ValueError: a value out of range.
    """

    size: int = 64
    channels: int | None = None
    stride: int = 1
    fps: float | None = None
    cache_mb: float = 1_024

    def __post_init__(self) -> None:
        if not 1 <= self.size <= 1_024:
            raise ValueError(f"size is {self.size}; give 1 to 1024 pixels")
        if self.channels not in (None, 1, 3):
            raise ValueError(f"channels is {self.channels}; give 1 (grey) or 3 (RGB)")
        if self.stride < 1 or (self.stride > 1 and self.fps is not None):
            raise ValueError(f"stride is {self.stride} and fps {self.fps}; give a stride of 1 or more, or an fps, not both")
        if self.fps is not None and not 0 < self.fps <= 1_000:
            raise ValueError(f"fps is {self.fps}; give a rate above 0 and up to 1000 frames a second")
        if not self.cache_mb >= 0:
            raise ValueError(f"cache_mb is {self.cache_mb}; give 0 or more")

    def stride_at(self, fps: float) -> int:
        """Frames from one taken to the next, for a recording of this rate."""
        return self.stride if self.fps is None else max(1, round(fps / self.fps))
