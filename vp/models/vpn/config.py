"""What describes one VPN model: the network, its output and the objective."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...core.settings import one_of
from ...nn.movers import MOVERS

NETWORKS = ("convlstm", "lstm", "conv")
OUTPUTS = ("composed", "sigmoid", "linear")


@dataclass(frozen=True)
class Objective:
    """The loss and its schedules, each a function of the share of the stage that is over.

    Args:
        mse, l1, bce, gradient: weights of the squared error, the absolute error, the cross-entropy on logits and the difference
            of gradients (Mathieu et al. 2016, eq. 6), each a mean over the pixels of the predicted frames.
        context: weight of the known frames that a network predicts on its way, against the future ones.
        separation: weight of what single sprites hold, against the simulator's pictures of single things (`nn.separation`).
        adversarial, matching: weights of the critic's judgement and of the distance between its features; 0 and 0: no critic.
        teacher: the probability that a future step is fed the true frame is 1 until the first share and 0 from the second.
        lengths: (share, frames) pairs: how many future frames are trained on from that share of the budget.
        short: share of the mini-batches with fewer known frames than usual, down to the config's `least_past`.
        scale: the known frames are shown at 1/scale of their size, enlarged again; 1 as they are.
    """

    mse: float = 1.0
    l1: float = 0.0
    bce: float = 0.0
    gradient: float = 0.0
    context: float = 1.0
    separation: float = 0.0
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
        network: 'convlstm' (64-128-128-64 in the document), 'lstm' (one vector a frame) or 'conv' (no recurrence at all).
        output: 'composed' (moves pixels), or painted anew: through a 'sigmoid', or as a 'linear' map without bounds.
        size, channels: of the frames; size a multiple of 16.
        n_past, n_future: lengths trained on. least_past: fewest known frames it learns to go on from.
        widths: channels; convlstm: of its two layers; lstm: of its four strided convolutions; conv: of a frame's features and
            of the stack of all frames.
        pyramid: convlstm: ours, whose second layer works at half the side of the first; else the document's plan, painted.
        patch: side of the pixel blocks that become channels in front of the document's plan; 1 is full resolution.
        blocks: conv: residual blocks at each of the two sides. latent: lstm: width of the vector.
        layers: remembered pictures of the composed output. mover: what holds and moves them, see `nn.movers`.
        before: every frame is read together with the one before it.
    """

    network: str = "convlstm"
    output: str = "composed"
    size: int = 64
    channels: int = 1
    n_past: int = 10
    n_future: int = 10
    least_past: int = 9
    widths: tuple[int, ...] = (64, 128)
    pyramid: bool = True
    patch: int = 4
    blocks: int = 4
    latent: int = 256
    layers: int = 3
    mover: str = "layers"
    before: bool = True
    objective: Objective = field(default_factory=Objective)

    def __post_init__(self) -> None:
        one_of("network", self.network, NETWORKS)
        one_of("output", self.output, OUTPUTS)
        one_of("mover", self.mover, MOVERS)
        if self.size % 16:
            raise ValueError(f"size is {self.size}; give a multiple of 16")
        if not 2 <= self.least_past <= self.n_past:
            raise ValueError(f"least_past is {self.least_past}; give 2 to n_past, {self.n_past}")
        if self.objective.bce and self.output != "sigmoid":
            raise ValueError(f"output is {self.output!r}, which has no logits; cross-entropy takes output 'sigmoid'")
        if self.output == "composed" and self.network == "convlstm" and not self.pyramid:
            raise ValueError("the document's plan paints; give output 'sigmoid' or 'linear', or pyramid=True")
