"""From plans to frames: what every network ends in, whichever way the frame is made.

A plan is a feature map (B, width, H/4, W/4) of one frame to come. An output carries a canvas from frame to frame: known
frames are stored on it, the model's own are seen, `move` takes it one frame on, and `render` paints or composes the frame
from what `move` gave. Rendering changes nothing, so that many frames can be rendered in one batch.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

from ...nn.blocks import block, enlarge
from .config import VPNConfig

Code = tuple[Tensor, ...]


class Output(nn.Module):
    """Base of both outputs. Frames are (B, C, H, W). `chained`: a frame is needed before the next one can be moved."""

    chained: bool

    @abstractmethod
    def begin(self, batch: int, like: Tensor) -> Any:
        """The canvas before any frame."""

    @abstractmethod
    def store(self, canvas: Any, frame: Tensor, notes: Tensor) -> Any:
        """Takes in a known frame; `notes` (B, notes, H/4, W/4) is what the network makes of it."""

    def settle(self, canvas: Any, frames: Tensor) -> Any:
        """The canvas once all known frames (B, P, C, H, W) have been stored."""
        return canvas

    @abstractmethod
    def see(self, canvas: Any, frame: Tensor) -> Any:
        """Takes in a frame of the model's own."""

    @abstractmethod
    def move(self, canvas: Any, plan: Tensor) -> tuple[Any, Code]:
        """One frame on: the canvas, and what `render` needs, tensors of B rows."""

    @abstractmethod
    def render(self, *code: Tensor) -> Tensor:
        """Raw maps float32 (M, C, H, W)."""


class Painter(Output):
    """Paints every frame anew; edges come from the last known frame at half its size, as a skip connection."""

    chained = False

    def __init__(self, cfg: VPNConfig, width: int):
        super().__init__()
        c = cfg.channels
        self.side = cfg.size // 2
        self.skip = nn.Sequential(nn.PixelUnshuffle(2), block(4 * c, 32))
        self.up = enlarge(width, 32)
        self.paint = nn.Sequential(block(64, 32), nn.Conv2d(32, 4 * c, 3, padding=1), nn.PixelShuffle(2))

    def begin(self, batch: int, like: Tensor) -> Tensor:
        return like.new_zeros(batch, 32, self.side, self.side)

    def store(self, canvas: Tensor, frame: Tensor, notes: Tensor) -> Tensor:
        return self.skip(frame)

    def see(self, canvas: Tensor, frame: Tensor) -> Tensor:
        return canvas

    def move(self, canvas: Tensor, plan: Tensor) -> tuple[Tensor, Code]:
        return canvas, (canvas, plan)

    def render(self, skip: Tensor, plan: Tensor) -> Tensor:
        return self.paint(torch.cat([self.up(plan), skip], 1)).float()
