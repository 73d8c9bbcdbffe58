"""The compact denoiser: a rollout over the clip that reads the noisy frames as hints, and moves pixels of known ones.

From frame to frame it carries what a recurrent predictor carries: a convolutional recurrent state, and layers in which the
frames are remembered and moved (`nn.layer_memory`). At pure noise that is all there is, and the estimate is the mean of what
may follow. The less noisy a frame, the more it tells: an LSTM runs back over all frames, so that at every frame the network
knows what comes later, noisy or known, and the noisy frame itself is looked at once more where the layers are blended.

Frames before the last known one are rolled out backwards in time too, from there; between known frames the two ways meet.

The known frames that a way begins with depend on neither the noise nor the step: a sampler works through them once (`remember`).
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


def sinusoid(x: Tensor, channels: int) -> Tensor:
    """(...,) to (..., channels): sines and cosines of x in [0, 1] at frequencies from 1 to 100."""
    frequencies = torch.exp(torch.linspace(0, math.log(100.0), channels // 2, device=x.device))
    angles = x[..., None].float() * frequencies
    return torch.cat([angles.sin(), angles.cos()], -1)


def larger(x: Tensor) -> Tensor:
    """A map (M, C, H, W) at twice its side."""
    return F.interpolate(x, scale_factor=2, mode="nearest")


def gated(noisy: Tensor, gate: nn.Module, *others: Tensor) -> Tensor:
    """Features of noisy frames (M, C, H, W), between ignored and doubled by what is known beside them: noise is not to shake what
    is certain without it."""
    weight = 2 * torch.sigmoid(gate(torch.cat(others, 1)))
    return noisy * (weight if weight.shape[-1] == noisy.shape[-1] else larger(weight))


def linear_guess(level: Tensor) -> Tensor:
    """What a noisy pixel is to be multiplied by for the best linear guess of the clean one, of variance 1, at tau (...,)."""
    return level / (level.square() + (1 - level).square())


class TemporalPass(NamedTuple):
    """A clip in the order in which it is gone through.

    x, known, level, times: see `CompactDenoiser.forward`. settled: of each frame, whether it need not be estimated: known ones,
    and those that were sampled before. The latter are hints like other noisy frames, only hardly noisy.
    """

    x: Tensor
    known: Sequence[bool]
    level: Tensor
    times: Sequence[int]
    settled: Sequence[bool]

    def ahead(self) -> TemporalPass | None:
        """From the first known frame on, or the whole clip where none is; None where nothing is left to estimate on it."""
        start = self.known.index(True) if any(self.known) else 0
        return None if all(self.settled[start:]) else self.part(slice(start, None))

    def back(self) -> TemporalPass | None:
        """From the last known frame backwards; None where nothing is left to estimate on it."""
        if not any(self.known):
            return None
        times = [self.times[-1] - time for time in reversed(self.times)]
        return TemporalPass(self.x.flip(1), self.known[::-1], self.level.flip(1), times, self.settled[::-1]).ahead()

    def begun(self) -> TemporalPass:
        """Its leading settled frames."""
        return self.part(slice(leading(self.settled)))

    def part(self, kept: slice) -> TemporalPass:
        return TemporalPass(self.x[:, kept], self.known[kept], self.level[:, kept], self.times[kept], self.settled[kept])


Memory = tuple[Rollout | None, Rollout | None]  # of the way ahead and of the way back


def leading(settled: Sequence[bool]) -> int:
    """How many frames are settled from the first on."""
    return (*settled, False).index(False)


def merge_passes(ahead: Tensor | None, back: Tensor, known: Sequence[bool], times: Sequence[int]) -> Tensor:
    """A clip (B, T, C, H, W) from what was found on the way ahead, from its first known frame on, and on the way back, up to its
    last: between two known frames each counts the more the nearer the frame that it comes from."""
    places, frames = [t for t, given in enumerate(known) if given], []
    for t in range(len(known)):
        nearest = bisect(places, t)
        if t > places[-1]:
            frames.append(ahead[:, t - places[0]])
        elif t < places[0] or known[t]:
            frames.append(back[:, t])
        else:
            before, after = (times[places[i]] for i in (nearest - 1, nearest))
            frames.append(torch.lerp(ahead[:, t - places[0]], back[:, t], (times[t] - before) / (after - before)))
    return torch.stack(frames, 1)


class CompactDenoiser(MovingRollout):
    """Estimates clean frames from noisy ones and known ones; all clips of a batch have the same frames known."""

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
        """Clean frames (B, T, C, H, W) in [-1, 1], known ones as they came.

        Args:
            x: (B, T, C, H, W) in [-1, 1]: known frames as they are, the others noisy.
            known: bool (B, T), every row alike.
            level: (B, T), how clean each frame is: 1 is clean.
            times: int64 (T,), where the frames lie in time, or None for one after another.
        """
        given = known[0].tolist()
        return self.complete(TemporalPass(x, given, level, range(x.shape[1]) if times is None else times.tolist(), given))

    def remember(self, clip: TemporalPass) -> Memory:
        """What the settled frames that each way begins with leave behind."""
        passes = clip.ahead(), clip.back()
        return tuple(self.rollout(x.begun())[1] if x and any(x.known) else None for x in passes)

    def complete(self, clip: TemporalPass, memory: Memory = (None, None)) -> Tensor:
        """As `forward`, and where at hand with what `remember` made of this clip's settled frames."""
        passes = zip((clip.ahead(), clip.back()), memory)
        ahead, back = (x and self.rollout(x, kept)[0] for x, kept in passes)
        return ahead if back is None else merge_passes(ahead, back.flip(1), clip.known, clip.times)

    def rollout(self, temporal_pass: TemporalPass, memory: Rollout | None = None) -> tuple[Tensor, Rollout]:
        """Goes through the frames in order; the first is known, or none is. Returns clean frames in [-1, 1] and the state after
        the last settled one."""
        x, known, level, times, settled = temporal_pass
        begun = leading(settled) if memory else 0
        gaps = [1.0, *(float(b - a) for a, b in pairwise(times))]
        count, length = x.shape[:2]
        frames, state = (x + 1) / 2, memory or self.start(x[:, 0])
        embedding = self.embed(torch.cat([sinusoid(level, LEVEL_CHANNELS), self.flags(known, gaps, level)], -1))
        trust = self.trust(embedding)[..., None, None]
        if not all(known[begun:]):
            seen, hints, noisy_skips = self.look(x[:, begun:], level[:, begun:], embedding[:, begun:])
        out = list(frames[:, :begun].unbind(1))
        for t in range(begun, length):
            if known[t]:
                state = self.advance(state, gap=gaps[t])[0] if t else state
                frame = frames[:, t]
            else:
                state, sources = self.advance(state, hints[:, t - begun], seen[:, t - begun], gap=gaps[t])
                noisy_skip = gated(noisy_skips[:, t - begun], self.gate_noisy_skip, state.features)
                frame = self.memory.compose(sources, state.features, noisy_skip)
            out.append(frame)
            if settled[t] or t < length - 1:
                features = self.encode_frames(frame, out[max(t - 1, 0)]) + trust[:, t]
                state = self.read(state, frame, features, write=known[t] or not any(known[:t]))
        return 2 * torch.stack(out, 1) - 1, state

    @staticmethod
    def flags(known: Sequence[bool], gaps: Sequence[float], like: Tensor) -> Tensor:
        """(B, T, 2): whether each frame is known, and how far the one before lies."""
        rows = [constant_vector(known, like), constant_vector([gap / 4 for gap in gaps], like)]
        return torch.stack(rows, -1).expand(len(like), -1, -1)

    def look(self, x: Tensor, level: Tensor, embedding: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What the noisy and known frames (B, T, C, H, W) show, the fainter the noisier they are.

        Returns maps of each frame: (B, T, width, H/4, W/4) to plan by, (B, T, 16, H/8, W/8) to move by, both of which know
        the later frames too, and (B, T, 24, H/2, W/2) to blend by.
        """
        batch, length = x.shape[:2]
        gains = (1 + self.gains(embedding).flatten(0, 1))[..., None, None].split([self.cfg.width, BLEND], 1)
        seen = self.evidence(x.flatten(0, 1)) + self.evidence_level(embedding).flatten(0, 1)[..., None, None]
        seen = gains[0] * self.evidence_out(seen)
        noisy_skip = gains[1] * self.noisy_skip((linear_guess(level)[..., None, None, None] * x).flatten(0, 1))
        coarse = self.evidence_coarse(seen).unflatten(0, (batch, length))
        state, states = self.later.zero_state(batch, *coarse.shape[-2:], x), [None] * length
        for t in reversed(range(length)):
            state = self.later(coarse[:, t], state)
            states[t] = state[0]
        later = torch.stack(states, 1)
        hints = self.hint(torch.cat([coarse, later], 2).flatten(0, 1))
        seen = self.see(torch.cat([seen, larger(later.flatten(0, 1))], 1))
        return tuple(y.unflatten(0, (batch, length)) for y in (seen, hints, noisy_skip))

    def advance(
        self, state: Rollout, hint: Tensor | None = None, seen: Tensor | None = None, *, gap: float
    ) -> tuple[Rollout, Tensor]:
        """`gap` frames on, with what the noisy frames show there; also what the frame is blended from."""
        scene = state.scene[0]
        inputs = self.coarse(scene)
        if hint is None:
            hint = inputs.new_zeros(len(inputs), HINT_CHANNELS, *inputs.shape[2:])
        else:
            hint = gated(hint, self.gate_hint, inputs, hint)
        motion = self.motion(torch.cat([inputs, hint], 1), state.motion)
        features = self.join(torch.cat([scene, self.fine(motion[0])], 1))
        if seen is not None:
            features = features + gated(seen, self.gate_seen, features, seen)
        layers, sources = self.memory.advance(state.layers, state.frame, features, gap)
        return state._replace(motion=motion, features=features, layers=layers), sources
