"""The recipes of the SVG family."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ...core.family import Recipe, Stage
from .config import Conditions, Objective, SVGConfig

# half on the two published bounce laws, half on digits of many kinds
MIX = {"smmnist-svg": 0.25, "smmnist-srvp": 0.25, "digits-robust": 0.5}
STAGES = (Stage(("svg",)),)
AGAINST_CRITIC = (Stage(("svg", "critic")),)

LATENTS = {"lp": ("learned", "learned prior"), "fp": ("fixed", "fixed prior"), "det": ("none", "deterministic")}
# one objective for all three, so that they differ in the latent only; the weight of the KL stays small until z is used
DIGITS = Objective(
    latent_from=0.03, beta_start=2e-5, beta=3e-4, beta_ramp=(0.4, 0.8), teacher=0.15, lengths=((0.0, 8), (0.1, 11), (0.3, 15))
)


def digits_recipe(short: str) -> Recipe:
    """Recipe for moving digits of MIX; `short` is a key of LATENTS.

    Each pixel comes from a single stored layer: blended or synthesised pixels become blurred where the model is uncertain.
    """
    latent, words = LATENTS[short]
    cfg = SVGConfig(latent=latent, flows=4, previous=False, drawn=False, hard=True, objective=DIGITS)
    return Recipe(f"svg-{short}-smmnist", cfg, MIX, STAGES, batch=8, about=f"{words}, moving digits, both bounce laws")


def scenes_recipe(short: str, data: str, cfg: SVGConfig, about: str, **more: Any) -> Recipe:
    """Recipe for one data set of other clips, with blended layers; selected by PSNR on its own validation clips by default.

    `more` overrides fields of the recipe.
    """
    usual = {"batch": 8, "epoch_clips": 4_000, "protocol": "", "best_by": "psnr_db"}
    stages = AGAINST_CRITIC if cfg.objective.adversarial else STAGES
    return Recipe(f"svg-lp-{short}", cfg, {data: 1.0}, stages, about=about, **{**usual, **more})


def published_recipe(name: str, data: str, cfg: SVGConfig, beta: float, about: str) -> Recipe:
    """Recipe as published: teacher-forced throughout, constant beta, batch 100."""
    length = cfg.n_past + cfg.n_future
    objective = Objective(beta=beta, beta_start=beta, teacher=float("inf"), lengths=((0.0, length),))
    return Recipe(name, replace(cfg, objective=objective), {data: 1.0}, STAGES, batch=100, about=about)


# actions determine most of the motion, so z explains contacts only; errors are smaller in colour than on digits
PUSHING = Objective(latent_from=0.3, beta_start=1e-6, beta=2e-5, beta_ramp=(0.35, 0.7))
PUSH = SVGConfig(channels=3, n_past=2, flows=4, objective=PUSHING, conditions=Conditions(4, width=32))
# errors are a tenth of the push world's, and so is the weight of the KL
WATCHING = replace(PUSHING, beta_start=1e-7, beta=2e-6, lengths=((0.0, 14), (0.4, 20)))
PEOPLE = SVGConfig(n_past=10, width=48, objective=WATCHING)
WATCHES = "learned prior, people who walk, run, box and wave before a still camera"
# continues after that schedule with a critic; a tenth of its weight changes nothing
WATCHED = replace(
    WATCHING,
    latent_from=0.0,
    beta_start=2e-6,
    teacher=0.0,
    lengths=((0.0, 20),),
    adversarial=0.002,
    matching=0.01,
    imagined=0.25,
)
# the conditional VAE lab on BAIR: a KL weight up to 1 where SVG has 1e-4, raw actions and positions for the frame predictor alone
LAB = SVGConfig(
    backbone="vgg",
    channels=3,
    n_past=2,
    z_dim=64,
    objective=Objective(beta=1.0, kl="cyclical", teacher=1.0, teacher_from=0.25, teacher_draw="batch", lengths=((0.0, 12),)),
    conditions=Conditions(7, sources=("actions", "state"), prior=False),
)

RECIPES = (
    *(digits_recipe(short) for short in LATENTS),
    published_recipe(
        "svg-lp-published",
        "smmnist-svg",
        SVGConfig(latent="learned", backbone="dcgan", z_dim=10),
        1e-4,
        "SVG-LP as published on moving digits (dcgan_64, 12.6 M)",
    ),
    published_recipe(
        "svg-fp-published",
        "smmnist-svg",
        SVGConfig(latent="fixed", backbone="dcgan", z_dim=10),
        1e-4,
        "SVG-FP as published on moving digits (dcgan_64, 12.0 M)",
    ),
    scenes_recipe("push", "push", PUSH, "learned prior, the push world, told what the arm will do", protocol="push"),
    scenes_recipe("people", "kth", PEOPLE, WATCHES, varied=True),
    scenes_recipe("people-finetune", "kth", replace(PEOPLE, objective=WATCHED), WATCHES, varied=True),
    scenes_recipe(
        "lab",
        "bair-lab",
        LAB,
        "the conditional VAE lab: SVG-LP with actions and positions, vgg_64, BAIR (22.8 M)",
        batch=12,
        epoch_clips=43_000,
    ),
)
