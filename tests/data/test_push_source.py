"""The data set `push`: batches, splits, and pool files that hold what would be simulated."""

from __future__ import annotations

import builtins
import zipfile

import pytest
import torch

from vp.data import open_dataset, protocol_clips
from vp.data.push import make, physics, pool
from vp.data.push.episode import EPISODE_FRAMES
from vp.data.push.pool import Pool
from vp.data.push.source import ACTIONS, EPISODES, PushWorld

pytest.importorskip("pymunk")


@pytest.fixture(autouse=True)
def no_pools(monkeypatch, tmp_path):
    monkeypatch.delenv("VP_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A data root with a pool of three episodes of each kind that tests need."""
    root = tmp_path_factory.mktemp("data")
    Pool(root / "push", "val").fill(3, PushWorld("val").seed, lambda done, total: None)
    return root


def gen(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def same(one, other) -> bool:
    pairs = [(one.frames, other.frames), (one.actions, other.actions)]
    pairs += [(one.extras[name], other.extras[name]) for name in one.extras]
    return all(torch.equal(a, b) for a, b in pairs)


def no_pymunk(monkeypatch):
    real = builtins.__import__

    def fake(name, *rest, **more):
        if name == "pymunk":
            raise ModuleNotFoundError("No module named 'pymunk'")
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", fake)


def test_a_batch_has_the_contract_s_shapes_and_repeats_with_its_seed():
    source = open_dataset("push", "val")
    assert (source.name, source.channels, source.size, source.fps) == ("push", 3, 64, 5.0)
    first, again, other = (source.batch(3, 7, gen(seed)) for seed in (1, 1, 2))
    assert same(first, again) and not torch.equal(first.frames, other.frames)
    assert first.frames.shape == (3, 7, 3, 64, 64) and first.frames.dtype == torch.uint8 and first.frames.is_contiguous()
    assert first.actions.shape == (3, 7, 4) and first.actions.dtype == torch.float32
    shapes = {name: (tuple(x.shape[1:]), x.dtype) for name, x in first.extras.items()}
    assert shapes == {
        "positions": ((7, 3), torch.float32),
        "objects": ((7, 64, 64), torch.uint8),
        "contacts": ((7, 6), torch.bool),
        "touched": ((7,), torch.bool),
        "touched_objects": ((6,), torch.bool),
    }
    assert torch.equal(first.extras["contacts"].any(-1), first.extras["touched"])
    assert torch.equal(first.extras["contacts"].any(1), first.extras["touched_objects"])
    limits = torch.tensor(ACTIONS.ranges)
    assert ((first.actions >= limits[:, 0] - 1e-6) & (first.actions <= limits[:, 1] + 1e-6)).all()
    assert len(ACTIONS.names) == 4


def test_splits_differ_and_options_of_digits_are_ignored():
    clips = [open_dataset("push", split, digits="strokes", n_digits=3).batch(2, 3, gen()).frames for split in EPISODES]
    assert not any(torch.equal(clips[a], clips[b]) for a, b in ((0, 1), (0, 2), (1, 2)))
    seeds = {PushWorld(split).seed(number) for split in EPISODES for number in range(5)}
    assert len(seeds) == 15


def test_clips_may_be_longer_than_an_episode_of_a_pool(filled):
    batch = PushWorld("val", filled, episodes=3).batch(1, EPISODE_FRAMES + 4, gen())
    short = PushWorld("val", filled, episodes=3).batch(1, EPISODE_FRAMES, gen())
    assert torch.equal(batch.frames[:, :EPISODE_FRAMES], short.frames)


def test_a_pool_gives_the_clips_that_would_be_simulated_with_or_without_pymunk(filled, monkeypatch):
    simulated = PushWorld("val", episodes=3).batch(4, 9, gen())
    assert same(simulated, PushWorld("val", filled, episodes=3).batch(4, 9, gen()))
    no_pymunk(monkeypatch)
    assert same(simulated, PushWorld("val", filled, episodes=3).batch(4, 9, gen()))
    monkeypatch.setenv("VP_DATA", str(filled))
    assert same(simulated, PushWorld("val", episodes=3).batch(4, 9, gen()))
    with pytest.raises(ValueError, match="needs pymunk: pip install pymunk, or make a pool file") as error:
        PushWorld("test").batch(1, 3, gen())
    assert "\n" not in str(error.value)


def test_preparing_fills_a_file_in_the_cache_once_and_what_was_made_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr("vp.data.push.pool.EPISODE_FRAMES", 4)
    source, seen = PushWorld("train", episodes=4), []

    def interrupt(done, total):
        seen.append((done, total))
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        source.prepare(interrupt)
    assert seen == [(1, 4), (2, 4)]
    folder = tmp_path / "cache" / "vp" / "push"
    assert [path.name for path in folder.iterdir()] == [f"push-train-{pool.fingerprint()}.zip"]
    assert len(Pool(folder, "train")) == 2
    again = PushWorld("train", episodes=4)
    again.prepare(lambda done, total: seen.append((done, total)))
    again.prepare(lambda done, total: seen.append("nothing is left to do"))
    assert seen[2:] == [(3, 4), (4, 4)] and len(again.pool) == 4
    assert len(list(folder.iterdir())) == 1
    with zipfile.ZipFile(again.pool.path) as archive:
        assert archive.testzip() is None and archive.namelist() == ["pool.json", "0", "1", "2", "3"]


def test_a_damaged_pool_is_named(filled, tmp_path):
    whole = Pool(filled / "push", "val").path
    data = bytearray(whole.read_bytes())
    folder = tmp_path / "push"
    folder.mkdir()
    (folder / whole.name).write_bytes(data[: len(data) // 2])
    with pytest.raises(ValueError, match=f"{whole.name} is damaged .*; delete it"):
        PushWorld("val", tmp_path).batch(1, 3, gen())
    data[2000:2200] = bytes(200)
    (folder / whole.name).write_bytes(data)
    with pytest.raises(ValueError, match=f"{whole.name} is damaged"):
        Pool(folder, "val").read(0)


def test_a_pool_of_another_simulator_is_not_taken_for_this_one(monkeypatch):
    before = pool.fingerprint()
    monkeypatch.setattr(physics, "FINGER_FORCE", 1.0)
    pool.fingerprint.cache_clear()
    changed = pool.fingerprint()
    monkeypatch.undo()
    pool.fingerprint.cache_clear()
    assert changed != before == pool.fingerprint()


def test_wrong_arguments_get_one_sentence():
    with pytest.raises(ValueError, match="split is 'all'; give one of train, val, test"):
        open_dataset("push", "all")
    with pytest.raises(ValueError, match="episodes is 0"):
        PushWorld(episodes=0)


def test_the_protocol_has_actions_and_few_clips_begin_more():
    few, more = protocol_clips("push", 2), protocol_clips("push", 6)
    assert more.frames.shape == (6, 12, 3, 64, 64) and more.actions.shape == (6, 12, 4)
    assert torch.equal(few.frames, more.frames[:2]) and torch.equal(few.actions, more.actions[:2])
    assert torch.equal(few.extras["objects"], more.extras["objects"][:2])
    assert len(more.frames.flatten(1).unique(dim=0)) == 6


def test_the_maker_writes_pools_and_sheets(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("vp.data.push.pool.EPISODE_FRAMES", 2)
    make.main(["--out", str(tmp_path), "--split", "test", "--episodes", "2"])
    said = capsys.readouterr()
    assert "2 episodes" in said.out and "2 of 2 episodes" in said.err
    sheet = make.draw_contact_sheet("test", clips=2, length=3, zoom=2)
    frames = PushWorld("test").batch(2, 3, gen()).frames
    assert sheet.shape == (256, 384, 3) and (sheet[128::2, 256::2] == frames[1, 2].permute(1, 2, 0).numpy()).all()
