"""Does a clip look like the data a model was trained on? A few plain statistics, and one plain sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import cv2
import numpy as np

from vp.data.video_file import COLOUR_SPREAD

from .known_frames import fit

INK, BLACK = 40, 12  # grey levels: brighter is a figure, darker is ground
FLAT = 0.5  # share of a recording's pixels that may be of one grey level
CANVAS = 64  # px, the height for which sizes of digits are given here
ENOUGH = 4  # frames from which on two digits that hide each other all the time, or both hardly move, are no mere chance
CUTS = (0.3, 0.5, 0.7)  # of the way from ink to ground, where a texture may or may not come near the ink


@dataclass(frozen=True)
class Published:
    """The digits of a published data set, as 1,000 of its clips with 2 to 10 frames show them, MNIST's and strokes.

    Args:
        seen: what they are, in words.
        lone: px, at least the span of two digits in some frame; what spans less is one digit.
        small: px, at most the span of a figure in every frame; two digits that hide each other span more.
        large: px and px of ink a frame: not both are surpassed in every frame.
        ink: px of ink a frame at most.
        slow: change from frame to frame as a share of the ink, at least; 0: digits may stand for a while, but not all of them.
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
    """What is unlike the clips of a published data set, for "here ..."; None where nothing is.

    How many figures there are is told from how much ink there is and how far it spans: figures that overlap cannot be counted.

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
    tallest = min(figures(frame)[1] for frame in ink) * unit
    amount = np.median(ink.sum((1, 2))) * unit**2
    if tallest < data.small:
        odd.append("the digits are too small")
    elif (tallest > data.large[0] and amount > data.large[1]) or amount > data.ink:
        odd.append("the digits are too large or too many")
    elif len(frames) >= ENOUGH and max(span(frame) for frame in ink) * unit < data.lone:
        odd.append("there is one digit only")
    return " and ".join(odd) or None


def describe_varied(frames: np.ndarray) -> str | None:
    """Thin figures of one ink on a ground that is smooth and stands still, or what is to be said instead.

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
    """Thin figures, not many: one to three digits of any size, or up to twelve pieces where strokes are broken.

    Args:
        ink: bool (T, H, W).
        thickest: half of the thickest stroke as a share of the tallest figure, at most, in half of the frames: 0.19 of 98 % of
            the clips of digits, 0.28 where thick ones hide each other; 0.5 of balls, 0.23 and more where they touch.
    """
    counts, heights, strokes = np.array([figures(frame) for frame in ink]).T
    return bool(
        0.005 <= np.median(ink.mean((1, 2))) <= 0.35
        and np.median(counts) <= 12
        and heights.max() >= 0.15 * ink.shape[1]
        and np.median(strokes / heights.clip(1)) <= thickest
    )


