"""Configuration of an SVG model: network, latent and objective."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...core.latent_options import LATENTS
from ...core.settings import check_one_of

BACKBONES = ("compact", "dcgan", "vgg")
KL_SCHEDULES = ("log-ramp", "none", "monotonic", "cyclical")
TEACHER_DRAWS = ("frame", "batch", "epoch")
ALIGNMENTS = ("t-1", "t")


@dataclass(frozen=True)
class Conditions:
    """A vector per frame that the model is conditioned on, such as the actions of a robot.

    Args:
        size: length of the vector, A.
        sources: names of the vectors of a batch that are concatenated: "actions", or extras such as the arm's positions.
        alignment: index of the vector that leads to frame t: 't-1' (`actions[:, t]` leads from frame t to t + 1, as in our data
            sets and the BAIR lab) or 't' (the vector describes the frame to predict).
        prior: whether the learned prior reads them too, as in DanielTakeshi/svg; otherwise only the frame predictor, as in the
            lab.
        width: size of a learned embedding; 0: the normalised vector itself, as published.
    """

    size: int
    sources: tuple[str, ...] = ("actions",)
    alignment: str = "t-1"
    prior: bool = True
    width: int = 0

    def __post_init__(self) -> None:
        if self.size < 1 or self.width < 0 or not self.sources:
            raise ValueError(f"size {self.size}, width {self.width}, {len(self.sources)} sources; give 1, 0 and 1 or more")
        check_one_of("alignment", self.alignment, ALIGNMENTS)

    @property
    def outputs(self) -> int:
        """Size of the vector per frame that the networks read, E."""
        return self.width or self.size


@dataclass(frozen=True)
class Objective:
    """The loss and its schedules, each a function of the share of the budget spent.

    Args:
        beta: largest weight of the KL, which is summed over z and averaged over clips and steps, relative to the mean squared
            error per pixel (Denton & Fergus 2018, eq. 3). SVG's scale is 1e-4 or less; the conditional VAE lab's is 1.0.
        kl: schedule of that weight. 'none': constant. 'monotonic': linear from 0 over the first `kl_ratio` of the budget, then
            constant. 'cyclical' (Fu et al. 2019): the same in each of `kl_cycles` cycles.
            'log-ramp': interpolated on a log scale from `beta_start` to `beta` between the shares in `beta_ramp`.
        kl_cycles, kl_ratio: see `kl`. The lab used monotonic with a ratio of .25, or two cycles with .5.
        latent_from: share of the budget before which z is zero and has no KL: predictable motion is learned first, and z then
            explains the rest.
        imagined: share of the clips of a mini-batch whose latents are drawn from the prior; only the critic's loss applies to
            them.
        adversarial, matching: weights of the adversarial loss and of feature matching; both 0: no critic.
        teacher: share of the budget at which the teacher-forcing ratio, the probability that the input of a future step is the
            true frame, reaches `teacher_floor`; inf: it stays at `teacher_start`.
        teacher_start, teacher_from: initial ratio, and the share of the budget from which it falls linearly.
        teacher_draw: whether forcing is drawn for every 'frame' of a mini-batch, every mini-'batch' or every 'epoch' (by the
            ratio at its start).
        lengths: (share, frames) pairs: number of frames per clip to train on from that share of the budget.
    """

    beta: float = 1e-4
    kl: str = "log-ramp"
    kl_cycles: int = 2
    kl_ratio: float = 0.5
    beta_start: float = 1e-5
    beta_ramp: tuple[float, float] = (0.2, 0.5)
    latent_from: float = 0.0
    adversarial: float = 0.0
    matching: float = 0.0
    imagined: float = 0.0
    teacher: float = 0.2
    teacher_start: float = 1.0
    teacher_from: float = 0.0
    teacher_floor: float = 0.0
    teacher_draw: str = "frame"
    lengths: tuple[tuple[float, int], ...] = ((0.0, 8), (0.15, 11), (0.4, 15))

    def __post_init__(self) -> None:
        check_one_of("kl", self.kl, KL_SCHEDULES)
        check_one_of("teacher_draw", self.teacher_draw, TEACHER_DRAWS)
        if self.beta < 0 or self.beta_start <= 0 or (self.kl == "log-ramp" and self.beta <= 0):
            raise ValueError(f"beta is {self.beta} and beta_start {self.beta_start}; give weights above 0")
        if self.kl_cycles < 1 or not 0 < self.kl_ratio <= 1:
            raise ValueError(f"kl_cycles is {self.kl_cycles} and kl_ratio {self.kl_ratio}; give 1 or more, and up to 1 but not 0")
        if not (0 <= self.teacher_floor <= 1 and 0 <= self.teacher_start <= 1):
            raise ValueError(f"teacher_start {self.teacher_start}, teacher_floor {self.teacher_floor}: give ratios from 0 to 1")


@dataclass(frozen=True)
class SVGConfig:
    """One model of the SVG family.

    Args:
        latent: 'none' (deterministic), 'fixed' (SVG-FP, prior N(0, I)) or 'learned' (SVG-LP).
        backbone: 'compact' (this project's, moves pixels), 'dcgan' or 'vgg' (as published, decodes a flat vector).
        size, channels: side in pixels and channels of the frames; the published backbones take 64 or 128, compact any multiple of
            32.
        n_past, n_future: numbers of known and predicted frames in training.
        z_dim: size of z, Z.
        g_dim, rnn_size, layers: published networks: size of the frame vector, size and number of the LSTM layers.
        width: compact network: channels of its recurrent state.
        flows: compact network: number of stored layers.
        previous, drawn: compact network: whether the moved previous frame and a synthesised image are sources too.
        hard: compact network: each pixel comes from one source instead of a blend.
        last_frame_skip: published networks: skip connections from the previous frame, also a generated one.
        skip_off_by_one: published networks: freeze the skip one frame early, as the released code does.
        conditions: a vector per frame to condition on, such as actions, or None.
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
    previous: bool = True
    drawn: bool = True
    hard: bool = False
    last_frame_skip: bool = False
    skip_off_by_one: bool = False
    objective: Objective = field(default_factory=Objective)
    conditions: Conditions | None = None

    def __post_init__(self) -> None:
        check_one_of("latent", self.latent, LATENTS)
        check_one_of("backbone", self.backbone, BACKBONES)
        if self.backbone == "compact" and self.size % 32:
            raise ValueError(f"size is {self.size}; the compact backbone takes multiples of 32")
        if self.backbone != "compact" and self.size not in (64, 128):
            raise ValueError(f"size is {self.size}; the published backbones take 64 or 128")
