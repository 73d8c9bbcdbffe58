"""Training on recordings: the right split, sizes that fit, resuming, validation."""

from __future__ import annotations

import dataclasses
import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from vp.catalog import find_recipe
from vp.core.runtime import Runtime
from vp.data import DATASETS
from vp.models.svg.config import Objective
from vp.training import train as train_module
from vp.training.settings import Settings
from vp.training.train import train
from vp.training.trainer import Trainer
from vp.training.training_data import READERS, STEPS_AHEAD
from vp.training.validate import Validation


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    monkeypatch.setattr(train_module, "thread_count", lambda: 1)


@pytest.fixture
def episodes(tmp_path):
    """Array files in {train,val}/ whose training frames are dark and whose validation frames are bright."""
    for split, low in (("train", 0), ("val", 128)):
        (tmp_path / "data" / split).mkdir(parents=True)
        for index in range(3):
            frames = np.random.default_rng(index).integers(low, low + 128, (12, 32, 32, 1), np.uint8)
            np.savez(tmp_path / "data" / split / f"{index}.npz", frames=frames, actions=np.ones((12, 2), np.float32))
    return tmp_path / "data"


def small(channels: int = 3):
    family, found = find_recipe("svg-lp-smmnist")
    objective = Objective(lengths=((0.0, 5),))
    config = dataclasses.replace(
        found.config, width=16, flows=2, size=32, channels=channels, n_past=2, n_future=3, objective=objective
    )
    return family, dataclasses.replace(found, config=config, data={"folder": 1.0}, protocol="", batch=2)


def settings(episodes, out, **more) -> Settings:
    return Settings(out=out, device="cpu", precision="fp32", data_root=str(episodes), validate_minutes=1e3, **more)


def test_batches_come_from_the_training_split_at_the_recipe_s_size(episodes, tmp_path):
    family, found = small()
    data = Trainer(family, found, settings(episodes, tmp_path / "run", steps=1)).data
    batch = data.draw_batch(data.step_generator(0))
    assert batch.frames.shape == (2, 5, 3, 32, 32) and batch.frames.max() < 0.5 and batch.actions.shape == (2, 5, 2)
    assert torch.equal(batch.frames, data.draw_batch(data.step_generator(0)).frames)


def test_a_recipe_for_few_recordings_varies_its_clips_or_moves_them(tmp_path):
    rng = np.random.default_rng(0)
    for split in ("train", "val"):
        (tmp_path / "data" / split).mkdir(parents=True)
        np.savez(tmp_path / "data" / split / "0.npz", frames=rng.integers(0, 255, (5, 32, 32, 1), np.uint8))
    family, found = small(channels=1)
    seen = {}
    for name, changes in (("plain", {}), ("varied", {"varied": True}), ("moved", {"imposed": 1.0})):
        chosen = dataclasses.replace(found, **changes)
        data = Trainer(family, chosen, settings(tmp_path / "data", tmp_path / name, steps=1)).data
        seen[name] = data.draw_batch(data.step_generator(0)).frames
    assert torch.equal(seen["plain"][0], seen["plain"][1]) and not torch.equal(seen["varied"][0], seen["varied"][1])
    assert not torch.equal(seen["plain"], seen["moved"])
    assert find_recipe("svg-lp-people")[1].varied


def test_mini_batches_read_ahead_are_those_of_their_step(episodes, tmp_path):
    family, found = small()
    data = Trainer(family, found, settings(episodes, tmp_path / "run", steps=1, accumulate=2)).data
    plain = [data.batches_for_step(number) for number in (3, 4, 9)]
    data.reader = ThreadPoolExecutor(3)  # as for a GPU
    for number, (batches, (_, generator)) in zip((3, 4, 9), plain):
        ahead, (_, after) = data.batches_for_step(number)
        assert list(data.waiting) == list(range(number + 1, number + 1 + STEPS_AHEAD)) and STEPS_AHEAD > READERS > 1
        assert len(ahead) == 2 and all(torch.equal(a.frames, b.frames) for a, b in zip(ahead, batches))
        assert torch.equal(torch.rand(4, generator=after), torch.rand(4, generator=generator))
    assert not torch.equal(plain[0][0][0].frames, plain[0][0][1].frames)


