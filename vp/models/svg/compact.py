"""The compact SVG network: it moves pixels instead of synthesising them.

SVG (Denton & Fergus 2018) with a convolutional recurrent state and an output composed of moving layers (`nn.layer_memory`).
Frames are written into the layers during the context only. GroupNorm throughout: no statistics of the batch.

Differences from the paper: the posterior sees a window of three frames instead of an LSTM over all of them, the prior
reads the recurrent state instead of keeping one of its own, and z enters through a coarse spatial map. Conditions are
constant maps (after Finn et al. 2016), at the input of the motion LSTM and of the features.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...nn.blocks import conv_block
from ...nn.gaussian import Gaussian
from ...nn.moving_rollout import MovingRollout, Rollout
from .conditions import Conditioner
from .config import SVGConfig
from .network import Code, Features, SVGNetwork

LATENT_CHANNELS = 16


class State(NamedTuple):
    """State of a rollout: `condition` (B, E) leads from the last frame to the next, or None; `summary` (B, C, H/4, W/4) is the
    input of the learned prior, C the width plus, where the prior reads them, the conditions."""

    rollout: Rollout
    condition: Tensor | None
    summary: Tensor


class GaussianHead(nn.Module):
    """A Gaussian over z, (B, Z), from a feature map (B, C, h, w), which is shrunk by 4 and flattened, so position is kept."""

    def __init__(self, inputs: int, side: int, z_dim: int, width: int):
        super().__init__()
        small = (side + 3) // 4
        self.convs = nn.Sequential(conv_block(inputs, width, 2), conv_block(width, width // 2, 2), nn.Flatten())
        self.mix = nn.Sequential(nn.Linear(width // 2 * small * small, 2 * width), nn.LeakyReLU(0.2, inplace=True))
        self.out = nn.Linear(2 * width, 2 * z_dim)
        nn.init.normal_(self.out.weight, std=0.01)
        nn.init.zeros_(self.out.bias)

    def forward(self, features: Tensor) -> Gaussian:
        return Gaussian.from_outputs(*self.out(self.mix(self.convs(features))).chunk(2, -1))


class LatentMap(nn.Module):
    """z (B, Z) to a map (B, 16, side, side): a linear layer to a grid of half the side, enlarged; small weights at first."""

    def __init__(self, z_dim: int, side: int):
        super().__init__()
        self.side, self.grid = side, max(side // 2, 1)
        self.linear = nn.Linear(z_dim, LATENT_CHANNELS * self.grid**2)
        nn.init.normal_(self.linear.weight, std=0.02)

    def forward(self, z: Tensor) -> Tensor:
        coarse = self.linear(z).view(-1, LATENT_CHANNELS, self.grid, self.grid)
        return F.interpolate(coarse, size=(self.side, self.side), mode="bilinear", align_corners=False)


def with_condition(x: Tensor, condition: Tensor | None) -> Tensor:
    """Appends the condition (B, E) to a map (B, C, h, w) as constant channels; None: returns the map."""
    if condition is None:
        return x
    return torch.cat([x, condition.to(x.dtype)[..., None, None].expand(-1, -1, *x.shape[-2:])], 1)


class CompactSVG(MovingRollout, SVGNetwork):
    """SVG with the compact backbone."""

    def __init__(self, cfg: SVGConfig):
        width, stochastic, conditions = cfg.width, cfg.latent != "none", cfg.conditions
        given = conditions.outputs if conditions else 0
        inputs = LATENT_CHANNELS * stochastic + given
        super().__init__(cfg.channels, width, cfg.flows, inputs, given, cfg.previous, cfg.drawn, cfg.hard)
        self.cfg, side = cfg, cfg.size // 4
        self.latent_map = LatentMap(cfg.z_dim, side // 2) if stochastic else None
        self.posterior_head = GaussianHead(3 * width, side, cfg.z_dim, width) if stochastic else None
        seen = width + (given if conditions and conditions.prior else 0)
        self.prior_head = GaussianHead(seen, side, cfg.z_dim, width) if cfg.latent == "learned" else None
        self.conditioner = Conditioner(conditions) if conditions else None

    def encode(self, frames: Tensor, before: Tensor, skips: bool = True) -> Features:
        return (self.encode_frames(frames, before),)

    def initial_state(self, batch: int, like: Tensor) -> State:
        rollout = self.start(like[:, 0])
        return State(rollout, None, rollout.scene[0])

    def posterior(self, features: list[Features]) -> Gaussian:
        """q(z_t | x_{t-2..t}): three frames show a change of velocity."""
        x = torch.stack([f[0] for f in features], 1)
        batch, length = x.shape[:2]
        before = torch.cat([x[:, :1], x[:, :-2]], 1)
        window = torch.cat([before, x[:, :-1], x[:, 1:]], 2).flatten(0, 1)
        return Gaussian(*(y.view(batch, length - 1, -1) for y in self.posterior_head(window)))

    def observe(
        self, state: State, frame: Tensor, features: Features, refresh_skip: bool, condition: Tensor | None = None
    ) -> State:
        """`refresh_skip`, true during the context, says whether the frame is written into the layers."""
        rollout = self.read(state.rollout, frame, features[0], write=refresh_skip)
        summary = rollout.scene[0]
        if condition is not None and self.cfg.conditions.prior:
            summary = with_condition(summary, condition)
        return State(rollout, condition, summary)

    def learned_prior(self, summary: Tensor) -> Gaussian:
        return self.prior_head(summary)

    def advance(self, state: State, z: Tensor | None) -> tuple[State, Code]:
        rollout, scene = state.rollout, state.rollout.scene[0]
        inputs = self.coarse(scene)
        if self.latent_map is not None:
            inputs = torch.cat([inputs, self.latent_map(z)], 1)
        inputs = with_condition(inputs, state.condition)
        motion = self.motion(inputs, rollout.motion)
        features = self.join(with_condition(torch.cat([scene, self.fine(motion[0])], 1), state.condition))
        layers, sources = self.memory.advance(rollout.layers, rollout.frame, features)
        rollout = rollout._replace(motion=motion, features=features, layers=layers)
        return state._replace(rollout=rollout), (sources, features)

    def render(self, code: Code) -> Tensor:
        return self.memory.compose(*code)
