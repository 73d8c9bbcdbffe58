"""Predictor: the interface by which UI, CLI and evaluation use every model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from .noise import Seeds
from .options import Options
from .video import Capabilities, Observation, Prediction, Step


class Predictor(ABC):
    """Turns a partly known clip into futures.

    Implementations set `capabilities` and `options_type` and write `stream`. `stream` fills unknown frames, never reads
    them, and returns known frames bit for bit.
    """

    capabilities: Capabilities
    options_type: type[Options] = Options

    @abstractmethod
    def stream(self, observation: Observation, seeds: Seeds, options: Options | None = None) -> Iterator[Step]:
        """Yields one Step after another, the last with the Prediction; closing the iterator cancels the computation.

        Args:
            observation: the partly known clips.
            seeds: int64 (B, N): how many samples, and the noise of each; sample (b, n) depends on its seed alone. Or a
                `SeedMix`, for noise between that of several seeds.
            options: an instance of `options_type`, or None for its defaults.

        Raises:
            ValueError: the model cannot predict from this observation or with these options, in one sentence.
        """

    def predict(self, observation: Observation, seeds: Seeds, options: Options | None = None) -> Prediction:
        """The prediction at the end of `stream`."""
        last = deque(self.stream(observation, seeds, options), maxlen=1).pop().prediction
        assert last is not None, "the last step of a stream has the prediction"
        return last

    def prepare(self, observation: Observation, options: Options | None = None) -> Callable[[Seeds], Prediction]:
        """A function that predicts futures of one observation from their seeds, again and again, as `predict` does; what depends
        on the known frames alone may be computed once. Errors as for `stream`."""
        return lambda seeds: self.predict(observation, seeds, options)

    def check(self, observation: Observation, options: Options | None = None) -> None:
        """Raises ValueError, in one sentence, where the model does not accept the observation or the options."""
        self.capabilities.check(observation)


def seed_grid(seed: int, batch: int, samples: int) -> Tensor:
    """Seeds int64 (batch, samples); entry (b, n) depends on seed, b and n alone, so more clips or samples only add entries.

    Raises:
        ValueError: the seed is negative or has more than 32 bits, which torch's CPU generator would truncate.
    """
    if not 0 <= seed < 2**32:
        raise ValueError(f"seed is {seed}; give a whole number from 0 to {2**32 - 1}")
    rows = torch.arange(batch)[:, None] * 1_000_003
    return (seed * 7_919 + rows + torch.arange(samples)[None]).remainder(2**63 - 1)
