"""Sampling: futures of a clip of any size, from the learned or fixed prior, or from the posterior, which sees the future."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from ...core.clips import held
from ...core.latent_options import LatentOptions, chosen_prior, offered_priors
from ...core.predictor import Predictor, noise
from ...core.runtime import Runtime
from ...core.tree import map_tensors
from ...core.video import Abilities, Observation, Prediction, Step
from ...nn.gaussian import Gaussian, kl
from .config import MotionConfig
from .flows import composed, flows_back, last_known, motion_size
from .network import MotionNetwork, State, moved

SMALLEST = 16  # px of the shorter side of a clip


class MotionPredictor(Predictor):
    """Moves the last known frame, all futures of all clips in one batch; what is known is read once per clip."""

    options_type = LatentOptions

    def __init__(self, cfg: MotionConfig, network: MotionNetwork, runtime: Runtime):
        self.cfg, self.runtime = cfg, runtime
        self.network = runtime.place(network).eval()
        stochastic = cfg.latent != "none"
        reasons = (
            {}
            if stochastic
            else dict.fromkeys(("n_futures", "prior", "temperature"), "this model is deterministic: every future is the same")
        )
        self.abilities = Abilities(
            n_past=(2, None),
            channels=(3, 1),
            trained_past=cfg.n_past,
            trained_future=cfg.n_future,
            stochastic=stochastic,
            priors=offered_priors(cfg.latent),
            reasons=reasons,
        )

    def check(self, observation: Observation, options: LatentOptions | None = None) -> None:
        super().check(observation, options)
        height, width = observation.frames.shape[-2:]
        if min(height, width) < SMALLEST:
            raise ValueError(f"the clip is {width}x{height}; this model takes {SMALLEST} pixels or more a side: enlarge it first")
        prior = chosen_prior((options or LatentOptions()).prior, self.cfg.latent)
        if prior.startswith("posterior") and observation.target is None:
            raise ValueError("the posterior needs the true future frames, and none came; choose another prior")

    @torch.inference_mode()
    def stream(self, observation: Observation, seeds: Tensor, options: LatentOptions | None = None) -> Iterator[Step]:
        options = options or LatentOptions()
        self.check(observation, options)
        network, device, n_past = self.network, self.runtime.device, observation.n_past
        total, size = observation.frames.shape[1], observation.frames.shape[-2:]
        prior = chosen_prior(options.prior, self.cfg.latent)
        known = observation.frames[:, :n_past].to(device)
        height, width = motion_size(*size, self.cfg.short_side)
        truth = self.truth(observation, (height // 2, width // 2)) if prior.startswith("posterior") else None
        small, flows = last_known(known, (height, width))
        with self.runtime.autocast():
            scene, state = repeated(network.begin(small, flows), seeds.shape[1])
        last = known[:, -1].repeat_interleave(seeds.shape[1], 0)
        frames = observation.frames[:, None].repeat(1, seeds.shape[1], 1, 1, 1, 1)
        z_width = 0 if prior == "none" else network.latent.width((height, width))
        noises = noise(seeds, total - n_past, z_width).flatten(0, 1).to(device) if z_width else None
        traces = {}
        for t in range(n_past, total):
            with self.runtime.autocast():
                carried, summary = network.carry(scene, state)
                z, stats = None, {}
                if z_width:
                    true = None if truth is None else tuple(x[:, t - n_past].repeat_interleave(seeds.shape[1], 0) for x in truth)
                    z, stats = self.latent(prior, options.temperature, summary, carried, true, noises[:, t - n_past])
                state = network.advance(scene, state, carried, summary, z)
            frames[:, :, t] = moved(last, state.displacement).clamp(0, 1).unflatten(0, seeds.shape).to(frames.device)
            for name, value in stats.items():
                nothing = torch.full((*seeds.shape, total, *value.shape[1:]), float("nan"))
                traces.setdefault(name, nothing)[:, :, t] = value.float().cpu().unflatten(0, seeds.shape)
            if t < total - 1:
                yield Step(t + 1 - n_past, total - n_past, partial(held, frames[:, :, : t + 1], total))
        yield Step(total - n_past, total - n_past, frames, Prediction(frames, traces))

    def truth(self, observation: Observation, grid: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """Where the pixels of each true future frame were in the one before and in the last known frame, (B, F, 2, h/2, w/2)."""
        true = torch.cat([observation.frames[:, : observation.n_past], observation.target[:, observation.n_past :]], 1)
        true = true[:, observation.n_past - 1 :]
        true = true.expand(-1, -1, 3, -1, -1) if true.shape[2] == 1 else true
        steps = flows_back(true, grid, estimated_at=self.cfg.short_side).to(self.runtime.device)
        return steps, composed(steps)

    def latent(
        self, prior: str, temperature: float, summary: Tensor, carried: State, true: tuple[Tensor, Tensor] | None, noise: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """z (M, Z), and its statistics to plot: the part for the whole frame, (M, z_global), and the divergence, (M,)."""
        latent = self.network.latent
        own = latent.prior(summary)
        stats = {"prior_mean": own.mean, "prior_std": own.std}
        chosen = Gaussian.standard(own.mean) if prior == "fixed" else own
        if true is not None:
            chosen = latent.posterior(summary, carried.step, carried.displacement, *true)
            stats |= {"posterior_mean": chosen.mean, "posterior_std": chosen.std}
        stats = {name: x[:, : self.cfg.z_global] for name, x in stats.items()}
        if true is not None:
            stats["kl"] = kl(chosen, own).sum(-1)
        return chosen.sample((0.0 if prior == "posterior-mean" else temperature) * noise), stats


def repeated(tree, times: int):
    """Each row of every tensor in nested tuples `times` times."""
    return map_tensors(lambda x: x.repeat_interleave(times, 0), tree)
