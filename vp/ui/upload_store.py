"""Visitors' clips on disk: frames in files that are mapped, limited in bytes for each visitor and in all."""

from __future__ import annotations

import shutil
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from vp.data import Clip
from vp.data.decode_process import load_array
from vp.data.overview import Overview

from .server_folder import server_folder

MB = 10**6
VISITOR_BYTES, ALL_BYTES = 400 * MB, 4_000 * MB
Decode = Callable[[Path], tuple[Clip, Overview | None]]  # writes files into an empty folder
GONE = "this clip is no longer kept on the server; give it again"


@dataclass(frozen=True)
class Kept:
    """A clip whose frames lie in `folder`.

    Args:
        folder: of its files.
        size: of these, in bytes.
        visitor: the session it belongs to, "" for none.
        clip: its frames are mapped.
        overview: of the whole file, None for a part.
    """

    folder: Path
    size: int
    visitor: str
    clip: Clip
    overview: Overview | None


class UploadStore:
    """The clips used last, under random ids, and parts of them that were decoded again, under (id, part).

    Where a visitor has more than `visitor_bytes`, or all have more than `all_bytes`, what was unused for longest is dropped, of
    this visitor first; what came last stays.
    """

    def __init__(self, visitor_bytes: int = VISITOR_BYTES, all_bytes: int = ALL_BYTES):
        self.visitor_bytes, self.all_bytes = visitor_bytes, all_bytes
        self.kept: OrderedDict[Hashable, Kept] = OrderedDict()
        self.lock = threading.Lock()

    def add(self, decode: Decode, visitor: str = "") -> str:
        """Stores what `decode` makes and returns its id; raises what `decode` raises."""
        name = uuid.uuid4().hex
        self.keep(name, decode, visitor)
        return name

    def put(self, clip: Clip, visitor: str = "") -> str:
        """Stores a clip that is in memory and returns its id."""

        def write(folder: Path) -> tuple[Clip, None]:
            np.save(folder / "frames.npy", clip.frames)
            return replace(clip, frames=load_array(folder / "frames.npy", np.uint8, 4)), None

        return self.add(write, visitor)

    def part(self, name: str, part: Hashable, decode: Decode) -> Clip:
        """A part of the clip `name`, decoded unless it is still kept.

        Raises:
            ValueError: the clip is no longer kept; and what `decode` raises.
        """
        visitor = self.find(name).visitor
        with self.lock:
            kept = self.kept.get((name, part))
            if kept:
                self.kept.move_to_end((name, part))
                return kept.clip
        return self.keep((name, part), decode, visitor)

    def get(self, name: str) -> Clip:
        """The clip of an id, which then counts as the one used last; raises ValueError where it is no longer kept."""
        return self.find(name).clip

    def find(self, name: str) -> Kept:
        """The clip of an id with what belongs to it; as `get`."""
        with self.lock:
            if name not in self.kept:
                raise ValueError(GONE)
            self.kept.move_to_end(name)
            return self.kept[name]

    def drop(self, name: str) -> None:
        """Removes a clip and its parts; no error where it is already gone."""
        with self.lock:
            self.remove([key for key in self.kept if key == name or (isinstance(key, tuple) and key[0] == name)])

    def drop_visitor(self, visitor: str) -> None:
        """Removes all clips of a session."""
        with self.lock:
            self.remove([key for key, kept in self.kept.items() if kept.visitor == visitor])

    def keep(self, key: Hashable, decode: Decode, visitor: str) -> Clip:
        """Stores what `decode` makes under a key and returns its clip."""
        folder = server_folder() / uuid.uuid4().hex
        folder.mkdir(mode=0o700)
        try:
            clip, overview = decode(folder)
            size = sum(file.stat().st_size for file in folder.iterdir())
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        with self.lock:
            self.remove([key] if key in self.kept else [])
            self.kept[key] = Kept(folder, size, visitor, clip, overview)
            self.make_room(visitor)
        return clip

    def make_room(self, visitor: str) -> None:
        """Drops what was unused for longest, but what came last, until both limits hold."""
        sizes = {key: kept.size for key, kept in self.kept.items()}
        own = [key for key, kept in self.kept.items() if kept.visitor == visitor]
        mine, everything = sum(sizes[key] for key in own), sum(sizes.values())
        *earlier, newest = own
        for key in [*earlier, *(key for key in sizes if key not in own)]:
            of_visitor = key in own
            if everything > self.all_bytes or (of_visitor and mine > self.visitor_bytes):
                everything, mine = everything - sizes[key], mine - of_visitor * sizes[key]
                self.remove([key])

    def remove(self, keys: list[Hashable]) -> None:
        """Removes these and their files; arrays that are in use stay as they are."""
        for key in keys:
            shutil.rmtree(self.kept.pop(key).folder, ignore_errors=True)
