"""Whether clips show moving digits: simple statistics of their known frames, and words for what is unlike such clips."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from ..domain import CANVAS, Domain

INK, BLACK = 40, 12  # grey levels: brighter is a figure, darker is ground
ENOUGH = 4  # minimum number of frames over which it is no coincidence that two digits overlap, or hardly move, in all of them
THINNEST = (
    0.04  # share of the tallest figure that half of the thickest stroke is at least: .049 of digits, .015 to .03 of drawings
)
CUTS = (0.3, 0.5, 0.7)  # thresholds tried, as shares of the way from ink to ground: a texture may come near the ink's level


@dataclass(frozen=True)
class Published:
    """Statistics of the digits of a published data set, from 1,000 of its clips with 2 to 10 frames, MNIST's and strokes.

    Args:
        seen: the data in words, see `Domain.seen`.
        lone: px, minimum over clips of the span of all ink in its widest frame; ink that spans less is one digit.
        small: px, minimum size of the largest figure in every frame; two digits that overlap span more.
        large: px of the largest figure and px of ink a frame: not both are exceeded in every frame.
        ink: px, maximum ink a frame.
        slow: minimum change from frame to frame as a share of the ink; 0: digits may stand still for a while.
    """

    seen: str
    lone: float
    small: float
    large: tuple[float, float]
    ink: float
    slow: float


# digits of MNIST and strokes fill 20/28 of their box: 20 px of 28, 23 of 32
MMNIST = Published("two white 28-pixel digits that move at one speed on black", 24.5, 18.5, (24.5, 330), 390, 0.8)
SMMNIST = Published("two white digits of 28 or 32 pixels that move on black", 24.5, 18.5, (28.5, 500), 560, 0)
VARIED = "one to three digits of 20 to 40 pixels, lighter or darker than an even or textured ground that stands still"


def describe_published(frames: np.ndarray, data: Published) -> str | None:
    """What is unlike the clips of a published data set, completes "here ..."; None where nothing is.

    The number of figures is inferred from the amount of ink and its span: figures that overlap cannot be counted.

    Args:
        frames: uint8 (T, H, W, 1), the known ones, scaled to the model's size.
    """
    grey = frames[..., 0].astype(np.float32)
    ink, unit = grey > INK, CANVAS / frames.shape[1]
    if np.median(grey) > BLACK:
        return "the ground is not black"
    if not are_digits(ink, 0.3):
        return "there are no such digits"
    odd = []
    change = np.abs(np.diff(grey, axis=0)).sum((1, 2)) / grey[1:].sum((1, 2)).clip(1)
    if len(change) and change.max() < 0.05:
        odd.append("nothing moves")
    elif len(frames) >= ENOUGH and np.median(change) < data.slow:
        odd.append("the digits move too slowly")
    tallest = min(measure_figures(frame)[1] for frame in ink) * unit
    amount = np.median(ink.sum((1, 2))) * unit**2
    if tallest < data.small:
        odd.append("the digits are too small")
    elif (tallest > data.large[0] and amount > data.large[1]) or amount > data.ink:
        odd.append("the digits are too large or too many")
    elif len(frames) >= ENOUGH and max(ink_span(frame) for frame in ink) * unit < data.lone:
        odd.append("there is one digit only")
    return " and ".join(odd) or None


def describe_varied(frames: np.ndarray) -> str | None:
    """None for thin figures of one ink level on a smooth, static ground, else that there are no such digits.

    A lone silhouette before an even wall passes for a digit where neither camera nor compression leaves noise: 5 % of KTH's
    clips of 5 frames, and 74 % of its single frames, in which noise cannot be seen.

    Args:
        frames: uint8 (T, H, W, 1), the known ones, scaled to the model's size.
    """
    for grey in (frames[..., 0].astype(np.float32), 255 - frames[..., 0].astype(np.float32)):
        ink, ground = np.percentile(grey, 99.7), np.median(grey)
        if ink - ground < INK:
            continue
        for share in CUTS:
            marks = grey > ink - share * (ink - ground)
            of_one_ink = (grey[marks] > ink - 0.15 * (ink - ground)).mean() > 0.4  # of digits .55 and more
            if of_one_ink and are_digits(marks, 0.22) and is_smooth_and_still(grey, marks):
                return None
    return "there are no such digits"


def are_digits(ink: np.ndarray, thickest: float) -> bool:
    """Whether the ink is a few thin figures: one to three digits of any size, or up to twelve pieces where strokes are broken.

    Args:
        ink: bool (T, H, W).
        thickest: maximum of half the thickest stroke as a share of the tallest figure, in the median frame: 0.19 of 98 % of the
            clips of digits, 0.28 where thick ones overlap; 0.5 of balls, 0.23 and more where they touch.
    """
    counts, heights, strokes = np.array([measure_figures(frame) for frame in ink]).T
    return bool(
        0.005 <= np.median(ink.mean((1, 2))) <= 0.35
        and np.median(counts) <= 12
        and heights.max() >= 0.15 * ink.shape[1]
        and THINNEST <= np.median(strokes / heights.clip(1)) <= thickest
    )


def measure_figures(ink: np.ndarray) -> tuple[float, float, float]:
    """Number of connected components of ink, the larger side of the largest one's box, and half of the thickest stroke, px.

    Args:
        ink: bool (H, W).
    """
    import cv2

    marks = ink.astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(marks, connectivity=8)
    sides = stats[1:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(1)[stats[1:, cv2.CC_STAT_AREA] >= 4]
    return len(sides), max(sides, default=0), cv2.distanceTransform(marks, cv2.DIST_L2, 3).max()


def ink_span(ink: np.ndarray) -> int:
    """Larger side of the bounding box of all ink, px; ink is bool (H, W)."""
    return max((int(np.ptp(places)) + 1 for places in ink.nonzero() if len(places)), default=0)


def is_smooth_and_still(grey: np.ndarray, ink: np.ndarray) -> bool:
    """Whether the ground, 2 px away from ink, is static and has no edges, no noise and moderate contrast.

    The grounds of `robust` do not change from frame to frame (in an MP4 file, by 1 or 2 grey levels), change by at
    most 17 from pixel to pixel and span at most 115; recordings of KTH, whose people are small and dark, change by 3 and more.

    Args:
        grey: float32 (T, H, W), 0 to 255.
        ink: bool (T, H, W).
    """
    import cv2

    near = [cv2.dilate(frame.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0 for frame in ink]
    ground = np.ma.masked_array(grey, near)
    changes = (ground.max(0) - ground.min(0)).compressed()
    steps = [np.diff(ground, axis=axis).compressed() for axis in (1, 2)]
    levels = ground.compressed()
    if not min(map(len, (changes, *steps))):
        return False
    return bool(
        np.percentile(changes, 98) <= 3
        and max(np.percentile(np.abs(step), 98) for step in steps) <= 20
        and np.ptp(np.percentile(levels, (0.5, 99.5))) <= 120
    )


KIND, NAME = "moving digits", "Moving digits"
RANDOM = Domain(KIND, SMMNIST.seen, partial(describe_published, data=SMMNIST), NAME, walls="throw digits back at random")
MIRROR = Domain(KIND, MMNIST.seen, partial(describe_published, data=MMNIST), NAME, walls="reflect digits as mirrors do")
ROBUST = Domain(KIND, VARIED, describe_varied, NAME)
