"""How frames of recordings become frames of clips: size, channels and rate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .video_file import centre_square

MAX_SIDE = 1_024


@dataclass(frozen=True)
class Framing:
    """
    Args:
        size: side of square frames in px; the centre square is cropped and resized by area averaging.
        short_side: keep whole frames and their aspect ratio, and resize the shorter side to this many px, up or down; `size` is
            then ignored, and recordings may differ in height and width.
        channels: 1 (grey), 3 (RGB), or None for what the data set usually has.
        stride: take every `stride`-th frame.
        fps: subsample to about this rate instead, by a whole stride.
        most: number of first frames that are needed of a recording; a reader that gains nothing by stopping gives all.
        cache_mb: memory for decoded clips.

    Raises:
        ValueError: a value out of range.
    """

    size: int = 64
    short_side: int | None = None
    channels: int | None = None
    stride: int = 1
    fps: float | None = None
    most: int | None = None
    cache_mb: float = 1_024

    def __post_init__(self) -> None:
        for name in ("size", "short_side"):
            if not 1 <= (1 if getattr(self, name) is None else getattr(self, name)) <= MAX_SIDE:
                raise ValueError(f"{name} is {getattr(self, name)}; give 1 to {MAX_SIDE} pixels")
        if self.channels not in (None, 1, 3):
            raise ValueError(f"channels is {self.channels}; give 1 (grey) or 3 (RGB)")
        if self.stride < 1 or (self.stride > 1 and self.fps is not None):
            raise ValueError(f"stride is {self.stride} and fps {self.fps}; give a stride of 1 or more, or an fps, not both")
        if self.fps is not None and not 0 < self.fps <= 1_000:
            raise ValueError(f"fps is {self.fps}; give a rate above 0 and up to 1000 frames a second")
        if not self.cache_mb >= 0:
            raise ValueError(f"cache_mb is {self.cache_mb}; give 0 or more")

    def stride_at(self, fps: float) -> int:
        """The stride, in frames, for a recording of rate `fps`."""
        return self.stride if self.fps is None else max(1, round(fps / self.fps))

    def target_size(self, height: int, width: int) -> tuple[int, int]:
        """(height, width) in px that frames of this height and width are resized to."""
        if self.short_side is None:
            return self.size, self.size
        scale = self.short_side / min(height, width)
        return max(1, round(height * scale)), max(1, round(width * scale))

    def fit(self, image: np.ndarray, squeeze: bool = False, nearest: bool = False) -> np.ndarray:
        """An image (H, W) or (H, W, C) cropped and resized to `target_size`; the image itself where it has that size.

        Args:
            squeeze: where frames are square, resize the whole image to the square instead of cropping its centre.
            nearest: nearest neighbour instead of area averaging, for masks of labels.

        Returns:
            (*target_size, C), of the same dtype.
        """
        import cv2

        target = self.target_size(*image.shape[:2])
        if self.short_side is None and not squeeze:
            image = centre_square(image)
        if image.shape[:2] == target:
            return image
        resized = cv2.resize(image, target[::-1], interpolation=cv2.INTER_NEAREST if nearest else cv2.INTER_AREA)
        return resized.reshape(*target, *image.shape[2:])  # OpenCV drops a channel that stands alone
