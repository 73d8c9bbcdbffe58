"""Published test sets kept in a file: the official Moving MNIST sequences, and extracts of them."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import torch

from vp.core.video import Batch

LENGTH, SIZE = 20, 64  # of an official sequence


def read_test_set(path: str | Path, clips: int | None, length: int) -> Batch:
    """The first sequences of a file, cut to their first frames.

    Args:
        path: `mnist_test_seq.npy`, uint8 (20, N, 64, 64), as published; or an .npz with `frames`, uint8 (N, 20, 64, 64).
        clips: how many sequences; None: all.
        length: frames of each, at most 20.

    Returns:
        frames uint8 (clips, length, 1, 64, 64); nothing is known about wall hits.

    Raises:
        ValueError: the file is missing, damaged or of another shape, or holds too few sequences or frames.
    """
    path = Path(path)
    frames = open_sequences(path)
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[1:] != (LENGTH, SIZE, SIZE):
        came = f"{frames.dtype} {frames.shape}"
        raise ValueError(f"{path.name} holds {came} as (N, T, H, W); the test set is uint8 (N, {LENGTH}, {SIZE}, {SIZE})")
    if length > LENGTH:
        raise ValueError(f"{path.name} holds sequences of {LENGTH} frames; this protocol needs {length}")
    clips = len(frames) if clips is None else clips
    if clips > len(frames):
        raise ValueError(f"{path.name} holds {len(frames)} sequences; {clips} were asked for")
    return Batch(torch.from_numpy(np.ascontiguousarray(frames[:clips, :length]))[:, :, None])


def open_sequences(path: Path) -> np.ndarray:
    """The array of a file as (N, T, H, W), memory-mapped where possible; raises ValueError where it is missing or damaged."""
    try:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as file:
                return file["frames"]
        return np.load(path, mmap_mode="r", allow_pickle=False).swapaxes(0, 1)
    except FileNotFoundError:
        raise ValueError(f"there is no file {path}; --test-set takes mnist_test_seq.npy or an .npz with frames") from None
    except KeyError:
        raise ValueError(f"{path.name} has no array called frames; give uint8 frames (N, 20, 64, 64)") from None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path.name} is damaged or is neither .npy nor .npz ({error}); fetch it again") from None
