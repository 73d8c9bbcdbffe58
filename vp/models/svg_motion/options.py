"""What can be chosen when the model samples."""

from __future__ import annotations

from dataclasses import dataclass

from ...core.latent_options import LatentOptions
from ...core.options import slider

USUAL = 0.6  # on clips to choose by: as good a CRPS as 1, which the prior was trained for, and better single futures


@dataclass(frozen=True)
class MotionOptions(LatentOptions):
    """As of every model with a latent, but samples usually stray less from the most likely motion."""

    temperature: float = slider(USUAL, 0.0, 2.0, 0.05, "scale of the noise: 0 follows the most likely motion", "Temperature")
