"""What the clips of a data set have in common, so that a clip which is unlike them can be told, in a sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

CANVAS = 64  # px, the height at which clips are looked at
STILL = 4  # grey levels that half of the pixels of a camera that stands still change by from frame to frame, at most
FLAT = 0.5  # share of a recording's pixels that may be of one grey level

Describe = Callable[[np.ndarray], str | None]  # uint8 (T, H, W, C) at CANVAS -> what is unlike the data set, for "here ..."


@dataclass(frozen=True)
class Domain:
    """
    Args:
        kind: what a clip shows that looks like these, "the clip shows ..."; a model trained on data of one kind is made for such
            clips. "" where that is too much to say of a clip.
        seen: what the data show, "this model has only seen ..."; "" where they are so mixed that a clip of any kind is alike.
        describe: what of a clip's known frames is unlike them, None where nothing is.
        name: what models trained on such data are for, as a menu has it.
        certain: whether a clip's frames, uint8 (T, H, W, C) of their own size, may be of `kind` at all; for kinds that `describe`
            alone says too much of.
        walls: what the walls do that things bounce off, "the walls ..."; None where there are none. No pixel of the known frames
            tells, so a clip has to say where it comes from.
    """

    kind: str
    seen: str
    describe: Describe
    name: str
    certain: Callable[[np.ndarray], bool] = lambda frames: True
    walls: str | None = None

    @property
    def anything(self) -> bool:
        return not self.seen


def unless(test: Callable[[np.ndarray], bool]) -> Describe:
    return lambda frames: None if test(frames) else "is something else"


def is_recording(frames: np.ndarray) -> bool:
    """A camera's recording, not a drawing: no single grey level fills it.

    300 clips of KTH, Georgia Tech and UCF101 have at most 31 % of one level, 200 of moving digits 79 % and more.

    Args:
        frames: uint8 (T, H, W, C), scaled to the model's size.
    """
    grey = frames[0].mean(-1).round().astype(np.uint8)
    return bool(np.bincount(grey.ravel()).max() <= FLAT * grey.size)


def is_small_and_still(frames: np.ndarray) -> bool:
    """A camera that stands still, in pictures no larger than models of recordings at CANVAS px learn them.

    Args:
        frames: uint8 (T, H, W, C), as they are.
    """
    changes = np.abs(np.diff(frames.mean(-1), axis=0))
    return bool(max(frames.shape[1:3]) <= CANVAS and np.median(changes) <= STILL) if len(changes) else False


# a larger or coloured recording loses more by being made small and grey than such a model knows better
GREY_PEOPLE = Domain(
    "what a still camera sees in grey at 64 pixels, as recordings of people do",
    "people, recorded by a camera",
    unless(is_recording),
    "People, small and grey",
    is_small_and_still,
)
PEOPLE = Domain("", "people, recorded by a camera", unless(is_recording), "People")
ANYTHING = Domain("", "", lambda frames: None, "Any clip")
