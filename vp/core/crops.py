"""How training windows are cut from whole frames."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Crops:
    """How training windows are drawn from recordings.

    Args:
        short_side: whole frames are resized to so many px on the shorter side.
        side: of the square cut out of them, px.
        strides: frames from one taken to the next, each as often as it stands here.
        most_of_group: share of the clips that come from one group (person, source) at most; otherwise groups count by the root of
            their number of recordings, so that neither the largest nor the many smallest rule.
        still: share of the windows in which nothing moves that are kept.
        lively: mean change of a pixel, in grey levels, from which all windows are kept.
        reversed, turned: shares of clips shown backwards in time, and with rows and columns exchanged. Half are mirrored, a fifth
            upside down.
        closer, nearest: share of clips that are cut out smaller and enlarged, and the least side of these, as a share of `side`.
        tinted: share of clips whose colours are changed.

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


# of recordings of any kind: mostly at their own rate, since what lies further apart in time says less of what follows
REAL_CLIPS = Crops(strides=(1, 1, 1, 1, 2), closer=0.4, tinted=0.5)
