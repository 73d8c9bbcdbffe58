"""What describes one SVG model: the network, the latent and the objective."""

from __future__ import annotations

from dataclasses import dataclass, field

LATENTS = ("none", "fixed", "learned")
BACKBONES = ("compact", "dcgan", "vgg")


@dataclass(frozen=True)
class Objective:
    """The loss and its schedules, each a function of the share of the budget spent.

    Args:
        beta: weight of the KL per step against the pixel mean of the squared error (Denton & Fergus 2018, eq. 3);
            interpolated on a log scale from `beta_start` to `beta` between the shares in `beta_ramp`.
        latent_from: share of the budget before which z is zero and free: motion that can be foreseen is learned first, and z is
            left with what cannot.
        imagined: share of the clips of a mini-batch whose future is drawn from the prior; only the critic judges them.
        adversarial, matching: weights of the critic's judgement and of the distance between its features; 0 and 0: no critic.
        teacher: probability that a future step of a mini-batch is fed the true frame; 1 at the start, 0 from this share.
        lengths: (share, frames) pairs: the number of frames of a clip trained on from that share of the budget.
    """

    beta: float = 1e-4
    beta_start: float = 1e-5
    beta_ramp: tuple[float, float] = (0.2, 0.5)
    latent_from: float = 0.0
    adversarial: float = 0.0
    matching: float = 0.0
    imagined: float = 0.0
    teacher: float = 0.2
    lengths: tuple[tuple[float, int], ...] = ((0.0, 8), (0.15, 11), (0.4, 15))


@dataclass(frozen=True)
class SVGConfig:
    """One model of the SVG family.

    Args:
        latent: 'none' (deterministic), 'fixed' (SVG-FP, prior N(0, I)) or 'learned' (SVG-LP).
        backbone: 'compact' (ours, moves pixels), 'dcgan' or 'vgg' (as published, repaints from a flat vector).
        size, channels: of the frames; the published backbones take 64 or 128, compact any multiple of 32.
        n_past, n_future: lengths trained on.
        z_dim: width of z. g_dim, rnn_size, layers: of the published networks.
        width, flows: of the compact network: channels of its recurrent state, and number of remembered layers.
        last_frame_skip: published networks: skip connections from the previous frame, also a generated one.
        skip_off_by_one: published networks: freeze the skip one frame early, as the released code does.
    """

    latent: str = "learned"
    backbone: str = "compact"
    size: int = 64
    channels: int = 1
    n_past: int = 5
    n_future: int = 10
    z_dim: int = 16
    g_dim: int = 128
    rnn_size: int = 256
    layers: int = 2
    width: int = 64
    flows: int = 3
    last_frame_skip: bool = False
    skip_off_by_one: bool = False
    objective: Objective = field(default_factory=Objective)

    def __post_init__(self) -> None:
        if self.latent not in LATENTS or self.backbone not in BACKBONES:
            raise ValueError(f"latent {self.latent!r}, backbone {self.backbone!r}: give one of {LATENTS}, one of {BACKBONES}")
        if self.backbone == "compact" and self.size % 32:
            raise ValueError(f"size is {self.size}; the compact backbone takes multiples of 32")
        if self.backbone != "compact" and self.size not in (64, 128):
            raise ValueError(f"size is {self.size}; the published backbones take 64 or 128")
