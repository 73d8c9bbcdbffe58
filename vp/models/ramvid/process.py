"""The two diffusion processes behind one interface: adding noise to a clip, and clean clips from the network's output."""

from __future__ import annotations

import torch
from torch import Tensor

from .config import RamvidConfig
from .solvers import DDPM_STEPS, Levels, ddpm_levels, ddpm_signal, flow_levels

NEARLY_CLEAN = 0.97  # where a sampler's last step starts when nothing is known, and what things look like is still to be settled


def sampling_levels(cfg: RamvidConfig, steps: int, anything_known: bool = True) -> Levels:
    """The noise levels that a sampler visits in so many steps."""
    if cfg.process == "ddpm":
        return ddpm_levels(steps)
    return flow_levels(steps, cfg.sampler_noise_shift or cfg.noise_shift, cfg.terminal_level if anything_known else NEARLY_CLEAN)


def signal_and_noise_scales(cfg: RamvidConfig, time: Tensor) -> tuple[Tensor, Tensor]:
    """(a, s) of x = a x0 + s eps, each shaped like `time`, which counts as `Levels.time` does."""
    if cfg.process == "flow":
        return time, 1 - time
    signal = ddpm_signal().to(time.device, torch.float32)
    squared = signal[(time * DDPM_STEPS).round().long().clamp(0, DDPM_STEPS - 1)]
    return squared.sqrt(), (1 - squared).sqrt()


def clean_from_output(cfg: RamvidConfig, output: Tensor, x: Tensor, a: float, s: float) -> Tensor:
    """The estimate of x0 in [-1, 1] from the network's output at noisy x: the output on a flow, x without noise on a DDPM."""
    guess = output if cfg.process == "flow" else (x - s * output) / a
    return guess.clamp(-1, 1)


def add_noise(frames: Tensor, known: Tensor, time: Tensor, eps: Tensor, cfg: RamvidConfig) -> Tensor:
    """Frames (B, T, C, H, W) with noise `eps` added at level `time` (B, T) wherever `known`, bool (B, T), is False."""
    a, s = (y[..., None, None, None] for y in signal_and_noise_scales(cfg, time))
    return torch.where(known[..., None, None, None], frames, a * frames + s * eps)
