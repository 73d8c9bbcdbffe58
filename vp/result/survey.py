"""Checks a data set for `python -m vp data`: decodes every recording, counts, lists what is left out, draws a contact sheet."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from ..core.boundary import attached_to_errors
from ..core.files import replacing
from ..data import DATASETS, ClipSource, Framing, Layout, open_dataset
from ..data.digits.banks import SPLITS as USUAL
from ..data.recorded import to_tensors
from ..data.recording import Found, Recording, Watch, without_progress_bar
from ..data.splits import SPLITS, assign_splits
from .sprite_sheet import encode_png

ROWS, COLUMNS = 4, 8  # of the contact sheet: recordings a split, frames a recording
LISTED = 20  # of what was left out
PAPER, INK, CAPTION = 250, (27, 33, 48), 14
FONT = cv2.FONT_HERSHEY_SIMPLEX


@dataclass
class Count:
    """Counts of one split: recordings, their groups, usable frames and minutes, and how many recordings have actions."""

    recordings: int = 0
    groups: set[str] = field(default_factory=set)
    frames: int = 0
    minutes: float = 0.0
    with_actions: int = 0

    def add(self, recording: Recording, frames: int) -> None:
        """Adds one recording with this many decoded frames."""
        usable = sum(end - first for first, end in recording.spans(frames))
        self.recordings += 1
        self.groups.add(recording.group)
        self.frames += usable
        self.minutes += usable / recording.fps / 60
        self.with_actions += bool(recording.actions)

    def row(self) -> dict[str, Any]:
        """The counts as JSON types."""
        return {
            "recordings": self.recordings,
            "groups": len(self.groups),
            "frames": self.frames,
            "minutes": round(self.minutes, 2),
            "with_actions": self.with_actions,
        }


def survey_dataset(
    name: str, data_root: str | Path | None, out: Path, size: int = 64, watch: Watch = without_progress_bar, axes: str = ""
) -> dict[str, Any]:
    """Checks a data set and writes a contact sheet to `out`.

    Args:
        name: a key of `vp.data.DATASETS`.
        data_root: its folder, or one that holds it.
        out: path of a PNG.
        size: side of the frames in px.
        watch: (items, their name) -> items, for a progress bar.
        axes: order of array axes, see `Layout.recordings`.

    Returns:
        counts by split, left_out (how many) and the first 20 of them, notes, and the sheet's path.

    Raises:
        ValueError: no such data set, no folder, or no usable recording.
    """
    if name not in DATASETS:
        raise ValueError(f"there is no data set {name!r}; there are {', '.join(DATASETS)}")
    start, data, framing = time.monotonic(), DATASETS[name], Framing(size)  # a size that no clips can have is refused first
    if isinstance(data, Layout):
        found = data.scan(name, data_root, watch, axes)
        counts, rows = decode_recordings(found, framing, watch)
        if not any(count.recordings for count in counts.values()):
            raise ValueError(f"none of the {len(found.recordings)} recordings of {name} can be decoded: {found.left_out[0][1]}")
        splits = {split: count.row() for split, count in counts.items()}
        result: dict[str, Any] = {"root": str(data.root(name, data_root)), "splits": splits}
        dims = sorted({recording.actions for recording in found.recordings if recording.actions})
        first = found.left_out[:LISTED]
        rest: dict[str, Any] = {"actions": dims, "left_out": len(found.left_out), "first_left_out": first, "notes": found.notes}
    else:
        sources = {split: open_dataset(name, split, data_root, axes=axes) for split in USUAL}
        result, rest = {"made_of": {split: vars(source)["contents"] for split, source in sources.items()}}, {"left_out": 0}
        rows = [row for split, source in sources.items() for row in simulated_rows(split, source)]
    survey = {"data": name, **result, **rest, "sheet": str(out), "seconds": round(time.monotonic() - start, 1)}
    with attached_to_errors({**survey, "sheet": None}), replacing(out) as part:
        part.write_bytes(encode_png(draw_contact_sheet(rows)))
    return survey


def decode_recordings(found: Found, framing: Framing, watch: Watch) -> tuple[dict[str, Count], list[tuple[str, np.ndarray]]]:
    """Decodes all recordings; damaged ones move to `found.left_out`, and notes are added to `found.notes`.

    Returns:
        split -> count, and (label, uint8 (T, H, W, 3)) of the first recordings of each split.
    """
    splits, rows = assign_splits(found.recordings), []
    counts = {split: Count() for split in SPLITS if split in (*USUAL, *splits.values())}
    for recording in watch(found.recordings, "recordings"):
        try:
            clip = to_tensors(recording, framing, 3)
        except (OSError, ValueError) as error:
            found.left_out.append((recording.name, str(error)))
            continue
        frames, split = len(clip.frames), splits[recording.group]
        if not recording.spans(frames):
            found.left_out.append((recording.name, f"only {frames} frames can be decoded, none of those that may be used"))
            continue
        if frames < 0.9 * recording.promised:
            found.notes.append(f"{recording.name} promises {recording.promised} frames; {frames} can be decoded and are used.")
        found.notes += [f"{recording.name}: {note}" for note in clip.notes]
        counts[split].add(recording, frames)
        if counts[split].recordings <= ROWS:
            rows += list(recording_rows(f"{split}  {recording.name}", recording, clip))
    return counts, sorted(rows, key=lambda row: SPLITS.index(row[0].split()[0]))


def recording_rows(label: str, recording: Recording, clip: Any) -> Iterator[tuple[str, np.ndarray]]:
    """Rows of the contact sheet, (label, uint8 (COLUMNS, H, W, 3)): evenly spaced usable frames, then the images or masks
    that belong to them."""
    usable = np.concatenate([np.arange(*span) for span in recording.spans(len(clip.frames))])
    times = usable[np.linspace(0, len(usable) - 1, COLUMNS).round().astype(int)]
    yield label, clip.frames[times].movedim(1, -1).numpy()
    for name, extra in clip.extras.items():
        if extra.dtype == torch.uint8 and extra.ndim == 4:
            shown = extra[times].movedim(1, -1).numpy()
            yield f"{label}  {name}", colour_by_number(shown) if shown.shape[-1] == 1 else shown


def colour_by_number(masks: np.ndarray) -> np.ndarray:
    """uint8 (T, H, W, 1) object numbers -> (T, H, W, 3): one colour per number, black for 0."""
    numbers = np.arange(256)
    colours = np.stack([numbers * 89 % 256, numbers * 151 % 256, numbers * 223 % 256], -1).astype(np.uint8)
    return colours[masks[..., 0]]


def simulated_rows(split: str, source: ClipSource) -> Iterator[tuple[str, np.ndarray]]:
    """Rows of the contact sheet of simulated clips, (label, uint8 (COLUMNS, H, W, 3))."""
    frames = source.batch(ROWS, COLUMNS, torch.Generator().manual_seed(0)).frames.movedim(2, -1)
    for index, clip in enumerate(frames.expand(*frames.shape[:-1], 3)):
        yield f"{split}  {index}", clip.numpy()


def draw_contact_sheet(rows: list[tuple[str, np.ndarray]]) -> np.ndarray:
    """uint8 (H', W', 3) from rows (label, frames uint8 (COLUMNS, H, W, 3)): one line of frames per row, its label above."""
    _, height, width, _ = rows[0][1].shape
    out = np.full((len(rows) * (height + CAPTION), COLUMNS * width, 3), PAPER, np.uint8)
    for index, (label, frames) in enumerate(rows):
        top = index * (height + CAPTION)
        cv2.putText(out, label, (2, top + CAPTION - 4), FONT, 0.35, INK, 1, cv2.LINE_AA)
        out[top + CAPTION : top + CAPTION + height] = frames.transpose(1, 0, 2, 3).reshape(height, -1, 3)
    return out
