"""Sampling from a RaMViD model: any frames known, the others sampled together from noise."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ...core.host_memory import to_device
from ...core.noise import SampleNoise, Seeds
from ...core.predictor import Predictor
from ...core.runtime import Runtime
from ...core.video import Capabilities, Observation, Prediction, Step
from .config import RamvidConfig
from .options import RamvidOptions
from .sampler import Sampler, Strengths, WindowSpec, without_strengths
from .windows import Window, plan_windows


class RamvidPredictor(Predictor):
    """Samples all futures of all clips together.

    The leading known frames of a window are encoded once, for all its steps and for every future that shares them. In long clips
    the compact network goes through frames sampled before too, but remembers known ones only.
    """

    options_type = RamvidOptions

    def __init__(self, cfg: RamvidConfig, denoiser: nn.Module, runtime: Runtime):
        self.cfg, self.runtime, self.recurrent = cfg, runtime, cfg.network == "compact"
        self.denoiser = runtime.place(denoiser).eval()
        self.sampler = Sampler(cfg, self.denoiser, runtime)
        self.capabilities = Capabilities(
            n_past=(0, None),
            channels=(cfg.channels,),
            size=cfg.size,
            trained_past=cfg.n_past,
            trained_future=cfg.n_future,
            any_mask=True,
            stochastic=True,
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

    def stream(self, observation: Observation, seeds: Seeds, options: RamvidOptions | None = None) -> Iterator[Step]:
        return self.sample_windows(observation, seeds, options, every_step=True)

    def predict(self, observation: Observation, seeds: Seeds, options: RamvidOptions | None = None) -> Prediction:
        """The last step of `stream`; with a CUDA-graph recorder each window is one recorded call instead of one a step."""
        every_step = self.runtime.recorder is None
        return deque(self.sample_windows(observation, seeds, options, every_step), maxlen=1).pop().prediction

    @torch.inference_mode()
    def sample_windows(
        self, observation: Observation, seeds: Seeds, options: RamvidOptions | None, every_step: bool
    ) -> Iterator[Step]:
        """Samples the clip's windows in turn and yields a Step after each network call (`every_step`) or each window."""
        options = options or RamvidOptions()
        self.check(observation, options)
        known, device = observation.known, self.runtime.device
        windows = plan_windows(known, self.cfg.length, options.long, whole_past=self.recurrent)
        frames, given = observation.frames.to(device), known.to(device)[:, None, None, None]
        clip = torch.where(given, frames, 0.0).repeat_interleave(seeds.shape[1], 0)  # (B N, T, C, H, W); unknown ones may be NaN
        draw, total, done = SampleNoise(seeds, device), len(windows) * options.steps, 0
        for window in windows:
            indices, spec = window.frames[~window.known].to(device), self.window_spec(window, known, seeds, options)
            for guess in self.sample_window(spec, options, 2 * clip[:, window.frames.to(device)] - 1, draw, every_step):
                done += 1 if every_step else options.steps
                clip[:, indices] = guess
                frames = to_device(clip.clone(), torch.device("cpu")).unflatten(0, seeds.shape)
                yield Step(done, total, frames, Prediction(frames) if done == total else None)

    def window_spec(self, window: Window, known: Tensor, seeds: Seeds, options: RamvidOptions) -> WindowSpec:
        """The spec of a window; futures of a clip share its settled frames unless some were sampled or noise is added to them."""
        given = known[window.frames] if self.recurrent and known.any() else window.known
        settled, marked, times = (tuple(x.tolist()) for x in (window.known, given, window.frames - window.frames[0]))
        shared = bool(known[window.frames[window.known]].all()) and not options.context_noise
        return WindowSpec(settled, marked, times, seeds.shape[1] if shared else 1)

    def sample_window(
        self, spec: WindowSpec, options: RamvidOptions, frames: Tensor, draw: SampleNoise, every_step: bool
    ) -> Iterator[Tensor]:
        """Estimates of a window's unknown frames (B N, U, C, H, W) in [0, 1]: one a step, or the final sample alone."""
        strengths = Strengths.of(options, frames.device)
        if every_step:
            return self.sampler.sample_steps(spec, options, strengths, frames, draw)
        noises = tuple(draw(shape) for shape in self.sampler.noise_shapes(spec, options, frames))
        return iter([self.sampler.captured_sample_whole((spec, without_strengths(options)), strengths, frames, noises)])
