"""The compact SVG network: it moves pixels instead of repainting them.

SVG (Denton & Fergus 2018) with a convolutional recurrent state and an output composed of moving layers. During the context,
gates write each frame into K remembered layers; afterwards the layers stay as they are. A layer keeps a velocity of its own
and moves on with it until the network renews it; a small flow field bends the motion. Every step extends each layer's
displacement, samples the layer once through the whole displacement, so that nothing blurs by being resampled again and
again, and blends the layers, the moved previous frame and a synthesised picture by softmax masks (after Finn et al. 2016; Lee
et al. 2018, SAVP). A digit hidden behind another stays whole in its layer. GroupNorm throughout: no statistics of the batch.

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
BEND = 0.3  # how easily a layer's motion departs from its velocity
LATENT_CHANNELS = 16


class State(NamedTuple):
    """What a rollout carries.

    belief, motion: recurrent states, at a quarter and an eighth of the frame's side. plan: (B, width, H/4, W/4), the map that
    the last step was read from. layers: (B, K, C, H, W), anchored at the last stored frame. velocity: (B, K, 2) pixels a
    frame, x first. shift: (B, 2K, H/4, W/4), displacement in pixels from the present to the anchor. moved: the layers through
    their shift. frame: the last one seen.
    """

    belief: ConvState
    motion: ConvState
    plan: Tensor
    layers: Tensor
    velocity: Tensor
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
    """z (B, Z) as a map (B, 16, side, side): one linear layer to a grid of half the side, enlarged; it starts faint."""

    def __init__(self, z_dim: int, side: int):
        super().__init__()
        self.side, self.grid = side, max(side // 2, 1)
        self.linear = nn.Linear(z_dim, LATENT_CHANNELS * self.grid**2)
        nn.init.normal_(self.linear.weight, std=0.02)

    def forward(self, z: Tensor) -> Tensor:
        coarse = self.linear(z).view(-1, LATENT_CHANNELS, self.grid, self.grid)
        return F.interpolate(coarse, size=(self.side, self.side), mode="bilinear", align_corners=False)


class Composer(nn.Module):
    """Writes frames into layers, moves them and blends them: the only full-resolution part, free of features there."""

    def __init__(self, cfg: SVGConfig):
        super().__init__()
        width, layers, c = cfg.width, cfg.flows, cfg.channels
        self.layers, self.channels = layers, c
        self.motions = (2 * layers, layers, layers, 2 * layers, 2)  # see `move`
        self.flow = nn.Sequential(block(width, width), nn.Conv2d(width, sum(self.motions), 3, padding=1))
        self.write_up = nn.Sequential(nn.Conv2d(2 * width, 4 * 16, 1), nn.PixelShuffle(2))
        self.write = nn.Sequential(
            block(16 + 4 * c * (layers + 1), 32), nn.Conv2d(32, 4 * layers, 3, padding=1), nn.PixelShuffle(2)
        )
        self.blend_up = nn.Sequential(nn.Conv2d(width, 4 * 24, 1), nn.PixelShuffle(2), nn.LeakyReLU(0.2, inplace=True))
        self.blend = nn.Sequential(
            block(24 + 4 * c * (layers + 1), 48),
            block(48, 48),
            nn.Conv2d(48, 4 * (layers + 2 + c), 3, padding=1),
            nn.PixelShuffle(2),
        )
        nn.init.normal_(self.flow[-1].weight, std=0.01)
        nn.init.normal_(self.flow[-1].weight.split(self.motions)[1], std=0.1)
        nn.init.zeros_(self.flow[-1].bias)
        nn.init.constant_(self.write[-2].bias, 2.0)  # at first every layer takes the frame as it is

    def store(self, state: State, frame: Tensor) -> Tensor:
        """The layers (B, K, C, H, W) with `frame` written in where the gates are open."""
        seen = frame[:, None]
        pictures = F.pixel_unshuffle(torch.cat([state.moved, seen], 1).flatten(1, 2), 2)
        features = self.write_up(torch.cat([state.belief[0], state.plan], 1))
        gates = self.write(torch.cat([features, pictures], 1)).float().sigmoid()
        return torch.lerp(state.moved, seen.expand_as(state.moved), gates[:, :, None])

    def move(self, state: State, plan: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The new velocity and shift, the layers through it, and the previous frame through a flow field of its own."""
        size, side = state.frame.shape[-2:], plan.shape[-2:]
        votes, weights, renewals, field, recent = self.flow(plan).float().split(self.motions, 1)
        weights = weights.flatten(2).softmax(-1)  # (B, K, cells): whose vote counts for a layer
        votes = (votes.unflatten(1, (-1, 2)).flatten(3) * weights[:, :, None]).sum(-1)
        renewal = (renewals.flatten(2) * weights).sum(-1, keepdim=True).sigmoid()
        velocity = torch.lerp(state.velocity, MAX_FLOW * votes, renewal)
        step = velocity.flatten(1)[..., None, None] + BEND * field
        step = MAX_FLOW * torch.tanh(step / MAX_FLOW)
        coarse = side[0] / size[0]  # the shift field is itself sampled where the step points
        fields = warp(state.shift.reshape(-1, 2, *side), step.reshape(-1, 2, *side) * coarse)
        shift = step + fields.view_as(step)
        full = F.interpolate(torch.cat([shift, recent], 1), size=size, mode="bilinear", align_corners=False)
        sources = torch.cat([state.layers, state.frame[:, None]], 1)
        pictures = warp(sources.flatten(0, 1), full.reshape(-1, 2, *size)).view_as(sources)
        return velocity, shift, pictures[:, :-1], pictures[:, -1]

    def compose(self, moved: Tensor, recent: Tensor, plan: Tensor) -> Tensor:
        """The next frame (B, C, H, W) in [0, 1]."""
        pictures = torch.cat([moved, recent[:, None]], 1)
        features = torch.cat([self.blend_up(plan), F.pixel_unshuffle(pictures.flatten(1, 2), 2)], 1)
        masks, drawn = self.blend(features).float().split([self.layers + 2, self.channels], 1)
        candidates = torch.cat([pictures, drawn.sigmoid()[:, None]], 1)
        return (masks.softmax(1)[:, :, None] * candidates).sum(1)


