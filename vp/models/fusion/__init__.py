"""Fusion pictures (Jing et al. 2021): predicted by a 3D U-Net, painted as frames by a conditional GAN, then sharpened.

A fusion picture is one image that shows the edges and the segmented object of a frame together.
"""

from __future__ import annotations

from functools import partial

from torch import nn

from ...core.family import Family, Phase
from ...core.runtime import Runtime
from ...nn.adversary import CRITIC
from .config import Drawing, FusionConfig, Objective
from .critic import PatchCritic
from .network import PicturePredictor
from .objective import predictor_loss, sharpener_loss, translator_loss
from .predictor import FusionPredictor
from .recipes import RECIPES
from .sharpener import Sharpener
from .translator import Translator


def networks(cfg: FusionConfig) -> nn.ModuleDict:
    """Untrained networks; of the two translators one is trained on true pictures, one is tuned on predicted pictures."""
    return nn.ModuleDict(
        {
            "predictor": PicturePredictor(cfg),
            "translator": Translator(cfg),
            "tuned": Translator(cfg),
            "sharpener": Sharpener(cfg),
        }
    )


def critics(cfg: FusionConfig) -> nn.ModuleDict:
    """The translators' patch critic."""
    return nn.ModuleDict({"critic": PatchCritic(cfg)})


def phases(cfg: FusionConfig) -> tuple[Phase, ...]:
    """One phase for each network, in the order of the stages."""
    painting = {"lr": 2e-3, "betas": (0.5, 0.99)}
    return (
        Phase("predictor", ("predictor",), partial(predictor_loss, cfg), lr=3e-3, betas=(0.9, 0.99), weight_decay=1e-4),
        Phase("translator", ("translator",), partial(translator_loss, cfg, "translator"), **painting),
        Phase("tuned", ("tuned",), partial(translator_loss, cfg, "tuned"), **painting),
        CRITIC,
        Phase("sharpener", ("sharpener",), partial(sharpener_loss, cfg), lr=2e-3, betas=(0.9, 0.99)),
    )


def predictor(cfg: FusionConfig, nets: nn.ModuleDict, runtime: Runtime) -> FusionPredictor:
    """A predictor around all networks in `nets`."""
    return FusionPredictor(cfg, nets, runtime)


def tiny() -> FusionConfig:
    """The smallest config, for tests."""
    return FusionConfig(
        size=32, n_past=4, n_future=6, drawing=Drawing(mode="stack"), widths=(16, 16), mixing=16,
        translator=(16, 16), reference=True, sharpener=8, objective=Objective(lengths=((0.0, 6),), frames=2),
    )  # fmt: skip


FAMILY = Family(
    name="fusion",
    title="Fusion pictures",
    citation="Jing et al., Video prediction: a step-by-step improvement of a video synthesis network, Applied Intelligence 2022",
    config=FusionConfig,
    networks=networks,
    critics=critics,
    phases=phases,
    predictor=predictor,
    tiny=tiny,
    recipes=RECIPES,
    reference_rows={
        "true_pictures": {"pictures": "true", "translator": "plain"},
        "not_tuned": {"translator": "plain", "sharpen": False},
        "not_sharpened": {"sharpen": False},
    },
)
