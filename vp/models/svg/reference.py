"""The reference training step: one frame at a time, as in the published code.

Slow; kept for comparison: the vectorised objective must give the same loss, and `vp bench train` times both. Every frame is
encoded twice, as target and as input, and every skip is convolved anew at every frame.
"""

from __future__ import annotations

import torch
from torch import nn

from ...core.family import Losses, Progress
from ...core.video import Batch
from ...nn.gaussian import Gaussian, kl
from .config import SVGConfig
from .objective import kl_weight
from .published import PublishedSVG


def per_frame_loss(
    cfg: SVGConfig, networks: nn.ModuleDict, batch: Batch, progress: Progress, generator: torch.Generator
) -> Losses:
    """Teacher-forced loss of a published network with a latent; frames float32 (B, T, C, H, W) in [0, 1]."""
    model: PublishedSVG = networks["svg"]
    frames, objective = batch.frames, cfg.objective
    count, length = frames.shape[:2]
    noise = torch.randn(count, length - 1, cfg.z_dim, generator=generator, device=generator.device)
    start, skips = model.initial_state(count, frames), ()
    predictor_state, prior_state, posterior_state = start.predictor, start.prior, model.posterior_lstm.zero_state(count, frames)
    error, divergence, summary = 0.0, 0.0, start.summary
    for t in range(1, length):
        (h, *seen_skips), target = model.encoder(frames[:, t - 1]), model.encoder(frames[:, t])
        output, posterior_state = model.posterior_lstm(target[0], posterior_state)
        posterior = model.posterior_lstm.head(output)
        if model.prior_lstm is not None:
            summary, prior_state = model.prior_lstm(h, prior_state)
        prior: Gaussian = model.prior(summary)
        if model.refreshes_skips(t, cfg.n_past) or not skips:
            skips = seen_skips
        z = posterior.sample(noise[:, t - 1].to(frames.device))
        output, predictor_state = model.frame_predictor(torch.cat([h, z], 1), predictor_state)
        predicted = model.decoder.forward_concatenated(model.frame_predictor.out(output), *skips).float()
        error = error + (predicted - frames[:, t]).square().mean()
        divergence = divergence + kl(posterior, prior).sum(-1).mean()
    error, divergence = error / (length - 1), divergence / (length - 1)
    beta = kl_weight(objective, progress.share)
    return Losses(error + beta * divergence, {"mse": error, "kl": divergence, "beta": torch.tensor(beta)})