class CompactSVG(SVGNetwork):
    """The network behind the small checkpoints."""

    def __init__(self, cfg: SVGConfig):
        super().__init__()
        self.cfg = cfg
        width, wide, self.side = cfg.width, cfg.width * 3 // 2, cfg.size // 4
        stochastic = cfg.latent != "none"
        self.encoder = nn.Sequential(
            nn.PixelUnshuffle(2), block(8 * cfg.channels, 32), block(32, width, 2), block(width, width)
        )
        self.belief = ConvLSTMCell(width, width)
        self.coarse = block(width, wide, 2)
        self.motion = ConvLSTMCell(wide + LATENT_CHANNELS * stochastic, wide)
        self.fine = nn.Sequential(nn.Conv2d(wide, 2 * width, 1), nn.PixelShuffle(2))
        self.join = block(width + width // 2, width)
        self.composer = Composer(cfg)
        self.latent_map = LatentMap(cfg.z_dim, self.side // 2) if stochastic else None
        self.posterior_head = GaussianHead(3 * width, self.side, cfg.z_dim, width) if stochastic else None
        self.prior_head = GaussianHead(width, self.side, cfg.z_dim, width) if cfg.latent == "learned" else None

    def encode(self, frames: Tensor, before: Tensor, skips: bool = True) -> Features:
        """One map (M, width, H/4, W/4), of a frame and the one before it: together they show velocities."""
        return (self.encoder(torch.cat([frames, before], 1)),)

    def begin(self, batch: int, like: Tensor) -> State:
        cfg, side = self.cfg, self.side
        belief = self.belief.begin(batch, side, side, like)
        motion = self.motion.begin(batch, side // 2, side // 2, like)
        layers = like.new_zeros(batch, cfg.flows, cfg.channels, cfg.size, cfg.size)
        velocity, shift = like.new_zeros(batch, cfg.flows, 2), like.new_zeros(batch, 2 * cfg.flows, side, side)
        return State(belief, motion, belief[0], layers, velocity, shift, layers, layers[:, 0])

    def posterior(self, features: list[Features]) -> Gaussian:
        """q(z_t | x_{t-2..t}): three frames show a change of velocity."""
        x = torch.stack([f[0] for f in features], 1)
        batch, length = x.shape[:2]
        before = torch.cat([x[:, :1], x[:, :-2]], 1)
        window = torch.cat([before, x[:, :-1], x[:, 1:]], 2).flatten(0, 1)
        return Gaussian(*(y.view(batch, length - 1, -1) for y in self.posterior_head(window)))

    def observe(self, state: State, frame: Tensor, features: Features, refresh_skip: bool) -> State:
        """Writes the frame into the layers where `refresh_skip` says so, that is during the context."""
        state = state._replace(belief=self.belief(features[0], state.belief), frame=frame)
        if not refresh_skip:
            return state
        return state._replace(layers=self.composer.store(state, frame), shift=torch.zeros_like(state.shift))

    def learned_prior(self, summary: Tensor) -> Gaussian:
        return self.prior_head(summary)

    def advance(self, state: State, z: Tensor | None) -> tuple[State, Code]:
        belief = state.belief[0]
        inputs = self.coarse(belief)
        if self.latent_map is not None:
            inputs = torch.cat([inputs, self.latent_map(z)], 1)
        motion = self.motion(inputs, state.motion)
        plan = self.join(torch.cat([belief, self.fine(motion[0])], 1))
        velocity, shift, moved, recent = self.composer.move(state, plan)
        state = state._replace(motion=motion, plan=plan, velocity=velocity, shift=shift, moved=moved)
        return state, (moved, recent, plan)

    def render(self, code: Code) -> Tensor:
        return self.composer.compose(*code)
