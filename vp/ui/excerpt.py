"""The part of a clip that a prediction begins with: from which moment, which region of the picture, which of the frames."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from vp.data import Clip, read_clip
from vp.data.overview import Overview, clip_overview, read_overview
from vp.data.region import Region, pixel_slices
from vp.data.video_file import END, MAX_DECODED, MAX_FPS, MAX_SIDE
from vp.prediction.model import Model
from vp.prediction.request import whole

from . import clips
from .clips import UPLOAD_FRAMES
from .settings import MOST_EVERY, Settings


@dataclass(frozen=True)
class Excerpt:
    """
    Args:
        start: "" to begin at `moment`, or END: only the clip's last frames are known.
        moment: seconds from the clip's first frame.
        region: the part of the picture that is used; None: all of it, or as the model needs it.
        every: one of so many frames is taken.
    """

    start: str = ""
    moment: float = 0.0
    region: Region | None = None
    every: int = 1

    @property
    def whole(self) -> bool:
        return self == Excerpt()


def part_of(at: Settings, model: Model) -> Excerpt:
    """The part of the clip that is used; of an upload that has to be square the one in which most moves, unless a person chose
    another.

    Raises:
        ValueError: there is no such clip, or a setting is out of bounds.
    """
    moment, region = moment_and_region(at)
    every = whole("every", at.every, 1, MOST_EVERY) if model.predictor.capabilities.actions is None else 1
    if region is None and model.predictor.capabilities.size is not None and at.start != END:
        clip = clips.find(at.clip)
        if clip.path and clip.frames.shape[1] != clip.frames.shape[2]:
            region = seen(at.clip).busiest_square(moment, (at.past + at.future) * every / clip.rate)
    return Excerpt(at.start, 0.0 if at.start == END else moment, region, every)


def moment_and_region(at: Settings) -> tuple[float, Region | None]:
    """What was chosen of this clip; what an event that came late says of another one is passed over."""
    part = at.part if at.part.get("clip", at.clip) == at.clip else {}
    return float(part.get("moment", 0.0)), Region.parse(part.get("region", ""))


def chosen(name: str, part: Excerpt, past: int, frames: int | None = None, long_side: int = MAX_SIDE) -> Clip:
    """A part of the clip of a name.

    Args:
        name, part: which clip, and which part of it.
        past: frames that are left where `part.start` is END.
        frames: as many are needed of it; None: as many as are kept.
        long_side: px that its longer side may have; uploads are kept at MAX_SIDE and read again for more.

    Raises:
        ValueError: there is no such clip, its file is gone, or it ends before that moment.
    """
    clip = clips.find(name)
    small = long_side <= MAX_SIDE or max(clip.frames.shape[1:3]) < MAX_SIDE
    if not clip.path:
        clip = cut(clip, part)
    elif not part.whole or not small:
        wanted = int(past) if part.start == END else frames
        count = UPLOAD_FRAMES if wanted is None else min(max(2, wanted), UPLOAD_FRAMES)
        clip = read(still_there(clip.path), part, count, MAX_SIDE if small else long_side)
    if clip.path and Path(clip.path).is_file():
        counted = len(of_file(clip.path).times)
        clip = replace(clip, total=counted if counted < MAX_DECODED else 0)
    return clip.cut(max(0, len(clip.frames) - int(past))) if part.start == END else clip


@lru_cache(maxsize=4)
def read(path: str, part: Excerpt, frames: int, long_side: int) -> Clip:
    start: Any = part.start or part.moment
    kept = {"max_frames": frames, "max_side": long_side, "max_fps": MAX_FPS, "start": start}
    return replace(read_clip(path, **kept, region=part.region, every=part.every), path=path)


def cut(clip: Clip, part: Excerpt) -> Clip:
    """The same of a clip that is at hand in full; thinned, it loses its actions, which lead from frame to frame."""
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
    """The path of an upload's file, or a ValueError where it is gone."""
    if not Path(path).is_file():
        raise ValueError("this clip is no longer kept on the server in full; give it again, or choose a smaller size")
    return path


def seen(name: str) -> Overview:
    """A whole clip at a glance; errors as for `chosen`."""
    clip = clips.find(name)
    return of_file(still_there(clip.path)) if clip.path else clip_overview(clip)


@lru_cache(maxsize=16)
def of_file(path: str) -> Overview:
    return read_overview(path)
