"""Context for motion: every cell of a feature map attends to all others, so motion can depend on what else is in view."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

HEADS = 4


class ContextBlock(nn.Module):
    """A pre-norm transformer block over the cells of a feature map (Dosovitskiy et al. 2021, eq. 2 and 3).

    A depthwise convolution stands for the position embedding (Chu et al. 2023, conditional positional encodings), so maps of any
    size are taken. All branches are zero at initialisation: an untrained block is the identity.

    Args:
        channels: of the map, a multiple of HEADS.
        wider: channels of the hidden layer, as a multiple of `channels`.
    """

    recomputable = True  # activation checkpointing may run forward twice

    def __init__(self, channels: int, wider: int = 4):
        super().__init__()
        self.position = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.norm_attention, self.norm_hidden = nn.GroupNorm(1, channels), nn.GroupNorm(1, channels)
        self.query_key_value = nn.Conv2d(channels, 3 * channels, 1)
        self.attended = nn.Conv2d(channels, channels, 1)
        self.hidden = nn.Conv2d(channels, wider * channels, 1)
        self.reduced = nn.Conv2d(wider * channels, channels, 1)
        for layer in (self.position, self.attended, self.reduced):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, h, w) -> the same shape."""
        size = x.shape[-2:]
        x = x + self.position(x)
        heads = self.query_key_value(self.norm_attention(x)).flatten(2).unflatten(1, (3, HEADS, -1)).transpose(-1, -2)
        attended = F.scaled_dot_product_attention(*heads.unbind(1))  # (B, HEADS, h * w, channels / HEADS)
        x = x + self.attended(attended.transpose(-1, -2).flatten(1, 2).unflatten(-1, size))
        return x + self.reduced(F.gelu(self.hidden(self.norm_hidden(x))))
