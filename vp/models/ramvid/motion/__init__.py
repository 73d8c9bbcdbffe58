"""RaMViD over motion: random-mask diffusion (Hoeppe et al., TMLR 2022) whose frames are known frames with their pixels moved."""

from __future__ import annotations

from functools import partial

from torch import nn

from ....core.family import Family, Phase
from ....core.runtime import Runtime
from .config import MotionDiffusionConfig
from .network import MotionDenoiser
from .objective import motion_diffusion_loss
from .predictor import MotionDiffusionPredictor
from .recipes import RECIPES


def networks(cfg: MotionDiffusionConfig) -> nn.ModuleDict:
    """The untrained denoiser."""
    return nn.ModuleDict({"denoiser": MotionDenoiser(cfg)})


def phases(cfg: MotionDiffusionConfig) -> tuple[Phase, ...]:
    """One phase for the denoiser."""
    loss = partial(motion_diffusion_loss, cfg)
    return (Phase("denoiser", ("denoiser",), loss, lr=2e-3, betas=(0.9, 0.99), weight_decay=1e-4),)


def predictor(cfg: MotionDiffusionConfig, nets: nn.ModuleDict, runtime: Runtime) -> MotionDiffusionPredictor:
    """A predictor around the denoiser in `nets`."""
    return MotionDiffusionPredictor(cfg, nets["denoiser"], runtime)


def tiny() -> MotionDiffusionConfig:
    """The smallest config, for tests."""
    return MotionDiffusionConfig(short_side=16, length=8, n_past=2, n_future=3, half=8, quarter=16, width=32, blocks=1)


FAMILY = Family(
    name="ramvid-motion",
    title="RaMViD over motion",
    citation="Hoeppe et al., Diffusion Models for Video Prediction and Infilling, TMLR 2022, over optical flow",
    config=MotionDiffusionConfig,
    networks=networks,
    phases=phases,
    predictor=predictor,
    tiny=tiny,
    recipes=RECIPES,
)
