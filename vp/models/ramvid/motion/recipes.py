"""The training recipes of the family."""

from __future__ import annotations

from ....core.crops import REAL_CLIPS
from ....core.family import Recipe, Stage
from .config import MotionDiffusionConfig

RECIPES = (
    Recipe(
        "ramvid-real",
        MotionDiffusionConfig(),
        {"real128": 0.8, "ucf101": 0.2},
        (Stage(("denoiser",)),),
        batch=8,
        crops=REAL_CLIPS,
        protocol="",
        best_by="crps",
        about="diffusion that also fills in and slows down, random masks over motion, real clips of any kind and size",
    ),
)
