"""RaMViD: random-mask video diffusion (Hoeppe et al., TMLR 2022), as published and small: predicts, fills in and generates."""

from __future__ import annotations

from functools import partial

from torch import nn

from ...core.family import Family, Phase
from ...core.runtime import Runtime
from ...nn.adversary import CRITIC, build_video_critics, has_critic, without_critic
from .compact import CompactDenoiser
from .config import RamvidConfig
from .objective import random_mask_loss
from .predictor import RamvidPredictor
from .published import PublishedDenoiser
from .recipes import RECIPES


def networks(cfg: RamvidConfig) -> nn.ModuleDict:
    """One untrained denoiser, of the kind that `cfg.network` names."""
    build = CompactDenoiser if cfg.network == "compact" else PublishedDenoiser
    return nn.ModuleDict({"denoiser": build(cfg)})


def phases(cfg: RamvidConfig) -> tuple[Phase, ...]:
    """One phase for the denoiser, and the critic's where one of the critic's weights is above 0."""
    loss = partial(random_mask_loss, cfg)
    if cfg.network == "published":
        return (Phase("denoiser", ("denoiser",), loss, lr=2e-5, optimizer="adamw"),)
    ours = Phase("denoiser", ("denoiser",), loss, lr=3e-3, betas=(0.9, 0.99), weight_decay=1e-4)
    return (ours, CRITIC) if has_critic(cfg) else (ours,)


def critics(cfg: RamvidConfig) -> nn.ModuleDict:
    """A video critic, or none where its weights are 0."""
    return build_video_critics(cfg, cfg.channels)


def predictor(cfg: RamvidConfig, nets: nn.ModuleDict, runtime: Runtime) -> RamvidPredictor:
    """A predictor around the denoiser in `nets`."""
    return RamvidPredictor(cfg, nets["denoiser"], runtime)


def tiny() -> RamvidConfig:
    """The smallest config, for tests."""
    return RamvidConfig(size=16, length=8, n_past=2, n_future=3, width=16, flows=2)


FAMILY = Family(
    name="ramvid",
    title="RaMViD video diffusion",
    citation="Hoeppe et al., Diffusion Models for Video Prediction and Infilling, TMLR 2022",
    config=RamvidConfig,
    networks=networks,
    critics=critics,
    adapting=without_critic,
    phases=phases,
    predictor=predictor,
    tiny=tiny,
    recipes=RECIPES,
)
