"""Sampling from a RaMViD model: any frames known, the others drawn together from noise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ...core.options import Options, choice, knob
from ...core.predictor import Predictor
from ...core.runtime import Runtime
from ...core.tree import map_tensors
from ...core.video import Abilities, Observation, Prediction, Step
from . import process, solvers
from .compact import CompactDenoiser
from .config import RamvidConfig
from .windows import LONG, Window, plan

ROWS = 16  # clips through the network at once: more gains no speed on a CPU, and memory stays bounded
SOLVERS = {
    "dpm": "DPM-Solver++ (second order)",
    "euler": "first order (Euler; DDIM on a DDPM)",
    "ancestral": "ancestral (fresh noise at every step)",
    "ddpm": "DDPM as published (the larger fixed variance)",
}
CONDITIONING = {
    "given": "known frames as they are, and marked: what masks train",
    "replaced": "known frames as noisy as the others (RePaint): for models trained without masks, with resampling",
}


@dataclass(frozen=True)
class RamvidOptions(Options):
    """How the noise is taken away."""

    steps: int = knob(8, 1, 1000, 1, "network calls from noise to clip: 4 is a draft, 8 normal, 16 best", "Steps")
    solver: str = choice("ancestral", SOLVERS, "how each step goes on from the network's guess", "Solver")
    guidance: float = knob(1.0, 1.0, 3.0, 0.1, "weight of the known frames; 1 is as trained, above 2 motion freezes", "Guidance")
    resample: int = knob(1, 1, 20, 1, "times each step is taken, noise added back between (RePaint); not for dpm", "Resampling")
    context_noise: float = knob(0.0, 0.0, 0.3, 0.05, "noise in the known frames, so that they are trusted less", "Context noise")
    conditioning: str = choice("given", CONDITIONING, "how the network is shown known frames", "Known frames")
    long: str = choice("windows", LONG, "how clips longer than the network's are sampled", "Long clips")


class RamvidPredictor(Predictor):
    """All futures of all clips together; what the leading known frames leave behind is computed once a window, for all its steps
    and for every future that shares them."""

    options_type = RamvidOptions

    def __init__(self, cfg: RamvidConfig, denoiser: nn.Module, runtime: Runtime):
        self.cfg, self.runtime = cfg, runtime
        self.denoiser = runtime.place(denoiser).eval()
        self.abilities = Abilities(
            n_past=(0, None), channels=(cfg.channels,), size=cfg.size, trained_past=cfg.n_past,
            trained_future=cfg.n_future, any_mask=True, stochastic=True,
        )

    def check(self, observation: Observation, options: RamvidOptions | None = None) -> None:
        super().check(observation, options)
        if options is None:
            return
        if options.conditioning == "replaced" and (options.guidance != 1 or options.context_noise):
            came = f"guidance is {options.guidance} and context noise {options.context_noise}"
            raise ValueError(f"{came}, and known frames are replaced by noisy ones anyway; give 1 and 0, or conditioning 'given'")
        if options.solver == "dpm" and options.resample > 1:
            raise ValueError(f"resample is {options.resample}, which DPM-Solver++ cannot do; give 1 or another solver")

    @torch.inference_mode()
    def stream(self, observation: Observation, seeds: Tensor, options: RamvidOptions | None = None) -> Iterator[Step]:
        options = options or RamvidOptions()
        self.check(observation, options)
        known = observation.known
        windows = plan(known, self.cfg.length, options.long)
        given = torch.where(known[:, None, None, None], observation.frames, 0.0)  # unknown frames may be NaN
        clip = given[:, None].expand(-1, seeds.shape[1], *given.shape[1:]).flatten(0, 1).clone()  # (B N, T, C, H, W)
        rng, total, done = SampleNoise(seeds), len(windows) * options.steps, 0
        futures = torch.arange(seeds.numel())
        for window in windows:
            shared = bool(known[window.frames[window.known]].all()) and not options.context_noise
            owner = futures // seeds.shape[1] if shared else futures
            for guess in self.fill(clip, window, rng, options, owner):
                done += 1
                clip[:, window.frames[~window.known]] = guess
                frames = clip.unflatten(0, seeds.shape).clone()
                yield Step(done, total, frames, Prediction(frames) if done == total else None)

    def fill(self, clip: Tensor, window: Window, rng: SampleNoise, options: RamvidOptions, owner: Tensor) -> Iterator[Tensor]:
        """Guesses of a window's unknown frames (B N, U, C, H, W) in [0, 1], one a step; the last is the sample. Rows of equal
        `owner` (B N,), which lie together, have the same known frames."""
        frames = 2 * clip[:, window.frames] - 1
        shape = frames[:, ~window.known].shape[1:]
        levels = process.levels(self.cfg, options.steps)
        guess = self.guess(frames, window, levels, options, rng, owner)
        x = rng(shape)
        steps = solve(options, guess, x, levels, lambda: rng(shape))
        for index, (x, x0) in enumerate(steps):
            last = index == levels.steps - 1
            yield ((x if last else x0).clamp(-1, 1) + 1) / 2

    def guess(
        self, frames: Tensor, window: Window, levels: solvers.Levels, options: RamvidOptions, rng: SampleNoise, owner: Tensor
    ) -> solvers.Guess:
        """x0 of the unknown frames from noisy ones, in small groups of rows, with guidance."""
        if options.conditioning == "replaced":
            return self.replaced(frames, window, levels, rng)
        context = frames
        if options.context_noise and window.known.any():
            eps = rng(frames.shape[1:])
            context = (1 - options.context_noise) * frames + options.context_noise * eps
        parts = [slice(i, i + ROWS) for i in range(0, len(frames), ROWS)]
        conditional = [self.conditional(context[part], window, 1 - options.context_noise, owner[part]) for part in parts]
        unconditional = []
        if options.guidance != 1 and window.known.any():
            unknown = ~window.known
            alone = Window(window.frames[unknown], window.known[unknown])
            unconditional = [self.conditional(context[part][:, unknown], alone, 1.0, owner[part]) for part in parts]

        def clean(x: Tensor, i: int) -> Tensor:
            out = []
            for index, part in enumerate(parts):
                x0 = self.once(conditional[index], x[part], levels, i)
                if unconditional:
                    plain = self.once(unconditional[index], x[part], levels, i)
                    x0 = (plain + options.guidance * (x0 - plain)).clamp(-1, 1)
                out.append(x0)
            return torch.cat(out)

        return clean

    def replaced(self, frames: Tensor, window: Window, levels: solvers.Levels, rng: SampleNoise) -> solvers.Guess:
        """The same from a network that is told of no known frame: they are put in at the level of the others, with fresh noise
        at every call (Lugmayr et al. 2022, eq. 8)."""
        nothing = Window(window.frames, torch.zeros_like(window.known))
        parts = [slice(i, i + ROWS) for i in range(0, len(frames), ROWS)]
        networks = [self.conditional(frames[part], nothing, 1.0, torch.arange(len(frames))[part]) for part in parts]

        def clean(x: Tensor, i: int) -> Tensor:
            whole = levels.a[i] * frames + levels.s[i] * rng(frames.shape[1:])
            whole[:, ~window.known] = x
            guesses = [self.once(network, whole[part], levels, i) for network, part in zip(networks, parts)]
            return torch.cat(guesses)[:, ~window.known]

        return clean

    def once(self, network: Callable[[Tensor, float], Tensor], x: Tensor, levels: solvers.Levels, i: int) -> Tensor:
        with self.runtime.autocast():
            output = network(x.to(self.runtime.device), levels.time[i]).float().cpu()
        return process.clean_from(self.cfg, output, x, levels.a[i], levels.s[i])

    def conditional(self, frames: Tensor, window: Window, trust: float, owner: Tensor) -> Callable[[Tensor, float], Tensor]:
        """The network as a function of noisy unknown frames and their level, what is known worked in beforehand."""
        device, known = self.runtime.device, window.known
        frames, times = frames.to(device), window.frames.to(device)
        if not isinstance(self.denoiser, CompactDenoiser):
            return lambda x, time: self.denoiser(*self.whole(frames, known, x, time, 1.0))[:, ~known]
        memory = None
        if known.any():
            _, copies, counts = owner.unique_consecutive(return_inverse=True, return_counts=True)
            distinct = frames[(counts.cumsum(0) - counts).to(device)]
            level = torch.full(distinct.shape[:2], trust, device=device)
            with self.runtime.autocast():
                leading, rows = self.denoiser.remember(distinct, known, level, times), copies.to(device)
            memory = map_tensors(lambda x: x[rows], leading)

        def run(x: Tensor, time: float) -> Tensor:
            clip, _, level = self.whole(frames, known, x, time, trust)
            return self.denoiser.complete(clip, known, level, times, memory)[:, ~known]

        return run

    @staticmethod
    def whole(frames: Tensor, known: Tensor, x: Tensor, time: float, trust: float) -> tuple[Tensor, Tensor, Tensor]:
        """The whole clip with noisy frames `x` put in where unknown, which frames are known and how clean each is."""
        clip = frames.clone()
        clip[:, ~known] = x
        level = torch.where(known.to(clip.device), trust, time).expand(len(clip), -1)
        return clip, known.to(clip.device).expand(len(clip), -1), level


def solve(options: RamvidOptions, guess: solvers.Guess, x: Tensor, levels: solvers.Levels, noise: solvers.Noise) -> solvers.Steps:
    if options.solver == "dpm":
        return solvers.dpm_solver(guess, x, levels)
    if options.solver == "ddpm":
        return solvers.ddpm(guess, x, levels, noise, options.resample)
    return solvers.ddim(guess, x, levels, noise, float(options.solver == "ancestral"), options.resample)


class SampleNoise:
    """Standard normal noise, drawn on the CPU: what a sample gets depends on its seed and the draw's number alone."""

    def __init__(self, seeds: Tensor):
        self.generators = [torch.Generator().manual_seed(seed) for seed in seeds.flatten().tolist()]

    def __call__(self, shape: tuple[int, ...]) -> Tensor:
        """float32 (B N, *shape)."""
        return torch.stack([torch.randn(shape, generator=g) for g in self.generators])
