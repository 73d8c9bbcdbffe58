"""The part of a clip that a prediction uses: from which moment, which region of the image, every how many frames."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from vp.data import Clip
from vp.data.overview import Overview, clip_overview
from vp.data.region import Region, pixel_slices
from vp.data.video_file import END, MAX_FPS, MAX_SIDE
from vp.prediction.model import Model
from vp.prediction.request import to_whole_number

from . import clips
from .clips import UPLOAD_FRAMES, UPLOADS
from .decoding import decode
from .settings import MOST_EVERY, Settings


@dataclass(frozen=True)
class Excerpt:
    """A part of a clip.

    Args:
        start: "" to begin at `moment`, or END: only the clip's last frames are known.
        moment: seconds from the clip's first frame.
        region: the part of the image that is used; None: all of it, or as the model needs it.
        every: stride; 2 takes every second frame.
    """

    start: str = ""
    moment: float = 0.0
    region: Region | None = None
    every: int = 1

    @property
    def whole(self) -> bool:
        """Whether this is the whole clip."""
        return self == Excerpt()


def part_of(at: Settings, model: Model) -> Excerpt:
    """The part of the clip that the settings select. For an upload and a model of square frames, the default region is the
    square with most motion.

    Raises:
        ValueError: there is no such clip, or a setting is out of bounds.
    """
    moment, region = moment_and_region(at)
    every = to_whole_number("every", at.every, 1, MOST_EVERY) if model.predictor.capabilities.actions is None else 1
    if region is None and model.predictor.capabilities.size is not None and at.start != END:
        clip = clips.find_clip(at.clip)
        if clip.path and clip.frames.shape[1] != clip.frames.shape[2]:
            region = seen(at.clip).busiest_square(moment, (at.past + at.future) * every / clip.rate)
    return Excerpt(at.start, 0.0 if at.start == END else moment, region, every)


def moment_and_region(at: Settings) -> tuple[float, Region | None]:
    """(moment in seconds, region or None) chosen for this clip; a choice made for another clip is ignored."""
    part = at.part if at.part.get("clip", at.clip) == at.clip else {}
    return float(part.get("moment", 0.0)), Region.parse(part.get("region", ""))


def chosen(name: str, part: Excerpt, past: int, frames: int | None = None, long_side: int = MAX_SIDE) -> Clip:
    """The clip of a name, cut to a part.

    Args:
        name: see `clips`.
        part: which part of it.
        past: number of frames to keep where `part.start` is END.
        frames: how many frames are needed; None: as many as uploads keep.
        long_side: most px of the longer side; uploads are kept at MAX_SIDE and decoded again for more.

    Raises:
        ValueError: there is no such clip, its file is gone, or it ends before the moment.
    """
    clip = clips.find_clip(name)
    total = clip.total
    small = long_side <= MAX_SIDE or max(clip.frames.shape[1:3]) < MAX_SIDE
    if not clip.path:
        clip = cut(clip, part)
    elif not part.whole or not small:
        wanted = int(past) if part.start == END else frames
        count = UPLOAD_FRAMES if wanted is None else min(max(2, wanted), UPLOAD_FRAMES)
        clip = replace(read(name, still_there(clip.path), part, count, MAX_SIDE if small else long_side), total=total)
    return clip.cut(max(0, len(clip.frames) - int(past))) if part.start == END else clip


def read(name: str, path: str, part: Excerpt, frames: int, long_side: int) -> Clip:
    """Decodes the part of an uploaded file, up to `frames` frames; errors as for `decode`.

    Args:
        name: of its clip, with which it is kept.
    """
    kept = name.removeprefix("upload:")
    start: Any = part.start or part.moment
    wanted = {"max_frames": frames, "max_side": long_side, "max_fps": MAX_FPS, "start": start}
    wanted |= {"region": part.region, "every": part.every}
    visitor = UPLOADS.find(kept).visitor
    return UPLOADS.part(kept, (part, frames, long_side), lambda folder: decode(path, folder, visitor, **wanted))


def cut(clip: Clip, part: Excerpt) -> Clip:
    """The part of a clip that is in memory; where frames are skipped it loses its actions, which lead from frame to frame.

    Raises:
        ValueError: the clip ends before the moment.
    """
    first = 0 if part.start == END else round(part.moment * clip.rate)
    if first > len(clip.frames) - 2:
        raise ValueError(f"the clip ends before second {part.moment:g}; choose an earlier moment")
    clip = clip.cut(first)
    if part.region is not None:
        rows, columns = pixel_slices(part.region, clip.frames.shape[1:3])
        clip = replace(clip, frames=np.ascontiguousarray(clip.frames[:, rows, columns]), extras={})
    if part.every == 1:
        return clip
    at = slice((len(clip.frames) - 1) % part.every if part.start == END else 0, None, part.every)
    numbers = {"first": clip.first + at.start * clip.every, "every": clip.every * part.every}
    events = tuple(((t - at.start) // part.every, label) for t, label in clip.events if t >= at.start)
    return replace(clip, frames=clip.frames[at], fps=clip.fps / part.every, actions=None, extras={}, events=events, **numbers)


def still_there(path: str) -> str:
    """The same path.

    Raises:
        ValueError: the upload's file is gone.
    """
    if not Path(path).is_file():
        raise ValueError("this clip is no longer kept on the server in full; give it again, or choose a smaller size")
    return path


def seen(name: str) -> Overview:
    """The overview of a whole clip (thumbnails, times, motion); errors as for `chosen`."""
    if not name.startswith("upload:"):
        return overview_in_memory(name)
    clip = clips.find_clip(name)
    made = UPLOADS.find(name.removeprefix("upload:")).overview if clip.path else None
    return made or clip_overview(clip)


@lru_cache(maxsize=32)
def overview_in_memory(name: str) -> Overview:
    """The overview of an example or a simulated clip."""
    return clip_overview(clips.find_clip(name))
