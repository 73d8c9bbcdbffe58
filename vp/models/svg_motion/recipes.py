"""What can be trained by name."""

from __future__ import annotations

from ...core.crops import Crops
from ...core.family import Recipe, Stage
from .config import MotionConfig

RECIPES = (
    Recipe(
        "svg-lp-real",
        MotionConfig(),
        {"real128": 1.0},
        (Stage(("svg",)),),
        batch=8,
        crops=Crops(),
        protocol="",
        best_by="crps",
        about="learned prior over motion, real clips of any kind and size",
    ),
)
