"""How training windows are cut from whole frames."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Crops:
    """How training windows are drawn from recordings.

    Args:
        short_side: px of the shorter side that whole frames are resized to.
        side: px of the square cut out of them.
        strides: distances in frames between consecutive frames of a clip, drawn uniformly from this tuple.
        most_of_group: largest share of the clips that one group (person, source) may have. Below it a group is drawn in
            proportion to the square root of its number of recordings.
        still: probability of keeping a motionless window; it grows with the motion in it.
        lively: mean absolute change of a pixel, in grey levels of 255, from which every window is kept.
        reversed, turned: shares of clips reversed in time, and transposed (rows and columns exchanged). Half of all clips are
            mirrored, a fifth are flipped upside down.
        closer, nearest: share of clips that are zoomed in, that is cut out smaller and enlarged, and the smallest cut as a share
            of `side`.
        tinted: share of clips with colour jitter.

    Raises:
        ValueError: a value out of range.
    """

    short_side: int = 128
    side: int = 128
    strides: tuple[int, ...] = (1, 1, 2, 3)
    most_of_group: float = 0.15
    still: float = 0.1
    lively: float = 6.0
    reversed: float = 0.25
    turned: float = 0.2
    closer: float = 0.0
    nearest: float = 0.6
    tinted: float = 0.0

    def __post_init__(self) -> None:
        if not 1 <= self.side <= self.short_side:
            raise ValueError(f"side is {self.side} and short_side {self.short_side}; give 1 or more, and no less than the side")
        if not self.strides or min(self.strides) < 1:
            raise ValueError(f"strides are {self.strides}; give one or more of 1 frame or more")
        if not 0 < self.nearest <= 1:
            raise ValueError(f"nearest is {self.nearest}; give a share of the side, above 0 and up to 1")


# for recordings of any kind: mostly at their own frame rate, since frames further apart in time are harder to predict from, and
# calm windows as often as people's clips have them
REAL_CLIPS = Crops(strides=(1, 1, 1, 1, 1, 2), closer=0.4, tinted=0.5, still=1.0, reversed=0.1, turned=0.1)
