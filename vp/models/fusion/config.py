"""What describes one fusion model: its pictures, its four networks and their objectives."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...core.settings import one_of
from ...nn.movers import MOVERS

MODES = ("overlay", "stack")
SEGMENTERS = ("exact", "colour", "background", "deeplab")


@dataclass(frozen=True)
class Drawing:
    """How a frame becomes a fusion picture.

    Args:
        mode: 'overlay', an RGB picture of a dark red segment under white edges (the paper's), or 'stack', edges and segment
            as two channels (ours).
        segment: 'exact', the masks that come with the training clips, 'colour' where there are none; 'colour', pixels that
            differ from the frame's most usual colour; 'background', OpenCV's background subtraction, learned from the known
            frames; 'deeplab', torchvision's DeepLabV3, where its weights are at hand.
        threshold: 'colour': how much a pixel must differ, 0 to 1. canny: Canny's low and high thresholds, of 8-bit gradients.
    """

    mode: str = "overlay"
    segment: str = "colour"
    threshold: float = 0.3
    canny: tuple[int, int] = (100, 200)

    def __post_init__(self) -> None:
        one_of("mode", self.mode, MODES)
        one_of("segment", self.segment, SEGMENTERS)
        if not 0 < self.threshold < 1:
            raise ValueError(f"threshold is {self.threshold}; give a number between 0 and 1")

    @property
    def channels(self) -> int:
        return 3 if self.mode == "overlay" else 2


@dataclass(frozen=True)
class Objective:
    """Weights of the losses, each a mean over pixels, and the predictor's schedule.

    Args:
        mse, l1, ssim: of predicted pictures; ssim weighs 1 - SSIM. separation: of what single sprites hold, against the
            simulator's pictures of single things (`nn.separation`).
        lengths: (share of the stage, pictures) pairs: how many are predicted from then on. once: share of the mini-batches
            that stop after one call of the predictor although more are due.
        adversarial, frame_l1, frame_mse, matching: of painted frames.
        sharp_l1, sharp_mse, sharp_gradient: of sharpened frames.
        frames: painted frames of each clip in a mini-batch.
    """

    mse: float = 1.0
    l1: float = 0.0
    ssim: float = 0.0
    separation: float = 0.0
    lengths: tuple[tuple[float, int], ...] = ((0.0, 4), (0.1, 8), (0.2, 16), (0.5, 32))
    once: float = 0.5
    adversarial: float = 1.0
    frame_l1: float = 10.0
    frame_mse: float = 0.0
    matching: float = 10.0
    sharp_l1: float = 1.0
    sharp_mse: float = 0.0
    sharp_gradient: float = 1.0
    frames: int = 4


@dataclass(frozen=True)
class FusionConfig:
    """One model of the fusion family.

    Args:
        size, channels: of the frames; size a multiple of 16.
        n_past: known frames, and pictures predicted by one call; a multiple of 4. n_future: frames trained on.
        drawing: of the fusion pictures.
        widths: of the 3D U-Net's levels. layers: remembered pictures that it moves. mover: what holds and moves
            them, see `nn.movers`. memory: known pictures written into them.
        translator: widths of the 2D U-Net's levels. reference: it also sees the last known frame and its picture, and may
            keep parts of that frame.
        sharpener: width of the sharpening branch.
    """

    size: int = 64
    channels: int = 1
    n_past: int = 16
    n_future: int = 32
    drawing: Drawing = field(default_factory=Drawing)
    widths: tuple[int, ...] = (32, 64, 96)
    layers: int = 3
    mover: str = "layers"
    memory: int = 8
    translator: tuple[int, ...] = (32, 64, 96, 128)
    reference: bool = False
    sharpener: int = 32
    objective: Objective = field(default_factory=Objective)

    def __post_init__(self) -> None:
        if self.size % 16 or self.size < 16:
            raise ValueError(f"size is {self.size}; give a multiple of 16")
        one_of("mover", self.mover, MOVERS)
        if self.n_past % 4 or self.n_past < 4:
            raise ValueError(f"n_past is {self.n_past}; give a multiple of 4")
        if not 1 <= self.memory <= self.n_past:
            raise ValueError(f"memory is {self.memory}; give 1 to n_past, {self.n_past}")
        if not 2 <= len(self.widths) <= 3 or not 2 <= len(self.translator) <= 4:
            raise ValueError(f"widths are {self.widths} and {self.translator}; give 2 or 3 levels, and 2 to 4")
