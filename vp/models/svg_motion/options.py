"""Sampling options of the family."""

from __future__ import annotations

from dataclasses import dataclass

from ...core.latent_options import LatentOptions
from ...core.options import slider
from .pace import FASTEST

USUAL = 0.45  # on clips of split dev single samples are nearer than at 1, the value in training, at nearly the same CRPS


def pace_temperature(temperature: float) -> float:
    """The scale of chance in the pace: the square root of that in z, so both are 0 and 1, as in training, together.

    In between samples differ more in how fast things go on, and bend less: chosen on clips of split dev.
    """
    return temperature**0.5


@dataclass(frozen=True)
class MotionOptions(LatentOptions):
    """Options of models with a latent, with a lower default temperature; and a pace."""

    temperature: float = slider(USUAL, 0.0, 2.0, 0.05, "scale of the noise: 0 follows the most likely motion", "Temperature")
    pace: float = slider(
        1.0, 0.0, FASTEST, 0.05, "factor on all motion: at 0 everything stands still, at 2 it is twice as fast", "Pace"
    )
