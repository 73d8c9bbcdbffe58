"""Sampling futures of a clip of any size, with z from the learned or fixed prior or from the posterior of the true future."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor

from ...core.clips import pad_with_last_frame, with_room_for_futures
from ...core.host_memory import to_device
from ...core.latent_options import check_prior, disabled_controls, offered_priors, resolve_prior
from ...core.latent_steps import LatentChange, LatentPredictor, LatentSteps
from ...core.noise import SampleNoise, Seeds, spread_noise
from ...core.runtime import Runtime
from ...core.tree import map_tensors, repeat_rows
from ...core.video import Capabilities, Observation, Prediction, Step
from ...nn.gaussian import Gaussian, LatentStats
from ...nn.motion_input import AlignedFrames, motion_size, warp_any_size
from .config import MotionConfig
from .latent import AFFINE, Carried
from .network import MotionNetwork, Scene, State, prepare_known, true_motion
from .options import MotionOptions, pace_temperature
from .pace import displace_at_pace, draw_pace

SMALLEST = 16  # px of the shorter side of a clip
AFFINE_NAMES = ("shift sideways", "slant sideways", "widen", "shift up or down", "heighten", "slant up or down")
LATENT_NAMES = (*(f"picture: {name}" for name in AFFINE_NAMES), *(f"parts: {name}" for name in AFFINE_NAMES))


class MotionPredictor(LatentPredictor):
    """Warps the last known frame, with all samples of all clips in one batch; known frames are encoded once per clip.

    z has coefficients for the whole picture and for each of its parts. To look at, and to set by hand, those of the parts are
    one: the mean over parts, and the same value in all of them.
    """

    options_type = MotionOptions

    def __init__(self, cfg: MotionConfig, network: MotionNetwork, runtime: Runtime):
        self.cfg, self.runtime = cfg, runtime
        self.latent_names = LATENT_NAMES if cfg.latent != "none" else ()
        self.network, recordings = runtime.place(network).eval(), runtime.recordings()
        self.captured_encode, self.captured_step = map(recordings.capture, (self.encode_known, self.predict_step))
        self.capabilities = Capabilities(
            n_past=(2, None),
            channels=(3, 1),
            smallest=SMALLEST,
            trained_past=cfg.n_past,
            trained_future=cfg.n_future,
            stochastic=cfg.latent != "none",
            priors=offered_priors(cfg.latent),
            reasons=disabled_controls(cfg.latent),
        )

    def check(self, observation: Observation, options: MotionOptions | None = None) -> None:
        super().check(observation, options)
        check_prior(options, self.cfg.latent, observation)

    @torch.inference_mode()
    def stream(self, observation: Observation, seeds: Seeds, options: MotionOptions | None = None) -> Iterator[Step]:
        options = options or MotionOptions()
        self.check(observation, options)
        yield from self.run(observation, seeds, options, self.encode_clip(observation), watched=True)

    def predict(self, observation: Observation, seeds: Seeds, options: MotionOptions | None = None) -> Prediction:
        """The prediction without intermediate steps: frames leave a GPU all at once."""
        return self.prepare(observation, options)(seeds)

    @torch.inference_mode()
    def prepare(self, observation: Observation, options: MotionOptions | None = None) -> Callable[[Seeds], Prediction]:
        options = options or MotionOptions()
        self.check(observation, options)
        encoded = map_tensors(torch.clone, self.encode_clip(observation))
        watched = self.runtime.device.type == "cpu"

        @torch.inference_mode()
        def predict(seeds: Seeds) -> Prediction:
            return deque(self.run(observation, seeds, options, encoded, watched), maxlen=1).pop().prediction

        return predict

    def run(
        self, observation: Observation, seeds: Seeds, options: MotionOptions, encoded: tuple[Scene, State], watched: bool
    ) -> Iterator[Step]:
        """A Step for each of `iterate_steps`; without `watched` it yields the last one alone."""
        pace = self.draw_paces(encoded[0], seeds, options)
        steps = self.iterate_steps(observation, seeds, options, encoded, pace)
        n_past, total = observation.n_past, observation.frames.shape[1]
        frames = with_room_for_futures(observation.frames[:, :n_past], seeds.shape[1], total, self.runtime.device)
        made: list[Tensor] = []
        latents = []
        for t, (frame, stats) in enumerate(steps, n_past):
            latents.append(map_tensors(torch.clone, stats))
            if not watched:
                made.append(frame.clone())
                continue
            frames[:, :, t] = frame.unflatten(0, seeds.shape).to(frames.device)
            if t < total - 1:
                yield Step(t + 1 - n_past, total - n_past, partial(pad_with_last_frame, frames[:, :, : t + 1], total))
        if made:
            frames[:, :, n_past:] = to_device(torch.stack(made, 1), frames.device).unflatten(0, seeds.shape)
        traces = whole_frame(make_traces(latents, pace, n_past, seeds))
        yield Step(total - n_past, total - n_past, frames, Prediction(frames, traces))

    @torch.inference_mode()
    def predict_with_latent(
        self, observation: Observation, seeds: Seeds, options: MotionOptions | None = None, change: LatentChange | None = None
    ) -> tuple[Prediction, LatentSteps]:
        options, n_past = options or MotionOptions(), observation.n_past
        self.check_with_latent(observation, options, change)
        made, latents = [], []
        encoded = self.encode_clip(observation)
        pace = self.draw_paces(encoded[0], seeds, options)
        sees_target = observation.target is not None
        for frame, stats in self.iterate_steps(observation, seeds, options, encoded, pace, sees_target, change):
            made.append(frame.clone())
            latents.append(map_tensors(torch.clone, stats))
        past = repeat_rows(observation.frames[:, :n_past].to(self.runtime.device), seeds.shape[1])
        frames = to_device(torch.cat([past, torch.stack(made, 1)], 1), observation.frames.device).unflatten(0, seeds.shape)
        if resolve_prior(options.prior, self.cfg.latent) == "fixed":
            latents = [stats.with_standard_prior() for stats in latents]
        traces = make_traces(latents, pace, n_past, seeds)
        steps = LatentSteps.from_traces({name: x if x.ndim == 3 else mean_of_parts(x) for name, x in traces.items()})
        return Prediction(frames, whole_frame(traces)), steps

    def draw_paces(self, scene: Scene, seeds: Seeds, options: MotionOptions) -> Tensor | None:
        """The paces (B N,) of all samples of the encoded clips, None where all are 1."""
        if scene.pace is None or resolve_prior(options.prior, self.cfg.latent).startswith("posterior"):
            return None if options.pace == 1 else torch.full((seeds.shape.numel(),), options.pace, device=self.runtime.device)
        noise = pace_temperature(options.temperature) * spread_noise(seeds).flatten().to(self.runtime.device)
        return options.pace * draw_pace(repeat_rows(scene.pace, seeds.shape[1]), noise)

    def iterate_steps(
        self,
        observation: Observation,
        seeds: Seeds,
        options: MotionOptions,
        encoded: tuple[Scene, State],
        pace: Tensor | None,
        sees_target: bool = False,
        change: LatentChange | None = None,
    ) -> Iterator[tuple[Tensor, LatentStats | None]]:
        """Yields every predicted frame (B N, C, H, W) and the statistics of its latent, of all of z; both may be overwritten by
        the next step.

        Args:
            encoded: what `encode_known` returns for the known frames.
            pace: of `draw_paces`.
            sees_target: whether the posterior is computed even where z is not drawn from it.
            change: a dimension of z set by hand, checked.
        """
        network, device, n_past = self.network, self.runtime.device, observation.n_past
        total, size = observation.frames.shape[1], observation.frames.shape[-2:]
        prior = resolve_prior(options.prior, self.cfg.latent)
        height, width = motion_size(*size, self.cfg.short_side)
        sees_target = sees_target or prior.startswith("posterior")
        truth = self.true_flows(observation, (height // 2, width // 2)) if sees_target else None
        scene, state = repeat_rows(encoded, seeds.shape[1])
        last = repeat_rows(observation.frames[:, n_past - 1].to(device), seeds.shape[1])
        z_width = 0 if prior == "none" else network.latent.z_size((height, width))
        temperature = 0.0 if prior == "posterior-mean" else options.temperature
        draw = SampleNoise(seeds, device)  # frame after frame: a longer future begins as a shorter one
        noises = temperature * torch.stack([draw((z_width,)) for _ in range(total - n_past)], 1) if z_width else None
        if change is not None:
            own = slice(change.dimension, AFFINE if change.dimension < AFFINE else None, AFFINE)
            noises[:, change.frame - n_past, own] = change.value
        for t in range(total - n_past):
            noise = None if noises is None else noises[:, t]
            true = truth and repeat_rows(tuple(x[:, t] for x in truth), seeds.shape[1])
            state, frame, stats = self.captured_step(prior, scene, state, last, noise, true, pace)
            yield frame, stats

    def true_flows(self, observation: Observation, grid: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """`true_motion` of the true future frames, on a grid (h, w): two float32 (B, F, 2, h, w)."""
        true = torch.cat([observation.frames[:, : observation.n_past], observation.target[:, observation.n_past :]], 1)
        return true_motion(true[:, observation.n_past - 1 :].to(self.runtime.device), grid)

    def encode_clip(self, observation: Observation) -> tuple[Scene, State]:
        """What `encode_known` returns for the known frames; overwritten by the next call."""
        known = observation.frames[:, : observation.n_past].to(self.runtime.device)
        return self.captured_encode(None, prepare_known(known, motion_size(*known.shape[-2:], self.cfg.short_side)))

    def encode_known(self, settings: None, read: AlignedFrames) -> tuple[Scene, State]:
        """The features and the state of the network after the known frames."""
        with self.runtime.autocast():
            return self.network.encode_known(read)

    def predict_step(
        self,
        prior: str,
        scene: Scene,
        state: State,
        last: Tensor,
        noise: Tensor | None,
        true: tuple[Tensor, Tensor] | None,
        pace: Tensor | None,
    ) -> tuple[State, Tensor, LatentStats | None]:
        """Predicts one frame; one row per sample, M in all.

        Args:
            prior: 'learned', 'fixed', 'posterior', 'posterior-mean' or 'none'.
            last: float32 (M, C, H, W), the last known frames.
            noise: normal noise (M, Z), its standard deviation the temperature; None without a latent.
            true: true flow of the step, see `Latent.posterior`; needed for the posterior, otherwise None, or given to compare.
            pace: how many times as far as predicted everything comes, (M,), None for once.

        Returns:
            the next state, the frame (M, C, H, W) in [0, 1], and the statistics of its latent, None without one.
        """
        z = stats = None
        with self.runtime.autocast():
            carried = self.network.carry_forward(scene, state)
            if noise is not None:
                z, stats = self.draw_latent(prior, carried, true, noise)
            state = self.network.advance(scene, state, carried, z)
        displacement = state.displacement if pace is None else displace_at_pace(state.displacement, pace)
        return state, warp_any_size(last, displacement).clamp(0, 1), stats

    def draw_latent(
        self, prior: str, carried: Carried, true: tuple[Tensor, Tensor] | None, noise: Tensor
    ) -> tuple[Tensor, LatentStats]:
        """Draws z (M, Z) of one step; arguments as for `predict_step`.

        Returns:
            z, and its statistics.
        """
        latent = self.network.latent
        own = latent.prior(carried)
        seen = None if true is None else latent.posterior(carried, own, *true)
        if prior == "fixed":
            z = Gaussian.standard(own.mean).sample(noise)
        else:
            z = (seen if prior.startswith("posterior") else own).sample(noise)
        return z, LatentStats.from_gaussians(own, seen)


def make_traces(latents: Sequence[LatentStats | None], pace: Tensor | None, n_past: int, seeds: Seeds) -> dict[str, Tensor]:
    """`Prediction.traces`: name -> float32 (B, N, T, ...) from the statistics (B * N, ...) of all steps and the paces (B * N,);
    NaN at known frames."""
    series = {} if pace is None else {"pace": pace[:, None].expand(-1, len(latents))}
    for name, first in latents[0]._asdict().items() if latents[0] else ():
        if first is not None:
            series[name] = torch.stack([getattr(stats, name) for stats in latents], 1)
    out = {}
    for name, x in series.items():
        future = x.float().cpu().unflatten(0, seeds.shape)
        known = future.new_full((*seeds.shape, n_past, *future.shape[3:]), float("nan"))
        out[name] = torch.cat([known, future], 2)
    return out


def whole_frame(traces: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Of the traces of z those of the whole frame's departure, (B, N, T, AFFINE); the KL of all of z, and the pace."""
    return {name: x if x.ndim == 3 else x[..., :AFFINE] for name, x in traces.items()}


def mean_of_parts(x: Tensor) -> Tensor:
    """(B, N, T, Z) -> (B, N, T, 2 * AFFINE): the whole frame's coefficients, and the mean of the parts'."""
    return torch.cat([x[..., :AFFINE], x[..., AFFINE:].unflatten(-1, (-1, AFFINE)).mean(-2)], -1)
