"""VPN: next-frame networks of the "Video Prediction Network" document, repaired: ConvLSTM, conv+LSTM and a SimVP-like one."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from torch import nn

from ...core.family import Family, LossFn, Phase
from ...core.runtime import Runtime
from ...nn.adversary import CRITIC, build_video_critics, has_critic, without_critic
from .config import Objective, VPNConfig
from .convlstm import ConvLSTMNetwork
from .lstm import LSTMNetwork
from .network import VPNNetwork
from .objective import rollout_loss
from .predictor import VPNPredictor
from .recipes import RECIPES
from .simvp import SimVPNetwork

CLASSES = {"convlstm": ConvLSTMNetwork, "lstm": LSTMNetwork, "simvp": SimVPNetwork}


def build_network(cfg: VPNConfig) -> VPNNetwork:
    """An untrained network of the kind that `cfg.network` names."""
    return CLASSES[cfg.network](cfg)


def networks(cfg: VPNConfig) -> nn.ModuleDict:
    """One untrained next-frame network."""
    return nn.ModuleDict({"vpn": build_network(cfg)})


def critics(cfg: VPNConfig) -> nn.ModuleDict:
    """A video critic, or none where its weights are 0."""
    return build_video_critics(cfg.objective, cfg.channels)


def phases(cfg: VPNConfig) -> tuple[Phase, ...]:
    """One phase for the network, and the critic's where one of the critic's weights is above 0."""
    ours = Phase("vpn", ("vpn",), partial(rollout_loss, cfg), lr=3e-3, betas=(0.9, 0.99), weight_decay=1e-4)
    return (replace(ours, lr=1e-3), CRITIC) if has_critic(cfg.objective) else (ours,)


def predictor(cfg: VPNConfig, nets: nn.ModuleDict, runtime: Runtime) -> VPNPredictor:
    """A predictor around the network in `nets`."""
    return VPNPredictor(cfg, nets["vpn"], runtime)


def tiny() -> VPNConfig:
    """The smallest config, for tests."""
    return VPNConfig(size=32, n_past=4, n_future=3, least_past=3, widths=(16, 16))


def benchmark_losses() -> dict[str, tuple[VPNConfig, LossFn]]:
    """Configs to time, all with 10 future frames: the document's at full resolution and in patches of 4, and recipes'."""
    whole = Objective(lengths=((0.0, 10),), short=0.0)
    named = {recipe.name: recipe.config for recipe in RECIPES}
    configs = {
        "document_full": named["vpn-convlstm-document"],
        "document_patch_4": replace(named["vpn-convlstm-document"], patch=4),
        "convlstm": named["vpn-convlstm-mmnist"],
        "simvp": named["vpn-conv-mmnist"],
        "lstm": named["vpn-lstm-mmnist"],
    }
    configs = {label: replace(cfg, objective=whole) for label, cfg in configs.items()}
    return {label: (cfg, partial(rollout_loss, cfg)) for label, cfg in configs.items()}


FAMILY = Family(
    name="vpn",
    title="VPN next-frame networks",
    citation="Shi et al., Convolutional LSTM Network, NeurIPS 2015; Gao et al., SimVP, CVPR 2022",
    config=VPNConfig,
    networks=networks,
    critics=critics,
    adapting=lambda cfg: replace(cfg, objective=without_critic(cfg.objective)),
    phases=phases,
    predictor=predictor,
    tiny=tiny,
    recipes=RECIPES,
    benchmark_losses=benchmark_losses(),
)
