"""The compact SVG network: it moves pixels instead of repainting them.

SVG (Denton & Fergus 2018) with a convolutional recurrent state and an output composed of moving layers. Each layer is a
picture the model remembers; a step writes the last frame into the layers through gates, moves every layer by its own flow
field and blends the moved layers and one synthesised picture by softmax masks (Finn et al. 2016; Lee et al. 2018, SAVP).
A digit hidden behind another stays whole in its layer. GroupNorm throughout: no statistics of the batch.

Where it differs from the paper: the posterior sees a window of three frames instead of an LSTM over all of them, the prior
reads the recurrent state instead of keeping one of its own, and z enters through a coarse spatial map.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...nn.conv_lstm import ConvLSTMCell, ConvState
from ...nn.warp import warp
from .config import SVGConfig
from .latent import Gaussian
from .network import Code, Features, SVGNetwork

MAX_FLOW = 16.0  # pixels a frame, at most


class State(NamedTuple):
    """What a rollout carries: both recurrent states, the layers (B, K, C, H, W) and the last frame (B, C, H, W)."""

    belief: ConvState
    motion: ConvState
    layers: Tensor
    frame: Tensor

    @property
    def summary(self) -> Tensor:
        """What the learned prior reads (B, width, H/4, W/4)."""
        return self.belief[0]


def block(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1), nn.GroupNorm(8, outputs), nn.LeakyReLU(0.2, inplace=True)
    )


class GaussianHead(nn.Module):
    """A Gaussian over z from a feature map (B, C, h, w): position is kept by flattening a 4x smaller map."""

    def __init__(self, inputs: int, side: int, z_dim: int, width: int):
        super().__init__()
        small = (side + 3) // 4
        self.convs = nn.Sequential(block(inputs, width, 2), block(width, width // 2, 2), nn.Flatten())
        self.mix = nn.Sequential(nn.Linear(width // 2 * small * small, 2 * width), nn.LeakyReLU(0.2, inplace=True))
        self.out = nn.Linear(2 * width, 2 * z_dim)
        nn.init.normal_(self.out.weight, std=0.01)
        nn.init.zeros_(self.out.bias)

    def forward(self, features: Tensor) -> Gaussian:
        return Gaussian.bounded(*self.out(self.mix(self.convs(features))).chunk(2, -1))


class LatentMap(nn.Module):
    """z (B, Z) as a map (B, 16, h, w): one linear layer to a coarse grid, enlarged."""

    def __init__(self, z_dim: int, side: int, channels: int = 16):
        super().__init__()
        self.side, self.channels, self.grid = side, channels, max(side // 4, 1)
        self.linear = nn.Linear(z_dim, channels * self.grid**2)

    def forward(self, z: Tensor) -> Tensor:
        coarse = self.linear(z).view(-1, self.channels, self.grid, self.grid)
        return F.interpolate(coarse, size=(self.side, self.side), mode="bilinear", align_corners=False)


class Composer(nn.Module):
    """Writes the frame into the layers, moves them and blends them: the only full-resolution part, free of features there."""

    def __init__(self, cfg: SVGConfig):
        super().__init__()
        width, layers, c = cfg.width, cfg.flows, cfg.channels
        self.layers, self.channels, self.memory = layers, c, cfg.memory
        half = 32
        self.flow = nn.Sequential(block(width, width), nn.Conv2d(width, 2 * layers, 3, padding=1))
        self.write_up = nn.Sequential(nn.Conv2d(width, 4 * 8, 1), nn.PixelShuffle(2))
        self.write = nn.Sequential(
            block(8 + 4 * c * (layers + 1), half), nn.Conv2d(half, 4 * layers, 3, padding=1), nn.PixelShuffle(2)
        )
        self.blend_up = nn.Sequential(nn.Conv2d(width, 4 * 24, 1), nn.PixelShuffle(2), nn.LeakyReLU(0.2, inplace=True))
        self.blend = nn.Sequential(
            block(24 + 4 * c * (layers + 1), 48),
            block(48, 48),
            nn.Conv2d(48, 4 * (layers + 1 + c), 3, padding=1),
            nn.PixelShuffle(2),
        )
        nn.init.normal_(self.flow[-1].weight, std=0.01)
        nn.init.zeros_(self.flow[-1].bias)
        nn.init.constant_(self.write[-2].bias, 2.0)  # at first every layer takes the frame as it is

    def store(self, layers: Tensor, frame: Tensor, belief: Tensor) -> Tensor:
        """Writes `frame` into `layers` where the gates are open: (B, K, C, H, W)."""
        seen = frame[:, None]
        if not self.memory:
            return seen.expand_as(layers)
        pictures = F.pixel_unshuffle(torch.cat([layers, seen], 1).flatten(1, 2), 2)
        gates = self.write(torch.cat([self.write_up(belief), pictures], 1)).float().sigmoid()
        return torch.lerp(layers, seen.expand_as(layers), gates[:, :, None])

    def move(self, layers: Tensor, motion: Tensor) -> Tensor:
        """Each layer displaced by its own smooth flow field."""
        batch, size = len(layers), layers.shape[-2:]
        flow = self.flow(motion).float()
        flow = F.interpolate(flow, size=size, mode="bilinear", align_corners=False)
        flow = MAX_FLOW * torch.tanh(flow / MAX_FLOW)
        moved = warp(layers.flatten(0, 1), flow.reshape(batch * self.layers, 2, *size))
        return moved.view_as(layers)

    def compose(self, moved: Tensor, frame: Tensor, motion: Tensor) -> Tensor:
        """The next frame (B, C, H, W) in [0, 1]."""
        pictures = F.pixel_unshuffle(torch.cat([moved, frame[:, None]], 1).flatten(1, 2), 2)
        out = self.blend(torch.cat([self.blend_up(motion), pictures], 1)).float()
        masks, drawn = out.split([self.layers + 1, self.channels], 1)
        candidates = torch.cat([moved, drawn.sigmoid()[:, None]], 1)
        return (masks.softmax(1)[:, :, None] * candidates).sum(1)


class CompactSVG(SVGNetwork):
    """The network behind the small checkpoints."""

    def __init__(self, cfg: SVGConfig):
        super().__init__()
        self.cfg = cfg
        width, self.side = cfg.width, cfg.size // 4
        stochastic = cfg.latent != "none"
        self.encoder = nn.Sequential(
            nn.PixelUnshuffle(2), block(4 * cfg.channels, 32), block(32, width, 2), block(width, width)
        )
        self.belief = ConvLSTMCell(width, width)
        self.motion = ConvLSTMCell(width + 16 * stochastic, width)
        self.composer = Composer(cfg)
        self.latent_map = LatentMap(cfg.z_dim, self.side) if stochastic else None
        self.posterior_head = GaussianHead(3 * width, self.side, cfg.z_dim, width) if stochastic else None
        self.prior_head = GaussianHead(width, self.side, cfg.z_dim, width) if cfg.latent == "learned" else None

    def encode(self, frames: Tensor) -> Features:
        """One map (M, width, H/4, W/4)."""
        return (self.encoder(frames),)

    def begin(self, batch: int, like: Tensor) -> State:
        cfg, side = self.cfg, self.side
        zeros = like.new_zeros(batch, cfg.flows, cfg.channels, cfg.size, cfg.size)
        belief, motion = (cell.begin(batch, side, side, like) for cell in (self.belief, self.motion))
        return State(belief, motion, zeros, zeros[:, 0])

    def posterior(self, features: Features) -> Gaussian:
        """q(z_t | x_{t-2..t}): three frames show a change of velocity."""
        x = features[0]
        batch, length = x.shape[:2]
        before = torch.cat([x[:, :1], x[:, :-2]], 1)
        window = torch.cat([before, x[:, :-1], x[:, 1:]], 2).flatten(0, 1)
        return Gaussian(*(y.view(batch, length - 1, -1) for y in self.posterior_head(window)))

    def observe(self, state: State, frame: Tensor, features: Features, refresh_skip: bool) -> State:
        belief = self.belief(features[0], state.belief)
        return State(belief, state.motion, self.composer.store(state.layers, frame, belief[0]), frame)

    def learned_prior(self, summary: Tensor) -> Gaussian:
        return self.prior_head(summary)

    def advance(self, state: State, z: Tensor | None) -> tuple[State, Code]:
        inputs = state.belief[0]
        if self.latent_map is not None:
            inputs = torch.cat([inputs, self.latent_map(z)], 1)
        motion = self.motion(inputs, state.motion)
        moved = self.composer.move(state.layers, motion[0])
        return State(state.belief, motion, moved, state.frame), (moved, state.frame, motion[0])

    def render(self, code: Code) -> Tensor:
        return self.composer.compose(*code)
