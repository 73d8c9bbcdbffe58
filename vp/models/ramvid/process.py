"""The two processes behind one interface: how a clip is made noisy, and how a clean one is guessed from the network's output."""

from __future__ import annotations

import torch
from torch import Tensor

from .config import RamvidConfig
from .solvers import DDPM_STEPS, Levels, ddpm_levels, ddpm_signal, flow_levels

NEARLY_CLEAN = 0.97  # where a sampler's last step starts when nothing is known, and what things look like is still to be settled


def levels(cfg: RamvidConfig, steps: int, anything_known: bool = True) -> Levels:
    """Those that a sampler visits."""
    if cfg.process == "ddpm":
        return ddpm_levels(steps)
    return flow_levels(steps, cfg.sampler_noise_shift or cfg.noise_shift, cfg.terminal_level if anything_known else NEARLY_CLEAN)


def signal_and_noise(cfg: RamvidConfig, time: Tensor) -> tuple[Tensor, Tensor]:
    """(a, s) of x = a x0 + s eps at each time, as `Levels.time` counts it."""
    if cfg.process == "flow":
        return time, 1 - time
    signal = ddpm_signal().to(time.device, torch.float32)
    squared = signal[(time * DDPM_STEPS).round().long().clamp(0, DDPM_STEPS - 1)]
    return squared.sqrt(), (1 - squared).sqrt()


def clean_from(cfg: RamvidConfig, output: Tensor, x: Tensor, a: float, s: float) -> Tensor:
    """The guess of x0 in [-1, 1] from what the network gave at noisy x: itself on a flow, through the noise on a DDPM."""
    guess = output if cfg.process == "flow" else (x - s * output) / a
    return guess.clamp(-1, 1)


def noisy(frames: Tensor, known: Tensor, time: Tensor, eps: Tensor, cfg: RamvidConfig) -> Tensor:
    """Frames (B, T, C, H, W) with noise wherever they are not known; time (B, T)."""
    a, s = (y[..., None, None, None] for y in signal_and_noise(cfg, time))
    return torch.where(known[..., None, None, None], frames, a * frames + s * eps)
