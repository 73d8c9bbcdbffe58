"""The repaired conv+LSTM of the document: every frame a vector, an LSTM over them, up-convolutions to the next frame.

What the document's sample got wrong and how it is put right is in the README. The decoder draws from one vector, so it
takes the maps of the last known frame along as skip connections, as SVG does (Denton & Fergus 2018): without them it cannot
draw a digit's strokes where they belong.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ...core.clips import preceding
from ...nn.blocks import block, enlarge
from ...nn.group_norm import GroupNorm
from .config import VPNConfig
from .network import VPNNetwork, make_output

Cell = tuple[Tensor, Tensor]


class State(NamedTuple):
    """What a rollout carries: the LSTM's (h, c), each (B, latent); skips of the last known frame at a quarter and an eighth of
    its side; what the output carries."""

    cell: Cell
    skips: tuple[Tensor, Tensor]
    canvas: Any


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
        self.ups = nn.ModuleList((enlarge(widths[3], widths[2]), enlarge(widths[2], widths[1])))
        self.joins = nn.ModuleList((block(2 * widths[2], widths[2]), block(2 * widths[1], widths[1])))
        self.output = make_output(cfg, widths[1], widths[1])

    def look(self, frames: Tensor, before: Tensor) -> tuple[Tensor, ...]:
        """The vector (M, latent) of frames (M, C, H, W), and their maps at a quarter and an eighth of the side."""
        x, maps = torch.cat([frames, before], 1) if self.cfg.before else frames, []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return self.squeeze(x.flatten(1)), maps[1], maps[2]

    def watch(self, context: Tensor, early: bool = False) -> tuple[State, None]:
        batch, length = context.shape[:2]
        looks = self.look(context.flatten(0, 1), preceding(context).flatten(0, 1))
        vectors, *maps = (x.unflatten(0, (batch, length)) for x in looks)
        zeros = vectors.new_zeros(batch, self.cfg.latent)
        cell = (zeros, zeros)
        for t in range(length):
            cell = self.encoder(vectors[:, t], cell)
        skips = tuple(x[:, -1] for x in maps)
        canvas = self.output.store(self.output.begin(batch, context), context[:, -1], skips[0])
        return State(cell, skips, canvas), None

    def advance(self, state: State, seen: Tensor, most: int) -> tuple[State, Tensor]:
        vector, *_ = self.look(seen[:, -1], seen[:, -2])
        cell = self.decoder(vector, state.cell)
        x = self.unsqueeze(cell[0])
        for up, join, skip in zip(self.ups, self.joins, reversed(state.skips)):
            x = join(torch.cat([up(x), skip], 1))
        canvas, code = self.output.move(state.canvas, x)
        return State(cell, state.skips, canvas), self.output.render(*code)[:, None]
