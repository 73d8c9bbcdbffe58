"""Episodes kept in a file: simulated once, read in a few milliseconds.

A pool is a zip archive, `push-SPLIT-HASH.zip`: `pool.json`, and one entry per episode, named by its number. HASH identifies
the simulator, so a pool of another version is never mistaken for this one's. Frames are stored as differences to the
frame before, which are mostly zero. A file is only ever replaced as a whole, and one with too few episodes is valid: the
missing ones are simulated.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zipfile
import zlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np

from .episode import EPISODE_FRAMES, Episode, simulate

VERSION = 1  # raise it when the simulator's code changes what it makes; its constants are seen by `fingerprint`
LEVEL = 4  # of zlib: higher ones save little
FIELDS = tuple(Episode.__dataclass_fields__)
DIFFERENCES = ("frames", "labels")


@lru_cache(maxsize=1)
def fingerprint() -> str:
    """Eight hex digits that change with any constant of the simulator."""
    from . import arm, camera, draw, episode, floor, paint, physics, policy, scene, shapes, solids

    constants = {"version": VERSION}
    for module in (arm, camera, draw, episode, floor, paint, physics, policy, scene, shapes, solids):
        values = {name: to_json_value(value) for name, value in vars(module).items() if name.isupper() and name != "SHAPES"}
        constants[module.__name__.rpartition(".")[2]] = values
    return hashlib.sha256(json.dumps(constants, sort_keys=True).encode()).hexdigest()[:8]


def to_json_value(value):
    """A constant as a JSON value; floats are rounded to nine digits, because machines differ in the last ones."""
    if isinstance(value, dict):
        return {str(key): to_json_value(item) for key, item in value.items()}
    if isinstance(value, (tuple, list, np.ndarray)):
        return [to_json_value(item) for item in value]
    return value if isinstance(value, str) else float(f"{float(value):.9g}")


def pool_folder(data_root: str | Path | None = None) -> Path:
    """The folder of pools: ROOT/push where that exists (ROOT: `data_root`, else the variable VP_DATA), else the cache folder."""
    root = data_root or os.environ.get("VP_DATA")
    if root and (Path(root) / "push").is_dir():
        return Path(root) / "push"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vp" / "push"


class Pool:
    """The pool of a split in the folder `where`; its file `path` need not exist.

    Raises:
        ValueError: the file is damaged.
    """

    def __init__(self, where: Path, split: str):
        self.path, self.split = where / f"push-{split}-{fingerprint()}.zip", split
        self.archive, self.count = None, 0
        self.open()

    def open(self) -> None:
        """Opens the file where it exists; raises ValueError where it is damaged."""
        if not self.path.is_file():
            return
        try:
            self.archive = zipfile.ZipFile(self.path)
            self.archive.getinfo("pool.json")
            self.count = len(self.archive.namelist()) - 1
        except (zipfile.BadZipFile, zlib.error, KeyError, ValueError, EOFError) as error:
            raise self.damage_error(error) from error

    def damage_error(self, error: Exception) -> ValueError:
        """The exception for a damaged file."""
        return ValueError(f"{self.path} is damaged ({error}); delete it, and it will be made again")

    def __len__(self) -> int:
        return self.count

    def read(self, number: int) -> Episode:
        """The episode of this number; raises ValueError where the file is damaged."""
        try:
            return unpack_episode(self.archive.read(str(number)))
        except (zipfile.BadZipFile, zlib.error, KeyError, ValueError, EOFError) as error:
            raise self.damage_error(error) from error

    def fill(self, episodes: int, seed: Callable[[int], tuple[int, ...]], progress: Callable[[int, int], None]) -> None:
        """Adds episodes until there are `episodes`; on an interruption, those made so far are kept.

        Args:
            seed: number of an episode -> its seed.
            progress: called with (episodes there are, `episodes`).
        """
        if self.count >= episodes:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_suffix(f".{os.getpid()}.part")
        if self.count:
            shutil.copyfile(self.path, part)
        made = 0
        try:
            with zipfile.ZipFile(part, "a", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as archive:
                if not self.count:
                    archive.writestr("pool.json", json.dumps({"version": VERSION, "simulator": fingerprint()}))
                for number in range(self.count, episodes):
                    archive.writestr(str(number), pack_episode(simulate(seed(number), EPISODE_FRAMES)))
                    made += 1
                    progress(number + 1, episodes)
        finally:
            if made and zipfile.is_zipfile(part):
                if self.archive:
                    self.archive.close()  # Windows replaces no open file
                os.replace(part, self.path)
            else:
                part.unlink(missing_ok=True)
        self.open()


def pack_episode(episode: Episode) -> bytes:
    """The arrays as bytes, one after the other, frames and labels as differences modulo 256 to the frame before."""
    parts = []
    for name in FIELDS:
        values = getattr(episode, name)
        if name in DIFFERENCES:
            values = np.concatenate([values[:1], values[1:] - values[:-1]])
        parts.append(np.ascontiguousarray(values).tobytes())
    return b"".join(parts)


def unpack_episode(data: bytes) -> Episode:
    """The episode of bytes from `pack_episode`; raises ValueError where their length is wrong."""
    parts, at = {}, 0
    for name, (dtype, shape) in Episode.layout().items():
        count = EPISODE_FRAMES * int(np.prod(shape))
        values = np.frombuffer(data, dtype, count, at).reshape(EPISODE_FRAMES, *shape)
        parts[name] = undo_differences(values) if name in DIFFERENCES else values
        at += values.nbytes
    if at != len(data):
        raise ValueError(f"{len(data)} bytes where an episode has {at}")
    return Episode(**parts)


def undo_differences(differences: np.ndarray) -> np.ndarray:
    """Cumulative sums along the first axis, frame by frame: 20 times faster than `np.add.accumulate`."""
    values = differences.copy()
    for before, now in zip(values, values[1:]):
        now += before
    return values
