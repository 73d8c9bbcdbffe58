"""The config of a RaMViD model: the network, the diffusion process, and the mix of masks it is trained with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ...core.settings import check_one_of

PROCESSES = ("flow", "ddpm")
NETWORKS = ("compact", "published")

# the tasks of users, in shares: continue a clip, any frames, both ends, every n-th frame, nothing known
MASK_MIX = {"prefix": 0.45, "random": 0.12, "ends": 0.25, "every": 0.1, "none": 0.08}


@dataclass(frozen=True)
class RamvidConfig:
    """One model of the RaMViD family.

    Args:
        process: 'flow' (straight paths, the network gives the clean clip) or 'ddpm' (1000 linear steps, the network gives the
            noise, as published).
        network: 'compact' (ours, moves pixels of known frames) or 'published' (3D-convolution U-Net, 235 M at 64 px).
        size, channels, length: of the clips, in pixels and frames; `length` is the longest clip trained on and sampled at once.
        n_past, n_future: frames given and predicted in validation during training.
        width: of the compact network: channels of its recurrent state.
        flows: of the compact network: number of layers of its memory (`nn.layer_memory`).
        noise_shift: how far training levels are shifted towards noise: tau = u / (u + noise_shift (1 - u)) for u uniform (flow).
        sampler_noise_shift: the same for the levels that a sampler visits; 0 means `noise_shift`.
        terminal_level: the level from which a sampler's last step goes to the clean clip, where some frame is known (flow). The
            motion is decided by then; later levels would cost as much and add texture that the network is unsure of.
        adversarial, matching: weights of a critic's loss on the estimates and of the distance between its features (flow).
        masks: kind -> share of the training clips; 'random' draws 1..max_known frames anywhere.
        max_known: most known frames of a 'random' mask.
        context_noise: share of the clips whose known frames are noisy too.
        balance: each frame's error counts relative to its mean (flow); otherwise frames far from known ones, which cannot be
            predicted exactly, would dominate the near ones, which can.
    """

    process: str = "flow"
    network: str = "compact"
    size: int = 64
    channels: int = 1
    length: int = 20
    n_past: int = 5
    n_future: int = 10
    width: int = 64
    flows: int = 3
    noise_shift: float = 3.0
    sampler_noise_shift: float = 0.0
    terminal_level: float = 0.5
    adversarial: float = 0.0
    matching: float = 0.0
    masks: Mapping[str, float] = field(default_factory=lambda: dict(MASK_MIX))
    max_known: int = 4
    context_noise: float = 0.1
    balance: bool = False

    def __post_init__(self) -> None:
        check_one_of("process", self.process, PROCESSES)
        check_one_of("network", self.network, NETWORKS)
        if self.size % 16:
            raise ValueError(f"size is {self.size}; give a multiple of 16")
