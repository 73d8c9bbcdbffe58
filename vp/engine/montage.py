"""All rows of a Result in one moving picture, for mp4 and GIF: labelled tiles, green for context, red for generated."""

from __future__ import annotations

import cv2
import numpy as np

from .result import Result, Row

PAPER, INK, SOFT = (250, 249, 245), (27, 33, 48), (90, 98, 114)
KNOWN, MADE = (31, 122, 77), (184, 57, 44)
WORDS = {"context": KNOWN, "generated": MADE, "truth": SOFT, "no truth": SOFT}
GAP, BORDER, CAPTION, HEADER = 12, 3, 22, 26
TILE, WIDTH = 128, 900
FONT = cv2.FONT_HERSHEY_SIMPLEX


def montage(result: Result) -> np.ndarray:
    """uint8 (T, H, W, 3) with even H and W."""
    _, height, width, _ = result.rows[0].frames.shape
    zoom = max(1, round(TILE / max(height, width)))
    cell_h, cell_w = height * zoom + 2 * BORDER + CAPTION, width * zoom + 2 * BORDER
    columns = min(len(result.rows), max(1, (WIDTH - GAP) // (cell_w + GAP)))
    lines = -(-len(result.rows) // columns)
    columns = -(-len(result.rows) // lines)
    shape = (even(HEADER + GAP + lines * (cell_h + GAP)), even(GAP + columns * (cell_w + GAP)), 3)
    out = np.empty((len(result.known), *shape), np.uint8)
    for t, canvas in enumerate(out):
        canvas[:] = PAPER
        write(canvas, f"t = {t}", GAP, HEADER - 6, INK, 0.5)
        for index, row in enumerate(result.rows):
            line, column = divmod(index, columns)
            draw(canvas, result, row, t, HEADER + GAP + line * (cell_h + GAP), GAP + column * (cell_w + GAP), zoom)
    return out


def draw(canvas: np.ndarray, result: Result, row: Row, t: int, top: int, left: int, zoom: int) -> None:
    """One tile: border, picture, label and the word that says what the frame is."""
    word = phase(result, row, t)
    picture = tint(row, row.frames[t]).repeat(zoom, 0).repeat(zoom, 1)
    height, width = picture.shape[:2]
    canvas[top : top + height + 2 * BORDER, left : left + width + 2 * BORDER] = WORDS[word]
    canvas[top + BORDER : top + BORDER + height, left + BORDER : left + BORDER + width] = picture
    baseline = top + height + 2 * BORDER + 14
    write(canvas, row.label, left, baseline, INK, 0.4)
    if row.kind != "truth" or word != "truth":
        span = cv2.getTextSize(word, FONT, 0.36, 1)[0][0]
        if span + cv2.getTextSize(row.label, FONT, 0.4, 1)[0][0] + 6 <= width:
            write(canvas, word, left + width + 2 * BORDER - span, baseline, WORDS[word], 0.36)


def phase(result: Result, row: Row, t: int) -> str:
    """What frame `t` of a row is, in a word: context, generated, truth or no truth."""
    if result.known[t]:
        return "context"
    if row.kind in ("truth", "picture_truth"):
        return "truth" if result.has_truth[t] else "no truth"
    return "generated"


def tint(row: Row, frame: np.ndarray) -> np.ndarray:
    """uint8 (H, W, C) -> RGB; uncertainty as heat."""
    if row.kind == "uncertainty":
        return cv2.applyColorMap(np.ascontiguousarray(frame[..., 0]), cv2.COLORMAP_INFERNO)[..., ::-1]
    return frame if frame.shape[-1] == 3 else frame.repeat(3, axis=-1)


def write(canvas: np.ndarray, text: str, x: int, y: int, colour: tuple[int, int, int], size: float) -> None:
    cv2.putText(canvas, text, (x, y), FONT, size, colour, 1, cv2.LINE_AA)


def even(number: int) -> int:
    return number + number % 2
