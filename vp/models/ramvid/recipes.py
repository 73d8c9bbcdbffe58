"""The training recipes of the family."""

from __future__ import annotations

from dataclasses import replace

from ...core.family import Recipe, Stage
from ...nn.adversary import has_critic
from .config import RamvidConfig

STAGES = (Stage(("denoiser",)),)
AGAINST_CRITIC = (Stage(("denoiser", "critic")),)
PUBLISHED_MASKS = {"random": 0.75, "none": 0.25}
WIDE = 96  # colour film wants more than digits do


def recorded_recipe(data: str, cfg: RamvidConfig, about: str) -> Recipe:
    """A recipe `ramvid-DATA` on real clips of the data set `data`, validated on its validation split."""
    words = f"flow matching with random known frames, {about}"
    return Recipe(f"ramvid-{data}", cfg, {data: 1.0}, STAGES, batch=8, length=cfg.length, protocol="", about=words)


def digits_recipe(name: str, cfg: RamvidConfig, about: str) -> Recipe:
    """A recipe on moving digits: a quarter under each bounce law, half digits in their variety.

    Clips have 60 frames, of which the network sees 30 at strides of one or two. Of `cfg` the length, the noise schedule and the
    weighting of clips are replaced; it trains against a critic where `cfg` has one.
    """
    cfg = replace(cfg, length=30, flows=4, noise_shift=8.0, sampler_noise_shift=12.0, balance=True)
    mix = {"smmnist-svg": 0.25, "smmnist-srvp": 0.25, "digits-robust": 0.5}
    stages = AGAINST_CRITIC if has_critic(cfg) else STAGES
    return Recipe(name, cfg, mix, stages, batch=8, length=60, about=f"{about}, moving digits, both bounce laws")


RECIPES = (
    digits_recipe("ramvid-smmnist", RamvidConfig(), "flow matching with random known frames"),
    digits_recipe(
        "ramvid-smmnist-finetune",
        RamvidConfig(adversarial=0.02, matching=0.05),
        "flow matching with random known frames, then a critic",
    ),
    digits_recipe(
        "ramvid-smmnist-unmasked", RamvidConfig(masks={"none": 1.0}), "flow matching without known frames, to compare with"
    ),
    recorded_recipe("kth", RamvidConfig(n_past=10, n_future=10), "people in grey, KTH"),
    recorded_recipe("bair", RamvidConfig(channels=3, width=WIDE, length=16, n_past=1, n_future=15), "a robot pushing, BAIR"),
    recorded_recipe("ucf101", RamvidConfig(channels=3, width=WIDE, length=16, n_past=4, n_future=12), "sports in colour, UCF101"),
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
