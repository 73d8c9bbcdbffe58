"""Array files: .npz with `frames` and optional `actions`, and .npy, as Moving MNIST's test file; axes in any usual order."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Mapping
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from ..clip import Clip
from ..framing import Framing
from ..recording import Found, Recording, Watch, align_rows, without_progress_bar
from .axes import ACCEPTED, ORDERS, infer_axes
from .files import ARRAYS, list_files, name_below

FPS = 10.0  # nominal: arrays carry no rate
Header = tuple[tuple[int, ...], np.dtype]


def array_recordings(
    path: Path, root: Path, split: str | None = None, key: str = "frames", fps: float = FPS, axes: str = ""
) -> Iterator[Recording]:
    """Yields the recordings of an array file, by its headers alone where these are enough.

    Args:
        key: name of the frames in an .npz file, uint8 in one of the orders `axes.ACCEPTED`. Its `actions`, (T, A) or (N, T, A),
            lead from each frame to the next.
        axes: that order, such as "NTHWC"; "": as an array `axes` in the file says, or inferred from sizes and frames.

    Raises:
        ValueError: the file is damaged, of another shape or type, or its axes are ambiguous, in one sentence.
    """
    headers = read_npy_header(path) if path.suffix == ".npy" else read_npz_headers(path)
    shape, dtype = headers.get(key, ((), np.dtype(float)))
    if dtype != np.uint8 or not axes and len(shape) not in ORDERS or 0 in shape:
        came = f"{key} {dtype} {shape}" if shape else f"no {key!r}, but {', '.join(headers) or 'nothing'}"
        raise ValueError(f"{path.name} has {came}; give uint8 frames in one of the orders {ACCEPTED}")
    if not axes and "axes" in headers:
        axes = str(read_arrays(path)["axes"])
    order = infer_axes(shape, lambda: open_array(path, key), path.name, axes)
    name, frames, clips = name_below(path, root), shape[order.index("T")], shape[order.index("N")] if "N" in order else None
    dims, form = headers.get("actions", ((),))[0], "" if order == "THWC" else order
    if clips is None:
        actions = dims[1] if len(dims) == 2 else 0
        yield Recording(name, name, frames, fps, partial(load_array, path, key, order), split, actions, form=form)
        return
    actions = dims[2] if len(dims) == 3 and dims[0] == clips else 0
    for index in range(clips):
        load_one, own = partial(load_array_clip, path, key, order, index, bool(actions)), f"{name}#{index}"
        yield Recording(own, own, frames, fps, load_one, split, actions, form=form)


def read(
    root: Path,
    watch: Watch = without_progress_bar,
    split: str | None = None,
    needs_actions: bool = False,
    axes: str = "",
    default_axes: Mapping[str, str] | None = None,
) -> Found:
    """Finds the recordings in the array files below a folder.

    Args:
        split: of all recordings, None: undecided.
        needs_actions: only those with actions.
        axes: see `array_recordings`.
        default_axes: ending -> axes, where the data set's own order is known and `axes` is not given.
    """
    found = Found()

    def recordings(path: Path) -> Iterator[Recording]:
        if path.suffix.lower() not in ARRAYS or (needs_actions and "actions" not in read_npz_headers(path)):
            raise ValueError("no .npz file with frames and actions" if needs_actions else "no array file")
        yield from array_recordings(path, root, split, axes=axes or (default_axes or {}).get(path.suffix.lower(), ""))

    for path in watch(list_files(root), "files"):
        found.collect(name_below(path, root), lambda: recordings(path))
    return found


def load_array(path: Path, key: str, order: str, framing: Framing) -> Clip:
    """The clip of an array file that holds one recording, with its actions."""
    arrays = read_arrays(path)
    frames = to_frames(arrays[key], order, framing)
    actions = arrays.get("actions")
    if actions is not None and actions.ndim == 2:
        actions = align_rows(actions, len(frames), f"actions of {path.name}")
    return Clip(frames, actions=actions)


def load_array_clip(path: Path, key: str, order: str, index: int, has_actions: bool, framing: Framing) -> Clip:
    """The clip of index `index` of an array file that holds N recordings."""
    frames = np.moveaxis(open_array(path, key), order.index("N"), 0)[index]
    frames = to_frames(frames, order.replace("N", ""), framing)
    if not has_actions:
        return Clip(frames)
    return Clip(frames, actions=align_rows(open_array(path, "actions")[index], len(frames), f"actions of {path.name}#{index}"))


def to_frames(frames: np.ndarray, order: str, framing: Framing) -> np.ndarray:
    """uint8 with axes `order` (without N) -> frames (T, H, W, C) of the framing's size."""
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
    """One array of a file, cached: a compressed array of many recordings can only be unpacked as a whole."""
    return read_arrays(path)[key]


def read_npy_header(path: Path) -> dict[str, Header]:
    """{"frames": (shape, dtype)} of an .npy file; raises ValueError where it is damaged."""
    try:
        with path.open("rb") as file:
            return {"frames": read_array_header(file)}
    except (EOFError, ValueError) as error:
        raise ValueError(f"{path.name} is damaged or no .npy file ({error})") from error


def read_npz_headers(path: Path) -> dict[str, Header]:
    """name -> (shape, dtype) of an .npz file without unpacking the arrays; raises ValueError where it is damaged."""
    out = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.namelist():
                with archive.open(member) as file:
                    out[member.removesuffix(".npy")] = read_array_header(file)
    except (EOFError, RuntimeError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path.name} is damaged or no .npz file ({error})") from error
    return out


def read_array_header(file) -> Header:
    """(shape, dtype) from an open .npy file."""
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    return shape, dtype
