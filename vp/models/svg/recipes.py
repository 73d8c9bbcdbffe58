"""What can be trained by name."""

from __future__ import annotations

from dataclasses import replace

from ...core.family import Recipe, Stage
from .config import Objective, SVGConfig

MIX = {"smmnist-svg": 0.7, "smmnist-srvp": 0.3}
STAGES = (Stage(("svg",)),)


def digits(name: str, cfg: SVGConfig, about: str) -> Recipe:
    return Recipe(name, cfg, MIX, STAGES, batch=8, about=about)


def published(name: str, data: str, cfg: SVGConfig, beta: float, about: str) -> Recipe:
    """As published: teacher-forced throughout, constant beta, batch 100."""
    length = cfg.n_past + cfg.n_future
    objective = Objective(beta=beta, beta_start=beta, teacher=float("inf"), lengths=((0.0, length),))
    return Recipe(name, replace(cfg, objective=objective), {data: 1.0}, STAGES, batch=100, about=about)


RECIPES = (
    digits("svg-lp-smmnist", SVGConfig(latent="learned"), "learned prior, moving digits, both bounce laws"),
    digits("svg-fp-smmnist", SVGConfig(latent="fixed"), "fixed prior, moving digits, both bounce laws"),
    digits("svg-det-smmnist", SVGConfig(latent="none"), "deterministic, moving digits, both bounce laws"),
    published(
        "svg-lp-published",
        "smmnist-svg",
        SVGConfig(latent="learned", backbone="dcgan", z_dim=10),
        1e-4,
        "SVG-LP as published on moving digits (dcgan_64, 12.6 M)",
    ),
    published(
        "svg-fp-published",
        "smmnist-svg",
        SVGConfig(latent="fixed", backbone="dcgan", z_dim=10),
        1e-4,
        "SVG-FP as published on moving digits (dcgan_64, 12.0 M)",
    ),
)
