"""Sampling: clips of any size, any frames known, the motion of the others sampled together from noise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from ....core.constant import constant_indices
from ....core.noise import SampleNoise, Seeds
from ....core.options import Options, choice, slider
from ....core.predictor import Predictor
from ....core.runtime import Runtime
from ....core.tree import map_tensors
from ....core.video import Capabilities, Observation, Prediction, Step
from ....nn.motion_input import AlignedFrames, motion_size
from .. import solvers
from ..solvers import flow_levels
from ..windows import LONG, Window, plan_windows
from .config import MotionDiffusionConfig
from .network import MotionDenoiser, Scene
from .references import References, Sides, find_references

SMALLEST = 16  # px of the shorter side of a clip
SOLVERS = {
    "euler": "first order (Euler)",
    "dpm": "DPM-Solver++ (second order)",
    "ancestral": "ancestral (fresh noise at every step)",
}


@dataclass(frozen=True)
class MotionDiffusionOptions(Options):
    """How motion is sampled from noise."""

    steps: int = slider(8, 1, 100, 1, "network calls from noise to motion: 1 is the likeliest, 4 a draft, 8 normal", "Steps")
    solver: str = choice("euler", SOLVERS, "how each step goes on from the network's guess", "Solver")
    temperature: float = slider(1.0, 0.0, 2.0, 0.05, "scale of the noise: 0 is the likeliest motion, in one step", "Temperature")
    long: str = choice("windows", LONG, "how clips longer than the network's are sampled", "Long clips")


class MotionDiffusionPredictor(Predictor):
    """Warps known frames; their features are computed once per clip, for all steps and futures."""

    options_type = MotionDiffusionOptions

    def __init__(self, cfg: MotionDiffusionConfig, network: MotionDenoiser, runtime: Runtime):
        self.cfg, self.runtime = cfg, runtime
        self.network, recordings = runtime.place(network).eval(), runtime.recordings()
        functions = (self.encode, self.denoise, self.render)
        self.captured_encode, self.captured_denoise, self.captured_render = map(recordings.capture, functions)
        self.capabilities = Capabilities(
            channels=(3, 1), smallest=SMALLEST, trained_past=cfg.n_past, trained_future=cfg.n_future, any_mask=True,
            stochastic=True,
        )  # fmt: skip

    @torch.inference_mode()
    def stream(self, observation: Observation, seeds: Seeds, options: MotionDiffusionOptions | None = None) -> Iterator[Step]:
        options = options or MotionDiffusionOptions()
        self.check(observation, options)
        steps = options.steps if options.temperature else 1
        windows = plan_windows(observation.known, self.cfg.length, options.long)
        frames = observation.frames[:, None].repeat(1, seeds.shape[1], 1, 1, 1, 1)
        total, done, draw = len(windows) * steps, 0, SampleNoise(seeds, self.runtime.device)
        for window in windows:
            unknown = window.frames[~window.known]
            shared = bool(observation.known[window.frames[window.known]].all())
            for made in self.sample_window(window, frames, shared, steps, options, seeds, draw):
                done += 1
                if done % steps:
                    yield Step(done, total, partial(with_frames_replaced, frames, unknown, made))
            frames = with_frames_replaced(frames, unknown, made)
            yield Step(done, total, frames, Prediction(frames) if done == total else None)

    def sample_window(
        self, window: Window, frames: Tensor, shared: bool, steps: int, options: MotionDiffusionOptions, seeds: Seeds,
        draw: SampleNoise,
    ) -> Iterator[Callable[[], Tensor]]:  # fmt: skip
        """Yields a function for each step, which renders the window's unknown frames (B, N, U, C, H, W) from the estimate so far.

        The last function renders the sample.

        Args:
            frames: (B, N, T, C, H, W).
            shared: whether all futures of a clip have the same known frames in this window.
        """
        device, futures = self.runtime.device, seeds.shape[1]
        known = window.known.tolist()
        seen = frames[:, :, window.frames[window.known]]
        seen = (seen[:, 0] if shared else seen.flatten(0, 1)).to(device)
        size = motion_size(*seen.shape[-2:], self.cfg.short_side)
        references = find_references(seen, known, size)
        sides, times = tuple(references.reference_of), window.frames[~window.known].float().to(device)
        read = references.known, references.even, references.distance, references.speed, times
        scene = map_tensors(torch.clone, self.captured_encode(sides, *read))
        scene = scene.repeat_clips(futures) if shared else scene
        seen = (seen.repeat_interleave(futures, 0) if shared else seen).index_select(
            1, constant_indices(references.frames, device)
        )
        shape = scene.departure_shape
        levels = flow_levels(steps, self.cfg.noise_shift)

        def guess(x: Tensor, i: int) -> Tensor:
            return self.captured_denoise(None, scene, x, x.new_full((len(x),), levels.time[i])).clone()

        def noise() -> Tensor:
            return options.temperature * draw(shape)

        @torch.inference_mode()
        def frames_of(departure: Tensor) -> Tensor:
            return self.captured_render(sides, scene, departure, seen).unflatten(0, seeds.shape).to(frames.device)

        for i, (x, clean) in enumerate(solvers.solve(options.solver, guess, noise(), levels, noise), 1):
            yield partial(frames_of, x if i == steps else clean)

    def encode(self, sides: Sides, known: AlignedFrames, even: Tensor, distance: Tensor, speed: Tensor, times: Tensor) -> Scene:
        """The features of references, whose fields are given one by one, for unknown frames at the indices `times` (U,)."""
        with self.runtime.autocast():
            return self.network.encode_references(References(known, sides, (), even, distance, speed), times)

    def denoise(self, settings: None, scene: Scene, departure: Tensor, level: Tensor) -> Tensor:
        """The clean departure from a noisy one; see `Denoiser.forward`."""
        with self.runtime.autocast():
            return self.network.clean(scene, departure, level)

    def render(self, sides: Sides, scene: Scene, departure: Tensor, references: Tensor) -> Tensor:
        """The unknown frames, float32 (M, U, C, H, W) in [0, 1], from references (M, R, C, H, W)."""
        with self.runtime.autocast():
            motion = self.network.refine(scene, departure)
        return motion.render_frames(references, sides)[0].clamp(0, 1)


def with_frames_replaced(frames: Tensor, indices: Tensor, make_frames: Callable[[], Tensor]) -> Tensor:
    """A copy of frames (B, N, T, C, H, W) with those at `indices` (U,) from `make_frames()`, (B, N, U, C, H, W)."""
    out = frames.clone()
    out[:, :, indices] = make_frames()
    return out
