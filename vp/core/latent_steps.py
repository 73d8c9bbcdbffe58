"""The latent z of every frame of a future, as numbers to look at, and one of them set by hand."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from .noise import Seeds
from .options import Options
from .predictor import Predictor
from .video import Observation, Prediction

FARTHEST = 10.0  # standard deviations to which a dimension may be set


@dataclass(frozen=True)
class LatentSteps:
    """What prior and posterior say of z at every frame of predicted clips.

    The prior is the one that z is drawn from, given the predicted frames before. The posterior has read the true frames. Frames
    that no z leads to hold NaN: the first one, and the other known ones of models that do not predict them.

    Args:
        prior_mean, prior_std: float32 (B, N, T, D).
        posterior_mean, posterior_std: float32 (B, N, T, D); NaN at frames whose truth is not given.
        kl: float32 (B, N, T), KL(posterior || prior) of all of z, in nats; NaN where there is no posterior.
    """

    prior_mean: Tensor
    prior_std: Tensor
    posterior_mean: Tensor
    posterior_std: Tensor
    kl: Tensor

    @classmethod
    def from_traces(cls, traces: Mapping[str, Tensor]) -> LatentSteps:
        """From `Prediction.traces` of these names; those that are missing are NaN."""
        mean = traces["prior_mean"]
        empty = {"posterior_mean": mean, "posterior_std": mean, "kl": mean[..., 0]}
        missing = {name: like.new_full(like.shape, math.nan) for name, like in empty.items() if name not in traces}
        return cls(**{name: x for name, x in {**traces, **missing}.items() if name in cls.__dataclass_fields__})


@dataclass(frozen=True)
class LatentChange:
    """One dimension of z set by hand, at one frame of all samples; the noise of everything else stays.

    Args:
        frame: index of a predicted frame.
        dimension: index among `LatentPredictor.latent_names`.
        value: distance from the mean of the distribution that z is drawn from, in its standard deviations, whatever the
            temperature.
    """

    frame: int
    dimension: int
    value: float

    def check(self, observation: Observation, names: tuple[str, ...]) -> None:
        """Raises ValueError where there is no such predicted frame or dimension, or the value is not within FARTHEST."""
        first, last = observation.n_past, observation.frames.shape[1] - 1
        if not first <= self.frame <= last:
            raise ValueError(f"frame {self.frame} is not one that is predicted; give one from {first} to {last}")
        if not 0 <= self.dimension < len(names):
            raise ValueError(f"z has no dimension {self.dimension}; give one from 0 to {len(names) - 1}")
        if not abs(self.value) <= FARTHEST:
            raise ValueError(f"z is set to {self.value} standard deviations; give {-FARTHEST:g} to {FARTHEST:g}")


class LatentPredictor(Predictor):
    """A predictor that draws a latent z for every frame. `latent_names` are the D dimensions in words, none without a latent."""

    latent_names: tuple[str, ...]

    def check_with_latent(self, observation: Observation, options: Options, change: LatentChange | None) -> None:
        """As `check`; ValueError too for a model without a latent, and for a change that cannot be made."""
        if not self.latent_names:
            raise ValueError("this model is deterministic: it has no latent to look at")
        self.check(observation, options)
        if change is not None:
            change.check(observation, self.latent_names)

    @abstractmethod
    def predict_with_latent(
        self, observation: Observation, seeds: Seeds, options: Options | None = None, change: LatentChange | None = None
    ) -> tuple[Prediction, LatentSteps]:
        """The prediction of the same arguments, and what prior and posterior say at its frames.

        Args:
            observation, seeds, options: as for `stream`; the posterior reads the observation's target where it has one, which
                changes no frame.
            change: a dimension to set by hand.

        Raises:
            ValueError: as `stream`, a model without a latent, or a change that cannot be made.
        """
