"""What can be trained by name."""

from __future__ import annotations

from dataclasses import replace

from ...core.family import Recipe, Stage
from .config import Objective, VPNConfig

MMNIST = {"mmnist": 1.0}
STAGES = (Stage(("vpn",)),)
PATHS_FIRST = (Stage(("paths",), 0.35), Stage(("vpn",), 0.65))  # a step of paths takes a fraction of the time
AGAINST_CRITIC = (Stage(("vpn", "critic")),)

CONVLSTM = VPNConfig(layers=2, mover="paths", widths=(48, 96), objective=Objective(separation=1.0))
CONV = replace(CONVLSTM, network="conv", widths=(24, 64), objective=Objective(separation=1.0, lengths=((0.0, 10),)))
LSTM = replace(CONVLSTM, network="lstm", widths=(32, 48, 64, 64))
# goes on where a whole run ends, on its own frames throughout, with sprites that are cut out as in the checkpoints
SETTLED = Objective(separation=1.0, teacher=(0.0, 0.0), lengths=((0.0, 10),))
GAN = replace(CONV, mover="path-cutouts", objective=replace(SETTLED, adversarial=0.02, matching=0.05))
LARGER = replace(CONVLSTM, mover="path-cutouts", objective=replace(SETTLED, context=0.0, scale=2))
DOCUMENT = VPNConfig(pyramid=False, output="sigmoid", patch=1, before=False)
CROSS_ENTROPY = Objective(mse=0.0, bce=1.0, context=0.0)
DOCUMENT_LSTM = replace(
    DOCUMENT, network="lstm", pyramid=True, patch=4, widths=(64, 128, 256, 512), objective=CROSS_ENTROPY
)


def recipe(name: str, cfg: VPNConfig, about: str, **more) -> Recipe:
    usual = {"stages": PATHS_FIRST, "batch": 8, "protocol": "mmnist", "best_by": "mse"}
    return Recipe(name, cfg, MMNIST, about=about, **{**usual, **more})


RECIPES = (
    recipe("vpn-convlstm-mmnist", CONVLSTM, "ConvLSTM encoder-decoder that moves pixels, Moving MNIST 10 -> 10"),
    recipe("vpn-conv-mmnist", CONV, "all-convolution network, Moving MNIST 10 -> 10"),
    recipe("vpn-lstm-mmnist", LSTM, "frame encoder and LSTM, Moving MNIST 10 -> 10"),
    recipe("vpn-gan-mmnist", GAN, "the all-convolution network against a critic, from a trained one", stages=AGAINST_CRITIC),
    recipe("vpn-x2-mmnist", LARGER, "the ConvLSTM on contexts at half their size; start it from a trained one", stages=STAGES),
    recipe("vpn-convlstm-document", DOCUMENT, "the document's ConvLSTM plan at full resolution (2.1 M)", stages=STAGES, batch=16),
    recipe("vpn-lstm-document", DOCUMENT_LSTM, "the document's conv+LSTM widths, cross-entropy (24 M)", stages=STAGES, batch=16),
)
