"""Sampling from an SVG model: futures from the learned or fixed prior, or from the posterior, which sees the future."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ...core.capture import Function
from ...core.clips import pad_with_last_frame
from ...core.latent_options import LatentOptions, check_prior, disabled_controls, offered_priors, resolve_prior
from ...core.predictor import Predictor, draw_noise
from ...core.runtime import Runtime
from ...core.tree import map_tensors, repeat_rows
from ...core.video import Capabilities, Observation, Prediction, Step
from ...nn.gaussian import Gaussian, kl
from .config import SVGConfig
from .network import SVGNetwork


@dataclass(frozen=True)
class RolloutSpec:
    """What does not change while a prediction is computed.

    Args:
        source: where z comes from: 'learned', 'fixed', 'posterior', 'posterior-mean' or 'none'.
        temperature: scale of its noise.
        n_past: known frames.
        copies: futures a clip.
        refreshes: of each generated frame that a step takes in first, whether skip connections move on to it.
    """

    source: str
    temperature: float
    n_past: int
    copies: int
    refreshes: tuple[bool, ...]


class LatentStats(NamedTuple):
    """Statistics of the latents of a step, float32 (M, Z), the divergence (M,)."""

    prior_mean: Tensor
    prior_std: Tensor
    posterior_mean: Tensor | None = None
    posterior_std: Tensor | None = None
    kl: Tensor | None = None

    @classmethod
    def of(cls, prior: Gaussian, posterior: Gaussian | None) -> LatentStats:
        if posterior is None:
            return cls(prior.mean, prior.std)
        return cls(prior.mean, prior.std, posterior.mean, posterior.std, kl(posterior, prior).sum(-1))


class SVGPredictor(Predictor):
    """Rolls an SVG network forward, all futures of all clips in one batch; the context is computed once per clip.

    Known steps take the posterior mean, so that all futures of a clip share one context.
    """

    options_type = LatentOptions

    def __init__(self, cfg: SVGConfig, network: SVGNetwork, runtime: Runtime):
        self.cfg, self.runtime = cfg, runtime
        self.network = runtime.place(network).eval()
        self.begin, self.advance, self.finish = (runtime.capture(f) for f in (self.context, self.step, self.rollout))
        self.capabilities = Capabilities(
            n_past=(2, None),
            channels=(cfg.channels,),
            size=cfg.size,
            trained_past=cfg.n_past,
            trained_future=cfg.n_future,
            stochastic=cfg.latent != "none",
            priors=offered_priors(cfg.latent),
            reasons=disabled_controls(cfg.latent),
            actions=network.conditioner and network.conditioner.actions(),
        )

    def check(self, observation: Observation, options: LatentOptions | None = None) -> None:
        super().check(observation, options)
        check_prior(options, self.cfg.latent, observation)

    def stream(self, observation: Observation, seeds: Tensor, options: LatentOptions | None = None) -> Iterator[Step]:
        return self.run(observation, seeds, options, watched=True)

    def predict(self, observation: Observation, seeds: Tensor, options: LatentOptions | None = None) -> Prediction:
        """All steps at once, for nobody watches them."""
        return deque(self.run(observation, seeds, options, watched=False), maxlen=1).pop().prediction

    @torch.inference_mode()
    def run(self, observation: Observation, seeds: Tensor, options: LatentOptions | None, watched: bool) -> Iterator[Step]:
        options = options or LatentOptions()
        self.check(observation, options)
        network, n_past, total = self.network, observation.n_past, observation.frames.shape[1]
        refreshes = tuple(network.refreshes(t, n_past) for t in range(n_past + 1, total))
        spec = RolloutSpec(resolve_prior(options.prior, self.cfg.latent), options.temperature, n_past, seeds.shape[1], refreshes)
        true, vectors = self.given(observation, spec), self.vectors(observation)
        z = None if spec.source == "none" else draw_noise(seeds, total, self.cfg.z_dim).flatten(0, 1).to(self.runtime.device)
        frames = observation.frames[:, None].repeat(1, spec.copies, 1, 1, 1, 1)
        if watched:
            future, (*began, known) = [], self.begin(spec, true, vectors)
            for t, (frame, stats) in enumerate(self.unrolled(spec, began, true, z, self.advance), n_past):
                frames[:, :, t] = frame.unflatten(0, seeds.shape).to(frames.device)
                future.append(map_tensors(torch.clone, stats))
                if t < total - 1:
                    yield Step(t + 1 - n_past, total - n_past, partial(pad_with_last_frame, frames[:, :, : t + 1], total))
            future = stack_steps(future)
        else:
            made, future, known = self.finish(spec, true, vectors, z)
            frames[:, :, n_past:] = made.unflatten(0, seeds.shape).to(frames.device)
        yield Step(total - n_past, total - n_past, frames, Prediction(frames, make_traces(known, future, spec, total)))

    def given(self, observation: Observation, spec: RolloutSpec) -> Tensor:
        """The true frames that may be seen: the known ones, or the whole clip."""
        known = observation.frames[:, : spec.n_past]
        if spec.source.startswith("posterior"):
            known = torch.cat([known, observation.target[:, spec.n_past :]], 1)
        return known.to(self.runtime.device)

    def vectors(self, observation: Observation) -> Tensor | None:
        """The numbers (B, T, A) that the network is conditioned on; where none came they are zero."""
        if self.network.conditioner is None:
            return None
        if observation.actions is not None:
            return observation.actions.to(self.runtime.device)
        clips, length = observation.frames.shape[:2]
        return torch.zeros(clips, length, self.cfg.conditions.size, device=self.runtime.device)

    def context(self, spec: RolloutSpec, true: Tensor, vectors: Tensor | None) -> tuple[Any, ...]:
        """What a prediction begins from, a row a clip: the state after taking in every known frame, with posterior-mean latents,
        and the prior of the first frame to predict; the later steps' conditions (B, F - 1, E) and the future's posterior, or
        None; and the known steps' numbers."""
        network, n_past = self.network, spec.n_past
        conditions = None if vectors is None else network.conditioner(vectors)
        with self.runtime.autocast():
            features, stats = network.encode_clips(true, n_past), []
            posterior = None if spec.source == "none" else network.posterior(features)
            state = network.begin(len(true), true)
            for t in range(1, n_past + 1):
                refresh = network.refreshes(t, n_past)
                state = network.observe(state, true[:, t - 1], features[t - 1], refresh, at_step(conditions, t))
                prior = network.prior(state.summary)
                if t < n_past:
                    if prior is not None:
                        stats.append(LatentStats.of(prior, at_step(posterior, t - 1)))
                    state, _ = network.advance(state, None if prior is None else posterior.mean[:, t - 1])
        future = map_tensors(lambda x: x[:, n_past - 1 :], posterior) if spec.source.startswith("posterior") else None
        return state, prior, map_tensors(lambda x: x[:, n_past + 1 :], conditions), future, stack_steps(stats)

    def step(
        self, spec: RolloutSpec, state: Any, prior: Gaussian | None, last: Tensor, z: Tensor | None, posterior: Gaussian | None,
        condition: Tensor | None,
    ) -> tuple[Any, Tensor, LatentStats | None]:  # fmt: skip
        """One frame, a row a future. Where `how.refreshes` tells of one, the generated frame before it is taken in first: `last`
        (R, 2, C, H, W) are the two before, `condition` (R, E) leads to the frame. Otherwise the state has seen it, and `prior` is
        what it gave. Noise `z` (R, Z). Returns the state, the frame (R, C, H, W) in [0, 1] and the latent's numbers."""
        network = self.network
        with self.runtime.autocast():
            for refresh in spec.refreshes:
                before, previous = last.unbind(1)
                features = network.encode(previous, before, skips=refresh)
                state = network.observe(state, previous, features, refresh, condition)
                prior = network.prior(state.summary)
            stats = None if prior is None else LatentStats.of(prior, posterior)
            state, code = network.advance(state, None if prior is None else self.latent(spec, prior, posterior, z))
            return state, network.render(code).float().clamp(0, 1), stats

    @staticmethod
    def latent(spec: RolloutSpec, prior: Gaussian, posterior: Gaussian | None, z: Tensor) -> Tensor:
        chosen = prior if posterior is None else posterior
        if spec.source == "fixed":
            chosen = Gaussian.standard(prior.mean)
        return chosen.sample((0.0 if spec.source == "posterior-mean" else spec.temperature) * z)

    def rollout(
        self, spec: RolloutSpec, true: Tensor, vectors: Tensor | None, z: Tensor | None
    ) -> tuple[Tensor, LatentStats | None, LatentStats | None]:
        """All futures (R, F, C, H, W), and the numbers of future and known steps."""
        *began, known = self.context(spec, true, vectors)
        frames, stats = zip(*self.unrolled(spec, began, true, z, self.step))
        return torch.stack(frames, 1), stack_steps(stats), known

    @staticmethod
    def unrolled(
        spec: RolloutSpec, began: Sequence[Any], true: Tensor, z: Tensor | None, step: Function
    ) -> Iterator[tuple[Tensor, LatentStats | None]]:
        """(frame (R, C, H, W), its numbers) of every future step, from what `context` gave."""
        state, prior, conditions, posterior = repeat_rows(tuple(began), spec.copies)
        last = repeat_rows(true[:, spec.n_past - 2 : spec.n_past], spec.copies)
        for t in range(len(spec.refreshes) + 1):
            here, noises = replace(spec, refreshes=spec.refreshes[t - 1 : t]), None if z is None else z[:, spec.n_past + t]
            condition = None if conditions is None or t == 0 else conditions[:, t - 1]
            state, frame, stats = step(here, state, prior, last, noises, at_step(posterior, t), condition)
            last, prior = torch.stack([last[:, 1], frame], 1), None
            yield frame, stats


def make_traces(known: LatentStats | None, future: LatentStats | None, spec: RolloutSpec, total: int) -> dict[str, Tensor]:
    """name -> float32 (B, N, T, Z), or (B, N, T) for the KL; NaN at steps without one."""
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
    """The numbers of several steps as (M, steps, ...)."""
    if not stats or stats[0] is None:
        return None
    return LatentStats(*(None if parts[0] is None else torch.stack(parts, 1) for parts in zip(*stats)))


def at_step(tree: Any, t: int) -> Any:
    """Place t of tensors (M, T, ...)."""
    return map_tensors(lambda x: x[:, t], tree)
