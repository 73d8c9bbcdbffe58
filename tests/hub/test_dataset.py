"""Data sets on the Hub: fetched at one commit, read as a folder, shards included, and not asked for twice."""

import io
import tarfile

import numpy as np
import pytest

from vp.cli.train import fetch_folder
from vp.data import open_dataset
from vp.data.catalog import DATASETS
from vp.hub.dataset import fetch_dataset, is_dataset
from vp.hub.failures import HubError

from .fake_hub import commit_of

REPO, ADDRESS = "ann/clips", "hf://datasets/ann/clips"


def clip(seed: int) -> bytes:
    file = io.BytesIO()
    np.savez(file, frames=np.random.default_rng(seed).integers(0, 256, (8, 32, 32, 1), np.uint8))
    return file.getvalue()


def shard(**members: bytes) -> bytes:
    """A tar file."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


@pytest.fixture
def files(empty_hub, tmp_path, monkeypatch):
    monkeypatch.setenv("VP_CACHE", str(tmp_path / "cache"))
    found = {
        "README.md": b"# clips",
        "train/a.npz": clip(0),
        "val/b.npz": clip(1),
        "train-000.tar": shard(**{"0.npz": clip(2), "0.json": b"{}", "../out.npz": clip(3), "run.py": b"1"}),
        "unsafe.pkl": b"x",
    }
    empty_hub.repos = {f"datasets/{REPO}": found}
    return found


def test_its_clips_and_shards_are_read_as_a_folder(empty_hub, files, tmp_path):
    folder = fetch_folder(ADDRESS, None)
    assert f"snapshots/{commit_of(files)}" in folder
    asked = [path for path in empty_hub.paths("GET") if "resolve" in path]
    assert sorted(path.split("/", 5)[-1].split("/", 1)[-1] for path in asked) == ["train-000.tar", "train/a.npz", "val/b.npz"]
    found = DATASETS["folder"].recordings("folder", "train", folder)
    assert sorted(recording.name for recording in found) == ["train/a.npz", "train/train-000/0.npz"]
    assert not list(tmp_path.rglob("out.npz")), "a name that leads outside is not unpacked"
    assert open_dataset("folder", "val", folder).name == "folder"


def test_a_pinned_commit_in_the_cache_needs_nobody_and_offline_serves_the_newest(empty_hub, files, monkeypatch):
    first = fetch_dataset(ADDRESS, {".npz"})
    asked = len(empty_hub.seen)
    assert fetch_dataset(f"{ADDRESS}@{first.commit}", {".npz"}) == first and len(empty_hub.seen) == asked
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert fetch_dataset(ADDRESS, {".npz"}) == first and len(empty_hub.seen) == asked
    with pytest.raises(HubError, match=r"^hf://datasets/ann/other: it is not in the cache and HF_HUB_OFFLINE is set"):
        fetch_dataset("hf://datasets/ann/other", {".npz"})


def test_a_fetch_that_broke_off_is_not_taken_for_the_whole(empty_hub, files, monkeypatch):
    empty_hub.faults = {"body": 500}
    with pytest.raises(HubError):
        fetch_dataset(ADDRESS, {".npz"})
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(HubError, match="it is not in the cache"):
        fetch_dataset(ADDRESS, {".npz"})


@pytest.mark.parametrize(
    ("address", "more", "says"),
    [
        (ADDRESS, {"endings": {".mp4"}}, "the repository has no such file; it has none of .mp4"),
        (ADDRESS, {"limit": 100}, r"the file has \d+ bytes and 100 at most are loaded"),
        (f"{ADDRESS}@v9", {}, "the repository has no such revision"),
        ("hf://datasets/ann", {}, "is no data set on the Hub; give hf://datasets/owner/name"),
    ],
)
def test_what_cannot_be_had_is_said_in_a_sentence(address, more, says, files):
    with pytest.raises(ValueError, match=says):
        fetch_dataset(address, **{"endings": {".npz"}, **more})


def test_addresses_and_folders_do_not_go_together():
    assert is_dataset(ADDRESS) and not is_dataset("hf://ann/clips") and not is_dataset("folder")
    with pytest.raises(ValueError, match="came with --data-root; leave one of them out"):
        fetch_folder(ADDRESS, "here")
