"""The networks of SVG as published: frame encoder and decoder around LSTMs over flat vectors (Denton & Fergus 2018).

Parameter counts equal the released code's. Of its known defects none is kept: the frozen skip is the last context frame's
(`skip_off_by_one` brings the old one back), sampling runs in evaluation mode, log-variances are bounded, and the fixed
prior's sampler encodes its own frames.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from ...nn.gaussian import Gaussian
from .backbones import DECODERS, ENCODERS, init_published_weights
from .conditions import Conditioner
from .config import SVGConfig
from .network import Code, Features, SVGNetwork, split_by_time

Cells = tuple[tuple[Tensor, Tensor], ...]


class State(NamedTuple):
    """What a rollout carries: LSTM states of frame predictor and prior, the last feature vector, what the skips in use add
    to the decoder, and the condition (B, E) that leads on from the last frame."""

    predictor: Cells
    prior: Cells
    h: Tensor | None
    skips: tuple[Tensor, ...]
    summary: Tensor
    condition: Tensor | None


class LSTMStack(nn.Module):
    """Linear embedding and a stack of LSTM cells: (B, inputs) to (B, hidden)."""

    def __init__(self, inputs: int, hidden: int, layers: int):
        super().__init__()
        self.embed = nn.Linear(inputs, hidden)
        self.cells = nn.ModuleList(nn.LSTMCell(hidden, hidden) for _ in range(layers))

    def begin(self, batch: int, like: Tensor) -> Cells:
        zeros = like.new_zeros(batch, self.cells[0].hidden_size)
        return tuple((zeros, zeros) for _ in self.cells)

    def forward(self, x: Tensor, state: Cells) -> tuple[Tensor, Cells]:
        x, after = self.embed(x), []
        for cell, hidden in zip(self.cells, state):
            after.append(cell(x, hidden))
            x = after[-1][0]
        return x, tuple(after)


class FramePredictor(LSTMStack):
    def __init__(self, inputs: int, outputs: int, hidden: int, layers: int):
        super().__init__(inputs, hidden, layers)
        self.out = nn.Sequential(nn.Linear(hidden, outputs), nn.Tanh())


class GaussianLSTM(LSTMStack):
    def __init__(self, inputs: int, z_dim: int, hidden: int):
        super().__init__(inputs, hidden, 1)
        self.mean, self.logvar = nn.Linear(hidden, z_dim), nn.Linear(hidden, z_dim)

    def head(self, x: Tensor) -> Gaussian:
        return Gaussian.from_outputs(self.mean(x), self.logvar(x))


class PublishedSVG(SVGNetwork):
    """dcgan or vgg backbone, 64 or 128 pixels, fixed or learned prior or none."""

    def __init__(self, cfg: SVGConfig):
        super().__init__()
        self.cfg = cfg
        stochastic = cfg.latent != "none"
        self.encoder = ENCODERS[cfg.backbone](cfg.size, cfg.channels, cfg.g_dim)
        self.decoder = DECODERS[cfg.backbone](cfg.size, cfg.channels, cfg.g_dim)
        conditions = cfg.conditions
        given = conditions.outputs if conditions else 0
        inputs = cfg.g_dim + cfg.z_dim * stochastic + given
        self.frame_predictor = FramePredictor(inputs, cfg.g_dim, cfg.rnn_size, cfg.layers)
        self.posterior_lstm = GaussianLSTM(cfg.g_dim, cfg.z_dim, cfg.rnn_size) if stochastic else None
        seen = cfg.g_dim + (given if conditions and conditions.prior else 0)
        self.prior_lstm = GaussianLSTM(seen, cfg.z_dim, cfg.rnn_size) if cfg.latent == "learned" else None
        self.conditioner = Conditioner(conditions) if conditions else None
        self.apply(init_published_weights)

    def encode(self, frames: Tensor, before: Tensor | None = None, skips: bool = True) -> Features:
        """(h, what the coarsest skip adds to the decoder, ..., the finest) or (h,); the frame before is not looked at."""
        h, *found = self.encoder(frames)
        return (h, *self.decoder.project(*found)) if skips else (h,)

    def encode_clips(self, frames: Tensor, n_past: int) -> list[Features]:
        """Skips are worked on for those frames only that some step will take them from."""
        source = frames.shape[1] if self.cfg.last_frame_skip else n_past
        parts = ((frames[:, :source], True), (frames[:, source:], False))
        parts = ((part, part.shape[1], skips) for part, skips in parts if part.shape[1])
        return [f for part, length, skips in parts for f in split_by_time(self.encode(part.flatten(0, 1), skips=skips), length)]

    def begin(self, batch: int, like: Tensor) -> State:
        prior = self.prior_lstm.begin(batch, like) if self.prior_lstm is not None else ()
        return State(self.frame_predictor.begin(batch, like), prior, None, (), like.new_zeros(batch, 1), None)

    def posterior(self, features: list[Features]) -> Gaussian:
        lstm, first = self.posterior_lstm, features[0][0]
        state, outputs = lstm.begin(len(first), first), []
        for h, *_ in features[1:]:
            output, state = lstm(h, state)
            outputs.append(output)
        return lstm.head(torch.stack(outputs, 1))

    def observe(
        self, state: State, frame: Tensor, features: Features, refresh_skip: bool, condition: Tensor | None = None
    ) -> State:
        h, skips = features[0], features[1:] if refresh_skip or not state.skips else state.skips
        if self.prior_lstm is None:
            return State(state.predictor, (), h, skips, state.summary, condition)
        seen = h if condition is None or not self.cfg.conditions.prior else torch.cat([h, condition], 1)
        summary, prior = self.prior_lstm(seen, state.prior)
        return State(state.predictor, prior, h, skips, summary, condition)

    def learned_prior(self, summary: Tensor) -> Gaussian:
        return self.prior_lstm.head(summary)

    def advance(self, state: State, z: Tensor | None) -> tuple[State, Code]:
        inputs = torch.cat([x for x in (state.h, z, state.condition) if x is not None], 1)
        output, predictor = self.frame_predictor(inputs, state.predictor)
        return state._replace(predictor=predictor), (self.frame_predictor.out(output), *state.skips)

    def render(self, code: Code) -> Tensor:
        return self.decoder(*code).float()
