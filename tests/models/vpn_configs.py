"""Small VPN configs: every network with every output it takes."""

from dataclasses import replace

import torch

from vp.core.runtime import Runtime
from vp.models.vpn import networks, predictor, tiny
from vp.models.vpn.config import VPNConfig

WIDTHS = {"convlstm": (16, 16), "document": (8, 16), "lstm": (8, 16, 16, 16), "simvp": (8, 16)}
KINDS = [(name, output) for name in WIDTHS for output in ("sigmoid", "linear")]


def config(name: str, output: str, **more) -> VPNConfig:
    """`document` is the convlstm as the document has it, at full resolution."""
    plan = {"network": "convlstm", "pyramid": False, "patch": 1, "before": False} if name == "document" else {"network": name}
    return replace(tiny(), output=output, widths=WIDTHS[name], blocks=2, latent=16, **plan, **more)


def shaken(cfg: VPNConfig):
    """Networks whose zero-initialised parts say something too."""
    nets = networks(cfg)
    with torch.no_grad():
        for p in nets.parameters():
            p.add_(0.05 * torch.randn_like(p))
    return nets


def model(name: str, output: str, **more):
    cfg = config(name, output, **more)
    return predictor(cfg, shaken(cfg), Runtime.pick("cpu", "fp32"))