def test_validation_uses_the_same_data_s_val_split_and_the_config_s_lengths(episodes, tmp_path):
    family, found = small()
    validation = Validation(family, found, settings(episodes, tmp_path), Runtime.pick("cpu", "fp32"))
    assert validation.n_past == 2 and validation.clips.frames.shape == (24, 5, 3, 32, 32) and validation.clips.frames.min() > 0.5
    assert validation.clips.actions.shape == (24, 5, 2)


def test_a_resumed_run_on_recordings_equals_an_uninterrupted_one(episodes, tmp_path):
    family, found = small()
    whole = Trainer(family, found, settings(episodes, tmp_path / "whole", steps=4))
    first = Trainer(family, found, settings(episodes, tmp_path / "halves", steps=4))
    for trainer, steps in ((whole, 4), (first, 2)):
        for _ in range(steps):
            trainer.advance()
    first.save()
    second = Trainer(family, found, settings(episodes, tmp_path / "halves", steps=4, resume=True))
    for _ in range(2):
        second.advance()
    for one, other in zip(whole.networks.state_dict().values(), second.networks.state_dict().values()):
        assert torch.equal(one, other)


def test_a_diffusion_model_trains_on_fewer_colour_clips_than_its_batch_holds(episodes, tmp_path, monkeypatch):
    monkeypatch.setattr("vp.training.validate.CLIPS", 4)
    family, found = find_recipe("ramvid-ucf101")
    config = dataclasses.replace(family.tiny(), channels=3, size=32, length=8, n_past=2, n_future=6)
    found = dataclasses.replace(found, config=config, data={"folder": 1.0}, length=8, batch=4)
    assert found.batch > 3  # the folder's training clips
    summary = train(family, found, settings(episodes, tmp_path / "run", steps=2))
    assert summary["finished"] and summary["validation"]["psnr_db_best"] > 0


def test_the_card_and_the_run_remember_the_data_and_resuming_with_other_data_is_refused(episodes, tmp_path):
    family, found = small()
    summary = train(family, found, settings(episodes, tmp_path / "run", steps=1))
    assert summary["validation"]["score"] > -1
    assert json.loads((tmp_path / "run" / "run.json").read_text())["data"] == {"folder": 1.0}
    other = dataclasses.replace(found, data={"mmnist": 1.0})
    with pytest.raises(ValueError, match="run was begun on folder and would go on with mmnist; give --data as it was given then"):
        train(family, other, settings(episodes, tmp_path / "run", steps=2, resume=True))


def test_colour_clips_turn_grey_for_a_recipe_of_grey(episodes, tmp_path):
    family, found = small(channels=1)
    data = Trainer(family, found, settings(episodes, tmp_path, steps=1)).data
    assert data.draw_batch(data.step_generator(0)).frames.shape == (2, 5, 1, 32, 32)


def test_clips_that_do_not_fit_the_recipe_get_one_sentence(episodes, tmp_path):
    family, found = small(channels=1)
    simulated = dataclasses.replace(found, data={"mmnist": 1.0})
    says = r"clips of mmnist have 1 channel\(s\) of 64x64 px; svg-lp-smmnist takes 1 channel\(s\) of 32x32 px: choose"
    with pytest.raises(ValueError, match=says):
        Trainer(family, simulated, settings(episodes, tmp_path, steps=1))


def test_missing_validation_recordings_are_said_before_anything_is_trained(episodes, tmp_path):
    for path in (episodes / "val").iterdir():
        path.unlink()
    for path in list((episodes / "train").iterdir())[1:]:
        path.unlink()
    family, found = small()
    with pytest.raises(ValueError, match="folder has no recordings for val here"):
        train(family, found, settings(episodes, tmp_path / "run", minutes=1))
    assert not (tmp_path / "run").exists()


def test_grey_recordings_train_recipes_of_grey_and_of_colour(episodes, tmp_path, monkeypatch):
    monkeypatch.setitem(DATASETS, "folder", dataclasses.replace(DATASETS["folder"], channels=1))  # as kth is
    for channels in (1, 3):
        family, found = small(channels)
        data = Trainer(family, found, settings(episodes, tmp_path / str(channels), steps=1)).data
        frames = data.draw_batch(data.step_generator(0)).frames
        assert frames.shape == (2, 5, channels, 32, 32) and torch.equal(frames[:, :, 0], frames[:, :, -1])
