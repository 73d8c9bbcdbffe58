"""Windows cut from whole frames as numbers, and the pixels that these numbers mean: one window on a CPU, many at once on a GPU.

Position, frame rate, direction, mirroring and transposition of a window are all in four numbers: the place of its first pixel
among all pixels, and the distance to the next one in time and along either side. So a GPU cuts a mini-batch by one gather; what
remains, enlarging and tinting, is arithmetic on some of the windows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .drawn import Drawn


@dataclass(frozen=True)
class Cut:
    """One window of a recording with frames (T, H, W, C).

    Args:
        index: of the recording.
        start, stride: first frame, and distance in frames between consecutive ones.
        top, left, side: the square, in px.
        backwards, mirrored, headlong, turned: reversed in time, left to right, upside down, and then rows and columns exchanged.
        tint: float32 (C, C + 1), the matrix that mixes channels and what is added, in grey levels; None: colours as they are.
    """

    index: int
    start: int
    stride: int
    top: int
    left: int
    side: int
    backwards: bool = False
    mirrored: bool = False
    headlong: bool = False
    turned: bool = False
    tint: np.ndarray | None = None

    def strides(self, length: int, side: int, height: int, width: int) -> tuple[int, int, int, int]:
        """The window's first pixel, and the distances, in pixels, to the next one in time, downwards and to the right.

        Args:
            length: frames of the window.
            side: of all windows, in px; one with a smaller square is widened to it within the frame, see `enlarge`.
            height, width: of the recording's frames.
        """
        top, left = min(self.top, height - side), min(self.left, width - side)
        first, later, down, right = (self.start * height + top) * width + left, self.stride * height * width, width, 1
        if self.backwards:
            first, later = first + (length - 1) * later, -later
        if self.mirrored:
            first, right = first + (side - 1) * right, -right
        if self.headlong:
            first, down = first + (side - 1) * down, -down
        return (first, later, right, down) if self.turned else (first, later, down, right)

    def inner(self, side: int, height: int, width: int) -> tuple[int, int, int]:
        """Where the square lies within the window that `strides` widens it to, mirrored or not: top, left and side in px.

        Arguments as for `strides`.
        """
        top, left = self.top - min(self.top, height - side), self.left - min(self.left, width - side)
        left = side - self.side - left if self.mirrored else left
        top = side - self.side - top if self.headlong else top
        return (left, top, self.side) if self.turned else (top, left, self.side)


def pack_cuts(
    cuts: Sequence[Cut], length: int, side: int, sizes: Sequence[tuple[int, int]], firsts: Sequence[int], channels: int
) -> Drawn:
    """Windows as one tensor.

    Args:
        cuts: the windows.
        length, side: of all windows.
        sizes: (height, width) of the frames of each window's recording.
        firsts: place of that recording's first pixel among all pixels.
        channels: C.

    Returns:
        "cuts", float64 (B, 9 + C * (C + 1)), exact for all numbers of pixels: 4 columns of `Cut.strides`, 3 of `Cut.inner`, the
        numbers of the windows to enlarge and to tint, each filled up with 0, and the tints. counts: length, side, how many are
        to be enlarged, and tinted.
    """
    packed = np.zeros((len(cuts), 9 + channels * (channels + 1)))
    for row, cut, (height, width), first in zip(packed, cuts, sizes, firsts):
        row[:4] = cut.strides(length, side, height, width)
        row[0] += first
        row[4:7] = cut.inner(side, height, width)
        if cut.tint is not None:
            row[9:] = cut.tint.ravel()
    closer = [number for number, cut in enumerate(cuts) if cut.side != side]
    tinted = [number for number, cut in enumerate(cuts) if cut.tint is not None]
    packed[: len(closer), 7], packed[: len(tinted), 8] = closer, tinted
    return Drawn({"cuts": torch.from_numpy(packed)}, (length, side, len(closer), len(tinted)), plain=True)


def gather_windows(pixels: Tensor, drawn: Drawn) -> Tensor:
    """uint8 (B, T, S, S, C), the windows of `pack_cuts` from pixels uint8 (P, C), neither enlarged nor tinted yet."""
    length, side, *_ = drawn.counts
    first, later, down, right = drawn.tensors["cuts"][:, :4].long().unbind(1)
    time, along = torch.arange(length, device=pixels.device), torch.arange(side, device=pixels.device)
    rows = (first[:, None] + later[:, None] * time)[:, :, None] + (down[:, None] * along)[:, None]
    places = rows[..., None] + (right[:, None] * along)[:, None, None]
    return pixels.index_select(0, places.flatten()).unflatten(0, places.shape)


def cut_window(frames: np.ndarray, cut: Cut, length: int, side: int) -> np.ndarray:
    """A window of frames uint8 (T, H, W, C): (length, side, side, C)."""
    end = cut.start + (length - 1) * cut.stride + 1
    window = frames[cut.start : end : cut.stride, cut.top : cut.top + cut.side, cut.left : cut.left + cut.side]
    window = enlarge_squares(window, side)
    if cut.tint is not None:
        mix, added = cut.tint[:, :-1], cut.tint[:, -1]
        window = np.clip(window @ mix.T + added + 0.5, 0, 255).astype(np.uint8)
    window = window[::-1] if cut.backwards else window
    window = window[:, :, ::-1] if cut.mirrored else window
    window = window[:, ::-1] if cut.headlong else window
    return window.swapaxes(1, 2) if cut.turned else window


def enlarge_squares(frames: np.ndarray, side: int) -> np.ndarray:
    """uint8 (T, H, H, C) -> (T, side, side, C), bilinear: `Framing.fit` averages areas, which enlarges in steps."""
    import cv2

    if frames.shape[1] == side:
        return frames
    return np.stack([cv2.resize(x, (side, side)) for x in frames]).reshape(len(frames), side, side, -1)


def finish_windows(windows: Tensor, drawn: Drawn) -> Tensor:
    """Windows uint8 (B, T, S, S, C), some of them enlarged and tinted in place, as frames (B, T, C, S, S)."""
    cuts, (_, _, closer, tinted) = drawn.tensors["cuts"], drawn.counts
    channels = windows.shape[-1]
    if closer:
        rows = cuts[:closer, 7].long()
        windows[rows] = enlarge(windows[rows], cuts[rows, 4:7].float())
    if tinted:
        rows = cuts[:tinted, 8].long()
        windows[rows] = tint(windows[rows], cuts[rows, 9:].float().unflatten(1, (channels, channels + 1)))
    return windows.permute(0, 1, 4, 2, 3).contiguous()


def enlarge(windows: Tensor, inner: Tensor) -> Tensor:
    """Squares of windows uint8 (B, T, S, S, C) at the windows' size, bilinear; `inner` (B, 3) as of `Cut.inner`."""
    count, length, side, _, channels = windows.shape
    first, share = inner[:, None, :2], inner[:, None, 2:] / side  # (B, 1, 2) and (B, 1, 1)
    along = (torch.arange(side, device=windows.device) + 0.5)[:, None] * share - 0.5  # (B, S, 1)
    along = first + torch.minimum(along.clamp(min=0), inner[:, None, 2:] - 1)  # (B, S, 2), px: what is outside is not looked at
    down, right = ((2 * along + 1) / side - 1).unbind(-1)
    grid = torch.stack(torch.broadcast_tensors(right[:, None], down[:, :, None]), -1)
    planes = windows.permute(0, 1, 4, 2, 3).flatten(1, 2).float()
    large = F.grid_sample(planes, grid, padding_mode="border", align_corners=False)
    return large.round().to(torch.uint8).unflatten(1, (length, channels)).permute(0, 1, 3, 4, 2)


def tint(windows: Tensor, tints: Tensor) -> Tensor:
    """Windows uint8 (B, T, S, S, C) in other colours; tints (B, C, C + 1) as of `Cut.tint`."""
    mix, added = tints[:, :, :-1], tints[:, :, -1]
    flat = torch.baddbmm(added[:, None] + 0.5, windows.flatten(1, 3).float(), mix.mT)
    return flat.clamp(0, 255).to(torch.uint8).view_as(windows)
