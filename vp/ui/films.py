"""Films: the frames of a clip, small, tiled into one picture that a panel of the page cuts up again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from gradio.processing_utils import save_bytes_to_cache

from vp.prediction.future_map import small_frames
from vp.result.sprite_sheet import SIDE

from .future_map import encode_frames
from .player import to_file_data

SHOWN_SIDE = 160  # px of the shorter side of the frames that are shown


def panel_code(name: str, constants: str = "") -> dict[str, str]:
    """Arguments of a `FilmPanel` of this name: its HTML, and its JavaScript after `constants` and what all such panels need."""
    folder = Path(__file__).parent
    html, shared, own = ((folder / file).read_text(encoding="utf-8") for file in (f"{name}.html", "films.js", f"{name}.js"))
    return {"html_template": html, "js_on_load": constants + shared + own}


class FilmPanel(gr.HTML):
    """A panel whose value holds "films", each with "frames" as from `shrink`, which the browser gets as files to fetch."""

    def postprocess(self, value: dict[str, Any] | None) -> dict[str, Any] | None:
        """The value for the browser, each film with its "sheet" in place of its frames."""
        if value is None:
            return None
        films = [{**film, "sheet": self.store_sheet(film["frames"])} for film in value["films"]]
        return {**value, "films": [{name: x for name, x in film.items() if name != "frames"} for film in films]}

    def store_sheet(self, frames: np.ndarray) -> dict[str, Any]:
        """Frames uint8 (T, H, W, C) as a sheet on disk."""
        data, kind = encode_frames(tile(frames), frames[0])
        return to_file_data(save_bytes_to_cache(data, f"film.{kind.partition('/')[2]}", self.GRADIO_CACHE), kind)

    def api_info(self) -> dict[str, Any]:
        return {"type": "object"}


def shrink(frames: np.ndarray) -> np.ndarray:
    """Frames uint8 (T, H, W, C) with a shorter side of at most SHOWN_SIDE."""
    return small_frames(frames[None], SHOWN_SIDE)[0]


def layout(frames: np.ndarray) -> dict[str, int]:
    """What the browser needs to cut a sheet of frames uint8 (T, H, W, C) up again."""
    length, height, width = frames.shape[:3]
    return {"columns": columns_of(length, width), "width": width, "height": height, "length": length}


def tile(frames: np.ndarray) -> np.ndarray:
    """Frames uint8 (T, H, W, C) in lines of as many as a sheet is wide: uint8 (lines * H, columns * W, C)."""
    columns = columns_of(len(frames), frames.shape[2])
    padded = np.pad(frames, ((0, -len(frames) % columns), (0, 0), (0, 0), (0, 0)))
    return np.concatenate([np.concatenate(list(line), axis=1) for line in padded.reshape(-1, columns, *frames.shape[1:])])


def columns_of(length: int, width: int) -> int:
    """Frames in a line of a sheet."""
    return min(length, SIDE // width)