def figures(ink: np.ndarray) -> tuple[float, float, float]:
    """Number of figures (touching ink), the larger side of the largest one's box, and half of the thickest stroke, px.

    Args:
        ink: bool (H, W).
    """
    marks = ink.astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(marks, connectivity=8)
    sides = stats[1:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(1)[stats[1:, cv2.CC_STAT_AREA] >= 4]
    return len(sides), max(sides, default=0), cv2.distanceTransform(marks, cv2.DIST_L2, 3).max()


def span(ink: np.ndarray) -> int:
    """Larger side of the box around all ink, px; ink is bool (H, W)."""
    return max((int(np.ptp(places)) + 1 for places in ink.nonzero() if len(places)), default=0)


def is_smooth_and_still(grey: np.ndarray, ink: np.ndarray) -> bool:
    """Is the ground, 2 px away from ink, without edges, without noise and of moderate contrast?

    The grounds of `vp.data.digits_robust` do not change from frame to frame (in an MP4 file, by 1 or 2 grey levels), change by at
    most 17 from pixel to pixel and span at most 115; recordings of KTH, whose people are small and dark, change by 3 and more.

    Args:
        grey: float32 (T, H, W), 0 to 255. ink: bool, like it.
    """
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


def is_push_world(frames: np.ndarray) -> bool:
    """The bin of the push world: its camera stands still, so the left edge shows nothing but the slate-grey room.

    600 episodes have 63 to 93 grey levels there, blue 11 to 20 above red, hardly any texture, and a floor that is brighter by 38.

    Args:
        frames: uint8 (T, H, W, C), scaled to the model's size.
    """
    height, width, channels = frames.shape[1:]
    if channels != 3:
        return False
    edge = frames[:, : height // 2, : max(1, width // 32)].reshape(-1, 3).astype(float)
    floor = frames[:, height // 3 :, width // 8 : -width // 8].mean(-1)
    slate = np.median(edge, axis=0)
    return bool(
        50 <= slate.min() <= slate.max() <= 105
        and 4 <= slate[2] - slate[0] <= 30
        and edge.std(axis=0).mean() < 8
        and np.median(floor) - slate.mean() > 30
    )


def is_recording(frames: np.ndarray) -> bool:
    """A camera's recording, not a drawing: no single grey level fills it.

    300 clips of KTH, Georgia Tech and UCF101 have at most 31 % of one level, 200 of moving digits 79 % and more.

    Args:
        frames: uint8 (T, H, W, C), scaled to the model's size.
    """
    grey = frames[0].mean(-1).round().astype(np.uint8)
    return bool(np.bincount(grey.ravel()).max() <= FLAT * grey.size)


def unless(test: Callable[[np.ndarray], bool], frames: np.ndarray) -> str | None:
    return None if test(frames) else "is something else"


# data set -> what its models have seen, and what of a clip's known frames is unlike that, both in words
FAMILIAR: dict[str, tuple[str, Callable[[np.ndarray], str | None]]] = {
    "digits-robust": (VARIED, describe_varied),
    "mmnist": (MMNIST.seen, partial(describe_published, data=MMNIST)),
    **dict.fromkeys(("smmnist-svg", "smmnist-srvp"), (SMMNIST.seen, partial(describe_published, data=SMMNIST))),
    "push": ("a robot arm that pushes objects about in a bin", partial(unless, is_push_world)),
    **dict.fromkeys(("kth", "gatech", "ucf101"), ("people, recorded by a camera", partial(unless, is_recording))),
}


# what a clip can be told to show, and the data sets whose models are made for that
KINDS = {"moving digits": ("smmnist-svg", "smmnist-srvp", "mmnist", "digits-robust"), "the push world": ("push",)}
ANYTHING = ("real128",)  # data sets so mixed that their models are made for all other clips


def kind_of(frames: np.ndarray, data: str = "") -> str | None:
    """Which of KINDS a clip shows, or None.

    Of 430 real clips none passes for the push world, and of those without colour one, a game, for digits.

    Args:
        frames: uint8 (T, H, W, C), the first ones of a clip, of any size.
        data: the data set that the clip is known to come from, or "".
    """
    for kind, names in KINDS.items():
        if data in names:
            return kind
    grey, coloured = fit(frames, CANVAS, (1,))[0], fit(frames, CANVAS, (3,))[0]
    if is_push_world(coloured):
        return "the push world"
    spread = coloured.max(-1).astype(np.float32) - coloured.min(-1)
    drawn = spread.mean() < COLOUR_SPREAD and any(FAMILIAR[name][1](grey) is None for name in KINDS["moving digits"])
    return "moving digits" if drawn else None


def trained_on(card: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the data sets that a model's card gives: the mix it was trained on, or the one data set."""
    return tuple(card.get("data") or filter(None, [card.get("dataset")]))


def domain_note(frames: np.ndarray, datasets: Iterable[str]) -> str | None:
    """One sentence where the clip is unlike the training data, else None.

    Args:
        frames: uint8 (T, H, W, C), the known ones, as the model takes them; with none nothing is said.
        datasets: names of the training data; a clip need be like one of them only.
    """
    known = [entry for name, entry in FAMILIAR.items() if name in set(datasets)]
    if not known or not len(frames):
        return None
    said = [describe(frames) for _, describe in known]
    if None in said:
        return None
    return f"This model has only seen {known[0][0]}; here {said[0]}, so do not trust what it shows."
