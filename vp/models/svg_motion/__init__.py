"""SVG over motion: a conditional VAE (Denton & Fergus 2018) that predicts futures by warping the last known frame."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from torch import nn

from ...core.family import Family, Phase
from ...core.runtime import Runtime
from .config import MotionConfig
from .network import MotionNetwork
from .objective import motion_loss
from .predictor import MotionPredictor
from .recipes import RECIPES


def networks(cfg: MotionConfig) -> nn.ModuleDict:
    return nn.ModuleDict({"svg": MotionNetwork(cfg)})


def phases(cfg: MotionConfig) -> tuple[Phase, ...]:
    return (Phase("svg", ("svg",), partial(motion_loss, cfg), lr=2e-3, betas=(0.9, 0.99), weight_decay=0.05),)


def adapting(cfg: MotionConfig) -> MotionConfig:
    """The config for learning a single clip: most clips of a mini-batch train the prior's mean, none train samples."""
    return replace(cfg, objective=replace(cfg.objective, foreseen=0.75, sampled=0.0))


def predictor(cfg: MotionConfig, nets: nn.ModuleDict, runtime: Runtime) -> MotionPredictor:
    return MotionPredictor(cfg, nets["svg"], runtime)


def tiny() -> MotionConfig:
    """The smallest config, for tests."""
    return MotionConfig(short_side=16, n_past=3, n_future=3, half=8, quarter=16, eighth=16, parts=4, context=1, pace=True)


FAMILY = Family(
    name="svg-motion",
    title="SVG over motion",
    citation="Denton & Fergus, Stochastic Video Generation with a Learned Prior, ICML 2018, over optical flow",
    config=MotionConfig,
    networks=networks,
    phases=phases,
    predictor=predictor,
    tiny=tiny,
    adapting=adapting,
    recipes=RECIPES,
    reference_rows={"posterior": {"prior": "posterior-mean"}},
)
