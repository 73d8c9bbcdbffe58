"""Configuration of an SVG model over motion: network, latent and objective."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...core.latent_options import LATENTS
from ...core.settings import check_multiple_of, check_one_of


@dataclass(frozen=True)
class MotionObjective:
    """The loss and its schedules, each a function of the share of the budget spent.

    Args:
        beta_start, beta, beta_ramp: weight of the KL, in nats per frame, relative to the logarithm of a frame's error:
            interpolated on a log scale from `beta_start` to `beta` between the two shares.
        latent_from: share of the budget before which there is no z: predictable motion is learned first.
        squared: weight of the logarithm of the squared error beside that of the absolute error on a Laplacian pyramid.
        foreseen: share of the clips of a mini-batch with z the prior's mean: they train the most likely future.
        sampled: share of the clips of a mini-batch with two samples of z from the prior, trained by their energy score (Gneiting
            & Raftery 2007, section 4.3), which is lowest where samples have the distribution of the data.
        from_fewer: share of the mini-batches with fewer known frames than the network reads, but two or more.
        lengths: (share, frames) pairs: number of future frames to train on from that share of the budget.
    """

    beta_start: float = 1e-3
    beta: float = 8e-3
    beta_ramp: tuple[float, float] = (0.2, 0.7)
    latent_from: float = 0.1
    squared: float = 0.25
    foreseen: float = 0.375
    sampled: float = 0.0
    from_fewer: float = 0.2
    lengths: tuple[tuple[float, int], ...] = ((0.0, 5), (0.15, 10))

    def __post_init__(self) -> None:
        if min(self.beta_start, self.beta) <= 0:
            raise ValueError(f"beta_start is {self.beta_start} and beta {self.beta}; give weights above 0")
        if min(self.foreseen, self.sampled) < 0 or self.foreseen + self.sampled >= 1:
            raise ValueError(f"foreseen is {self.foreseen} and sampled {self.sampled}; give shares of 0 or more, below 1 in all")


@dataclass(frozen=True)
class MotionConfig:
    """One model of the family.

    Args:
        latent: 'none' (deterministic), 'fixed' (prior N(0, I)) or 'learned'.
        short_side: px of the shorter side at which motion is predicted, a multiple of 8; the clips themselves have any size.
        channels: channels of the frames.
        n_past, n_future: numbers of known and predicted frames in training.
        half, quarter, eighth: channels of the feature maps at these shares of that size.
        camera: whether the network also reads affine fits of the flows, and speed and steadiness of both.
        parts: approximate number of parts of a frame that z moves, beside the whole frame.
        context: number of transformer blocks in the encoder of the known frames, at an eighth.
        pace: whether every sample has a pace too, see `pace.Pace`; only with a latent.
    """

    latent: str = "learned"
    short_side: int = 64
    channels: int = 3
    n_past: int = 5
    n_future: int = 10
    half: int = 24
    quarter: int = 64
    eighth: int = 96
    camera: bool = False
    parts: int = 8
    context: int = 0
    pace: bool = False
    objective: MotionObjective = field(default_factory=MotionObjective)

    def __post_init__(self) -> None:
        check_one_of("latent", self.latent, LATENTS)
        if self.parts < 1:
            raise ValueError(f"parts is {self.parts}; give 1 or more")
        if self.context < 0:
            raise ValueError(f"context is {self.context}; give 0 or more")
        check_multiple_of(8, "short_side", self.short_side, 16)
