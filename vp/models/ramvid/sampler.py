"""A window's sample from noise, as functions of tensors that can be recorded: one call of the network, or all steps at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ...core.constant import constant_vector
from ...core.runtime import Runtime
from ...core.tree import map_tensors
from . import process, solvers
from .compact import CompactDenoiser, Memory, TemporalPass
from .config import RamvidConfig
from .options import RamvidOptions

QUIET = 0.03  # level below which noisy frames tell next to nothing: a guess is the mean of what may follow the known ones
SAMPLED = 0.9  # the level at which frames that were sampled before are shown to the network
ROWS = 16  # clips through the network at once on a CPU: more gains no speed, and memory stays bounded

Draw = Callable[[tuple[int, ...]], Tensor]  # shape -> standard normal float32 (R, *shape)


@dataclass(frozen=True)
class WindowSpec:
    """What does not change while a window is sampled.

    Args:
        settled: of each frame, whether it is given or was sampled before.
        known: whether the network is told that it is known.
        times: where the frames lie in time.
        trust: how clean known frames are, 1 is clean.
        copies: so many rows one after another have the same settled frames.
    """

    settled: tuple[bool, ...]
    known: tuple[bool, ...]
    times: tuple[int, ...]
    trust: float = 1.0
    copies: int = 1

    def rows_with_same_settled(self, rows: range) -> list[int]:
        """How many of these rows in turn have the same settled frames."""
        owners = [row // self.copies for row in rows]
        return [len(list(same)) for _, same in groupby(owners)]

    def without(self, settled: bool) -> WindowSpec:
        """The same of the frames alone that are not settled, or with no frame settled."""
        kept = [t for t, given in zip(self.times, self.settled) if settled or not given]
        return WindowSpec((False,) * len(kept), (False,) * len(kept), tuple(kept))

    def temporal_pass(self, frames: Tensor, time: Tensor) -> TemporalPass:
        """Of frames (R, L, C, H, W), those at the level `time` () that are not settled. Sampled ones are not remembered as known
        ones are, but move what is remembered: they say where things are, and no longer what they look like."""
        trusts = constant_vector([self.trust if known else SAMPLED for known in self.known], time)
        level = torch.where(constant_vector(self.settled, time).bool(), trusts, time)
        if self.known != self.settled:
            faded = [SAMPLED if settled and not known else 1.0 for known, settled in zip(self.known, self.settled)]
            frames = frames * constant_vector(faded, time)[:, None, None, None]
        return TemporalPass(frames, self.known, level.expand(len(frames), -1), self.times, self.settled)


class Tools(NamedTuple):
    """What steps are made with: the network, and what it makes of known frames beforehand."""

    call: Callable[..., Tensor]
    remember: Callable[..., Memory]


class Sampler:
    """R rows together; frames are float32 (R, L, C, H, W) in [-1, 1], U of the L unknown."""

    def __init__(self, cfg: RamvidConfig, denoiser: nn.Module, runtime: Runtime):
        self.cfg, self.denoiser, self.runtime = cfg, denoiser, runtime
        self.call, self.finish = runtime.capture(self.denoise), runtime.capture(self.whole)
        self.tools = Tools(self.call, self.remember)

    def steps(
        self, spec: WindowSpec, options: RamvidOptions, frames: Tensor, draw: Draw, tools: Tools | None = None
    ) -> Iterator[Tensor]:
        """Guesses of the unknown frames (R, U, C, H, W) in [0, 1], one a step; the last is the sample.

        With `antithetic`, where anything is known and there are more than two steps, the last level is seen twice, the second
        time with the opposite noise (antithetic variates: Hammersley & Morton 1956), and the sample is the mean: what noise does
        to a guess beyond settling it cancels to first order.
        """
        anything = any(spec.settled)
        mirrored = options.antithetic and anything and options.steps > 2 and options.solver != "ddpm"
        levels = process.levels(self.cfg, options.steps - mirrored, anything)
        guess, seen = self.guess(spec, options, levels, frames, draw, tools or self.tools), []

        def noted(x: Tensor, i: int) -> Tensor:
            seen[:] = [x]
            return guess(x, i)

        shape = (spec.settled.count(False), *frames.shape[2:])
        walk = solvers.solve(options.solver, noted, draw(shape), levels, lambda: draw(shape), options.resample)
        for index, (x, x0) in enumerate(walk, 1):
            yield in_range(x if index == levels.steps else x0)
        if mirrored:
            yield in_range((x + guess(solvers.opposite(seen[0], x, levels, levels.steps - 1), levels.steps - 1)) / 2)

    def whole(self, wish: tuple[WindowSpec, RamvidOptions], frames: Tensor, noises: tuple[Tensor, ...]) -> Tensor:
        """The sample, from all the noise that the steps will ask for."""
        kept = iter(noises)
        *_, last = self.steps(*wish, frames, lambda shape: next(kept), Tools(self.denoise, self.remember))
        return last

    def shapes(self, spec: WindowSpec, options: RamvidOptions, frames: Tensor) -> list[tuple[int, ...]]:
        """Of the noise that the steps will ask for, in order: found by taking them without computing anything."""
        asked: list[tuple[int, ...]] = []

        def draw(shape: tuple[int, ...]) -> Tensor:
            asked.append(shape)
            return torch.empty(len(frames), *shape, device="meta")

        tools = Tools(lambda spec, x, *_: x, lambda *_: (None, None))
        deque(self.steps(spec, options, frames.to("meta"), draw, tools), maxlen=0)
        return asked

    def guess(
        self, spec: WindowSpec, options: RamvidOptions, levels: solvers.Levels, frames: Tensor, draw: Draw, tools: Tools
    ) -> solvers.Guess:
        """x0 of the unknown frames from noisy ones."""
        if options.conditioning == "replaced":
            return self.replaced(spec, levels, frames, draw, tools)
        context = frames
        if options.context_noise and any(spec.settled):
            eps = draw(frames.shape[1:])
            context = (1 - options.context_noise) * frames + options.context_noise * eps
        given = self.network(spec, levels, context, tools)
        if options.guidance == 1 or not any(spec.settled):
            return given
        plain = self.network(spec.without(settled=False), levels, unknown(context, spec.settled), tools)

        def guided(x: Tensor, i: int) -> Tensor:
            alone = plain(x, i)
            return (alone + options.guidance * (given(x, i) - alone)).clamp(-1, 1)

        return guided

    def replaced(self, spec: WindowSpec, levels: solvers.Levels, frames: Tensor, draw: Draw, tools: Tools) -> solvers.Guess:
        """The same from a network that is told of no known frame: they are put in at the level of the others, with fresh noise
        at every call (Lugmayr et al. 2022, eq. 8)."""
        network = self.network(spec.without(settled=True), levels, frames, tools)

        def clean(x: Tensor, i: int) -> Tensor:
            noisy = levels.a[i] * frames + levels.s[i] * draw(frames.shape[1:])
            return unknown(network(merged(noisy, x, spec.settled), i), spec.settled)

        return clean

    def network(self, spec: WindowSpec, levels: solvers.Levels, frames: Tensor, tools: Tools) -> solvers.Guess:
        """The network as a function of noisy unknown frames and their level, what is known worked in beforehand.

        As long as noisy frames tell next to nothing (`QUIET`) its guess is the mean of what may follow the known ones:
        futures share one then, made without noise from the guess before.
        """
        most = ROWS if frames.device.type == "cpu" else len(frames)
        groups = [range(i, min(i + most, len(frames))) for i in range(0, len(frames), most)]
        parts = [frames[group.start : group.stop] for group in groups]
        same = [spec.rows_with_same_settled(group) for group in groups]
        memories = [tools.remember(spec, part, counts) for part, counts in zip(parts, same)]
        rolls = isinstance(self.denoiser, CompactDenoiser) and self.cfg.process == "flow"
        shares = rolls and any(spec.settled)
        means = [torch.zeros_like(leaders(unknown(part, spec.settled), counts)) for part, counts in zip(parts, same)]

        def clean(x: Tensor, i: int) -> Tensor:
            time, faint = x.new_full((), levels.time[i]), rolls and levels.time[i] < QUIET
            out = []
            for k, (noisy, part, counts, memory) in enumerate(zip(x.split(most), parts, same, memories)):
                if faint and shares:
                    part, memory = map_tensors(lambda y: leaders(y, counts), (part, memory))
                    means[k] = tools.call(spec, levels.a[i] * means[k], part, memory, time).float()
                    estimate = repeat_each(means[k], counts)
                else:
                    estimate = tools.call(spec, noisy, part, memory, time).float()
                out.append(process.clean_from(self.cfg, estimate, noisy, levels.a[i], levels.s[i]))
            return torch.cat(out)

        return clean

    def remember(self, spec: WindowSpec, frames: Tensor, counts: Sequence[int]) -> Memory:
        """What known frames leave behind (see `CompactDenoiser.remember`), worked through once for rows that share them."""
        if not isinstance(self.denoiser, CompactDenoiser):
            return None, None
        distinct = leaders(frames, counts)
        with self.runtime.autocast():
            memory = self.denoiser.remember(spec.temporal_pass(distinct, distinct.new_zeros(())))
        return map_tensors(lambda x: repeat_each(x, counts), memory)

    def denoise(self, spec: WindowSpec, x: Tensor, frames: Tensor, memory: Memory, time: Tensor) -> Tensor:
        """What the network gives for noisy unknown frames (R, U, C, H, W) at the level `time` (), beside the known ones."""
        clip = merged(frames, x, spec.settled)
        with self.runtime.autocast():
            if isinstance(self.denoiser, CompactDenoiser):
                out = self.denoiser.complete(spec.temporal_pass(clip, time), memory)
            else:  # one level for the whole clip, and known frames are not marked
                out = self.denoiser(clip, None, time.expand(len(clip), len(spec.settled)))
        return unknown(out, spec.settled)


def leaders(x: Tensor, counts: Sequence[int]) -> Tensor:
    """The first of so many rows (R, ...), and of so many in turn."""
    return torch.stack([part[0] for part in x.split(list(counts))])


def repeat_each(x: Tensor, counts: Sequence[int]) -> Tensor:
    """Each row as often as that."""
    return torch.cat([row[None].expand(count, *row.shape) for row, count in zip(x, counts)])


def in_range(x: Tensor) -> Tensor:
    """[-1, 1], and whatever is beyond, to [0, 1]."""
    return (x.clamp(-1, 1) + 1) / 2


def merged(frames: Tensor, x: Tensor, settled: Sequence[bool]) -> Tensor:
    """Frames (R, L, ...) with x (R, U, ...) where they are not settled."""
    noisy = iter(x.unbind(1))
    return torch.stack([frames[:, t] if given else next(noisy) for t, given in enumerate(settled)], 1)


def unknown(frames: Tensor, settled: Sequence[bool]) -> Tensor:
    """(R, L, ...) to (R, U, ...)."""
    return torch.stack([frames[:, t] for t, given in enumerate(settled) if not given], 1)
