"""A window's sample from noise, as functions of tensors that can be recorded: one call of the network, or all steps at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
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
MAX_KEPT = 256  # dry runs whose results are kept
SAMPLED = 0.9  # the level at which frames that were sampled before are shown to the network
GUIDED, NOISY = 3.0, 0.3  # values of the sliders that stand for any other than their defaults
ROWS = 16  # clips through the network at once on a CPU: more gains no speed, and memory stays bounded

Draw = Callable[[tuple[int, ...]], Tensor]  # shape -> standard normal float32 (R, *shape)


@dataclass(frozen=True)
class WindowSpec:
    """What does not change while a window is sampled.

    Args:
        settled: whether each frame is given or was sampled before.
        known: whether each frame is marked as known in the network's input.
        times: of each frame, relative to the first.
        copies: how many consecutive rows share the same settled frames.
    """

    settled: tuple[bool, ...]
    known: tuple[bool, ...]
    times: tuple[int, ...]
    copies: int = 1

    def shared_group_sizes(self, rows: range) -> list[int]:
        """Splits these rows into runs that share their settled frames, and gives the length of each run."""
        owners = [row // self.copies for row in rows]
        return [len(list(same)) for _, same in groupby(owners)]

    def as_unknown(self, keep_settled: bool) -> WindowSpec:
        """The spec with no frame settled or known: of all frames if `keep_settled`, else of those not settled."""
        kept = [t for t, given in zip(self.times, self.settled) if keep_settled or not given]
        return WindowSpec((False,) * len(kept), (False,) * len(kept), tuple(kept))

    def temporal_pass(self, frames: Tensor, time: Tensor, trust: Tensor) -> TemporalPass:
        """A pass over frames (R, L, C, H, W), at the scalar level `trust` where known, at `time` where they are not settled.

        Frames sampled before are shown at the level SAMPLED: they guide the motion of what is remembered, but are not remembered.
        """
        given = torch.where(constant_vector(self.known, time).bool(), trust, SAMPLED)
        level = torch.where(constant_vector(self.settled, time).bool(), given, time)
        if self.known != self.settled:
            faded = [SAMPLED if settled and not known else 1.0 for known, settled in zip(self.known, self.settled)]
            frames = frames * constant_vector(faded, time)[:, None, None, None]
        return TemporalPass(frames, self.known, level.expand(len(frames), -1), self.times, self.settled)


class Strengths(NamedTuple):
    """Values of sliders as scalar tensors, float32 (): a recorded call serves all of them.

    Args:
        guidance, context_noise: as in the options.
        trust: tau of known frames, 1 is clean.
    """

    guidance: Tensor
    context_noise: Tensor
    trust: Tensor

    @classmethod
    def of(cls, options: RamvidOptions, device: torch.device) -> Strengths:
        values = (options.guidance, options.context_noise, 1 - options.context_noise)
        return cls(*torch.tensor(values, device=device).unbind())


def without_strengths(options: RamvidOptions) -> RamvidOptions:
    """What a recording depends on: the options with every slider of `Strengths` at its default or, if moved, at its maximum."""
    guided, noisy = options.guidance != 1, options.context_noise != 0
    return replace(options, guidance=GUIDED if guided else 1.0, context_noise=NOISY if noisy else 0.0)


class Tools(NamedTuple):
    """The two network calls that a sampler makes; a dry run puts stubs in their place."""

    call: Callable[..., Tensor]
    remember: Callable[..., Memory]


class Sampler:
    """Samples the unknown frames of R rows together; frames are float32 (R, L, C, H, W) in [-1, 1], U of the L not settled."""

    def __init__(self, cfg: RamvidConfig, denoiser: nn.Module, runtime: Runtime):
        self.cfg, self.denoiser, self.runtime = cfg, denoiser, runtime
        recordings = runtime.recordings()
        self.captured_denoise, self.captured_sample_whole = map(recordings.capture, (self.denoise, self.sample_whole))
        self.noises: dict[Hashable, list[tuple[int, ...]]] = {}  # see `noise_shapes`

    def sample_steps(
        self, spec: WindowSpec, options: RamvidOptions, strengths: Strengths, frames: Tensor, draw: Draw,
        tools: Tools | None = None,
    ) -> Iterator[Tensor]:  # fmt: skip
        """Estimates of the unknown frames (R, U, C, H, W) in [0, 1], one a network call; the last is the sample.

        With `antithetic`, where some frame is settled and there are more than two steps, the last level is used twice, the second
        time with the noise negated (antithetic variates: Hammersley & Morton 1956), and the sample is the mean of both, in which
        first-order effects of the noise cancel.
        """
        anything = any(spec.settled)
        mirrored = options.antithetic and anything and options.steps > 2 and options.solver != "ddpm"
        levels = process.sampling_levels(self.cfg, options.steps - mirrored, anything)
        tools = tools or Tools(self.captured_denoise, self.remember)
        guess, seen = self.guess_function(spec, options, strengths, levels, frames, draw, tools), []

        def noted(x: Tensor, i: int) -> Tensor:
            seen[:] = [x]
            return guess(x, i)

        shape = (spec.settled.count(False), *frames.shape[2:])
        walk = solvers.solve(options.solver, noted, draw(shape), levels, lambda: draw(shape), options.resample)
        for index, (x, x0) in enumerate(walk, 1):
            yield to_unit_range(x if index == levels.steps else x0)
        if mirrored:
            yield to_unit_range((x + guess(solvers.mirror_noise(seen[0], x, levels, levels.steps - 1), levels.steps - 1)) / 2)

    def sample_whole(
        self, wish: tuple[WindowSpec, RamvidOptions], strengths: Strengths, frames: Tensor, noises: tuple[Tensor, ...]
    ) -> Tensor:
        """The sample (R, U, C, H, W) in [0, 1], all steps in one call; `noises` as listed by `noise_shapes`."""
        kept = iter(noises)
        *_, last = self.sample_steps(*wish, strengths, frames, lambda shape: next(kept), Tools(self.denoise, self.remember))
        return last

    def noise_shapes(self, spec: WindowSpec, options: RamvidOptions, frames: Tensor) -> list[tuple[int, ...]]:
        """Shapes (without rows) of the noise that the steps draw, in order.

        A dry run on frames of one pixel finds them; on a GPU it would take longer than the sampling, so its results are kept.
        """
        key = spec, without_strengths(options), frames.shape
        if key not in self.noises:
            if len(self.noises) >= MAX_KEPT:
                self.noises.clear()
            small = torch.zeros(*frames.shape[:-2], 1, 1)
            found = self.find_noise_shapes(spec, options, small)
            self.noises[key] = [(*shape[:-2], *frames.shape[-2:]) for shape in found]
        return self.noises[key]

    def find_noise_shapes(self, spec: WindowSpec, options: RamvidOptions, frames: Tensor) -> list[tuple[int, ...]]:
        """As `noise_shapes`, for any frames."""
        asked: list[tuple[int, ...]] = []

        def draw(shape: tuple[int, ...]) -> Tensor:
            asked.append(shape)
            return frames.new_zeros(len(frames), *shape)

        tools = Tools(lambda spec, x, *_: x, lambda *_: (None, None))
        deque(self.sample_steps(spec, options, Strengths.of(options, frames.device), frames, draw, tools), maxlen=0)
        return asked

    def guess_function(
        self, spec: WindowSpec, options: RamvidOptions, strengths: Strengths, levels: solvers.Levels, frames: Tensor, draw: Draw,
        tools: Tools,
    ) -> solvers.Guess:  # fmt: skip
        """A function (noisy unknown frames, index of the level) -> estimate of x0, with guidance and context noise as asked."""
        if options.conditioning == "replaced":
            return self.replacement_guess_function(spec, strengths, levels, frames, draw, tools)
        context = frames
        if options.context_noise and any(spec.settled):
            eps = draw(frames.shape[1:])
            context = strengths.trust * frames + strengths.context_noise * eps
        given = self.network_guess_function(spec, strengths, levels, context, tools)
        if options.guidance == 1 or not any(spec.settled):
            return given
        plain = self.network_guess_function(
            spec.as_unknown(keep_settled=False), strengths, levels, select_unknown(context, spec.settled), tools
        )

        def guided(x: Tensor, i: int) -> Tensor:
            alone = plain(x, i)
            return (alone + strengths.guidance * (given(x, i) - alone)).clamp(-1, 1)

        return guided

    def replacement_guess_function(
        self, spec: WindowSpec, strengths: Strengths, levels: solvers.Levels, frames: Tensor, draw: Draw, tools: Tools
    ) -> solvers.Guess:
        """As `guess_function`, for a network whose input marks no frame as known (RePaint: Lugmayr et al. 2022, eq. 8).

        Known frames are put into its input at the level of the others, with fresh noise at every call.
        """
        network = self.network_guess_function(spec.as_unknown(keep_settled=True), strengths, levels, frames, tools)

        def clean(x: Tensor, i: int) -> Tensor:
            noisy = levels.a[i] * frames + levels.s[i] * draw(frames.shape[1:])
            return select_unknown(network(insert_unknown(noisy, x, spec.settled), i), spec.settled)

        return clean

    def network_guess_function(
        self, spec: WindowSpec, strengths: Strengths, levels: solvers.Levels, frames: Tensor, tools: Tools
    ) -> solvers.Guess:
        """The network as a function of noisy unknown frames and of the index of their level; known frames are encoded here, once.

        While noisy frames carry next to no information (level below `QUIET`), the estimate is the mean of the possible futures:
        futures of a clip then share one, computed without noise from the previous estimate.
        """
        most = ROWS if frames.device.type == "cpu" else len(frames)
        groups = [range(i, min(i + most, len(frames))) for i in range(0, len(frames), most)]
        parts = [frames[group.start : group.stop] for group in groups]
        same = [spec.shared_group_sizes(group) for group in groups]
        memories = [tools.remember(spec, part, counts, strengths.trust) for part, counts in zip(parts, same)]
        rolls = isinstance(self.denoiser, CompactDenoiser) and self.cfg.process == "flow"
        shares = rolls and any(spec.settled)
        means = [
            torch.zeros_like(first_of_groups(select_unknown(part, spec.settled), counts)) for part, counts in zip(parts, same)
        ]

        def clean(x: Tensor, i: int) -> Tensor:
            time, faint = x.new_full((), levels.time[i]), rolls and levels.time[i] < QUIET
            out = []
            for k, (noisy, part, counts, memory) in enumerate(zip(x.split(most), parts, same, memories)):
                if faint and shares:
                    part, memory = map_tensors(lambda y: first_of_groups(y, counts), (part, memory))
                    mean = tools.call(spec, levels.a[i] * means[k], part, memory, time, strengths.trust)
                    means[k] = mean.float().clone()  # the next recorded call overwrites it
                    estimate = repeat_each(means[k], counts)
                else:
                    estimate = tools.call(spec, noisy, part, memory, time, strengths.trust).float()
                out.append(process.clean_from_output(self.cfg, estimate, noisy, levels.a[i], levels.s[i]))
            return torch.cat(out)

        return clean

    def remember(self, spec: WindowSpec, frames: Tensor, counts: Sequence[int], trust: Tensor) -> Memory:
        """`CompactDenoiser.remember` of known frames, computed once for each group of rows that shares them and repeated."""
        if not isinstance(self.denoiser, CompactDenoiser):
            return None, None
        distinct = first_of_groups(frames, counts)
        with self.runtime.autocast():
            memory = self.denoiser.remember(spec.temporal_pass(distinct, distinct.new_zeros(()), trust))
        return map_tensors(lambda x: repeat_each(x, counts), memory)

    def denoise(self, spec: WindowSpec, x: Tensor, frames: Tensor, memory: Memory, time: Tensor, trust: Tensor) -> Tensor:
        """The network's raw output for noisy unknown frames x (R, U, C, H, W) at the scalar level `time`, given `frames`.

        `trust` is the scalar level of known frames.
        """
        clip = insert_unknown(frames, x, spec.settled)
        with self.runtime.autocast():
            if isinstance(self.denoiser, CompactDenoiser):
                out = self.denoiser.complete(spec.temporal_pass(clip, time, trust), memory)
            else:  # one level for the whole clip, and known frames are not marked
                out = self.denoiser(clip, None, time.expand(len(clip), len(spec.settled)))
        return select_unknown(out, spec.settled)


def first_of_groups(x: Tensor, counts: Sequence[int]) -> Tensor:
    """The first row of each group: rows (R, ...), split into consecutive groups of `counts` rows, to (len(counts), ...)."""
    return torch.stack([part[0] for part in x.split(list(counts))])


def repeat_each(x: Tensor, counts: Sequence[int]) -> Tensor:
    """Row i repeated counts[i] times; the reverse of `first_of_groups`."""
    return torch.cat([row[None].expand(count, *row.shape) for row, count in zip(x, counts)])


def to_unit_range(x: Tensor) -> Tensor:
    """Values clamped to [-1, 1], mapped to [0, 1]."""
    return (x.clamp(-1, 1) + 1) / 2


def insert_unknown(frames: Tensor, x: Tensor, settled: Sequence[bool]) -> Tensor:
    """Frames (R, L, ...) with x (R, U, ...) in place of the ones that are not settled."""
    noisy = iter(x.unbind(1))
    return torch.stack([frames[:, t] if given else next(noisy) for t, given in enumerate(settled)], 1)


def select_unknown(frames: Tensor, settled: Sequence[bool]) -> Tensor:
    """The frames that are not settled: (R, L, ...) to (R, U, ...)."""
    return torch.stack([frames[:, t] for t, given in enumerate(settled) if not given], 1)
