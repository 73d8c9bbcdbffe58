"""Sampling options of the family."""

from __future__ import annotations

from dataclasses import dataclass

from ...core.latent_options import LatentOptions
from ...core.options import slider

USUAL = 0.5  # on clips of split dev single samples are nearer than at 1, the value in training, at the same CRPS


TEMPERATURE = f"scale of the noise: 0 follows the most likely motion; how much paces differ grows up to {USUAL}"


def pace_temperature(temperature: float) -> float:
    """The scale of chance in the pace: from the usual temperature upwards as in training, below it in proportion.

    At the usual temperature z departs less than it was trained to, and the pace does not: samples differ more in how fast things
    go on, and bend less.
    """
    return min(1.0, temperature / USUAL)


@dataclass(frozen=True)
class MotionOptions(LatentOptions):
    """Options of models with a latent, with a lower default temperature; and a pace."""

    temperature: float = slider(USUAL, 0.0, 2.0, 0.05, TEMPERATURE, "Temperature")
    pace: float = slider(
        1.0, 0.0, 3.0, 0.05, "factor on all motion: at 0 everything stands still, at 2 it is twice as fast", "Pace"
    )
