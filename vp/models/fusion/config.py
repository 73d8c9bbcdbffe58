"""The config of a fusion model: its fusion pictures, its networks and their objectives."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...core.settings import check_one_of

FOLD = 2  # pixels of a side that the 3D U-Net reads as channels

MODES = ("overlay", "stack")
SEGMENTERS = ("exact", "colour", "background", "deeplab")


@dataclass(frozen=True)
class Drawing:
    """How a frame becomes a fusion picture.

    Args:
        mode: 'overlay', an RGB picture of a dark red segment under white edges (the paper's), or 'stack', edges and segment
            as two channels (ours).
        segment: 'exact', the masks that come with the training clips, 'colour' where there are none; 'colour', pixels that
            differ from the frame's median colour; 'background', OpenCV's background subtraction, learned from the known
            frames; 'deeplab', torchvision's DeepLabV3, where its weights are at hand.
        threshold: 'colour': how much a pixel must differ, 0 to 1.
        canny: Canny's low and high thresholds, of 8-bit gradients.
    """

    mode: str = "overlay"
    segment: str = "colour"
    threshold: float = 0.3
    canny: tuple[int, int] = (100, 200)

    def __post_init__(self) -> None:
        check_one_of("mode", self.mode, MODES)
        check_one_of("segment", self.segment, SEGMENTERS)
        if not 0 < self.threshold < 1:
            raise ValueError(f"threshold is {self.threshold}; give a number between 0 and 1")

    @property
    def channels(self) -> int:
        """Of a fusion picture."""
        return 3 if self.mode == "overlay" else 2


@dataclass(frozen=True)
class Objective:
    """Weights of the losses, each a mean over pixels, and the predictor's schedule.

    Args:
        mse: squared error of predicted pictures.
        l1: absolute error of predicted pictures.
        ssim: of 1 - SSIM of predicted pictures.
        lengths: (share of the stage, pictures) pairs: how many are predicted from then on; more than n_past take a second call.
        once: share of the mini-batches that stop after one call of the predictor although more are due.
        adversarial: of frames painted from true pictures, against the critic.
        frame_l1: absolute error of those frames.
        frame_mse: squared error of those frames.
        matching: distance between the critic's features of those frames and of true ones.
        tuned_adversarial, tuned_l1, tuned_mse, tuned_matching: the same of frames painted from predicted pictures. Those pictures
            are blurred where the future is uncertain: a critic would have strokes invented there, so by default squared error
            counts alone. Where one of the critic's two is above 0, the recipe's stage must train the critic too.
        sharp_l1: absolute error of sharpened frames.
        sharp_mse: squared error of sharpened frames.
        sharp_gradient: difference of gradients of sharpened frames (`nn.losses`).
        frames: painted frames of each clip in a mini-batch.
    """

    mse: float = 1.0
    l1: float = 0.0
    ssim: float = 0.0
    lengths: tuple[tuple[float, int], ...] = ((0.0, 16), (0.3, 32))
    once: float = 0.5
    adversarial: float = 1.0
    frame_l1: float = 10.0
    frame_mse: float = 0.0
    matching: float = 10.0
    tuned_adversarial: float = 0.0
    tuned_l1: float = 0.0
    tuned_mse: float = 60.0
    tuned_matching: float = 0.0
    sharp_l1: float = 1.0
    sharp_mse: float = 0.0
    sharp_gradient: float = 1.0
    frames: int = 4


@dataclass(frozen=True)
class FusionConfig:
    """One model of the fusion family.

    Args:
        size: height and width of the frames in pixels, a multiple of 16.
        channels: of the frames.
        n_past: known frames, and pictures predicted by one call.
        n_future: frames trained on.
        drawing: of the fusion pictures.
        widths: of the 3D U-Net's levels, multiples of 8.
        mixing: channels through which the 3D U-Net mixes all times at its coarsest level, a multiple of 8.
        translator: widths of the 2D U-Net's levels, multiples of 8.
        reference: the translator also sees the last known frame and its picture, and may keep parts of that frame.
        sharpener: width of the sharpening branch.
        objective: what the networks learn from.
    """

    size: int = 64
    channels: int = 1
    n_past: int = 16
    n_future: int = 32
    drawing: Drawing = field(default_factory=Drawing)
    widths: tuple[int, ...] = (16, 32, 64, 64)
    mixing: int = 160
    translator: tuple[int, ...] = (32, 64, 96, 128)
    reference: bool = False
    sharpener: int = 32
    objective: Objective = field(default_factory=Objective)

    def __post_init__(self) -> None:
        if self.size % 16 or self.size < 16:
            raise ValueError(f"size is {self.size}; give a multiple of 16")
        if self.n_past < 1:
            raise ValueError(f"n_past is {self.n_past}; give 1 or more")
        if not 2 <= len(self.widths) <= 4 or not 2 <= len(self.translator) <= 4:
            raise ValueError(f"widths are {self.widths} and {self.translator}; give 2 to 4 levels")
        if any(width % 8 or width < 8 for width in (*self.widths, self.mixing, *self.translator)):
            came = f"widths are {self.widths} and {self.translator}, mixing is {self.mixing}"
            raise ValueError(f"{came}; give multiples of 8")
