"""Sampling options of the family."""

from __future__ import annotations

from dataclasses import dataclass

from ...core.latent_options import LatentOptions
from ...core.options import slider

USUAL = 0.6  # on validation clips its CRPS equals that of 1, the value in training, and single samples are better


@dataclass(frozen=True)
class MotionOptions(LatentOptions):
    """Options of models with a latent, with a lower default temperature; and a pace."""

    temperature: float = slider(USUAL, 0.0, 2.0, 0.05, "scale of the noise: 0 follows the most likely motion", "Temperature")
    pace: float = slider(
        1.0, 0.0, 3.0, 0.05, "factor on all motion: at 0 everything stands still, at 2 it is twice as fast", "Pace"
    )
