"""What the clips of a data set have in common, and how a clip that is unlike them is recognised and described in a sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

CANVAS = 64  # px, the height of the frames that `Describe` gets
STILL = 4  # grey levels: maximum of the median change from frame to frame before a static camera
FLAT = 0.5  # maximum share of a recording's pixels of one grey level

Describe = Callable[[np.ndarray], str | None]  # uint8 (T, H, W, C) at CANVAS -> what is unlike the data set, completes "here ..."


@dataclass(frozen=True)
class Domain:
    """
    Args:
        kind: completes "the clip shows ..." for clips that look like the data set's; models trained on data of one kind are made
            for such clips. "" where one cannot say that of a clip.
        seen: what the data show, completes "this model has only seen ..."; "" where they are so mixed that any clip is like them.
        describe: how a clip's known frames differ from the data set's, None where they do not.
        name: what models trained on such data are for, as a menu shows it.
        can_be_kind: whether a clip's frames, uint8 (T, H, W, C) of their own size, can be of `kind` at all; for kinds where
            `describe` alone accepts too much.
        walls: what the walls do to what hits them, completes "the walls ..."; None where there are none. The known frames do not
            show it, so it depends on the data set a clip comes from.
    """

    kind: str
    seen: str
    describe: Describe
    name: str
    can_be_kind: Callable[[np.ndarray], bool] = lambda frames: True
    walls: str | None = None

    @property
    def is_unrestricted(self) -> bool:
        """Whether the data are so mixed that any clip is like them."""
        return not self.seen


def describe_unless(test: Callable[[np.ndarray], bool]) -> Describe:
    """A `Describe` that finds nothing unlike the data set in frames for which `test` is true."""
    return lambda frames: None if test(frames) else "is something else"


def is_recording(frames: np.ndarray) -> bool:
    """Whether the frames come from a camera, not from a drawing: no single grey level fills the first one.

    300 clips of KTH, Georgia Tech and UCF101 have at most 31 % of one level, 200 of moving digits 79 % and more.

    Args:
        frames: uint8 (T, H, W, C), scaled to the model's size.
    """
    grey = frames[0].mean(-1).round().astype(np.uint8)
    return bool(np.bincount(grey.ravel()).max() <= FLAT * grey.size)


def is_small_and_still(frames: np.ndarray) -> bool:
    """Whether the camera stands still and the frames are at most CANVAS px, the size of the models trained on such recordings.

    Args:
        frames: uint8 (T, H, W, C), of their own size.
    """
    changes = np.abs(np.diff(frames.mean(-1), axis=0))
    return bool(max(frames.shape[1:3]) <= CANVAS and np.median(changes) <= STILL) if len(changes) else False


# a larger or coloured recording loses more by being made small and grey than such a model knows better
GREY_PEOPLE = Domain(
    "what a still camera sees in grey at 64 pixels, as recordings of people do",
    "people, recorded by a camera",
    describe_unless(is_recording),
    "People, small and grey",
    is_small_and_still,
)
PEOPLE = Domain("", "people, recorded by a camera", describe_unless(is_recording), "People")
ANYTHING = Domain("", "", lambda frames: None, "Any clip")
