"""The residual block of the all-convolution network."""

from __future__ import annotations

from torch import Tensor, nn

from ...nn.group_norm import GroupNorm


class Residual(nn.Module):
    """x plus two 3x3 convolutions of its norm; it starts as the identity."""

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
