"""A small fusion model whose zero-initialised parts say something too."""

from dataclasses import replace

import torch

from vp.core.runtime import Runtime
from vp.models.fusion import critics, networks, predictor, tiny
from vp.models.fusion.config import Drawing

SMALL = tiny()
CPU = Runtime.pick("cpu", "fp32")
OVERLAY = Drawing(mode="overlay")


def shaken(cfg=None) -> torch.nn.ModuleDict:
    """All networks of a config, the critic's too."""
    cfg = cfg or SMALL
    nets = torch.nn.ModuleDict({**networks(cfg), **critics(cfg)})
    with torch.no_grad():
        for p in nets.parameters():
            p.add_(0.05 * torch.randn_like(p))
    return nets


def model(cfg=None, **more):
    cfg = replace(cfg or SMALL, **more)
    return predictor(cfg, shaken(cfg), CPU)


def clips(count: int = 2, length: int = 10, size: int = 32) -> torch.Tensor:
    """Bright squares that move, float32 (count, T, 1, size, size), so that pictures have edges and segments."""
    frames = torch.zeros(count, length, 1, size, size)
    for b in range(count):
        for t in range(length):
            x = 3 + (2 * t + 5 * b) % (size - 12)
            frames[b, t, :, 8 + b : 16 + b, x : x + 8] = 0.9
    return frames
