"""For how long a prediction borrows a GPU on a ZeroGPU Space, where every visitor has some minutes a day."""

from __future__ import annotations

from vp.data import Clip
from vp.prediction.request import Wishes

USUAL_S = 60  # what a Space gives without being asked
START_S, FRAME_S = 10, 0.05  # bounds, not measurements: moving the weights there, and one frame of one future
USUAL_FRAMES = 20  # known and predicted together, where a model's own lengths are asked for


def gpu_seconds(models: int, name: str, clip: Clip, wishes: Wishes) -> int:
    """Seconds, START_S to USUAL_S, for the arguments of `jobs.prediction_steps`; a call that takes longer is ended by the Space.

    Diffusion, whose frames take many steps each, gets USUAL_S.
    """
    if name.startswith("ramvid"):
        return USUAL_S
    frames = (wishes.n_past or USUAL_FRAMES // 2) + (wishes.n_future or USUAL_FRAMES // 2)
    return min(USUAL_S, round(START_S + FRAME_S * wishes.n * frames * max(1, wishes.slow)))
