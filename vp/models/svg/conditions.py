"""Conditions: a vector per frame, such as an action, normalised by statistics of the training data and embedded."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ...core.video import Actions, Batch
from .config import Conditions, SVGConfig

MEASURED = 256  # number of clips that statistics are taken from
STEADY = 1e-6  # a component with a smaller standard deviation counts as constant


class Conditioner(nn.Module):
    """Normalises and embeds the vectors of all frames, and aligns them to the steps of a rollout.

    Mean, standard deviation and range of the training data are buffers in float64, which checkpoints store at full precision.
    """

    def __init__(self, conditions: Conditions):
        super().__init__()
        self.conditions = conditions
        zeros, ones = (torch.full((conditions.size,), value, dtype=torch.float64) for value in (0.0, 1.0))
        for name, value in {"mean": zeros, "std": ones, "low": -ones, "high": ones}.items():
            self.register_buffer(name, value.clone())
        width = conditions.width
        layers = (nn.Linear(conditions.size, 2 * width), nn.LeakyReLU(0.2), nn.Linear(2 * width, width)) if width else ()
        self.embed = nn.Sequential(*layers)

    def fit_statistics(self, vectors: Tensor) -> None:
        """Sets mean, standard deviation and range from training vectors (..., A)."""
        rows = vectors.detach().double().reshape(-1, self.conditions.size).cpu()
        spread = rows.std(0, correction=0)
        found = {"mean": rows.mean(0), "std": spread.where(spread > STEADY, 1.0), "low": rows.amin(0), "high": rows.amax(0)}
        for name, value in found.items():
            getattr(self, name).copy_(value)

    def forward(self, vectors: Tensor) -> Tensor:
        """Vectors (B, T, A) to float32 (B, T, E); index t of the result leads to frame t."""
        if self.conditions.alignment == "t-1":
            vectors = torch.cat([vectors[:, :1], vectors[:, :-1]], 1)
        return self.embed((vectors.float() - self.mean.float()) / self.std.float()).float()

    def action_spec(self) -> Actions:
        """Names, ranges in the training data, and sources of the vector's components."""
        ranges = tuple(zip(self.low.tolist(), self.high.tolist()))
        return Actions(tuple(f"number {k + 1}" for k in range(len(ranges))), ranges, self.conditions.sources)


def fit_statistics(cfg: SVGConfig, networks: nn.ModuleDict, draw: Callable[[int], Batch]) -> None:
    """Fits the conditioner to MEASURED training clips; draw(n) returns a Batch of n clips. Nothing to do without conditions.

    Raises:
        ValueError: the clips lack the vectors that the network is conditioned on, or these have another size.
    """
    if cfg.conditions is None:
        return
    vectors = draw(MEASURED).vectors(cfg.conditions.sources)
    if vectors.shape[-1] != cfg.conditions.size:
        what, wanted = " and ".join(cfg.conditions.sources), cfg.conditions.size
        raise ValueError(f"{what} of {vectors.shape[-1]} numbers a frame came; the recipe is conditioned on {wanted}")
    networks["svg"].conditioner.fit_statistics(vectors)
