"""The document's conv+LSTM, repaired: every frame a vector, an LSTM over them, up-convolutions to the next frame.

What the document's sample got wrong and how it is put right is in the README. The decoder draws from one vector, so it
takes the maps of the last known frame along as skip connections, as SVG does (Denton & Fergus 2018): without them it cannot
draw a digit's strokes where they belong.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from ...core.clips import previous_frames
from ...nn.blocks import conv_block, pixel_shuffle_block
from ...nn.group_norm import GroupNorm
from .config import VPNConfig
from .network import VPNNetwork
from .painter import Painter

Skips = tuple[Tensor, Tensor, Tensor]  # of one frame: maps at a half, a quarter and an eighth of its side


class State(NamedTuple):
    """What a rollout carries: the LSTM's (h, c), each (B, latent), and the skips of the last known frame."""

    cell: tuple[Tensor, Tensor]
    skips: Skips


class LSTMNetwork(VPNNetwork):
    """Frame encoder of four strided convolutions, an LSTM over the context, a second one that goes on from its state."""

    def __init__(self, cfg: VPNConfig):
        super().__init__(cfg)
        widths, small = cfg.widths, cfg.size // 16
        inputs = (cfg.channels * (1 + cfg.before), *widths)
        self.stages = nn.ModuleList(
            nn.Sequential(nn.Conv2d(a, b, 4, 2, 1), GroupNorm(8, b), nn.LeakyReLU(0.2)) for a, b in zip(inputs, widths)
        )
        self.squeeze = nn.Linear(widths[3] * small**2, cfg.latent)
        self.encoder = nn.LSTMCell(cfg.latent, cfg.latent)
        self.decoder = nn.LSTMCell(cfg.latent, cfg.latent)
        self.unsqueeze = nn.Sequential(
            nn.Linear(cfg.latent, widths[3] * small**2), nn.LeakyReLU(0.2), nn.Unflatten(1, (widths[3], small, small))
        )
        self.ups = nn.ModuleList((pixel_shuffle_block(widths[3], widths[2]), pixel_shuffle_block(widths[2], widths[1])))
        self.joins = nn.ModuleList((conv_block(2 * widths[2], widths[2]), conv_block(2 * widths[1], widths[1])))
        self.painter = Painter(cfg.channels, widths[1])

    def encode_frames(self, frames: Tensor, before: Tensor) -> tuple[Tensor, Skips]:
        """The vectors (M, latent) of frames (M, C, H, W), read with the ones before them, and their skip connections."""
        x, maps = torch.cat([frames, before], 1) if self.cfg.before else frames, []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return self.squeeze(x.flatten(1)), (self.painter.skip(frames), maps[1], maps[2])

    def encode(self, context: Tensor, supervised: bool = False) -> tuple[State, Tensor | None]:
        batch, steps = context.shape[0], context.shape[1] - 1
        vectors, skips = self.encode_frames(context.flatten(0, 1), previous_frames(context).flatten(0, 1))
        vectors = vectors.unflatten(0, (batch, -1))
        skips = tuple(x.unflatten(0, (batch, -1)) for x in skips)
        zeros = context.new_zeros(batch, self.cfg.latent)
        cell, read = (zeros, zeros), []
        for vector in vectors[:, :-1].unbind(1):  # the decoder reads the last one
            cell = self.encoder(vector, cell)
            read.append(cell[0])
        state = State(cell, tuple(x[:, -1] for x in skips))
        if not supervised:
            return state, None
        guesses = self.paint(torch.stack(read, 1).flatten(0, 1), tuple(x[:, :-1].flatten(0, 1) for x in skips))
        return state, guesses.unflatten(0, (batch, steps))

    def advance(self, state: State, seen: Tensor, max_frames: int) -> tuple[State, Tensor]:
        vector, _ = self.encode_frames(seen[:, -1], seen[:, -2])
        cell = self.decoder(vector, state.cell)
        return state._replace(cell=cell), self.paint(cell[0], state.skips)[:, None]

    def paint(self, vectors: Tensor, skips: Skips) -> Tensor:
        """Raw maps (M, C, H, W) from the LSTM's outputs (M, latent) and skip connections."""
        half, *maps = skips
        x = self.unsqueeze(vectors)
        for up, join, skip in zip(self.ups, self.joins, reversed(maps)):
            x = join(torch.cat([up(x), skip], 1))
        return self.painter(x, half)
