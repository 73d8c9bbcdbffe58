"""The compact denoiser: a recurrent rollout over the clip that moves pixels of known frames and reads noisy frames as hints.

From frame to frame it carries what a recurrent predictor carries: a ConvLSTM state, and layers in which frames are remembered
and moved (`nn.layer_memory`). At pure noise there is no other input, and the estimate is the mean of the possible futures. The
less noisy a frame, the more information it adds: a ConvLSTM runs backwards over all frames, so that at every frame the network
knows the later ones, noisy or known, and the noisy frame itself is read once more where the layers are blended.

Frames before the last known one are also rolled out backwards in time, from there; between known frames the two passes are
blended.

The known frames at the start of a pass depend on neither the noise nor the step: a sampler encodes them once (`remember`).
"""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...core.constant import constant_vector
from ...nn.blocks import conv_block
from ...nn.conv_lstm import ConvLSTMCell
from ...nn.layer_memory import BLEND
from ...nn.moving_rollout import MovingRollout, Rollout
from .config import RamvidConfig

EMBEDDING, LEVEL_CHANNELS = 64, 32
HINT_CHANNELS = 16


def sinusoidal_embedding(x: Tensor, channels: int) -> Tensor:
    """(...,) to (..., channels): sines and cosines of x in [0, 1] at frequencies from 1 to 100."""
    frequencies = torch.exp(torch.linspace(0, math.log(100.0), channels // 2, device=x.device))
    angles = x[..., None].float() * frequencies
    return torch.cat([angles.sin(), angles.cos()], -1)


def upsample_2x(x: Tensor) -> Tensor:
    """Feature maps (M, C, H, W) to (M, C, 2 H, 2 W), by nearest neighbour."""
    return F.interpolate(x, scale_factor=2, mode="nearest")


def apply_gate(noisy: Tensor, gate: nn.Module, *others: Tensor) -> Tensor:
    """Features of noisy frames (M, C, H, W) times a learned gate in [0, 2].

    The gate is computed from `others`, maps (M, ..., h, w) at this size or at half of it, so that noise cannot disturb what is
    certain without it.
    """
    weight = 2 * torch.sigmoid(gate(torch.cat(others, 1)))
    return noisy * (weight if weight.shape[-1] == noisy.shape[-1] else upsample_2x(weight))


def wiener_gain(tau: Tensor) -> Tensor:
    """The factor of the best linear estimate of a clean pixel of variance 1 from tau x0 + (1 - tau) eps, for tau (...,)."""
    return tau / (tau.square() + (1 - tau).square())


class TemporalPass(NamedTuple):
    """A clip in the order in which its frames are processed, forwards or backwards in time.

    Args:
        x, known, level, times: see `CompactDenoiser.forward`.
        settled: whether each frame needs no estimate: known frames, and frames sampled before. The latter are read as hints, as
            noisy frames are, at a level close to clean.
    """

    x: Tensor
    known: Sequence[bool]
    level: Tensor
    times: Sequence[int]
    settled: Sequence[bool]

    def forward_pass(self) -> TemporalPass | None:
        """From the first known frame on, or the whole clip if none is known; None if all of it is settled."""
        start = self.known.index(True) if any(self.known) else 0
        return None if all(self.settled[start:]) else self.select_frames(slice(start, None))

    def backward_pass(self) -> TemporalPass | None:
        """From the last known frame backwards in time; None if none is known or every frame there is settled."""
        if not any(self.known):
            return None
        times = [self.times[-1] - time for time in reversed(self.times)]
        return TemporalPass(self.x.flip(1), self.known[::-1], self.level.flip(1), times, self.settled[::-1]).forward_pass()

    def leading_settled(self) -> TemporalPass:
        """The settled frames at its start."""
        return self.select_frames(slice(count_leading(self.settled)))

    def select_frames(self, frames: slice) -> TemporalPass:
        """The same pass over a slice of its frames."""
        return TemporalPass(
            self.x[:, frames], self.known[frames], self.level[:, frames], self.times[frames], self.settled[frames]
        )


Memory = tuple[Rollout | None, Rollout | None]  # of the way ahead and of the way back


def count_leading(flags: Sequence[bool]) -> int:
    """How many flags are True before the first False."""
    return (*flags, False).index(False)


def merge_passes(forward: Tensor | None, backward: Tensor, known: Sequence[bool], times: Sequence[int]) -> Tensor:
    """The clip (B, T, C, H, W) from both passes over it, blended between two known frames by the distance in time to each.

    Args:
        forward: estimates of the forward pass, from the first known frame on; None if there was none to make.
        backward: estimates of the backward pass in order of time, up to the last known frame.
        known: of each of the T frames.
        times: of each of the T frames.
    """
    known_times, frames = [t for t, given in enumerate(known) if given], []
    for t in range(len(known)):
        nearest = bisect(known_times, t)
        if t > known_times[-1]:
            frames.append(forward[:, t - known_times[0]])
        elif t < known_times[0] or known[t]:
            frames.append(backward[:, t])
        else:
            before, after = (times[known_times[i]] for i in (nearest - 1, nearest))
            frames.append(torch.lerp(forward[:, t - known_times[0]], backward[:, t], (times[t] - before) / (after - before)))
    return torch.stack(frames, 1)


class CompactDenoiser(MovingRollout):
    """Estimates clean frames from noisy and known ones; all clips of a batch share one mask."""

    def __init__(self, cfg: RamvidConfig):
        super().__init__(cfg.channels, cfg.width, cfg.flows, HINT_CHANNELS)
        self.cfg = cfg
        width, c = cfg.width, cfg.channels
        self.embed = nn.Sequential(nn.Linear(LEVEL_CHANNELS + 2, EMBEDDING), nn.SiLU())
        self.trust = nn.Linear(EMBEDDING, width)
        self.evidence = nn.Sequential(nn.PixelUnshuffle(2), conv_block(4 * c, 32), conv_block(32, width, 2))
        self.evidence_level = nn.Linear(EMBEDDING, width)
        self.evidence_out, self.evidence_coarse = conv_block(width, width), conv_block(width, width, 2)
        self.later = ConvLSTMCell(width, width)
        self.hint = nn.Conv2d(2 * width, HINT_CHANNELS, 3, padding=1)
        self.see = nn.Conv2d(2 * width, width, 3, padding=1)
        self.noisy_skip = nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(4 * c, BLEND, 3, padding=1))
        self.gains = nn.Linear(EMBEDDING, width + BLEND)
        self.gate_hint = nn.Conv2d(width * 3 // 2 + HINT_CHANNELS, HINT_CHANNELS, 3, padding=1)
        self.gate_seen = nn.Conv2d(2 * width, width, 3, padding=1)
        self.gate_noisy_skip = nn.Conv2d(width, BLEND, 3, padding=1)
        gates = self.gate_hint, self.gate_seen, self.gate_noisy_skip
        for layer in (self.trust, self.see, self.noisy_skip[-1], self.gains, *gates):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor, known: Tensor, level: Tensor, times: Tensor | None = None) -> Tensor:
        """Estimates of the clean frames (B, T, C, H, W), nominally in [-1, 1]; known frames are returned unchanged.

        Args:
            x: (B, T, C, H, W) in [-1, 1]: known frames unchanged, the others noisy.
            known: bool (B, T), the same in every row.
            level: (B, T), tau of each frame: 0 is noise, 1 is clean.
            times: int64 (T,), the frames' indices in time, or None for consecutive frames.
        """
        given = known[0].tolist()
        return self.complete(TemporalPass(x, given, level, range(x.shape[1]) if times is None else times.tolist(), given))

    def remember(self, clip: TemporalPass) -> Memory:
        """The rollout state after the leading settled frames of the forward and the backward pass, or None."""
        passes = clip.forward_pass(), clip.backward_pass()
        return tuple(self.rollout(x.leading_settled())[1] if x and any(x.known) else None for x in passes)

    def complete(self, clip: TemporalPass, memory: Memory = (None, None)) -> Tensor:
        """As `forward`, from a `TemporalPass`; `memory` is `remember` of the same settled frames, or computed here."""
        passes = zip((clip.forward_pass(), clip.backward_pass()), memory)
        ahead, back = (x and self.rollout(x, kept)[0] for x, kept in passes)
        return ahead if back is None else merge_passes(ahead, back.flip(1), clip.known, clip.times)

    def rollout(self, temporal_pass: TemporalPass, memory: Rollout | None = None) -> tuple[Tensor, Rollout]:
        """Processes the frames in order; either the first is known or none is.

        Args:
            temporal_pass: the frames.
            memory: the state after its leading settled frames, which are then not processed again.

        Returns:
            Clean frames (B, T, C, H, W) in [-1, 1], and the state after the last settled frame that was read.
        """
        x, known, level, times, settled = temporal_pass
        begun = count_leading(settled) if memory else 0
        gaps = [1.0, *(float(b - a) for a, b in pairwise(times))]
        count, length = x.shape[:2]
        frames, state = (x + 1) / 2, memory or self.start(x[:, 0])
        embedding = self.embed(torch.cat([sinusoidal_embedding(level, LEVEL_CHANNELS), self.frame_flags(known, gaps, level)], -1))
        trust = self.trust(embedding)[..., None, None]
        if not all(known[begun:]):
            seen, hints, noisy_skips = self.encode_evidence(x[:, begun:], level[:, begun:], embedding[:, begun:])
        out = list(frames[:, :begun].unbind(1))
        for t in range(begun, length):
            if known[t]:
                state = self.advance(state, gap=gaps[t])[0] if t else state
                frame = frames[:, t]
            else:
                state, sources = self.advance(state, hints[:, t - begun], seen[:, t - begun], gap=gaps[t])
                noisy_skip = apply_gate(noisy_skips[:, t - begun], self.gate_noisy_skip, state.features)
                frame = self.memory.compose(sources, state.features, noisy_skip)
            out.append(frame)
            if settled[t] or t < length - 1:
                features = self.encode_frames(frame, out[max(t - 1, 0)]) + trust[:, t]
                state = self.read(state, frame, features, write=known[t] or not any(known[:t]))
        return 2 * torch.stack(out, 1) - 1, state

    @staticmethod
    def frame_flags(known: Sequence[bool], gaps: Sequence[float], like: Tensor) -> Tensor:
        """(B, T, 2): whether each frame is known, and a quarter of its distance in time to the frame before."""
        rows = [constant_vector(known, like), constant_vector([gap / 4 for gap in gaps], like)]
        return torch.stack(rows, -1).expand(len(like), -1, -1)

    def encode_evidence(self, x: Tensor, level: Tensor, embedding: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Features of the noisy and known frames (B, T, C, H, W), weighted by how clean the frames are.

        Returns:
            Three maps for each frame: (B, T, width, H/4, W/4) for the features of the rollout and (B, T, 16, H/8, W/8) for the
            motion, both with information from later frames, and (B, T, 24, H/2, W/2) for the blending of layers.
        """
        batch, length = x.shape[:2]
        gains = (1 + self.gains(embedding).flatten(0, 1))[..., None, None].split([self.cfg.width, BLEND], 1)
        seen = self.evidence(x.flatten(0, 1)) + self.evidence_level(embedding).flatten(0, 1)[..., None, None]
        seen = gains[0] * self.evidence_out(seen)
        noisy_skip = gains[1] * self.noisy_skip((wiener_gain(level)[..., None, None, None] * x).flatten(0, 1))
        coarse = self.evidence_coarse(seen).unflatten(0, (batch, length))
        state, states = self.later.zero_state(batch, *coarse.shape[-2:], x), [None] * length
        for t in reversed(range(length)):
            state = self.later(coarse[:, t], state)
            states[t] = state[0]
        later = torch.stack(states, 1)
        hints = self.hint(torch.cat([coarse, later], 2).flatten(0, 1))
        seen = self.see(torch.cat([seen, upsample_2x(later.flatten(0, 1))], 1))
        return tuple(y.unflatten(0, (batch, length)) for y in (seen, hints, noisy_skip))

    def advance(
        self, state: Rollout, hint: Tensor | None = None, seen: Tensor | None = None, *, gap: float
    ) -> tuple[Rollout, Tensor]:
        """The state `gap` frames later, and the candidate sources that the frame there is blended from.

        Args:
            state: at the frame before.
            hint, seen: of the frame to make, from `encode_evidence`; None for a known frame.
            gap: distance in time, in frames.
        """
        scene = state.scene[0]
        inputs = self.coarse(scene)
        if hint is None:
            hint = inputs.new_zeros(len(inputs), HINT_CHANNELS, *inputs.shape[2:])
        else:
            hint = apply_gate(hint, self.gate_hint, inputs, hint)
        motion = self.motion(torch.cat([inputs, hint], 1), state.motion)
        features = self.join(torch.cat([scene, self.fine(motion[0])], 1))
        if seen is not None:
            features = features + apply_gate(seen, self.gate_seen, features, seen)
        layers, sources = self.memory.advance(state.layers, state.frame, features, gap)
        return state._replace(motion=motion, features=features, layers=layers), sources
