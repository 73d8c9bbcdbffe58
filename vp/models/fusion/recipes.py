"""What can be trained by name."""

from __future__ import annotations

from ...core.family import Recipe, Stage
from .config import Drawing, FusionConfig, Objective


def stages(predictor: float, translator: float, tuned: float, sharpener: float, paths: float = 0.0) -> tuple[Stage, ...]:
    """The stages with these shares of the steps."""
    return (
        *([Stage(("paths",), paths)] if paths else []),
        Stage(("predictor",), predictor),
        Stage(("translator", "critic"), translator),
        Stage(("tuned", "critic"), tuned, init={"tuned": "translator"}),
        Stage(("sharpener",), sharpener),
    )


# masks and edges tell nearly all of a digit: a narrow translator will do, and the predictor gets the time
MMNIST = FusionConfig(
    drawing=Drawing(mode="stack", segment="exact"),
    layers=2,
    mover="courses",
    memory=16,
    translator=(24, 48, 72, 96),
    objective=Objective(separation=1.0, lengths=((0.0, 8), (0.3, 16), (0.7, 32)), frame_mse=60.0, sharp_gradient=2.0),
)
# whoever moves is tracked from the first step on; steps of grey are small; a background that stays need not be painted
FOLDER = FusionConfig(
    channels=3,
    drawing=Drawing(mode="overlay", segment="background", canny=(50, 120)),
    layers=2,
    mover="sprites",
    reference=True,
    objective=Objective(mse=10.0, l1=1.0, ssim=0.2, frame_mse=20.0, sharp_mse=10.0, frames=8),
)

RECIPES = (
    Recipe(
        "fusion-mmnist", MMNIST, {"mmnist": 1.0}, stages(0.42, 0.09, 0.15, 0.06, paths=0.28), batch=8,
        protocol="fusion-16-32", best_by="mse",
        about="fusion pictures, Moving MNIST 16 -> 32",
    ),
    Recipe(
        "fusion-folder", FOLDER, {"folder": 1.0}, stages(0.4, 0.25, 0.25, 0.1), batch=4, protocol="", best_by="mse",
        varied=True, about="fusion pictures of a folder of clips, 16 -> 32",
    ),
)  # fmt: skip
