"""Sampling from an SVG model: futures from the learned or fixed prior, or from the posterior, which reads the true future."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ...core.capture import Function
from ...core.clips import pad_with_last_frame, with_room_for_futures
from ...core.host_memory import to_device
from ...core.latent_options import LatentOptions, check_prior, disabled_controls, offered_priors, resolve_prior
from ...core.latent_steps import LatentChange, LatentPredictor, LatentSteps
from ...core.noise import SampleNoise, Seeds
from ...core.runtime import Runtime
from ...core.tree import map_tensors, repeat_rows
from ...core.video import Capabilities, Observation, Prediction, Step
from ...nn.gaussian import Gaussian, LatentStats
from .config import SVGConfig
from .network import SVGNetwork


@dataclass(frozen=True)
class RolloutSpec:
    """Settings of a rollout, hashable so that recorded CUDA graphs can be looked up by them.

    Args:
        source: where z comes from: 'learned', 'fixed', 'posterior', 'posterior-mean' or 'none'.
        n_past: number of known frames.
        copies: number of samples per clip, N.
        refreshes: for each generated frame that is fed back, whether skip connections are taken from it; zero or one entry in the
            spec of a single step.
        sees_target: whether the posterior of the future is computed from the true frames, to draw from or to compare with.
    """

    source: str
    n_past: int
    copies: int
    refreshes: tuple[bool, ...]
    sees_target: bool


class SVGPredictor(LatentPredictor):
    """Rolls out an SVG network with all samples of all clips in one batch; the context is computed once per clip.

    In the context z is the posterior mean, so that all samples of a clip share it.
    """

    options_type = LatentOptions

    def __init__(self, cfg: SVGConfig, network: SVGNetwork, runtime: Runtime):
        self.cfg, self.runtime = cfg, runtime
        self.network = runtime.place(network).eval()
        self.latent_names = tuple(f"z{k + 1}" for k in range(cfg.z_dim)) if cfg.latent != "none" else ()
        functions, recordings = (self.encode_context, self.predict_step, self.roll_out), runtime.recordings()
        self.captured_context, self.captured_step, self.captured_rollout = map(recordings.capture, functions)
        self.capabilities = Capabilities(
            n_past=(2, None),
            channels=(cfg.channels,),
            size=cfg.size,
            trained_past=cfg.n_past,
            trained_future=cfg.n_future,
            stochastic=cfg.latent != "none",
            priors=offered_priors(cfg.latent),
            reasons=disabled_controls(cfg.latent),
            actions=network.conditioner and network.conditioner.action_spec(),
        )

    def check(self, observation: Observation, options: LatentOptions | None = None) -> None:
        super().check(observation, options)
        check_prior(options, self.cfg.latent, observation)

    @torch.inference_mode()
    def stream(self, observation: Observation, seeds: Seeds, options: LatentOptions | None = None) -> Iterator[Step]:
        options = options or LatentOptions()
        self.check(observation, options)
        n_past, total = observation.n_past, observation.frames.shape[1]
        spec = self.rollout_spec(observation, options, seeds.shape[1])
        true, vectors = self.visible_frames(observation, spec), self.condition_vectors(observation)
        z = self.draw_noise(spec, seeds, options, total)
        frames = with_room_for_futures(observation.frames[:, :n_past], spec.copies, total, self.runtime.device)
        future, (*context, known) = [], self.captured_context(spec, true, vectors)
        known = map_tensors(torch.clone, known)
        for t, (frame, stats) in enumerate(self.iterate_steps(spec, context, true, z, self.captured_step), n_past):
            frames[:, :, t] = frame.unflatten(0, seeds.shape).to(frames.device)
            future.append(map_tensors(torch.clone, stats))
            if t < total - 1:
                yield Step(t + 1 - n_past, total - n_past, partial(pad_with_last_frame, frames[:, :, : t + 1], total))
        traces = make_traces(known, stack_steps(future), spec, total)
        yield Step(total - n_past, total - n_past, frames, Prediction(frames, traces))

    def predict(self, observation: Observation, seeds: Seeds, options: LatentOptions | None = None) -> Prediction:
        """The prediction without intermediate steps, which allows one CUDA graph for the whole rollout."""
        return self.prepare(observation, options)(seeds)

    @torch.inference_mode()
    def prepare(self, observation: Observation, options: LatentOptions | None = None) -> Callable[[Seeds], Prediction]:
        options = options or LatentOptions()
        self.check(observation, options)
        total, one = observation.frames.shape[1], self.rollout_spec(observation, options, 1)
        true, vectors = self.visible_frames(observation, one), self.condition_vectors(observation)
        # a recording is of the whole rollout: what the known frames cost there is little
        context = None if self.runtime.recorder else self.encode_context(one, true, vectors)

        @torch.inference_mode()
        def predict(seeds: Seeds) -> Prediction:
            spec = replace(one, copies=seeds.shape[1])
            z = self.draw_noise(spec, seeds, options, total)
            if context is None:
                made, future, known = self.captured_rollout(spec, true, vectors, z)
            else:
                made, future, known = self.continue_context(spec, context, true, z)
            return Prediction(self.join_past(observation, made, seeds), make_traces(known, future, spec, total))

        return predict

    @torch.inference_mode()
    def predict_with_latent(
        self, observation: Observation, seeds: Seeds, options: LatentOptions | None = None, change: LatentChange | None = None
    ) -> tuple[Prediction, LatentSteps]:
        options, total = options or LatentOptions(), observation.frames.shape[1]
        self.check_with_latent(observation, options, change)
        spec = replace(self.rollout_spec(observation, options, seeds.shape[1]), sees_target=observation.target is not None)
        z = self.draw_noise(spec, seeds, options, total)
        if change is not None:
            z[:, change.frame, change.dimension] = change.value
        true, vectors = self.visible_frames(observation, spec), self.condition_vectors(observation)
        made, *future_and_known = self.captured_rollout(spec, true, vectors, z)
        frames = self.join_past(observation, made, seeds)
        future, known = (x.with_standard_prior() if x and spec.source == "fixed" else x for x in future_and_known)
        traces = make_traces(known, future, spec, total)
        return Prediction(frames, traces), LatentSteps.from_traces(traces)

    def rollout_spec(self, observation: Observation, options: LatentOptions, copies: int) -> RolloutSpec:
        """The settings of a rollout of `copies` samples a clip."""
        n_past, source = observation.n_past, resolve_prior(options.prior, self.cfg.latent)
        refreshes = tuple(self.network.refreshes_skips(t, n_past) for t in range(n_past + 1, observation.frames.shape[1]))
        return RolloutSpec(source, n_past, copies, refreshes, source.startswith("posterior"))

    def draw_noise(self, spec: RolloutSpec, seeds: Seeds, options: LatentOptions, total: int) -> Tensor | None:
        """Normal noise (R, T, Z) of z at every frame, its standard deviation the temperature; None without a latent."""
        temperature = 0.0 if spec.source == "posterior-mean" else options.temperature
        return None if spec.source == "none" else temperature * SampleNoise(seeds, self.runtime.device)((total, self.cfg.z_dim))

    @staticmethod
    def join_past(observation: Observation, made: Tensor, seeds: Seeds) -> Tensor:
        """The known frames before the predicted ones (R, F, C, H, W): float32 (B, N, T, C, H, W), where the observation is."""
        past = repeat_rows(observation.frames[:, : observation.n_past].to(made.device), seeds.shape[1])
        return to_device(torch.cat([past, made], 1), observation.frames.device).unflatten(0, seeds.shape)

    def visible_frames(self, observation: Observation, spec: RolloutSpec) -> Tensor:
        """The true frames that the network may read: the known ones, or the whole clip where it sees the target."""
        known = observation.frames[:, : spec.n_past]
        if spec.sees_target:
            known = torch.cat([known, observation.target[:, spec.n_past :]], 1)
        return known.to(self.runtime.device)

    def condition_vectors(self, observation: Observation) -> Tensor | None:
        """Vectors (B, T, A) that the network is conditioned on, zeros where the observation has none; None without conditions."""
        if self.network.conditioner is None:
            return None
        if observation.actions is not None:
            return observation.actions.to(self.runtime.device)
        clips, length = observation.frames.shape[:2]
        return torch.zeros(clips, length, self.cfg.conditions.size, device=self.runtime.device)

    def encode_context(self, spec: RolloutSpec, true: Tensor, vectors: Tensor | None) -> tuple[Any, ...]:
        """Runs the network over the known frames, with z the posterior mean; one row per clip.

        Returns:
            the state after the last known frame; the prior of the first future step; the conditions of the later steps,
            (B, F - 1, E) or None; the posterior of the future, (B, F, Z), or None where the target is not seen; and the
            statistics of the known steps.
        """
        network, n_past = self.network, spec.n_past
        conditions = None if vectors is None else network.conditioner(vectors)
        with self.runtime.autocast():
            features, stats = network.encode_clips(true, n_past), []
            posterior = None if spec.source == "none" else network.posterior(features)
            state = network.initial_state(len(true), true)
            for t in range(1, n_past + 1):
                refresh = network.refreshes_skips(t, n_past)
                state = network.observe(state, true[:, t - 1], features[t - 1], refresh, select_step(conditions, t))
                prior = network.prior(state.summary)
                if t < n_past:
                    if prior is not None:
                        stats.append(LatentStats.from_gaussians(prior, select_step(posterior, t - 1)))
                    state, _ = network.advance(state, None if prior is None else posterior.mean[:, t - 1])
        future = map_tensors(lambda x: x[:, n_past - 1 :], posterior) if spec.sees_target else None
        return state, prior, map_tensors(lambda x: x[:, n_past + 1 :], conditions), future, stack_steps(stats)

    def predict_step(
        self, spec: RolloutSpec, state: Any, prior: Gaussian | None, last: Tensor, z: Tensor | None, posterior: Gaussian | None,
        condition: Tensor | None,
    ) -> tuple[Any, Tensor, LatentStats | None]:  # fmt: skip
        """Predicts one frame; one row per sample, R in all.

        Args:
            spec: with one entry in `refreshes`, the previous generated frame is observed first; with none, the state has observed
                the last known frame already, and `prior` is given.
            last: (R, 2, C, H, W), the two frames before.
            z: normal noise (R, Z), its standard deviation the temperature, or None.
            posterior: of this step, or None.
            condition: (R, E), leads to the frame, or None.

        Returns:
            the next state, the frame (R, C, H, W) in [0, 1], and the statistics of its latent.
        """
        network = self.network
        with self.runtime.autocast():
            for refresh in spec.refreshes:
                before, previous = last.unbind(1)
                features = network.encode(previous, before, skips=refresh)
                state = network.observe(state, previous, features, refresh, condition)
                prior = network.prior(state.summary)
            stats = None if prior is None else LatentStats.from_gaussians(prior, posterior)
            state, code = network.advance(state, None if prior is None else self.draw_latent(spec, prior, posterior, z))
            return state, network.render(code).float().clamp(0, 1), stats

    @staticmethod
    def draw_latent(spec: RolloutSpec, prior: Gaussian, posterior: Gaussian | None, z: Tensor) -> Tensor:
        """Sample (R, Z) of the distribution that `spec` names, from normal noise `z` (R, Z), as for `predict_step`."""
        if spec.source == "fixed":
            return Gaussian.standard(prior.mean).sample(z)
        return (posterior if spec.source.startswith("posterior") else prior).sample(z)

    def roll_out(
        self, spec: RolloutSpec, true: Tensor, vectors: Tensor | None, z: Tensor | None
    ) -> tuple[Tensor, LatentStats | None, LatentStats | None]:
        """All futures (R, F, C, H, W), and the statistics of the future and of the known steps."""
        return self.continue_context(spec, self.encode_context(spec, true, vectors), true, z)

    def continue_context(
        self, spec: RolloutSpec, context: Sequence[Any], true: Tensor, z: Tensor | None
    ) -> tuple[Tensor, LatentStats | None, LatentStats | None]:
        """What `roll_out` returns, from all that `encode_context` returns; one `context` may be continued many times."""
        *context, known = context
        frames, stats = zip(*self.iterate_steps(spec, context, true, z, self.predict_step))
        return torch.stack(frames, 1), stack_steps(stats), known

    @staticmethod
    def iterate_steps(
        spec: RolloutSpec, context: Sequence[Any], true: Tensor, z: Tensor | None, step: Function
    ) -> Iterator[tuple[Tensor, LatentStats | None]]:
        """Yields (frame (R, C, H, W), its latent statistics) of every future step.

        Args:
            context: the first four results of `encode_context`.
            step: `predict_step` or its captured version.
        """
        state, prior, conditions, posterior = repeat_rows(tuple(context), spec.copies)
        last = repeat_rows(true[:, spec.n_past - 2 : spec.n_past], spec.copies)
        for t in range(len(spec.refreshes) + 1):
            here, noises = replace(spec, refreshes=spec.refreshes[t - 1 : t]), None if z is None else z[:, spec.n_past + t]
            condition = None if conditions is None or t == 0 else conditions[:, t - 1]
            state, frame, stats = step(here, state, prior, last, noises, select_step(posterior, t), condition)
            last, prior = torch.stack([last[:, 1], frame], 1), None
            yield frame, stats


def make_traces(known: LatentStats | None, future: LatentStats | None, spec: RolloutSpec, total: int) -> dict[str, Tensor]:
    """`Prediction.traces`: name -> float32 (B, N, T, Z), or (B, N, T) for the KL; NaN at frames without a value."""
    if known is None:
        return {}
    out = {}
    for name, x, y in zip(LatentStats._fields, known, future):
        x = x.float().cpu()
        trace = torch.full((len(x), spec.copies, total, *x.shape[2:]), float("nan"))
        trace[:, :, 1 : spec.n_past] = x[:, None]
        if y is not None:
            trace[:, :, spec.n_past :] = y.float().cpu().unflatten(0, trace.shape[:2])
        out[name] = trace
    return out


def stack_steps(stats: Sequence[LatentStats | None]) -> LatentStats | None:
    """Stacks the statistics of several steps along a new axis 1: (M, steps, ...); None without a latent or steps."""
    if not stats or stats[0] is None:
        return None
    return LatentStats(*(None if parts[0] is None else torch.stack(parts, 1) for parts in zip(*stats)))


def select_step(tree: Any, t: int) -> Any:
    """Index t along the time axis of every tensor (M, T, ...) of a tree."""
    return map_tensors(lambda x: x[:, t], tree)
