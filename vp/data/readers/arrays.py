"""Array files: .npz with `frames` and perhaps `actions`, and .npy, as Moving MNIST's test file; their axes in any usual order."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Mapping
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from ..clip import Clip
from ..framing import Framing
from ..recording import Found, Recording, Watch, aligned, unwatched
from .axes import ACCEPTED, ORDERS, axes_of
from .files import ARRAYS, below, files

FPS = 10.0  # nominal: arrays carry no rate
Header = tuple[tuple[int, ...], np.dtype]


def array_file(
    path: Path, root: Path, split: str | None = None, key: str = "frames", fps: float = FPS, axes: str = ""
) -> Iterator[Recording]:
    """The recordings of an array file, by its headers alone where these are enough.

    Args:
        key: of the frames in an .npz file, uint8 in one of the orders `axes.ACCEPTED`. Its `actions`, (T, A) or (N, T, A), lead
            from each frame to the next.
        axes: that order, such as "NTHWC"; "": as an array `axes` in the file says, or as sizes and frames tell.

    Raises:
        ValueError: damaged, of other shapes or types, or its axes cannot be told, in one sentence.
    """
    headers = npy_header(path) if path.suffix == ".npy" else npz_headers(path)
    shape, dtype = headers.get(key, ((), np.dtype(float)))
    if dtype != np.uint8 or not axes and len(shape) not in ORDERS or 0 in shape:
        came = f"{key} {dtype} {shape}" if shape else f"no {key!r}, but {', '.join(headers) or 'nothing'}"
        raise ValueError(f"{path.name} has {came}; give uint8 frames in one of the orders {ACCEPTED}")
    if not axes and "axes" in headers:
        axes = str(read_arrays(path)["axes"])
    order = axes_of(shape, lambda: open_array(path, key), path.name, axes)
    name, frames, clips = below(path, root), shape[order.index("T")], shape[order.index("N")] if "N" in order else None
    dims, form = headers.get("actions", ((),))[0], "" if order == "THWC" else order
    if clips is None:
        actions = dims[1] if len(dims) == 2 else 0
        yield Recording(name, name, frames, fps, partial(load, path, key, order), split, actions, form=form)
        return
    actions = dims[2] if len(dims) == 3 and dims[0] == clips else 0
    for index in range(clips):
        load_one, own = partial(load_one_of_many, path, key, order, index, bool(actions)), f"{name}#{index}"
        yield Recording(own, own, frames, fps, load_one, split, actions, form=form)


def read(
    root: Path,
    watch: Watch = unwatched,
    split: str | None = None,
    acting: bool = False,
    axes: str = "",
    usual: Mapping[str, str] | None = None,
) -> Found:
    """The array files below a folder.

    Args:
        acting: only those with actions.
        axes: see `array_file`.
        usual: ending -> axes, where the data set is known to have these and none are given.
    """
    found = Found()

    def recordings(path: Path) -> Iterator[Recording]:
        if path.suffix.lower() not in ARRAYS or (acting and "actions" not in npz_headers(path)):
            raise ValueError("no .npz file with frames and actions" if acting else "no array file")
        yield from array_file(path, root, split, axes=axes or (usual or {}).get(path.suffix.lower(), ""))

    for path in watch(files(root), "files"):
        found.take(below(path, root), lambda: recordings(path))
    return found


def load(path: Path, key: str, order: str, framing: Framing) -> Clip:
    arrays = read_arrays(path)
    frames = resized(arrays[key], order, framing)
    actions = arrays.get("actions")
    if actions is not None and actions.ndim == 2:
        actions = aligned(actions, len(frames), f"actions of {path.name}")
    return Clip(frames, actions=actions)


def load_one_of_many(path: Path, key: str, order: str, index: int, acts: bool, framing: Framing) -> Clip:
    frames = np.moveaxis(open_array(path, key), order.index("N"), 0)[index]
    frames = resized(frames, order.replace("N", ""), framing)
    if not acts:
        return Clip(frames)
    return Clip(frames, actions=aligned(open_array(path, "actions")[index], len(frames), f"actions of {path.name}#{index}"))


def resized(frames: np.ndarray, order: str, framing: Framing) -> np.ndarray:
    """uint8 in an order without N, as frames (T, H, W, C)."""
    frames = frames.transpose([order.index(letter) for letter in "THWC" if letter in order])
    frames = frames if "C" in order else frames[..., None]
    return np.stack([framing.fit(np.ascontiguousarray(frame)) for frame in frames])


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a file by name; raises ValueError where it is damaged."""
    try:
        if path.suffix == ".npy":
            return {"frames": np.load(path, mmap_mode="r", allow_pickle=False)}
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files if name in ("frames", "aux", "actions", "axes")}
    except (EOFError, OSError, RuntimeError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path.name} is damaged ({error})") from error


@lru_cache(maxsize=2)
def open_array(path: Path, key: str) -> np.ndarray:
    """Kept, because a packed array of many recordings can only be unpacked whole: frames, and their actions."""
    return read_arrays(path)[key]


def npy_header(path: Path) -> dict[str, Header]:
    try:
        with path.open("rb") as file:
            return {"frames": header(file)}
    except (EOFError, ValueError) as error:
        raise ValueError(f"{path.name} is damaged or no .npy file ({error})") from error


def npz_headers(path: Path) -> dict[str, Header]:
    """name -> (shape, dtype) without unpacking the arrays."""
    out = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.namelist():
                with archive.open(member) as file:
                    out[member.removesuffix(".npy")] = header(file)
    except (EOFError, RuntimeError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path.name} is damaged or no .npz file ({error})") from error
    return out


def header(file) -> Header:
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    return shape, dtype
