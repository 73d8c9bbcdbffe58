"""The recipe of the family."""

from __future__ import annotations

from ...core.crops import REAL_CLIPS
from ...core.family import Recipe, Stage
from .config import MotionConfig, MotionObjective

# the most likely motion first, then its distribution
OBJECTIVE = MotionObjective(
    latent_from=0.2, beta_ramp=(0.3, 0.8), squared=0.5, foreseen=0.25, sampled=0.375, lengths=((0.0, 5), (0.1, 10))
)

RECIPES = (
    Recipe(
        "svg-lp-real",
        MotionConfig(camera=True, context=4, pace=True, objective=OBJECTIVE),
        {"real128": 0.8, "ucf101": 0.2},
        (Stage(("svg",)),),
        batch=8,
        crops=REAL_CLIPS,
        imposed=0.15,
        protocol="",
        best_by="crps",
        about="learned prior over motion, real clips of any kind and size",
    ),
)
