"""Sampling futures of a clip of any size, with z from the learned or fixed prior or from the posterior of the true future."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import torch
from torch import Tensor

from ...core.clips import pad_with_last_frame
from ...core.latent_options import check_prior, disabled_controls, offered_priors, resolve_prior
from ...core.predictor import Predictor, draw_noise
from ...core.runtime import Runtime
from ...core.tree import repeat_rows
from ...core.video import Capabilities, Observation, Prediction, Step
from ...nn.gaussian import Gaussian, kl
from ...nn.motion_input import motion_size, warp_any_size
from .config import MotionConfig
from .latent import AFFINE, Carried
from .network import MotionNetwork, prepare_known, true_motion
from .options import MotionOptions

SMALLEST = 16  # px of the shorter side of a clip


class MotionPredictor(Predictor):
    """Warps the last known frame, with all samples of all clips in one batch; known frames are encoded once per clip."""

    options_type = MotionOptions

    def __init__(self, cfg: MotionConfig, network: MotionNetwork, runtime: Runtime):
        self.cfg, self.runtime = cfg, runtime
        self.network = runtime.place(network).eval()
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
    def stream(self, observation: Observation, seeds: Tensor, options: MotionOptions | None = None) -> Iterator[Step]:
        options = options or MotionOptions()
        self.check(observation, options)
        network, device, n_past = self.network, self.runtime.device, observation.n_past
        total, size = observation.frames.shape[1], observation.frames.shape[-2:]
        prior = resolve_prior(options.prior, self.cfg.latent)
        known = observation.frames[:, :n_past].to(device)
        height, width = motion_size(*size, self.cfg.short_side)
        truth = self.true_flows(observation, (height // 2, width // 2)) if prior.startswith("posterior") else None
        read = prepare_known(known, (height, width))
        with self.runtime.autocast():
            scene, state = repeat_rows(network.encode_known(read), seeds.shape[1])
        last = repeat_rows(known[:, -1], seeds.shape[1])
        frames = observation.frames[:, None].repeat(1, seeds.shape[1], 1, 1, 1, 1)
        z_width = 0 if prior == "none" else network.latent.z_size((height, width))
        noises = draw_noise(seeds, total - n_past, z_width).flatten(0, 1).to(device) if z_width else None
        latents = []
        for t in range(n_past, total):
            with self.runtime.autocast():
                carried = network.carry_forward(scene, state)
                z, stats = None, {}
                if z_width:
                    true = truth and repeat_rows(tuple(x[:, t - n_past] for x in truth), seeds.shape[1])
                    z, stats = self.draw_latent(prior, options.temperature, carried, true, noises[:, t - n_past])
                state = network.advance(scene, state, carried, z)
            frames[:, :, t] = warp_any_size(last, state.displacement).clamp(0, 1).unflatten(0, seeds.shape).to(frames.device)
            latents.append(stats)
            if t < total - 1:
                yield Step(t + 1 - n_past, total - n_past, partial(pad_with_last_frame, frames[:, :, : t + 1], total))
        yield Step(total - n_past, total - n_past, frames, Prediction(frames, make_traces(latents, n_past, seeds)))

    def true_flows(self, observation: Observation, grid: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """`true_motion` of the true future frames, on a grid (h, w): two float32 (B, F, 2, h, w)."""
        true = torch.cat([observation.frames[:, : observation.n_past], observation.target[:, observation.n_past :]], 1)
        return true_motion(true[:, observation.n_past - 1 :].to(self.runtime.device), grid)

    def draw_latent(
        self, prior: str, temperature: float, carried: Carried, true: tuple[Tensor, Tensor] | None, noise: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Draws z (M, Z) of one step from standard normal `noise` (M, Z).

        Args:
            prior: 'learned', 'fixed', 'posterior' or 'posterior-mean'.
            true: true flow of the step, see `Latent.posterior`; needed for the posterior, otherwise None.

        Returns:
            z, and statistics for plots: those of the whole frame's departure, (M, AFFINE), and the KL, (M,).
        """
        latent = self.network.latent
        own = latent.prior(carried)
        stats = {"prior_mean": own.mean, "prior_std": own.std}
        chosen = Gaussian.standard(own.mean) if prior == "fixed" else own
        if true is not None:
            chosen = latent.posterior(carried, own, *true)
            stats |= {"posterior_mean": chosen.mean, "posterior_std": chosen.std}
        stats = {name: x[:, :AFFINE] for name, x in stats.items()}
        if true is not None:
            stats["kl"] = kl(chosen, own).sum(-1)
        return chosen.sample((0.0 if prior == "posterior-mean" else temperature) * noise), stats


def make_traces(latents: Sequence[dict[str, Tensor]], n_past: int, seeds: Tensor) -> dict[str, Tensor]:
    """`Prediction.traces`: name -> float32 (B, N, T, ...) from the statistics (B * N, ...) of all steps; NaN at known frames."""
    out = {}
    for name in latents[0]:
        future = torch.stack([stats[name] for stats in latents], 1).float().cpu().unflatten(0, seeds.shape)
        known = future.new_full((*seeds.shape, n_past, *future.shape[3:]), float("nan"))
        out[name] = torch.cat([known, future], 2)
    return out
