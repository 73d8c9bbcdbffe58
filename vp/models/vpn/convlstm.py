"""ConvLSTM encoder-decoder with the document's 64-128-128-64 layers, states handed over (Shi et al. 2015).

Behind a pixel-unshuffle by 4, the narrower layers work at a quarter of the frame's side and the wider ones at an
eighth, where motion of many pixels is near. An encoder pair reads the known frames; the decoder pair starts from its states
with the last known frame and goes on from its own.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ...nn.blocks import block, enlarge
from ...nn.conv_lstm import ConvLSTMCell, ConvState
from .config import VPNConfig
from .network import make_output
from .output import Code
from .recurrent import RecurrentNetwork


class State(NamedTuple):
    """fine, coarse: of the two layers. plan: (B, fine, H/4, W/4), the last one. canvas: the output's. known: the next frame to
    be read is a known one."""

    fine: ConvState
    coarse: ConvState
    plan: Tensor
    canvas: Any
    known: bool


class Pair(nn.Module):
    """Two ConvLSTM layers, the second at half the side of the first, and the plan that is read from both."""

    def __init__(self, fine: int, coarse: int):
        super().__init__()
        self.fine = ConvLSTMCell(fine, fine)
        self.down = block(fine, coarse, 2)
        self.coarse = ConvLSTMCell(coarse, coarse)
        self.up = enlarge(coarse, fine)
        self.join = block(2 * fine, fine)

    def plan(self, fine: ConvState, coarse: ConvState) -> tuple[ConvState, Tensor]:
        """Steps the second layer: its state, and the plan (B, fine, h, w)."""
        coarse = self.coarse(self.down(fine[0]), coarse)
        return coarse, self.join(torch.cat([fine[0], self.up(coarse[0])], 1))


class PyramidConvLSTM(RecurrentNetwork):
    """The network behind `vpn-convlstm`."""

    def __init__(self, cfg: VPNConfig):
        super().__init__(cfg)
        fine, coarse = cfg.widths
        inputs = 16 * cfg.channels * (1 + cfg.before)
        self.look = nn.Sequential(nn.PixelUnshuffle(4), block(inputs, fine), block(fine, fine))
        self.encoder, self.decoder = Pair(fine, coarse), Pair(fine, coarse)
        self.output = make_output(cfg, fine, 2 * fine)

    def looks(self, frames: Tensor, before: Tensor) -> Tensor:
        """Features (M, fine, H/4, W/4) of frames (M, C, H, W) and the ones before them: together they show velocities."""
        return self.look(torch.cat([frames, before], 1) if self.cfg.before else frames)

    def begin(self, like: Tensor) -> State:
        batch, side = len(like), self.cfg.size // 4
        fine = self.encoder.fine.begin(batch, side, side, like)
        coarse = self.encoder.coarse.begin(batch, side // 2, side // 2, like)
        return State(fine, coarse, fine[0], self.output.begin(batch, like), True)

    def step(
        self, cells: Pair, state: State, frame: Tensor, look: Tensor, known: Tensor | None = None
    ) -> tuple[State, Code]:
        fine = cells.fine(look, state.fine)
        canvas = self.take_in(state, frame, fine[0], known)
        coarse, plan = cells.plan(fine, state.coarse)
        canvas, code = self.output.move(canvas, plan)
        return State(fine, coarse, plan, canvas, state.known), code
