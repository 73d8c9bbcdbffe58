"""The training recipes of the family."""

from __future__ import annotations

from ...core.family import Recipe, Stage
from ...nn.adversary import has_critic
from .config import Drawing, FusionConfig, Objective
from .objective import painting_weights


def fusion_stages(objective: Objective, predictor: float, translator: float, tuned: float, sharpener: float) -> tuple[Stage, ...]:
    """The stages with these shares of the steps; a critic is trained with the translators whose loss it is part of."""
    judged = has_critic(painting_weights(objective, "tuned"))
    return (
        Stage(("predictor",), predictor),
        Stage(("translator", "critic"), translator),
        Stage(("tuned", "critic") if judged else ("tuned",), tuned, init={"tuned": "translator"}),
        Stage(("sharpener",), sharpener),
    )


# bright pixels and edges tell nearly all of a digit: a narrow translator will do, and the predictor gets the time
MMNIST = FusionConfig(
    drawing=Drawing(mode="stack", segment="colour"),
    translator=(24, 48, 72, 96),
    objective=Objective(frame_mse=60.0, sharp_l1=0.0, sharp_mse=20.0, sharp_gradient=0.2),
)
# steps of grey are small; a background that stays need not be painted; a little of a critic for what is textured
FOLDER = FusionConfig(
    channels=3,
    drawing=Drawing(mode="overlay", segment="background", canny=(50, 120)),
    reference=True,
    objective=Objective(
        mse=10.0, l1=1.0, ssim=0.2, frame_mse=20.0, tuned_adversarial=0.1, tuned_matching=1.0, sharp_mse=10.0, frames=8
    ),
)

RECIPES = (
    Recipe(
        "fusion-mmnist", MMNIST, {"mmnist": 1.0}, fusion_stages(MMNIST.objective, 0.78, 0.08, 0.09, 0.05), batch=8,
        protocol="fusion-16-32", best_by="mse",
        about="fusion pictures, Moving MNIST 16 -> 32; trained on squared error, so it blurs where it is unsure",
    ),
    Recipe(
        "fusion-folder", FOLDER, {"folder": 1.0}, fusion_stages(FOLDER.objective, 0.4, 0.25, 0.25, 0.1), batch=4, protocol="",
        best_by="mse", varied=True, about="fusion pictures of a folder of clips, 16 -> 32",
    ),
)  # fmt: skip
