"""ConvLSTM encoder-decoder with the document's 64-128-128-64 layers, states handed over (Shi et al. 2015).

Behind a pixel-unshuffle by 4, the narrower layers work at a quarter of the frame's side and the wider ones at an
eighth, where motion of many pixels is near. An encoder pair reads the known frames; the decoder pair starts from its states
with the last known frame and goes on from its own. What the encoder reads it also predicts, frame by frame: that is how
layers are moved to the next known frame before it is written into them, and it teaches motion from the first step.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ...core.clips import preceding
from ...nn.blocks import block, enlarge
from ...nn.conv_lstm import ConvLSTMCell, ConvState
from .config import VPNConfig
from .network import VPNNetwork, make_output
from .output import Code


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


class PyramidConvLSTM(VPNNetwork):
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

    def watch(self, context: Tensor, early: bool = False) -> tuple[State, Tensor | None]:
        """All known frames but the last, which the decoder reads."""
        batch, steps = context.shape[0], context.shape[1] - 1
        looks = self.looks(context.flatten(0, 1), preceding(context).flatten(0, 1)).unflatten(0, (batch, -1))
        state, codes = self.begin(context), []
        for t in range(steps):
            state, code = self.step(self.encoder, state, context[:, t], looks[:, t])
            codes.append(code)
        if not early:
            return state, None
        together = self.output.render(*(torch.cat(parts) for parts in zip(*codes)))
        return state, together.unflatten(0, (steps, batch)).transpose(0, 1)

    def step(
        self, pair: Pair, state: State, frame: Tensor, look: Tensor, known: Tensor | None = None
    ) -> tuple[State, Code]:
        """Reads a frame and plans the next one; `known` are all known frames (B, P, C, H, W), if this is the last of them."""
        fine = pair.fine(look, state.fine)
        notes = torch.cat([fine[0], state.plan], 1)
        canvas = self.output.store(state.canvas, frame, notes) if state.known else self.output.see(state.canvas, frame)
        canvas = canvas if known is None else self.output.settle(canvas, known)
        coarse, plan = pair.plan(fine, state.coarse)
        canvas, code = self.output.move(canvas, plan)
        return State(fine, coarse, plan, canvas, state.known), code

    def advance(self, state: State, seen: Tensor, most: int) -> tuple[State, Tensor]:
        frame = seen[:, -1]
        state, code = self.step(self.decoder, state, frame, self.looks(frame, seen[:, -2]), seen if state.known else None)
        return state._replace(known=False), self.output.render(*code)[:, None]
