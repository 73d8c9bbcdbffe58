"""The motion-composing output: remembered layers that keep moving, blended with the previous frame and a drawn picture.

Known frames are written into the layers where gates open; afterwards the layers stay as they are (see
`nn.moving_layers`, which our compact SVG and RaMViD networks use too).
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from ...nn.movers import MOVERS
from ...nn.moving_layers import Layers
from .config import VPNConfig
from .output import Code, Output


class Canvas(NamedTuple):
    """What moves from frame to frame: the layers, and the last frame (B, C, H, W), stored or seen."""

    layers: Layers
    frame: Tensor


class Composed(Output):
    """Moves and blends pictures at full resolution; features stay at half of it or less.

    Args:
        width: channels of the plans. notes: channels of what comes with a stored frame.
    """

    chained = True

    def __init__(self, cfg: VPNConfig, width: int, notes: int):
        super().__init__()
        self.composer = MOVERS[cfg.mover](width, notes, cfg.layers, cfg.channels, cfg.size)

    def begin(self, batch: int, like: Tensor) -> Canvas:
        layers = self.composer.begin(batch, like)
        return Canvas(layers, layers.moved[:, 0])

    def store(self, canvas: Canvas, frame: Tensor, notes: Tensor) -> Canvas:
        return Canvas(self.composer.store(canvas.layers, frame, notes), frame)

    def settle(self, canvas: Canvas, frames: Tensor) -> Canvas:
        return canvas._replace(layers=self.composer.settle(canvas.layers, frames))

    def see(self, canvas: Canvas, frame: Tensor) -> Canvas:
        return canvas._replace(frame=frame)

    def move(self, canvas: Canvas, plan: Tensor) -> tuple[Canvas, Code]:
        layers, recent = self.composer.move(canvas.layers, canvas.frame, plan)
        return canvas._replace(layers=layers), (layers.moved, recent, plan)

    def render(self, *code: Tensor) -> Tensor:
        return self.composer.compose(*code)
