"""The repaired conv+LSTM of the document: every frame a vector, an LSTM over them, up-convolutions to the next frame.

What the document's sample got wrong and how it is put right is in the README. The decoder draws from one vector, so it
takes the maps of the last known frame along as skip connections, as SVG does (Denton & Fergus 2018): without them it cannot
draw a digit's strokes where they belong.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ...nn.blocks import block, enlarge
from ...nn.group_norm import GroupNorm
from .config import VPNConfig
from .network import make_output
from .output import Code
from .recurrent import RecurrentNetwork

Cell = tuple[Tensor, Tensor]


class State(NamedTuple):
    """What a rollout carries: the LSTM's (h, c), each (B, latent); skips of the last known frame at a quarter and an eighth of
    its side; the last plan, (B, widths[1], H/4, W/4); what the output carries; and whether the next frame is a known one."""

    cell: Cell
    skips: tuple[Tensor, Tensor] | None
    plan: Tensor
    canvas: Any
    known: bool


class LSTMNetwork(RecurrentNetwork):
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
        self.output = make_output(cfg, widths[1], 2 * widths[1])

    def looks(self, frames: Tensor, before: Tensor) -> tuple[Tensor, ...]:
        """The vector (M, latent) of frames (M, C, H, W), and their maps at a quarter and an eighth of the side."""
        x, maps = torch.cat([frames, before], 1) if self.cfg.before else frames, []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return self.squeeze(x.flatten(1)), maps[1], maps[2]

    def begin(self, like: Tensor) -> State:
        batch, side = len(like), self.cfg.size // 4
        zeros = like.new_zeros(batch, self.cfg.latent)
        plan = like.new_zeros(batch, self.cfg.widths[1], side, side)
        return State((zeros, zeros), None, plan, self.output.begin(batch, like), True)

    def step(
        self, cells: nn.LSTMCell, state: State, frame: Tensor, look: tuple[Tensor, ...], known: Tensor | None = None
    ) -> tuple[State, Code]:
        vector, *maps = look
        cell = cells(vector, state.cell)
        skips = tuple(maps) if state.known else state.skips
        canvas = self.take_in(state, frame, skips[0], known)
        x = self.unsqueeze(cell[0])
        for up, join, skip in zip(self.ups, self.joins, reversed(skips)):
            x = join(torch.cat([up(x), skip], 1))
        canvas, code = self.output.move(canvas, x)
        return State(cell, skips, x, canvas, state.known), code
