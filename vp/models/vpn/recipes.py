"""The training recipes of the family."""

from __future__ import annotations

from dataclasses import replace

from ...core.family import Recipe, Stage
from .config import Objective, VPNConfig

MMNIST = {"mmnist": 1.0}
STAGES = (Stage(("vpn",)),)
AGAINST_CRITIC = (Stage(("vpn", "critic")),)
BLURS = "trained on squared error, so it blurs where it is unsure"

CONVLSTM = VPNConfig()
# all ten frames at once: nothing is fed back, and nothing predicted on the way
SIMVP = VPNConfig(network="simvp", widths=(24, 80), objective=Objective(context=0.0, teacher=(0.0, 0.0), lengths=((0.0, 10),)))
LSTM = VPNConfig(network="lstm", widths=(32, 48, 64, 64))
# these go on where a whole run ends, on their own frames throughout
GAN = replace(SIMVP, objective=replace(SIMVP.objective, adversarial=0.008, matching=0.03))
LARGER = replace(CONVLSTM, objective=Objective(teacher=(0.0, 0.0), lengths=((0.0, 10),), context=0.0, scale=2))
DOCUMENT = VPNConfig(pyramid=False, output="sigmoid", patch=1, before=False, objective=Objective(context=0.0))
DOCUMENT_LSTM = VPNConfig(
    network="lstm", output="sigmoid", before=False, widths=(64, 128, 256, 512), objective=Objective(mse=0.0, bce=1.0, context=0.0)
)


def vpn_recipe(name: str, cfg: VPNConfig, about: str, **more) -> Recipe:
    """A recipe on Moving MNIST with the family's defaults; `more` overrides fields of `Recipe`."""
    usual = {"stages": STAGES, "batch": 8, "protocol": "mmnist", "best_by": "mse"}
    return Recipe(name, cfg, MMNIST, about=about, **{**usual, **more})


RECIPES = (
    vpn_recipe("vpn-convlstm-mmnist", CONVLSTM, f"ConvLSTM encoder-decoder, Moving MNIST 10 -> 10; {BLURS}"),
    vpn_recipe("vpn-conv-mmnist", SIMVP, f"SimVP-like network without recurrence, Moving MNIST 10 -> 10; {BLURS}"),
    vpn_recipe("vpn-lstm-mmnist", LSTM, f"conv+LSTM, every frame one vector, Moving MNIST 10 -> 10; {BLURS}"),
    vpn_recipe(
        "vpn-gan-mmnist",
        GAN,
        "the SimVP-like network trained on against a critic, Moving MNIST 10 -> 10: sharper, and not nearer",
        stages=AGAINST_CRITIC,
    ),
    vpn_recipe("vpn-x2-mmnist", LARGER, "the ConvLSTM on contexts at half their size; start it from a trained one"),
    vpn_recipe("vpn-convlstm-document", DOCUMENT, "the document's ConvLSTM plan at full resolution (2.1 M)", batch=16),
    vpn_recipe("vpn-lstm-document", DOCUMENT_LSTM, "the document's conv+LSTM widths, cross-entropy (10 M)", batch=16),
)
