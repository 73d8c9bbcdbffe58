"""The config of a model that diffuses motion: the network, the process, and the mix of masks it is trained with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ....core.settings import check_multiple_of

# the tasks of users, in shares: continue a clip, fill in between its ends, slow it down, any frames known
MASK_MIX = {"prefix": 0.4, "ends": 0.3, "every": 0.2, "random": 0.1}


@dataclass(frozen=True)
class MotionDiffusionConfig:
    """One model.

    Args:
        short_side: of the frames at which motion is predicted, px, a multiple of 8; the clip's own frames have any size.
        channels: of the frames.
        length: frames of the longest clip trained on.
        n_past, n_future: frames given and predicted in validation during training.
        half, quarter: channels of a known frame's features at these shares of that size.
        width: channels of the denoiser, a multiple of 32.
        blocks: number of the denoiser's blocks.
        noise_shift: how far levels in training and sampling are shifted towards noise:
            tau = u / (u + noise_shift (1 - u)) for u uniform.
        blind: share of the clips at level 0, pure noise: they train the most likely motion.
        denoising: weight of the error of the denoised motion, relative to that of the rendered frames.
        apart: weight of the frame rendered from each side alone, relative to the blend, where both sides are known.
        squared: weight of the logarithm of the squared error, relative to that of the absolute error on a Laplacian pyramid.
        masks: kind -> share of the training clips.
        max_known: most known frames of a 'random' mask.
    """

    short_side: int = 64
    channels: int = 3
    length: int = 15
    n_past: int = 5
    n_future: int = 10
    half: int = 24
    quarter: int = 64
    width: int = 128
    blocks: int = 3
    noise_shift: float = 3.0
    blind: float = 0.35
    denoising: float = 0.4
    apart: float = 0.3
    squared: float = 0.25
    masks: Mapping[str, float] = field(default_factory=lambda: dict(MASK_MIX))
    max_known: int = 6

    def __post_init__(self) -> None:
        check_multiple_of(8, "short_side", self.short_side, 16)
        if self.width % 32:
            raise ValueError(f"width is {self.width}; give a multiple of 32")
        if not 0 <= self.blind < 1:
            raise ValueError(f"blind is {self.blind}; give a share from 0 to below 1")
