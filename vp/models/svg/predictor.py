"""Sampling from an SVG model: futures from the learned or fixed prior, or from the posterior, which sees the future."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ...core.clips import held
from ...core.options import Options, choice, knob
from ...core.predictor import Predictor, noise
from ...core.runtime import Runtime
from ...core.tree import map_tensors
from ...core.video import Abilities, Observation, Prediction, Step
from .config import SVGConfig
from .latent import Gaussian, kl
from .network import Features, SVGNetwork

PRIORS = {
    "learned": "learned prior p(z | past)",
    "fixed": "fixed prior N(0, I)",
    "posterior": "posterior sample (sees the future)",
    "posterior-mean": "posterior mean (sees the future)",
}


@dataclass(frozen=True)
class SVGOptions(Options):
    """Where z comes from at the frames to predict, and how far samples stray from its mean."""

    prior: str = choice("auto", {"auto": "the model's own", **PRIORS}, "where the latent z is drawn from", "Prior")
    temperature: float = knob(1.0, 0.0, 2.0, 0.05, "scale of the noise: 0 follows the mean of the prior", "Temperature")


def offered_priors(cfg: SVGConfig) -> dict[str, str | None]:
    """Prior -> None where the model offers it, or the reason why not."""
    if cfg.latent == "none":
        return dict.fromkeys(PRIORS, "this model is deterministic: it has no latent to draw")
    untrained = "this model was trained with a fixed prior; it has no learned one"
    return {**dict.fromkeys(PRIORS), "learned": untrained if cfg.latent == "fixed" else None}


class SVGPredictor(Predictor):
    """Rolls an SVG network forward, all futures of all clips in one batch; the context is computed once per clip."""

    options_type = SVGOptions

    def __init__(self, cfg: SVGConfig, network: SVGNetwork, runtime: Runtime):
        self.cfg, self.runtime = cfg, runtime
        self.network = runtime.place(network).eval()
        stochastic = cfg.latent != "none"
        reasons = {} if stochastic else dict.fromkeys(
            ("n_futures", "prior", "temperature"), "this model is deterministic: every future is the same"
        )
        self.abilities = Abilities(
            n_past=(2, None), channels=(cfg.channels,), size=cfg.size, trained_past=cfg.n_past,
            trained_future=cfg.n_future, stochastic=stochastic, priors=offered_priors(cfg), reasons=reasons,
            actions=network.conditioner and network.conditioner.actions(),
        )

    def check(self, observation: Observation, options: SVGOptions | None = None) -> None:
        super().check(observation, options)
        prior = self.resolve(options or SVGOptions())
        if prior.startswith("posterior") and observation.target is None:
            raise ValueError("the posterior needs the true future frames, and none came; choose another prior")

    def resolve(self, options: SVGOptions) -> str:
        """The prior asked for, or a ValueError with the reason why this model does not offer it."""
        if self.cfg.latent == "none":
            return "none"
        prior = options.prior if options.prior != "auto" else self.cfg.latent
        reason = self.abilities.priors[prior]
        if reason:
            raise ValueError(f"prior is {prior!r}, but {reason}")
        return prior

    @torch.inference_mode()
    def stream(self, observation: Observation, seeds: Tensor, options: SVGOptions | None = None) -> Iterator[Step]:
        options = options or SVGOptions()
        self.check(observation, options)
        prior = self.resolve(options)
        features = self.features(observation, sees_future=prior.startswith("posterior"))
        latents = Latents(self, observation, features, seeds, prior, options.temperature)
        n_past, total = observation.n_past, observation.frames.shape[1]
        frames = observation.frames[:, None].expand(-1, seeds.shape[1], *observation.frames.shape[1:]).clone()
        own = frames.flatten(0, 1).to(self.runtime.device, copy=True)  # (B * N, T, C, H, W)
        conditions = self.network.conditions(to(observation.actions, self.runtime.device), own[:: seeds.shape[1]])
        state = self.context(own[:: seeds.shape[1], :n_past], features, latents, conditions)
        state, conditions = repeat_rows((state, tuple(conditions)), seeds.shape[1])
        for t in range(n_past, total):
            state, frame = self.step(state, own[:, t - 2 : t], t, n_past, latents, conditions[t])
            own[:, t] = frame.clamp(0, 1)
            frames[:, :, t] = own[:, t].unflatten(0, seeds.shape).to(frames.device)
            if t < total - 1:
                yield Step(t + 1 - n_past, total - n_past, partial(held, frames[:, :, : t + 1], total))
        steps = total - n_past
        yield Step(steps, steps, frames, Prediction(frames, latents.traces()))

    def features(self, observation: Observation, sees_future: bool) -> list[Features]:
        """Features of the true frames: the known ones, or the whole clip where the future may be seen."""
        known = observation.frames[:, : observation.n_past]
        true = torch.cat([known, observation.target[:, observation.n_past :]], 1) if sees_future else known
        with self.runtime.autocast():
            return self.network.encode_clips(true.to(self.runtime.device), observation.n_past)

    def context(
        self, known: Tensor, features: list[Features], latents: Latents, conditions: Sequence[Tensor | None]
    ) -> Any:
        """The state after predicting every known frame but the first, with posterior-mean latents; rows are clips."""
        with self.runtime.autocast():
            state = self.network.begin(len(known), known)
            for t in range(1, known.shape[1]):
                refresh = self.network.refreshes(t, known.shape[1])
                state = self.network.observe(state, known[:, t - 1], features[t - 1], refresh, conditions[t])
                z = latents.known(t, self.network.prior(state.summary))
                state, _ = self.network.advance(state, z)
        return state

    def step(
        self, state: Any, last: Tensor, t: int, n_past: int, latents: Latents, condition: Tensor | None
    ) -> tuple[Any, Tensor]:
        """One step on the model's own frames: `last` (R, 2, C, H, W), the two before frame t, and the condition (R, E) that leads
        to it, to frame t."""
        before, previous = last.unbind(1)
        with self.runtime.autocast():
            refresh = self.network.refreshes(t, n_past)
            features = self.network.encode(previous, before, skips=refresh)
            state = self.network.observe(state, previous, features, refresh, condition)
            z = latents.future(t, self.network.prior(state.summary))
            state, code = self.network.advance(state, z)
            return state, self.network.render(code)


class Latents:
    """Chooses z at every step of one prediction, and keeps what it saw for the traces.

    Known steps take the posterior mean, so that all futures of a clip share one context.
    """

    def __init__(
        self,
        predictor: SVGPredictor,
        observation: Observation,
        features: list[Features],
        seeds: Tensor,
        prior: str,
        temperature: float,
    ):
        self.seeds, self.prior, self.temperature = seeds, prior, temperature
        self.length, self.z_dim = observation.frames.shape[1], predictor.cfg.z_dim
        self.kept: dict[str, dict[int, Tensor]] = {}
        if prior == "none":
            return
        self.noise = noise(seeds, self.length, self.z_dim).flatten(0, 1).to(predictor.runtime.device)
        with predictor.runtime.autocast():
            self.posterior = predictor.network.posterior(features)

    def known(self, t: int, prior: Gaussian | None) -> Tensor | None:
        """z_t (B, Z) of a context frame."""
        if prior is None:
            return None
        posterior = self.posterior.at(t - 1)
        self.keep(t, prior, posterior, repeat=self.seeds.shape[1])
        return posterior.mean

    def future(self, t: int, prior: Gaussian | None) -> Tensor | None:
        """z_t (B * N, Z) of a frame to predict."""
        if prior is None:
            return None
        chosen, posterior = prior, None
        if self.prior.startswith("posterior"):
            chosen = posterior = repeat_rows(self.posterior.at(t - 1), self.seeds.shape[1])
        elif self.prior == "fixed":
            chosen = Gaussian.standard(prior.mean)
        self.keep(t, prior, posterior)
        spread = 0.0 if self.prior == "posterior-mean" else self.temperature
        return chosen.sample(spread * self.noise[:, t])

    def keep(self, t: int, prior: Gaussian, posterior: Gaussian | None, repeat: int = 1) -> None:
        numbers = {"prior_mean": prior.mean, "prior_std": prior.std}
        if posterior is not None:
            divergence = kl(posterior, prior).sum(-1)
            numbers.update(posterior_mean=posterior.mean, posterior_std=posterior.std, kl=divergence)
        for name, x in numbers.items():
            self.kept.setdefault(name, {})[t] = x.float().cpu().repeat_interleave(repeat, 0)

    def traces(self) -> dict[str, Tensor]:
        """name -> float32 (B, N, T, Z), or (B, N, T) for the KL; NaN at steps without one."""
        return {name: self.trace(steps) for name, steps in self.kept.items()}

    def trace(self, steps: dict[int, Tensor]) -> Tensor:
        first = next(iter(steps.values()))
        out = torch.full((self.seeds.numel(), self.length, *first.shape[1:]), float("nan"))
        for t, x in steps.items():
            out[:, t] = x
        return out.unflatten(0, tuple(self.seeds.shape))


def to(x: Tensor | None, device: torch.device) -> Tensor | None:
    return x if x is None else x.to(device)


def repeat_rows(tree: Any, times: int) -> Any:
    """Each row of every tensor in nested tuples `times` times, as (B, N) flattened."""
    return map_tensors(lambda x: x.repeat_interleave(times, 0), tree)
