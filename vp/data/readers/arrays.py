"""Array files: .npz with `frames` and perhaps `actions`, and Moving MNIST's .npy."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from ..clip import Clip
from ..framing import Framing
from ..recording import Found, Recording, Watch, aligned, unwatched
from .files import ARRAYS, below, files

FPS = 10.0  # nominal: arrays carry no rate
Header = tuple[tuple[int, ...], np.dtype]


def array_file(path: Path, root: Path, split: str | None = None, key: str = "frames", fps: float = FPS) -> Iterator[Recording]:
    """The recordings of an array file, by its headers alone.

    .npz: `key` is uint8 (T, H, W, C), or (N, T, H, W) for N grey recordings; `actions` (T, A) leads from each frame to the next.
    .npy: uint8 (T, H, W, C), or (T, N, H, W) for N grey recordings, as Moving MNIST's test file has it.

    Raises:
        ValueError: damaged, or other shapes or types, in one sentence.
    """
    headers = npy_header(path) if path.suffix == ".npy" else npz_headers(path)
    shape, dtype = headers.get(key, ((), np.dtype(float)))
    if dtype != np.uint8 or len(shape) != 4 or 0 in shape:
        came = f"{key} {dtype} {shape}" if shape else f"no {key!r}, but {', '.join(headers) or 'nothing'}"
        raise ValueError(f"{path.name} has {came}; give uint8 frames (T, H, W, C) or (N, T, H, W)")
    name, dims = below(path, root), headers.get("actions", ((0, 0),))[0]
    if shape[-1] in (1, 3):
        actions = dims[1] if len(dims) == 2 else 0
        yield Recording(name, name, shape[0], fps, partial(load, path, key), split, actions)
        return
    axis = 1 if path.suffix == ".npy" else 0  # of the recordings
    for index in range(shape[axis]):
        load_one = partial(load_grey, path, key, axis, index)
        yield Recording(f"{name}#{index}", f"{name}#{index}", shape[1 - axis], fps, load_one, split)


def read(root: Path, watch: Watch = unwatched, split: str | None = None, acting: bool = False) -> Found:
    """The array files below a folder; `acting`: only those with actions."""
    found = Found()

    def recordings(path: Path) -> Iterator[Recording]:
        if path.suffix.lower() not in ARRAYS or (acting and "actions" not in npz_headers(path)):
            raise ValueError("no .npz file with frames and actions" if acting else "no array file")
        yield from array_file(path, root, split)

    for path in watch(files(root), "files"):
        found.take(below(path, root), lambda: recordings(path))
    return found


def load(path: Path, key: str, framing: Framing) -> Clip:
    arrays = read_arrays(path)
    frames = resized(arrays[key], framing)
    actions = arrays.get("actions")
    if actions is not None:
        actions = aligned(actions, len(frames), f"actions of {path.name}")
    return Clip(frames, actions=actions)


def load_grey(path: Path, key: str, axis: int, index: int, framing: Framing) -> Clip:
    frames = np.moveaxis(open_array(path, key), axis, 0)[index]
    return Clip(resized(frames[..., None], framing))


def resized(frames: np.ndarray, framing: Framing) -> np.ndarray:
    """uint8 (T, H, W, C) as frames."""
    return np.stack([framing.fit(np.ascontiguousarray(frame)) for frame in frames])


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a file by name; raises ValueError where it is damaged."""
    try:
        if path.suffix == ".npy":
            return {"frames": np.load(path, mmap_mode="r", allow_pickle=False)}
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files if name in ("frames", "aux", "actions")}
    except (EOFError, OSError, RuntimeError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path.name} is damaged ({error})") from error


@lru_cache(maxsize=1)
def open_array(path: Path, key: str) -> np.ndarray:
    """Kept, because a packed array of many recordings can only be unpacked whole."""
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
