"""A recurrent predictor that moves pixels: the trunk of the compact networks of SVG and RaMViD.

A frame and the one before it are encoded together; a convolutional LSTM at a quarter of the side believes what the scene is,
another at an eighth decides what it will do; from both comes a plan, by which remembered layers are moved and blended
(`moving_layers`).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from .blocks import block, enlarge
from .conv_lstm import ConvLSTMCell, ConvState
from .movers import MOVERS
from .moving_layers import Layers


class Rollout(NamedTuple):
    """What it carries.

    belief, motion: recurrent states, at a quarter and an eighth of the frame's side. plan: (B, width, H/4, W/4), the map that
    the last step was read from. layers: what is remembered of the frames. frame: the last one seen, (B, C, H, W) in [0, 1].
    """

    belief: ConvState
    motion: ConvState
    plan: Tensor
    layers: Layers
    frame: Tensor


class MovingRollout(nn.Module):
    """Base of the networks that are built around it.

    Args:
        size, channels: of the frames. width: channels of the belief. flows: remembered layers.
        guides: channels at an eighth of the side that the motion is decided by beside the belief. beside: channels that the
            plan is made from beside belief and motion. mover: what moves pictures, see `movers`.
    """

    def __init__(
        self, size: int, channels: int, width: int, flows: int, guides: int, beside: int = 0, mover: str = "layers"
    ):
        super().__init__()
        wide = width * 3 // 2
        self.size, self.channels, self.flows, self.side = size, channels, flows, size // 4
        self.encoder = nn.Sequential(nn.PixelUnshuffle(2), block(8 * channels, 32), block(32, width, 2), block(width, width))
        self.belief = ConvLSTMCell(width, width)
        self.coarse = block(width, wide, 2)
        self.motion = ConvLSTMCell(wide + guides, wide)
        self.fine = enlarge(wide, width // 2)
        self.join = block(width + width // 2 + beside, width)
        self.composer = MOVERS[mover](width, 2 * width, flows, channels, size)

    def perceive(self, frames: Tensor, before: Tensor) -> Tensor:
        """Maps (M, width, H/4, W/4) of frames (M, C, H, W) and those before them: together they show velocities."""
        return self.encoder(torch.cat([frames, before], 1))

    def start(self, batch: int, like: Tensor) -> Rollout:
        """Before any frame."""
        belief = self.belief.begin(batch, self.side, self.side, like)
        motion = self.motion.begin(batch, self.side // 2, self.side // 2, like)
        layers = self.composer.begin(batch, like)
        return Rollout(belief, motion, belief[0], layers, layers.moved[:, 0])

    def take_in(self, state: Rollout, frame: Tensor, features: Tensor, keep: bool) -> Rollout:
        """A frame and its map; it is written into the layers too where `keep` says so."""
        state = state._replace(belief=self.belief(features, state.belief), frame=frame)
        if not keep:
            return state
        notes = torch.cat([state.belief[0], state.plan], 1)
        return state._replace(layers=self.composer.store(state.layers, frame, notes))
