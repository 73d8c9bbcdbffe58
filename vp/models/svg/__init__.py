"""SVG: stochastic video generation with a conditional VAE (Denton & Fergus, ICML 2018): deterministic, fixed, learned prior."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from torch import nn

from ...core.family import Family, LossFn, Phase
from ...core.runtime import Runtime
from ...nn.adversary import CRITIC, build_video_critics, has_critic, without_critic
from .compact import CompactSVG
from .conditions import fit_statistics
from .config import Objective, SVGConfig
from .network import SVGNetwork
from .objective import rollout_loss
from .predictor import SVGPredictor
from .published import PublishedSVG
from .recipes import RECIPES
from .reference import per_frame_loss


def build_network(cfg: SVGConfig) -> SVGNetwork:
    """The network of the config's backbone, with random weights."""
    return CompactSVG(cfg) if cfg.backbone == "compact" else PublishedSVG(cfg)


def networks(cfg: SVGConfig) -> nn.ModuleDict:
    return nn.ModuleDict({"svg": build_network(cfg)})


def critics(cfg: SVGConfig) -> nn.ModuleDict:
    return build_video_critics(cfg.objective, cfg.channels)


def phases(cfg: SVGConfig) -> tuple[Phase, ...]:
    """The published networks use the published optimiser settings; the compact one may add the critic's phase."""
    loss = partial(rollout_loss, cfg)
    if cfg.backbone != "compact":  # as published
        return (Phase("svg", ("svg",), loss, lr=2e-3, betas=(0.9, 0.999), optimizer="adamw"),)
    ours = Phase("svg", ("svg",), loss, lr=3e-3, betas=(0.9, 0.99), weight_decay=1e-4)
    return (ours, CRITIC) if has_critic(cfg.objective) else (ours,)


def predictor(cfg: SVGConfig, nets: nn.ModuleDict, runtime: Runtime) -> SVGPredictor:
    return SVGPredictor(cfg, nets["svg"], runtime)


def tiny() -> SVGConfig:
    """The smallest config, for tests."""
    return SVGConfig(size=32, n_past=3, n_future=3, z_dim=4, width=16, flows=2)


def benchmark_losses() -> dict[str, tuple[SVGConfig, LossFn]]:
    """The published network trained frame by frame (reference), teacher-forced in one batch, and on its own frames."""
    forced = SVGConfig(backbone="dcgan", z_dim=10, objective=Objective(teacher=float("inf"), lengths=((0.0, 15),)))
    closed = replace(forced, objective=replace(forced.objective, teacher=0.0))
    return {
        "per_frame_loop": (forced, partial(per_frame_loss, forced)),
        "teacher_forced": (forced, partial(rollout_loss, forced)),
        "closed_loop": (closed, partial(rollout_loss, closed)),
    }


FAMILY = Family(
    name="svg",
    title="SVG conditional VAE",
    citation="Denton & Fergus, Stochastic Video Generation with a Learned Prior, ICML 2018",
    config=SVGConfig,
    networks=networks,
    critics=critics,
    adapting=lambda cfg: replace(cfg, objective=without_critic(cfg.objective)),
    fit_statistics=fit_statistics,
    phases=phases,
    predictor=predictor,
    tiny=tiny,
    recipes=RECIPES,
    reference_rows={"posterior": {"prior": "posterior-mean"}},
    benchmark_losses=benchmark_losses(),
)
