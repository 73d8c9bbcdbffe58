"""Training a model that takes actions: their statistics are taken before the first step, and kept."""

import dataclasses

import numpy as np
import pytest
import torch

from vp.catalog import find_recipe
from vp.core.runtime import Runtime
from vp.models.svg.config import Conditions, Objective
from vp.prediction import checkpoint
from vp.prediction.model import load
from vp.training import train as train_module
from vp.training.settings import Settings
from vp.training.train import train
from vp.training.trainer import Trainer
from vp.training.validate import Validation


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    monkeypatch.setattr(train_module, "thread_count", lambda: 1)


@pytest.fixture
def episodes(tmp_path):
    """Array files whose two action components lie around 40 and -3."""
    for split in ("train", "val"):
        (tmp_path / "data" / split).mkdir(parents=True)
        for index in range(3):
            rng = np.random.default_rng(index)
            frames = rng.integers(0, 255, (12, 32, 32, 1), np.uint8)
            actions = (rng.normal(size=(12, 2)) * (10, 0.1) + (40, -3)).astype(np.float32)
            np.savez(tmp_path / "data" / split / f"{index}.npz", frames=frames, actions=actions)
    return tmp_path / "data"


def small(conditions: Conditions | None):
    family, found = find_recipe("svg-lp-smmnist")
    config = dataclasses.replace(
        found.config, width=16, flows=2, size=32, channels=3, n_past=2, n_future=3, objective=Objective(lengths=((0.0, 5),)),
        conditions=conditions,
    )  # fmt: skip
    return family, dataclasses.replace(found, config=config, data={"folder": 1.0}, protocol="", batch=2)


def settings(episodes, out, **more) -> Settings:
    return Settings(out=out, device="cpu", precision="fp32", data_root=str(episodes), validate_minutes=1e3, **more)


def statistics(trainer: Trainer) -> list[float]:
    for networks in (trainer.networks, trainer.average):
        conditioner = networks["svg"].conditioner
        yield [*conditioner.mean.tolist(), *conditioner.std.tolist()]


def test_statistics_are_of_the_training_data_and_stay_through_steps_and_resuming(episodes, tmp_path):
    family, found = small(Conditions(2, width=4))
    trainer = Trainer(family, found, settings(episodes, tmp_path / "run", steps=3))
    first, average = statistics(trainer)
    assert first == average == pytest.approx([40, -3, 10, 0.1], rel=0.3)
    for _ in range(2):
        trainer.advance()
    assert list(statistics(trainer)) == [first, first]
    trainer.save()
    resumed = Trainer(family, found, settings(episodes, tmp_path / "run", steps=3, resume=True))
    assert list(statistics(resumed)) == [first, first]
    a, b = trainer.advance(), resumed.advance()
    assert all(torch.equal(a[name], b[name]) for name in a)
    model = load(tmp_path / "run" / "last.safetensors", "cpu", "fp32")
    conditioner = model.predictor.network.conditioner
    assert [*conditioner.mean.tolist(), *conditioner.std.tolist()] == first, "as training saw them, not rounded to fp16"
    assert model.predictor.capabilities.actions.ranges[1][0] < -3 < model.predictor.capabilities.actions.ranges[1][1]


def test_weights_that_one_begins_from_bring_their_statistics(episodes, tmp_path):
    family, found = small(Conditions(2, width=4))
    first = Trainer(family, found, settings(episodes, tmp_path / "a", steps=1))
    first.networks["svg"].conditioner.mean.fill_(7.0)
    first.average["svg"].conditioner.mean.fill_(7.0)
    first.save()
    second = Trainer(family, found, settings(episodes, tmp_path / "b", steps=1, init=str(tmp_path / "a" / "last.safetensors")))
    assert all(values[:2] == [7.0, 7.0] for values in statistics(second))


def test_data_without_the_numbers_are_refused_before_anything_is_trained(episodes, tmp_path):
    family, found = small(Conditions(3))
    with pytest.raises(ValueError, match="actions of 2 numbers a frame came; the recipe is conditioned on 3"):
        train(family, found, settings(episodes, tmp_path / "run", steps=1))
    family, found = small(Conditions(2, sources=("state",)))
    with pytest.raises(ValueError, match="the clips have no state"):
        train(family, found, settings(episodes, tmp_path / "run", steps=1))
    assert not (tmp_path / "run").exists()


def test_validation_shows_the_model_the_true_actions(episodes, tmp_path):
    family, found = small(Conditions(2, width=4))
    torch.manual_seed(0)
    networks = family.networks(found.config)
    family.fit_statistics(found.config, networks, Trainer(family, found, settings(episodes, tmp_path / "r", steps=1)).data.sample)
    validation = Validation(family, found, settings(episodes, tmp_path), Runtime.pick("cpu", "fp32"))
    predictor = family.predictor(found.config, networks, Runtime.pick("cpu", "fp32"))
    true = validation.predict(predictor, 1)
    validation.clips.actions.mul_(-1)
    assert not torch.equal(validation.predict(predictor, 1), true)


def test_teacher_forcing_and_kl_schedules_go_on_where_they_were(episodes, tmp_path):
    family, found = small(None)
    objective = dataclasses.replace(found.config.objective, kl="cyclical", beta=1.0, teacher=1.0, teacher_draw="epoch")
    found = dataclasses.replace(found, config=dataclasses.replace(found.config, objective=objective), epoch_clips=4)
    whole = Trainer(family, found, settings(episodes, tmp_path / "whole", steps=8))
    terms = [whole.advance() for _ in range(8)]
    half = Trainer(family, found, settings(episodes, tmp_path / "half", steps=8))
    for _ in range(5):
        half.advance()
    half.save()
    resumed = Trainer(family, found, settings(episodes, tmp_path / "half", steps=8, resume=True))
    for before in terms[5:]:
        after = resumed.advance()
        assert all(torch.equal(before[name], after[name]) for name in ("beta", "teacher_ratio", "mse", "kl"))
    assert len({float(t["beta"]) for t in terms}) > 2 and len({float(t["teacher_ratio"]) for t in terms}) == 4


def test_the_card_of_a_conditional_model_says_what_it_takes(episodes, tmp_path):
    family, found = small(Conditions(2, width=4, alignment="t"))
    Trainer(family, found, settings(episodes, tmp_path, steps=1)).export("last")
    assert checkpoint.read_card(tmp_path / "last.safetensors")["config"]["conditions"]["alignment"] == "t"
