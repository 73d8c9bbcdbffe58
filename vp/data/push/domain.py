"""Whether clips show the push world."""

from __future__ import annotations

import numpy as np

from ..domain import Domain, describe_unless


def is_push_world(frames: np.ndarray) -> bool:
    """Whether the frames show the bin of the push world: its camera is static, so the left edge shows only the slate-grey room.

    600 episodes have 63 to 93 grey levels there, blue 11 to 20 above red, hardly any texture, and a floor that is brighter by 38.
    The bin is seen in perspective, wider below: a little way in, the frame shows the room above and the bin's wall below, where a
    border drawn around a floor shows one or the other all the way down.

    Args:
        frames: uint8 (T, H, W, C), scaled to the model's size.
    """
    height, width, channels = frames.shape[1:]
    if channels != 3:
        return False
    edge = frames[:, : height // 2, : max(1, width // 32)].reshape(-1, 3).astype(float)
    floor = frames[:, height // 3 :, width // 8 : -width // 8].mean(-1)
    slate = np.median(edge, axis=0)
    inwards = np.abs(np.median(frames[:, :, width // 16].astype(float), axis=0) - slate).max(-1)  # (H,)
    return bool(
        50 <= slate.min() <= slate.max() <= 105
        and 4 <= slate[2] - slate[0] <= 30
        and edge.std(axis=0).mean() < 8
        and np.median(floor) - slate.mean() > 30
        and np.median(inwards[: 3 * height // 8]) <= 8
        and np.median(inwards[5 * height // 8 : 7 * height // 8]) >= 12
    )


PUSH = Domain(
    "the push world", "a robot arm that pushes objects about in a bin", describe_unless(is_push_world), "The push world"
)
