"""The networks of SVG as published: frame encoder and decoder around LSTMs over flat vectors (Denton & Fergus 2018).

Parameter counts equal the released code's. Its known defects are fixed: the frozen skip is the last context frame's
(`skip_off_by_one` restores the released behaviour), sampling runs in evaluation mode, log-variances are bounded, and sampling
with the fixed prior encodes the generated frames.
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
    """State of a rollout.

    Args:
        predictor, prior: LSTM states.
        h: (B, g_dim), feature vector of the last frame.
        skips: output of `Decoder.project_skips` for the skips in use.
        summary: (B, hidden), input of the prior's head; zeros (B, 1) where no prior is learned.
        condition: (B, E), leads from the last frame to the next, or None.
    """

    predictor: Cells
    prior: Cells
    h: Tensor | None
    skips: tuple[Tensor, ...]
    summary: Tensor
    condition: Tensor | None


class LSTMStack(nn.Module):
    """Linear embedding and a stack of LSTM cells: (B, inputs) and state to (B, hidden) and the next state."""

    def __init__(self, inputs: int, hidden: int, layers: int):
        super().__init__()
        self.embed = nn.Linear(inputs, hidden)
        self.cells = nn.ModuleList(nn.LSTMCell(hidden, hidden) for _ in range(layers))

    def zero_state(self, batch: int, like: Tensor) -> Cells:
        """(h, c) of zeros for each cell, (batch, hidden) each, with dtype and device of `like`."""
        zeros = like.new_zeros(batch, self.cells[0].hidden_size)
        return tuple((zeros, zeros) for _ in self.cells)

    def forward(self, x: Tensor, state: Cells) -> tuple[Tensor, Cells]:
        x, after = self.embed(x), []
        for cell, hidden in zip(self.cells, state):
            after.append(cell(x, hidden))
            x = after[-1][0]
        return x, tuple(after)


class FramePredictor(LSTMStack):
    """LSTM of the frame predictor; `out` maps its output to the decoder's input."""

    def __init__(self, inputs: int, outputs: int, hidden: int, layers: int):
        super().__init__(inputs, hidden, layers)
        self.out = nn.Sequential(nn.Linear(hidden, outputs), nn.Tanh())


class GaussianLSTM(LSTMStack):
    """LSTM of prior or posterior; `head` maps its output to a Gaussian over z."""

    def __init__(self, inputs: int, z_dim: int, hidden: int):
        super().__init__(inputs, hidden, 1)
        self.mean, self.logvar = nn.Linear(hidden, z_dim), nn.Linear(hidden, z_dim)

    def head(self, x: Tensor) -> Gaussian:
        """Output (..., hidden) to a Gaussian over z, (..., Z)."""
        return Gaussian.from_outputs(self.mean(x), self.logvar(x))


class PublishedSVG(SVGNetwork):
    """SVG with the dcgan or vgg backbone, at 64 or 128 pixels; latent as in the config."""

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
        """(h, *projected skips, coarsest first), or (h,) without `skips`; see `Decoder.project_skips`. `before` is ignored."""
        h, *found = self.encoder(frames)
        return (h, *self.decoder.project_skips(*found)) if skips else (h,)

    def encode_clips(self, frames: Tensor, n_past: int) -> list[Features]:
        """Projects the skips of only those frames that a step may take them from."""
        source = frames.shape[1] if self.cfg.last_frame_skip else n_past
        parts = ((frames[:, :source], True), (frames[:, source:], False))
        parts = ((part, part.shape[1], skips) for part, skips in parts if part.shape[1])
        return [f for part, length, skips in parts for f in split_by_time(self.encode(part.flatten(0, 1), skips=skips), length)]

    def initial_state(self, batch: int, like: Tensor) -> State:
        prior = self.prior_lstm.zero_state(batch, like) if self.prior_lstm is not None else ()
        return State(self.frame_predictor.zero_state(batch, like), prior, None, (), like.new_zeros(batch, 1), None)

    def posterior(self, features: list[Features]) -> Gaussian:
        lstm, first = self.posterior_lstm, features[0][0]
        state, outputs = lstm.zero_state(len(first), first), []
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
