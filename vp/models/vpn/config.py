"""What describes one VPN model: the network, its output and the objective."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...core.settings import check_one_of

NETWORKS = ("convlstm", "lstm", "simvp")
OUTPUTS = ("linear", "sigmoid")


@dataclass(frozen=True)
class Objective:
    """The loss and its schedules, each a function of the share of the stage that is over.

    Args:
        mse: weight of the squared error, a mean over the pixels of the predicted frames, as are the next three.
        l1: weight of the absolute error.
        bce: weight of the cross-entropy on logits.
        gradient: weight of the difference of gradients (Mathieu et al. 2016, eq. 6).
        context: weight of the known frames that a recurrent network predicts while it reads them, against the future ones
            (lstm, and convlstm with `pyramid`).
        adversarial: weight of the critic's judgement (least squares, Mao et al. 2017).
        matching: weight of the distance between the critic's features (Wang et al. 2018, eq. 4); both 0: no critic.
        teacher: of recurrent networks, scheduled sampling (Bengio et al. 2015): the probability that a future step is fed the
            true frame is 1 until the first share and 0 from the second.
        lengths: (share, frames) pairs: how many future frames are trained on from that share of the budget.
        short: share of the mini-batches with fewer known frames than usual, down to the config's `least_past`.
        scale: the known frames are shown at 1/scale of their size, enlarged again; 1 as they are.
    """

    mse: float = 1.0
    l1: float = 0.0
    bce: float = 0.0
    gradient: float = 0.0
    context: float = 1.0
    adversarial: float = 0.0
    matching: float = 0.0
    teacher: tuple[float, float] = (0.0, 0.2)
    lengths: tuple[tuple[float, int], ...] = ((0.0, 4), (0.2, 7), (0.5, 10))
    short: float = 0.1
    scale: int = 1


@dataclass(frozen=True)
class VPNConfig:
    """One model of the VPN family.

    Args:
        network: 'convlstm', 'lstm' (one vector a frame) or 'simvp' (no recurrence).
        output: frames as a 'linear' map without bounds, or through a 'sigmoid'.
        size: height and width of the frames, px, a multiple of 16.
        channels: of the frames.
        n_past: known frames trained on.
        n_future: frames to predict trained on.
        least_past: fewest known frames it learns to go on from.
        widths: channels; convlstm: of its two layers; lstm: of its four strided convolutions; simvp: of a frame's features,
            and of the stack of all frames.
        patch: convlstm: side of the pixel blocks that become channels in front of it (pixel-unshuffle); 1 is full resolution.
        pyramid: convlstm: the wider layers work at half the side of the narrower ones, as in Shi et al. 2017.
        blocks: simvp: residual blocks at each of the two sides it works at.
        latent: lstm: width of the vector.
        before: recurrent networks: every frame is read together with the one before it, so that one input shows velocities.
    """

    network: str = "convlstm"
    output: str = "linear"
    size: int = 64
    channels: int = 1
    n_past: int = 10
    n_future: int = 10
    least_past: int = 9
    widths: tuple[int, ...] = (64, 128)
    patch: int = 4
    pyramid: bool = True
    blocks: int = 4
    latent: int = 256
    before: bool = True
    objective: Objective = field(default_factory=Objective)

    def __post_init__(self) -> None:
        check_one_of("network", self.network, NETWORKS)
        check_one_of("output", self.output, OUTPUTS)
        if self.size % 16:
            raise ValueError(f"size is {self.size}; give a multiple of 16")
        count, multiple = (4, 8) if self.network == "lstm" else (2, 1 if self.network == "convlstm" and not self.pyramid else 8)
        if len(self.widths) != count or any(width < 1 or width % multiple for width in self.widths):
            raise ValueError(f"widths are {self.widths}; {self.network} takes {count}, each a multiple of {multiple}")
        block = self.patch * (1 + self.pyramid)
        if self.network == "convlstm" and (self.patch < 1 or self.size % block):
            raise ValueError(f"patch is {self.patch}; give one of which {block // max(self.patch, 1)} fit into size, {self.size}")
        if not 2 <= self.least_past <= self.n_past:
            raise ValueError(f"least_past is {self.least_past}; give 2 to n_past, {self.n_past}")
        if self.objective.bce and self.output != "sigmoid":
            raise ValueError(f"output is {self.output!r}, which has no logits; cross-entropy takes output 'sigmoid'")
