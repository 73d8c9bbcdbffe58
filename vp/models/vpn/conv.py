"""An all-convolution network (after Gao et al. 2022, SimVP): from the stack of all known frames to all future ones.

Every frame is read at half and a quarter of its side; the maps of all are stacked into channels and translated, at a
quarter and an eighth of the side, into one plan for each future frame. It predicts `n_future` frames at once and goes on
from its own in blocks of as many, always from the last `n_past` frames; where fewer are known the first one is repeated.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...nn.blocks import block, enlarge
from ...nn.group_norm import GroupNorm
from .config import VPNConfig
from .network import VPNNetwork, make_output
from .residual import Residual

PLAN = 32  # channels of a plan


class ConvNetwork(VPNNetwork):
    """The network behind `vpn-conv`."""

    def __init__(self, cfg: VPNConfig):
        super().__init__(cfg)
        each, wide = cfg.widths
        wider = wide * 3 // 2
        self.read = nn.Sequential(nn.PixelUnshuffle(2), block(4 * cfg.channels, each), block(each, each, 2))
        self.stack = nn.Sequential(block(cfg.n_past * each, wide), *(Residual(wide) for _ in range(cfg.blocks // 2)))
        self.deep = nn.Sequential(
            block(wide, wider, 2), *(Residual(wider) for _ in range(cfg.blocks)), enlarge(wider, wide)
        )
        self.last = nn.Sequential(
            *(Residual(wide) for _ in range(cfg.blocks - cfg.blocks // 2)), GroupNorm(8, wide), nn.LeakyReLU(0.2)
        )
        self.plans = nn.Conv2d(wide, cfg.n_future * PLAN, 3, padding=1)
        # sprites follow the known frames by one plan; layers begin with the last
        self.past = nn.Conv2d(wide, PLAN, 3, padding=1) if cfg.mover != "layers" else None
        self.output = make_output(cfg, PLAN, wide)

    def watch(self, context: Tensor, early: bool = False) -> tuple[None, None]:
        """Nothing is carried from frame to frame."""
        return None, None

    def advance(self, state: None, seen: Tensor, most: int) -> tuple[None, Tensor]:
        context = self.window(seen)
        batch, count = len(context), min(most, self.cfg.n_future)
        maps = self.read(context.flatten(0, 1)).unflatten(0, (batch, -1)).flatten(1, 2)  # (B, P * each, H/4, W/4)
        x = self.stack(maps)
        x = self.last(x + self.deep(x))
        plans = self.plans(x).unflatten(1, (-1, PLAN))[:, :count]
        return None, self.draw(context, x, plans)

    def window(self, seen: Tensor) -> Tensor:
        """The last `n_past` frames, the first one repeated where there are fewer."""
        missing = self.cfg.n_past - seen.shape[1]
        return torch.cat([seen[:, :1].expand(-1, max(missing, 0), -1, -1, -1), seen[:, -self.cfg.n_past :]], 1)

    def draw(self, context: Tensor, notes: Tensor, plans: Tensor) -> Tensor:
        """Raw maps (B, F, C, H, W) of all plans (B, F, PLAN, h, w)."""
        canvas = self.output.begin(len(context), context)
        for frame in context[:, :-1].unbind(1) if self.past else ():
            canvas, _ = self.output.move(self.output.store(canvas, frame, notes), self.past(notes))
        canvas = self.output.settle(self.output.store(canvas, context[:, -1], notes), context)
        codes, frames = [], []
        for plan in plans.unbind(1):
            canvas, code = self.output.move(canvas, plan)
            if self.output.chained:
                frames.append(self.output.render(*code))
                canvas = self.output.see(canvas, self.show(frames[-1]))
            codes.append(code)
        if self.output.chained:
            return torch.stack(frames, 1)
        together = self.output.render(*(torch.cat(parts) for parts in zip(*codes)))
        return together.unflatten(0, (len(codes), -1)).transpose(0, 1)
