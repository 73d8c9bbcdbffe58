"""What can be trained by name."""

from __future__ import annotations

from ....core.crops import Crops
from ....core.family import Recipe, Stage
from .config import MotionDiffusionConfig

RECIPES = (
    Recipe(
        "ramvid-real",
        MotionDiffusionConfig(),
        {"real128": 1.0},
        (Stage(("denoiser",)),),
        batch=8,
        crops=Crops(),
        protocol="",
        best_by="crps",
        about="random-mask diffusion of motion, real clips of any kind and size",
    ),
)
