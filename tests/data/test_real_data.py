"""The readers on real files, where the variable VP_DATA names the folder that holds them; counts are printed (pytest -s)."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from vp.data import DATASETS, Framing, open_dataset
from vp.data.splits import assign_splits

ROOT = os.environ.get("VP_DATA", "")


def gen(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def there(name: str, *inside: str) -> Path:
    """The folder of a real data set; skips where it is not there."""
    places = DATASETS[name].places
    found = next((Path(ROOT) / place for place in places if ROOT and (Path(ROOT) / place).exists()), None)
    if found is None or not all((found / part).exists() for part in inside):
        pytest.skip(f"VP_DATA names no folder with real files of {name} ({' or '.join(places)})")
    return found


def decoded(name: str, size: int = 64) -> tuple[dict[str, int], list]:
    """Decodes everything, prints the counts and returns them with the footage: a few hundred frames at most a test."""
    found = DATASETS[name].scan(name, ROOT)
    split, footage = assign_splits(found.recordings), [recording.load(Framing(size)) for recording in found.recordings]
    counts = {part: sum(split[r.group] == part for r in found.recordings) for part in ("train", "val", "test")}
    frames = sum(len(one.frames) for one in footage)
    print(f"\n{name}: {len(footage)} recordings, {frames} frames, {counts}, {len(found.left_out)} left out")
    assert all(one.frames.shape[1:3] == (size, size) and one.frames.dtype == np.uint8 for one in footage)
    return counts, footage


def test_all_kth_files_load_within_their_stretches():
    there("kth", "00sequences.txt")
    found = DATASETS["kth"].scan("kth", ROOT)
    assert not found.left_out and not found.notes
    counts, footage = decoded("kth")
    for recording, one in zip(found.recordings, footage):
        assert len(one.frames) == recording.promised and recording.fps == 25.0
        assert recording.parts or "_d" not in recording.name, "in the list, if its name says the scene"
    if len(footage) == 17:  # the sample: persons 7 and 9 have a clip each, none of 21 to 25 is there
        assert counts == {"train": 15, "val": 2, "test": 0}
    # the stretches hold people, the gaps between them do not: what moves in a walk is far more inside
    walk = next(i for i, r in enumerate(found.recordings) if "person07_walking_d2" in r.name)
    frames = footage[walk].frames[..., 0].astype(np.float32)
    stray = np.abs(frames - np.median(frames, 0)).mean((1, 2))  # distance from the empty scene
    inside = np.zeros(len(frames), bool)
    for first, end in found.recordings[walk].spans(len(frames)):
        inside[first:end] = True
    assert stray[inside].mean() > 2 * stray[~inside].mean()


def test_all_georgia_tech_clips_load():
    there("gatech")
    counts, footage = decoded("gatech")
    assert len(footage) == 27 and counts == {"train": 9, "val": 9, "test": 9} and min(len(f.frames) for f in footage) > 50


def test_the_real_bair_trajectory_in_the_lab_s_layout():
    root = there("bair-lab")
    _, (one, *_) = decoded("bair-lab")
    assert one.frames.shape == (30, 64, 64, 3) and one.actions.shape == (30, 4) and one.extras["state"].shape == (30, 3)
    # an action moves the arm between its own frame and the next: the published alignment, seen in the positions
    moved, acts = np.diff(one.extras["state"][:, :2], axis=0), one.actions[:, :2]
    agreement = {lag: np.corrcoef(acts[2 + lag : 27 + lag].flatten(), moved[2:27].flatten())[0, 1] for lag in (-2, -1, 0, 1, 2)}
    assert max(agreement, key=agreement.get) == 0 and agreement[0] > 0.85
    batch = open_dataset("bair-lab", "test", root).batch(3, 12, gen())
    assert batch.frames.shape == (3, 12, 3, 64, 64) and batch.actions.shape == (3, 12, 4)


def test_the_real_bair_array():
    path = there("bair")
    if path.suffix != ".npz":
        pytest.skip("VP_DATA holds BAIR in another form")
    _, (one,) = decoded("bair")
    assert one.frames.shape == (30, 64, 64, 3) and one.actions.shape == (30, 4)
    assert (one.frames == np.load(path)["aux"]).all()


def test_real_third_party_tfrecords():
    there("bridge")
    found = DATASETS["bridge"].scan("bridge", ROOT)
    counts, footage = decoded("bridge")
    assert len(footage) == 25 and len(found.left_out) == 25, "its two files hold the same 25 episodes"
    assert all(one.frames.shape == (10, 64, 64, 3) and one.actions.shape == (10, 7) for one in footage)
    assert counts["train"] and counts["val"] and np.stack([one.frames for one in footage]).std() > 30
    moved = np.concatenate([np.diff(one.extras["state"][:, :3], axis=0) for one in footage])
    acts = np.concatenate([one.actions[:-1, :3] for one in footage])
    assert np.corrcoef(acts.flatten(), moved.flatten())[0, 1] > 0.7


def test_real_meta_world_episodes():
    there("metaworld")
    _, footage = decoded("metaworld")
    assert len(footage) == 24 and all(one.frames.shape[0] == 101 and one.actions.shape == (101, 4) for one in footage)


def test_the_real_moving_mnist_extract():
    there("mmnist-test")
    source = open_dataset("mmnist-test", "test", ROOT)
    clips = source.batch(50, 20, gen()).frames
    print(f"\nmmnist-test: {len(source.recordings)} recordings")
    error = (clips[:, 10:].double() / 255).square().sum((2, 3, 4)).mean()
    assert error == pytest.approx(174.2, rel=0.1), "black's error a frame over the published set"


def test_real_ucf101_clips_open_fast_and_by_group():
    there("ucf101")
    found = DATASETS["ucf101"].scan("ucf101", ROOT)
    split = assign_splits(found.recordings)
    print(f"\nucf101: {len(found.recordings)} recordings, {len(split)} groups, {len(found.left_out)} left out")
    assert not found.left_out and set(split.values()) == {"train", "val", "test"}
    batch = open_dataset("ucf101", "val", ROOT, framing=Framing(fps=10)).batch(8, 6, gen())
    assert batch.frames.shape == (8, 6, 3, 64, 64) and batch.frames.float().std() > 20


def test_real_clips_with_an_index_are_whole_and_their_lengths_are_true():
    there("real128")
    found = DATASETS["real128"].scan("real128", ROOT)
    split = assign_splits(found.recordings)
    counts = {part: sum(split[r.group] == part for r in found.recordings) for part in ("train", "dev", "val", "example")}
    print(f"\nreal128: {len(found.recordings)} recordings, {len(split)} sources, {counts}, {len(found.left_out)} left out")
    assert not found.left_out and all(counts.values())
    for recording in found.recordings[::200]:
        frames = recording.load(Framing(short_side=128)).frames
        assert min(frames.shape[1:3]) == 128 and len(frames) == recording.promised
