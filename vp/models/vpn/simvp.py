"""A network without recurrence (after SimVP, Gao et al. 2022): from the stack of all known frames to all future ones.

Every frame is read at half and a quarter of its side; the maps of all are stacked into channels and translated, at a
quarter and an eighth of the side, into one map for each future frame, from which that frame is painted. It predicts
`n_future` frames at once and goes on from its own in blocks of as many, always from the last `n_past` frames; where fewer are
known the first one is repeated.

Where it differs from the paper: plain 3x3 residual blocks with GroupNorm for its translator, and the skip connection comes
from the last known frame instead of from the frame at the same place of the stack.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...nn.blocks import conv_block, pixel_shuffle_block
from ...nn.group_norm import GroupNorm
from .config import VPNConfig
from .network import VPNNetwork
from .painter import Painter

MAP = 32  # channels of the map of one future frame


class Residual(nn.Module):
    """x plus two 3x3 convolutions of its norm (He et al. 2016, pre-activation); it starts as the identity."""

    def __init__(self, width: int):
        super().__init__()
        self.body = nn.Sequential(
            GroupNorm(8, width),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(width, width, 3, padding=1),
            GroupNorm(8, width),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(width, width, 3, padding=1),
        )
        nn.init.zeros_(self.body[-1].weight)
        nn.init.zeros_(self.body[-1].bias)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class SimVPNetwork(VPNNetwork):
    """Encoder of single frames, translator of the stack, painter of single frames."""

    def __init__(self, cfg: VPNConfig):
        super().__init__(cfg)
        self.reads, self.block = cfg.n_past, cfg.n_future
        each, wide = cfg.widths
        wider = wide * 3 // 2
        self.read = nn.Sequential(nn.PixelUnshuffle(2), conv_block(4 * cfg.channels, each), conv_block(each, each, 2))
        self.stack = nn.Sequential(conv_block(cfg.n_past * each, wide), *(Residual(wide) for _ in range(cfg.blocks // 2)))
        self.deep = nn.Sequential(
            conv_block(wide, wider, 2), *(Residual(wider) for _ in range(cfg.blocks)), pixel_shuffle_block(wider, wide)
        )
        self.last = nn.Sequential(
            *(Residual(wide) for _ in range(cfg.blocks - cfg.blocks // 2)), GroupNorm(8, wide), nn.LeakyReLU(0.2)
        )
        self.maps = nn.Conv2d(wide, cfg.n_future * MAP, 3, padding=1)
        self.painter = Painter(cfg.channels, MAP)

    def encode(self, context: Tensor, supervised: bool = False) -> tuple[None, None]:
        """Returns (None, None): no state is carried from frame to frame."""
        return None, None

    def advance(self, state: None, seen: Tensor, max_frames: int) -> tuple[None, Tensor]:
        context = self.context_window(seen)
        batch, count = len(context), min(max_frames, self.cfg.n_future)
        read = self.read(context.flatten(0, 1)).unflatten(0, (batch, -1)).flatten(1, 2)  # (B, P * each, H/4, W/4)
        x = self.translate(self.stack(read))
        maps = self.maps(x).unflatten(1, (-1, MAP))[:, :count]
        skip = self.painter.skip(context[:, -1])[:, None].expand(-1, count, -1, -1, -1)
        return None, self.painter(maps.flatten(0, 1), skip.flatten(0, 1)).unflatten(0, (batch, count))

    def translate(self, x: Tensor) -> Tensor:
        """Features of the future from those of the stack, (B, wide, H/4, W/4) both."""
        return self.last(x + self.deep(x))

    def context_window(self, seen: Tensor) -> Tensor:
        """The last `n_past` frames of `seen`, the first one repeated where there are fewer."""
        missing = self.cfg.n_past - seen.shape[1]
        return torch.cat([seen[:, :1].expand(-1, max(missing, 0), -1, -1, -1), seen[:, -self.cfg.n_past :]], 1)
