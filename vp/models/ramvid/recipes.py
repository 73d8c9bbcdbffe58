"""What can be trained by name."""

from __future__ import annotations

from ...core.family import Recipe, Stage
from .config import RamvidConfig

STAGES = (Stage(("denoiser",)),)
PUBLISHED_MASKS = {"random": 0.75, "none": 0.25}

RECIPES = (
    Recipe(
        "ramvid-smmnist",
        RamvidConfig(),
        {"smmnist-svg": 0.7, "smmnist-srvp": 0.3},
        STAGES,
        batch=8,
        length=60,
        about="flow matching with random known frames, moving digits, both bounce laws",
    ),
    Recipe(
        "ramvid-published",
        RamvidConfig(process="ddpm", network="published", masks=PUBLISHED_MASKS),
        {"smmnist-svg": 1.0},
        STAGES,
        batch=32,
        length=20,
        warmup=0.0,
        final_lr=1.0,
        ema=0.9999,
        about="RaMViD as published, on moving digits (235 M)",
    ),
)
