"""ConvLSTM encoder-decoder with the document's layers (64 and 128 channels read, 128 and 64 write) behind a pixel-unshuffle.

Shi et al. 2015, "Convolutional LSTM Network", figure 3: the states of both encoder layers are handed to the mirrored decoder
layers, the decoder's input is the previous frame, its own after the context. With `pyramid` the two wider layers work at half
the side of the narrower ones (Shi et al. 2017, "Deep Learning for Precipitation Nowcasting", figure 1) and every frame is
read next to the one before it; without it, at `patch` 1, it is the document's plan as it stands.

Where it differs from the papers: no peephole terms, a pixel-unshuffle in front, and in training a head on the encoder that
predicts every known frame from those before it, which teaches motion from the first step on.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from ...core.clips import previous_frames
from ...nn.blocks import conv_block, pixel_shuffle_block
from ...nn.conv_lstm import ConvLSTMCell, ConvState
from .config import VPNConfig
from .network import VPNNetwork


class State(NamedTuple):
    """States of the layers: `first` next to the pixels, `second` the wider one."""

    first: ConvState
    second: ConvState


class ConvLSTMNetwork(VPNNetwork):
    """Encoder and decoder of two ConvLSTM layers each, 3x3, and a convolution to pixels."""

    def __init__(self, cfg: VPNConfig):
        super().__init__(cfg)
        first, second = cfg.widths
        pixels = cfg.channels * cfg.patch**2
        inputs = pixels * (1 + cfg.before)
        self.to_patches, self.to_pixels = nn.PixelUnshuffle(cfg.patch), nn.PixelShuffle(cfg.patch)
        self.read_first, self.read_second = ConvLSTMCell(inputs, first), ConvLSTMCell(first, second)
        self.head = nn.Conv2d(first, pixels, 3, padding=1)
        if cfg.pyramid:
            self.down_read, self.down_write, self.up = (
                conv_block(first, first, 2),
                conv_block(inputs, first, 2),
                pixel_shuffle_block(second, first),
            )
            self.guess = conv_block(2 * first, first)
            self.write_second, self.write_first = ConvLSTMCell(first, second), ConvLSTMCell(first + inputs, first)
        else:
            self.write_second, self.write_first = ConvLSTMCell(inputs, second), ConvLSTMCell(second, first)

    def encode(self, context: Tensor, supervised: bool = False) -> tuple[State, Tensor | None]:
        """Reads the context.

        Args:
            context: float32 (B, T, C, H, W) in [0, 1].
            supervised: guess the frames within the context too, each from those before it; only networks with a pyramid do.

        Returns:
            The state after the last frame, and the guesses of frames 1 to T - 1 (B, T - 1, C, H, W), or None.
        """
        side = self.cfg.size // self.cfg.patch
        first = self.read_first.zero_state(len(context), side, side, context)
        side //= 1 + self.cfg.pyramid
        state = State(first, self.read_second.zero_state(len(context), side, side, context))
        patches, read = self.stack_patches(context, previous_frames(context)), []
        for x in patches.unbind(1):
            first = self.read_first(x, state.first)
            h = self.down_read(first[0]) if self.cfg.pyramid else first[0]
            state = State(first, self.read_second(h, state.second))
            read.append((first[0], state.second[0]))
        if not (supervised and self.cfg.pyramid):
            return state, None
        fine, coarse = (torch.cat(parts) for parts in zip(*read[:-1]))
        guesses = self.paint(self.guess(torch.cat([fine, self.up(coarse)], 1)))
        return state, guesses.unflatten(0, (len(read) - 1, -1)).transpose(0, 1)

    def advance(self, state: State, seen: Tensor, max_frames: int) -> tuple[State, Tensor]:
        x = self.stack_patches(seen[:, -1], seen[:, -2])
        second = self.write_second(self.down_write(x) if self.cfg.pyramid else x, state.second)
        h = torch.cat([self.up(second[0]), x.to(second[0].dtype)], 1) if self.cfg.pyramid else second[0]
        first = self.write_first(h, state.first)
        return State(first, second), self.paint(first[0])[:, None]

    def stack_patches(self, frames: Tensor, before: Tensor) -> Tensor:
        """Frames stacked with the ones before them, (..., C, H, W) each, as (..., inputs, H / patch, W / patch)."""
        return self.to_patches(torch.cat([frames, before], -3) if self.cfg.before else frames)

    def paint(self, features: Tensor) -> Tensor:
        """Raw maps float32 (M, C, H, W) of features (M, first, H / patch, W / patch)."""
        return self.to_pixels(self.head(features)).float()
