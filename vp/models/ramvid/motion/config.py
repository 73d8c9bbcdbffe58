"""What describes one model that diffuses motion: the networks, the process, and the mix of masks it is trained with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ....core.settings import check_multiple_of

# what users do, in shares: continue a clip, fill in between its ends, slow it down, any frames known
MASK_MIX = {"prefix": 0.4, "ends": 0.3, "every": 0.2, "random": 0.1}


@dataclass(frozen=True)
class MotionDiffusionConfig:
    """One model.

    Args:
        short_side: of the frames that motion is read from, px, a multiple of 8; the clip's own frames have any size.
        channels: of the frames.
        length: frames of the longest clip trained on.
        n_past, n_future: what validation during training asks for.
        half, quarter: channels of what is read of a known frame at these shares of that size.
        width: channels of the denoiser, a multiple of 32.
        blocks: of it.
        noise_shift: how much more noise than evenly is trained on and sampled from:
            tau = u / (u + noise_shift (1 - u)) for u even.
        blind: share of the clips that are guessed from noise alone: they train the most likely motion.
        denoising: weight of the error of the denoised motion beside that of the pictures.
        apart: weight of each side's picture by itself beside that of the two mixed, where both sides are known.
        squared: weight of the logarithm of the squared error beside that of the absolute error on a Laplacian pyramid.
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
    blocks: int = 4
    noise_shift: float = 3.0
    blind: float = 0.25
    denoising: float = 0.2
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
