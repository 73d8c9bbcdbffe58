"""A rectangular part of a frame: its left and upper edge, width and height, as shares of the frame's sides."""

from __future__ import annotations

from dataclasses import dataclass

SMALLEST = 16  # px of each side


@dataclass(frozen=True)
class Region:
    """
    Args:
        left, top, width, height: shares from 0 to 1 of a frame's width or height.

    Raises:
        ValueError: it reaches beyond the frame.
    """

    left: float
    top: float
    width: float
    height: float

    def __post_init__(self) -> None:
        sides = ((self.left, self.width), (self.top, self.height))
        if not all(0 <= edge < 1 and 0 < span <= 1.001 - edge for edge, span in sides):
            raise ValueError(f"the region {self} reaches beyond the picture; give shares from 0 to 1")

    def __str__(self) -> str:
        return ",".join(f"{x:.4g}" for x in (self.left, self.top, self.width, self.height))

    @classmethod
    def parse(cls, text: str) -> Region | None:
        """The region "left,top,width,height" in shares, None for an empty text.

        Raises:
            ValueError: the text is not four numbers, or they are not such shares.
        """
        if not text.strip():
            return None
        return cls(*parse_four_numbers(text))

    @classmethod
    def of_pixels(cls, text: str, width: int, height: int) -> Region:
        """The region "x,y,w,h" in px of a frame of this width and height.

        Raises:
            ValueError: the text is not four numbers, or the region is smaller than SMALLEST or not inside the frame.
        """
        x, y, w, h = parse_four_numbers(text)
        if x < 0 or y < 0 or w < SMALLEST or h < SMALLEST or x + w > width or y + h > height:
            least = f"{SMALLEST} px wide and high or more"
            raise ValueError(f"the region is {text}, and the picture {width}x{height}; give x,y,w,h inside it, {least}")
        return cls(x / width, y / height, w / width, h / height)


def used_region(region: Region, shape: tuple[int, int]) -> Region:
    """The part of images (H, W) that `pixel_slices` takes for a region, as a region."""
    rows, columns = pixel_slices(region, shape)
    height, width = shape
    sides = columns.start / width, rows.start / height, (columns.stop - columns.start) / width, (rows.stop - rows.start) / height
    return Region(*sides)


def parse_four_numbers(text: str) -> tuple[float, float, float, float]:
    """The numbers of "x,y,w,h"; raises ValueError for any other text."""
    try:
        x, y, w, h = (float(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f"the region is {text[:40]!r}; give four numbers x,y,w,h") from None
    return x, y, w, h


def pixel_slices(region: Region | None, shape: tuple[int, int]) -> tuple[slice, slice]:
    """The rows and columns of a region (None: all) in frames of `shape` (H, W), at least SMALLEST each where frames have them."""
    if region is None:
        return slice(None), slice(None)
    spans = []
    for edge, share, side in ((region.top, region.height, shape[0]), (region.left, region.width, shape[1])):
        length = min(side, max(SMALLEST, round(share * side)))
        first = min(round(edge * side), side - length)
        spans.append(slice(first, first + length))
    return spans[0], spans[1]
