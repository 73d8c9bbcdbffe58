"""Clips that a visitor can choose: bundled examples, random ones from the simulators, and uploads.

A clip's name is a short text that fits in a link: `example:digits-1`, `random:smmnist-svg:42`, or `upload:ID`.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from vp.core.bundled import bundled_folder
from vp.data import SIMULATORS, Clip, open_dataset, read_clip
from vp.data.video_file import MAX_FPS
from vp.prediction.actions import read_actions

from .decoding import decode
from .upload_store import UploadStore

ASSETS = bundled_folder("assets")
CLIPS = ASSETS / "clips"
RANDOM_FRAMES = 60
UPLOAD_FRAMES = 120
SEEDS = 10**6


UPLOADS = UploadStore()


@lru_cache
def examples() -> dict[str, dict[str, Any]]:
    """Name -> entry of assets/clips/clips.json, in the file's order; {} where it is missing."""
    try:
        entries = json.loads((CLIPS / "clips.json").read_text(encoding="utf-8"))
    except OSError:
        return {}
    return {entry["name"]: entry for entry in entries}


def find_clip(name: str) -> Clip:
    """The clip of a name such as `example:digits-1`.

    Raises:
        ValueError: there is no such clip, or an upload is no longer kept.
    """
    kind, _, rest = str(name).partition(":")
    if kind == "upload":
        return UPLOADS.get(rest)
    if kind == "example" and rest in examples():
        return load_example(rest)
    dataset, _, seed = rest.partition(":")
    if kind == "random" and dataset in SIMULATORS and seed.isdigit() and int(seed) < SEEDS:
        return random_clip(dataset, int(seed))
    raise ValueError(f"there is no clip {str(name)[:80]!r}; choose an example, upload one, or take a random one")


@lru_cache(maxsize=32)
def load_example(name: str) -> Clip:
    """The clip of one of `examples()`, with its actions, events and credit."""
    entry = examples()[name]
    clip = read_clip(CLIPS / entry["file"]).with_note(f"A real clip: {entry['credit']}." if "credit" in entry else None)
    actions = read_actions(CLIPS / entry["actions"]) if "actions" in entry else None
    return replace(clip, actions=actions, events=tuple((t, label) for t, label in entry["events"]), data=entry["data"])


@lru_cache(maxsize=64)
def random_clip(dataset: str, seed: int) -> Clip:
    """A clip of RANDOM_FRAMES frames from a simulator, with its test digits; determined by the seed."""
    return simulate_clip(dataset, seed, "auto", RANDOM_FRAMES)


def simulate_clip(dataset: str, seed: int, digits: str, length: int) -> Clip:
    """A clip of `length` frames from a simulator; its events are wall hits or, in the push world, beginnings of touches.

    Args:
        dataset: one of SIMULATORS.
        digits: source of digits, see `open_dataset`.
    """
    source = open_dataset(dataset, "test", digits=digits)
    batch = source.batch(1, length, torch.Generator().manual_seed(seed))
    frames = np.ascontiguousarray(batch.frames[0].movedim(1, -1).cpu().numpy())
    if "hits" in batch.extras:
        label, at = "wall hit", batch.extras["hits"][0].any(dim=-1)
    else:
        label, touched = "touch", batch.extras["touched"][0]
        at = touched & ~touched.roll(1).index_fill(0, torch.tensor(0), False)
    actions = None if batch.actions is None else batch.actions[0].cpu().numpy()
    events = tuple((t, label) for t in at.nonzero()[:, 0].tolist())
    return Clip(frames, source.fps, actions=actions, events=events, data=dataset)


def store_upload(path: str, visitor: str = "") -> str:
    """Stores an uploaded file's clip on the server and returns its name, `upload:ID`.

    Kept are its first UPLOAD_FRAMES frames, at MAX_SIDE px of the longer side, and its overview. The file itself stays where
    Gradio put it: later moments, regions at full resolution and larger sizes are decoded from it again.

    Args:
        visitor: the session with which it is dropped.

    Raises:
        ValueError: not a usable video, in one sentence.
    """
    arguments = {"max_frames": UPLOAD_FRAMES, "max_fps": MAX_FPS}
    return "upload:" + UPLOADS.add(lambda folder: decode(path, folder, visitor, overview=True, **arguments), visitor)
