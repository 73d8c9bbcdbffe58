"""The order of the axes of an array of frames: N clips, T frames, H height, W width, C channels, as in "NTHWC".

Sizes tell channels (1 or 3) from height and width. Where several orders fit, the frames decide: time is the axis along which
neighbours are more alike than random pairs, and colour channels move together while clips do not. Ambiguous arrays are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

LETTERS = "NTHWC"
ORDERS = {4: ("THWC", "TCHW", "CTHW", "NTHW", "TNHW"), 5: ("NTHWC", "NTCHW", "NCTHW", "TNHWC", "TNCHW")}
ACCEPTED = ", ".join(order for orders in ORDERS.values() for order in orders)
LEAST_SIDE = 4  # px
LOOKED_AT, PAIRS = 64, 400  # frames along an axis, and pairs of them, that are compared
STEADY, STEADIER = 0.9, 0.8  # difference of neighbours over that of any two: of time at most, and over that of the other axis
TOGETHER, APART = 0.5, 0.2  # correlation of motion in three planes: colours from the first on, clips up to the second


def infer_axes(shape: Sequence[int], array: Callable[[], np.ndarray], name: str, given: str = "") -> str:
    """The order of an array's axes, letters of LETTERS.

    Args:
        shape: of the array.
        array: loads the array, called only where sizes are not enough.
        name: of the file, for messages.
        given: the order where the user states it, "" otherwise.

    Raises:
        ValueError: `given` does not fit the shape, or no order does, or the order is ambiguous.
    """
    if given:
        return check_axes(given, shape, name)
    fits = [order for order in ORDERS.get(len(shape), ()) if can_fit(order, shape)]
    if not fits:
        raise ValueError(f"{name} has frames {tuple(shape)}; give them in one of the orders {ACCEPTED}, with 1 or 3 channels")
    moving = [order for order in fits if axis_size(order, shape, "T") > 1] or fits
    colour = [order for order in fits if axis_size(order, shape, "C") == 3]
    grey = [order for order in moving if axis_size(order, shape, "C") == 1]
    if len(shape) == 4 and colour and len(fits) > 1:
        moving = filter_by_motion(fits, colour[0], shape, array)
    elif grey and not colour:
        moving = [
            order for order in moving if axis_size(order, shape, "N") == 1
        ] or grey  # one channel or one clip: the same frames
    if len(moving) == 2 and all("N" in order for order in moving):
        moving = filter_by_continuity(moving, array)
    if len(moving) != 1:
        which = ", ".join(fits)
        raise ValueError(f"{name} has frames {tuple(shape)}, which may be {which}, and nothing tells which; say so by --axes")
    return moving[0]


def check_axes(given: str, shape: Sequence[int], name: str) -> str:
    """The order stated by the user, in capitals; raises ValueError where it is no order of axes or does not fit the shape."""
    order = given.upper()
    if not set("THW") <= set(order) <= set(LETTERS) or len(set(order)) < len(order):
        raise ValueError(f"axes is {given!r}; give T, H and W once each, and N and C where there are clips and channels: NTHWC")
    if len(order) != len(shape) or "C" in order and axis_size(order, shape, "C") not in (1, 3):
        raise ValueError(f"{name} has frames {tuple(shape)}, which are not {order} with 1 or 3 channels; give --axes that fit")
    return order


def axis_size(order: str, shape: Sequence[int], letter: str) -> int:
    """The size of the axis `letter`; 0 where the order has no such axis."""
    return shape[order.index(letter)] if letter in order else 0


def can_fit(order: str, shape: Sequence[int]) -> bool:
    """Whether frames of this shape can have this order: sides of LEAST_SIDE or more, and 1 or 3 channels."""
    sides = min(axis_size(order, shape, "H"), axis_size(order, shape, "W")) >= LEAST_SIDE
    return sides and ("C" not in order or axis_size(order, shape, "C") in (1, 3))


def filter_by_motion(fits: list[str], colour: str, shape: Sequence[int], array: Callable[[], np.ndarray]) -> list[str]:
    """The orders still possible for a 4-D array with an axis of size 3, by whether its three planes move as colour channels do.

    Args:
        fits: the orders that fit the shape.
        colour: the one of them in which the axis of size 3 is channels.
        shape, array: see `infer_axes`.

    Returns:
        one order, or those that `filter_by_continuity` decides between, or none where it is ambiguous.
    """
    if axis_size(colour, shape, "T") < 2 or shape[0] == shape[1]:
        return []
    planes = np.moveaxis(array(), (colour.index("C"), colour.index("T")), (0, 1))[:, :LOOKED_AT]
    alike = motion_correlation(subsample_pixels(planes))
    if alike is None or APART < alike < TOGETHER:
        return []
    return [colour] if alike >= TOGETHER else [order for order in fits if "N" in order]


def motion_correlation(planes: np.ndarray) -> float | None:
    """Mean correlation of the absolute frame differences between planes (3, T, H, W); None where a plane stands still."""
    change = np.abs(np.diff(planes, axis=1)).reshape(len(planes), -1)
    if change.shape[1] < 2 or not change.std(1).all():
        return None
    return float(np.corrcoef(change)[np.triu_indices(len(planes), 1)].mean())


def filter_by_continuity(orders: list[str], array: Callable[[], np.ndarray]) -> list[str]:
    """Of two orders that differ in N and T alone, the one whose time axis is continuous; both where that is not clear."""
    first, second = (unsteadiness(np.moveaxis(array(), order.index("T"), 0)) for order in orders)
    low, high, order = min((first, second, orders[0]), (second, first, orders[1]))
    return [order] if low < STEADY and low < STEADIER * high else orders


def unsteadiness(frames: np.ndarray) -> float:
    """Mean difference of neighbours along the first axis over that of random pairs: about 1 where the order means nothing."""
    others = np.linspace(0, frames.shape[1] - 1, min(8, frames.shape[1])).round().astype(int)
    frames = subsample_pixels(frames[:LOOKED_AT][:, others])
    if len(frames) < 2:
        return 1.0
    draw = np.random.default_rng(0)
    one = draw.integers(len(frames), size=PAIRS)
    other = (one + draw.integers(1, len(frames), size=PAIRS)) % len(frames)
    any_two = np.mean([np.abs(frames[i] - frames[j]).mean() for i, j in zip(one, other)])
    return float(np.abs(np.diff(frames, axis=0)).mean() / any_two) if any_two > 0 else 0.0


def subsample_pixels(frames: np.ndarray) -> np.ndarray:
    """int16, every few pixels of the height and width axes (the last two, or those before a last axis of 1 or 3 channels)."""
    channels_last = frames.shape[-1] in (1, 3)
    high, wide = frames.shape[-3:-1] if channels_last else frames.shape[-2:]
    few = slice(None, None, max(1, high // 32)), slice(None, None, max(1, wide // 32))
    return frames[(..., *few, slice(None)) if channels_last else (..., *few)].astype(np.int16)
