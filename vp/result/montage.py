"""All rows of a Result except baselines as one video: labelled tiles, green borders for context, red for generated frames."""

from __future__ import annotations

import cv2
import numpy as np

from .result import Result, Row

PAPER, INK, SOFT = (250, 249, 245), (27, 33, 48), (90, 98, 114)
KNOWN, MADE = (31, 122, 77), (184, 57, 44)
WORDS = {"context": KNOWN, "generated": MADE, "truth": SOFT, "no truth": SOFT}
GAP, BORDER, CAPTION, MARK, HEADER = 12, 3, 22, 14, 26
TILE, WIDTH = 128, 900  # px: small frames are enlarged to about the one, and fill the other
WIDEST, HIGHEST = 1280, 960  # px: large frames are shrunk to fit
FONT = cv2.FONT_HERSHEY_SIMPLEX


def draw_montage(result: Result) -> np.ndarray:
    """The video, uint8 (T, H, W, 3) RGB with even H and W, as video codecs need."""
    rows = [row for row in result.rows if row.kind != "baseline"]
    height, width, columns = plan_tiles(len(rows), *rows[0].frames.shape[1:3])
    caption = CAPTION + (MARK if any(row.mark for row in rows) else 0)
    cell_h, cell_w = height + 2 * BORDER + caption, width + 2 * BORDER
    lines = -(-len(rows) // columns)
    shape = (round_up_to_even(HEADER + GAP + lines * (cell_h + GAP)), round_up_to_even(GAP + columns * (cell_w + GAP)), 3)
    out = np.empty((len(result.known), *shape), np.uint8)
    for t, canvas in enumerate(out):
        canvas[:] = PAPER
        draw_text(canvas, f"t = {t}", GAP, HEADER - 6, INK, 0.5)
        for index, row in enumerate(rows):
            line, column = divmod(index, columns)
            draw_cell(
                canvas, result, row, t, HEADER + GAP + line * (cell_h + GAP), GAP + column * (cell_w + GAP), (height, width)
            )
    return out


def plan_tiles(rows: int, height: int, width: int) -> tuple[int, int, int]:
    """(height, width) of the tiles in px, and the number of columns, for `rows` rows of height x width frames.

    Small frames are enlarged by an integer factor, so that their pixels stay sharp; large ones get the number of columns that
    shrinks them least.
    """
    if max(height, width) <= TILE:
        zoom = max(1, round(TILE / max(height, width)))
        fit = min(rows, max(1, (WIDTH - GAP) // (width * zoom + 2 * BORDER + GAP)))
        return height * zoom, width * zoom, -(-rows // -(-rows // fit))
    scales = {}
    for columns in range(1, rows + 1):
        wide = (WIDEST - GAP) / columns - GAP - 2 * BORDER
        high = (HIGHEST - HEADER - GAP) / -(-rows // columns) - GAP - 2 * BORDER - CAPTION - MARK
        scales[columns] = min(1.0, wide / width, high / height)
    columns = max(scales, key=lambda count: scales[count])
    scale = max(scales[columns], 8 / min(height, width))
    return round(height * scale), round(width * scale), columns


def draw_cell(canvas: np.ndarray, result: Result, row: Row, t: int, top: int, left: int, size: tuple[int, int]) -> None:
    """Draws frame `t` of a row into `canvas`: border, image, label, and its role in a word.

    Args:
        canvas: uint8 (H, W, 3), changed in place.
        top, left: px of the cell's corner.
        size: (height, width) of the image in px.
    """
    word = frame_role(result, row, t)
    picture, (height, width) = to_rgb(row, row.frames[t]), size
    if picture.shape[:2] != size:
        enlarged = height > picture.shape[0]
        picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_NEAREST if enlarged else cv2.INTER_AREA)
    canvas[top : top + height + 2 * BORDER, left : left + width + 2 * BORDER] = WORDS[word]
    canvas[top + BORDER : top + BORDER + height, left + BORDER : left + BORDER + width] = picture
    baseline = top + height + 2 * BORDER + 14
    draw_text(canvas, row.label, left, baseline, INK, 0.4)
    draw_text(canvas, row.mark, left, baseline + MARK, MADE, 0.36)
    if row.kind != "truth" or word != "truth":
        span = cv2.getTextSize(word, FONT, 0.36, 1)[0][0]
        if span + cv2.getTextSize(row.label, FONT, 0.4, 1)[0][0] + 6 <= width:
            draw_text(canvas, word, left + width + 2 * BORDER - span, baseline, WORDS[word], 0.36)


def frame_role(result: Result, row: Row, t: int) -> str:
    """The role of frame `t` of a row: 'context', 'generated', 'truth' or 'no truth'."""
    if result.known[t]:
        return "context"
    if row.kind in ("truth", "picture_truth"):
        return "truth" if result.has_truth[t] else "no truth"
    return "generated"


def to_rgb(row: Row, frame: np.ndarray) -> np.ndarray:
    """uint8 (H, W, C) -> (H, W, 3); grey is repeated, uncertainty becomes a heat map."""
    if row.kind == "uncertainty":
        return cv2.applyColorMap(np.ascontiguousarray(frame[..., 0]), cv2.COLORMAP_INFERNO)[..., ::-1]
    return frame if frame.shape[-1] == 3 else frame.repeat(3, axis=-1)


def draw_text(canvas: np.ndarray, text: str, x: int, y: int, colour: tuple[int, int, int], size: float) -> None:
    """Writes `text` with its baseline's left end at (x, y); `size` is OpenCV's font scale."""
    cv2.putText(canvas, text, (x, y), FONT, size, colour, 1, cv2.LINE_AA)


def round_up_to_even(number: int) -> int:
    return number + number % 2
