"""The compact SVG network: it moves pixels instead of repainting them.

SVG (Denton & Fergus 2018) with a convolutional recurrent state and an output composed of moving layers. During the context,
gates write each frame into K remembered layers; afterwards the layers stay as they are. Every step extends each layer's
displacement by a flow field, samples the layer once through the whole displacement, so that nothing blurs by being resampled
again and again, and blends the layers, the moved previous frame and a synthesised picture by softmax masks (after Finn et
al. 2016; Lee et al. 2018, SAVP). A digit hidden behind another stays whole in its layer. GroupNorm throughout: no statistics
of the batch.

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
    """What a rollout carries.

    belief, motion: recurrent states. layers: (B, K, C, H, W), anchored at the last stored frame. shift: (B, 2K, H/4, W/4),
    displacement in pixels from the present to the anchor. moved: the layers through their shift. frame: the last one seen.
    """

    belief: ConvState
    motion: ConvState
    layers: Tensor
    shift: Tensor
    moved: Tensor
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
    """Writes frames into layers, moves them and blends them: the only full-resolution part, free of features there."""

    def __init__(self, cfg: SVGConfig):
        super().__init__()
        width, layers, c = cfg.width, cfg.flows, cfg.channels
        self.layers, self.channels = layers, c
        self.flow = nn.Sequential(block(width, width), nn.Conv2d(width, 2 * (layers + 1), 3, padding=1))
        self.write_up = nn.Sequential(nn.Conv2d(width, 4 * 8, 1), nn.PixelShuffle(2))
        self.write = nn.Sequential(
            block(8 + 4 * c * (layers + 1), 32), nn.Conv2d(32, 4 * layers, 3, padding=1), nn.PixelShuffle(2)
        )
        self.blend_up = nn.Sequential(nn.Conv2d(width, 4 * 24, 1), nn.PixelShuffle(2), nn.LeakyReLU(0.2, inplace=True))
        self.blend = nn.Sequential(
            block(24 + 4 * c * (layers + 1), 48),
            block(48, 48),
            nn.Conv2d(48, 4 * (layers + 2 + c), 3, padding=1),
            nn.PixelShuffle(2),
        )
        nn.init.normal_(self.flow[-1].weight, std=0.01)
        nn.init.zeros_(self.flow[-1].bias)
        nn.init.constant_(self.write[-2].bias, 2.0)  # at first every layer takes the frame as it is

    def store(self, moved: Tensor, frame: Tensor, belief: Tensor) -> Tensor:
        """The layers (B, K, C, H, W) with `frame` written in where the gates are open."""
        seen = frame[:, None]
        pictures = F.pixel_unshuffle(torch.cat([moved, seen], 1).flatten(1, 2), 2)
        gates = self.write(torch.cat([self.write_up(belief), pictures], 1)).float().sigmoid()
        return torch.lerp(moved, seen.expand_as(moved), gates[:, :, None])

    def move(self, state: State, motion: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The new shift, the layers through it, and the previous frame through the last flow field."""
        size, side = state.frame.shape[-2:], motion.shape[-2:]
        flow = self.flow(motion).float()
        flow = MAX_FLOW * torch.tanh(flow / MAX_FLOW)
        step, recent = flow[:, : 2 * self.layers], flow[:, 2 * self.layers :]
        coarse = side[0] / size[0]  # the shift field is itself sampled where the step points
        fields = warp(state.shift.reshape(-1, 2, *side), step.reshape(-1, 2, *side) * coarse)
        shift = step + fields.view_as(step)
        full = F.interpolate(torch.cat([shift, recent], 1), size=size, mode="bilinear", align_corners=False)
        sources = torch.cat([state.layers, state.frame[:, None]], 1)
        pictures = warp(sources.flatten(0, 1), full.reshape(-1, 2, *size)).view_as(sources)
        return shift, pictures[:, :-1], pictures[:, -1]

    def compose(self, moved: Tensor, recent: Tensor, motion: Tensor) -> Tensor:
        """The next frame (B, C, H, W) in [0, 1]."""
        pictures = torch.cat([moved, recent[:, None]], 1)
        features = torch.cat([self.blend_up(motion), F.pixel_unshuffle(pictures.flatten(1, 2), 2)], 1)
        masks, drawn = self.blend(features).float().split([self.layers + 2, self.channels], 1)
        candidates = torch.cat([pictures, drawn.sigmoid()[:, None]], 1)
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
        layers = like.new_zeros(batch, cfg.flows, cfg.channels, cfg.size, cfg.size)
        shift = like.new_zeros(batch, 2 * cfg.flows, side, side)
        belief, motion = (cell.begin(batch, side, side, like) for cell in (self.belief, self.motion))
        return State(belief, motion, layers, shift, layers, layers[:, 0])

    def posterior(self, features: Features) -> Gaussian:
        """q(z_t | x_{t-2..t}): three frames show a change of velocity."""
        x = features[0]
        batch, length = x.shape[:2]
        before = torch.cat([x[:, :1], x[:, :-2]], 1)
        window = torch.cat([before, x[:, :-1], x[:, 1:]], 2).flatten(0, 1)
        return Gaussian(*(y.view(batch, length - 1, -1) for y in self.posterior_head(window)))

    def observe(self, state: State, frame: Tensor, features: Features, refresh_skip: bool) -> State:
        """Writes the frame into the layers where `refresh_skip` says so, that is during the context."""
        belief = self.belief(features[0], state.belief)
        state = state._replace(belief=belief, frame=frame)
        if not refresh_skip:
            return state
        layers = self.composer.store(state.moved, frame, belief[0])
        return state._replace(layers=layers, shift=torch.zeros_like(state.shift))

    def learned_prior(self, summary: Tensor) -> Gaussian:
        return self.prior_head(summary)

    def advance(self, state: State, z: Tensor | None) -> tuple[State, Code]:
        inputs = state.belief[0]
        if self.latent_map is not None:
            inputs = torch.cat([inputs, self.latent_map(z)], 1)
        motion = self.motion(inputs, state.motion)
        shift, moved, recent = self.composer.move(state, motion[0])
        return state._replace(motion=motion, shift=shift, moved=moved), (moved, recent, motion[0])

    def render(self, code: Code) -> Tensor:
        return self.composer.compose(*code)
