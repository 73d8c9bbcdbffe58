"""The document's ConvLSTM plan as it stands, in a form that can run: 64 and 128 channels read, 128 and 64 write.

Repaired are only the errors: the states of both encoder layers are handed to the mirrored decoder layers instead of one
stack that never sees what it is asked for; the decoder's input is the previous frame, its own after the context; no
BatchNorm inside the recurrence. `patch` 1 is the document's full resolution; 4 does the same at a sixteenth of the cost.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from ...nn.conv_lstm import ConvLSTMCell, ConvState
from .config import VPNConfig
from .network import VPNNetwork


class State(NamedTuple):
    """States of the layers, `first` next to the pixels."""

    first: ConvState
    second: ConvState


class DocumentConvLSTM(VPNNetwork):
    """Encoder and decoder of two 3x3 ConvLSTM layers each, and a 3x3 convolution to pixels."""

    def __init__(self, cfg: VPNConfig):
        super().__init__(cfg)
        first, second = cfg.widths
        inputs = cfg.channels * cfg.patch**2
        self.to_patches, self.to_pixels = nn.PixelUnshuffle(cfg.patch), nn.PixelShuffle(cfg.patch)
        self.read_first, self.read_second = ConvLSTMCell(inputs, first), ConvLSTMCell(first, second)
        self.write_second, self.write_first = ConvLSTMCell(inputs, second), ConvLSTMCell(second, first)
        self.head = nn.Conv2d(first, inputs, 3, padding=1)

    def watch(self, context: Tensor, early: bool = False) -> tuple[State, None]:
        side = self.cfg.size // self.cfg.patch
        first = self.read_first.begin(len(context), side, side, context)
        second = self.read_second.begin(len(context), side, side, context)
        for patches in self.to_patches(context).unbind(1):
            first = self.read_first(patches, first)
            second = self.read_second(first[0], second)
        return State(first, second), None

    def advance(self, state: State, seen: Tensor, most: int) -> tuple[State, Tensor]:
        second = self.write_second(self.to_patches(seen[:, -1]), state.second)
        first = self.write_first(second[0], state.first)
        return State(first, second), self.to_pixels(self.head(first[0])).float()[:, None]
