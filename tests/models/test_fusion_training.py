"""The fusion recipes through the training loop: four stages, one file with both translators."""

import dataclasses

import numpy as np
import pytest
import torch

from vp.catalog import find_recipe
from vp.core.family import Stage
from vp.models.fusion.objective import painting_weights
from vp.models.fusion.recipes import RECIPES
from vp.nn.adversary import has_critic
from vp.prediction import checkpoint
from vp.training.settings import Settings
from vp.training.trainer import Trainer


def small(name: str, data: str | None = None):
    """A recipe, narrow and on few frames, four steps a stage."""
    family, found = find_recipe(name)
    objective = dataclasses.replace(found.config.objective, lengths=((0.0, 6),), frames=2)
    config = dataclasses.replace(
        found.config, n_past=4, n_future=6, widths=(8, 8), mixing=8, translator=(8, 8), sharpener=8, objective=objective
    )
    stages = tuple(dataclasses.replace(x, share=1.0) for x in found.stages)
    data = {data: 1.0} if data else found.data
    return family, dataclasses.replace(found, config=config, batch=2, stages=stages, data=data)


def settings(out, **more) -> Settings:
    return Settings(out=out, **{"steps": 16, "device": "cpu", "precision": "fp32", "digits": "strokes", **more})


@pytest.fixture
def folder(tmp_path):
    """Grey and coloured recordings of a disc that moves, as a person's folder of clips."""
    for split in ("train", "val"):
        (tmp_path / "data" / split).mkdir(parents=True)
        for index in range(2):
            frames = np.full((14, 48, 64, 3), 60, np.uint8)
            for t in range(14):
                frames[t, 10:30, 4 + 3 * t : 20 + 3 * t] = (200, 120, 40)
            np.savez(tmp_path / "data" / split / f"{index}.npz", frames=frames[..., : 3 - 2 * index])
    return tmp_path / "data"


def weights(module) -> dict[str, torch.Tensor]:
    return {name: x.clone() for name, x in module.state_dict().items()}


def same(a, b) -> bool:
    return all(torch.equal(x, b[name]) for name, x in a.items())


def test_the_stages_follow_each_other_and_the_tuned_translator_starts_from_the_other_one(tmp_path):
    trainer = Trainer(*small("fusion-mmnist"), settings(tmp_path))
    moved = []
    for step in range(16):
        before = {name: weights(net) for name, net in trainer.networks.items()}
        if step == 8:
            trained = weights(trainer.average["translator"])
        terms = trainer.advance()
        assert all(torch.isfinite(x).all() for x in terms.values())
        moved.append({name for name, net in trainer.networks.items() if not same(weights(net), before[name])})
        if step == 8:
            assert same(trained, weights(trainer.networks["translator"])), "a finished network is what it was on average"
    # at the first step of a stage the networks of the one before become their averages
    assert moved[1] == {"predictor"} and moved[5] == {"translator", "critic"} and moved[9] == {"tuned"}
    assert moved[13] == {"sharpener"} and moved[4] >= {"predictor", "translator"} and "tuned" in moved[8]
    trainer.export("last")
    saved = checkpoint.read_weights(tmp_path / "last.safetensors")
    assert {name.split(".")[0] for name in saved} == {"predictor", "translator", "tuned", "sharpener"}
    assert not torch.equal(saved["translator.paint.weight"], saved["tuned.paint.weight"])


def test_a_critic_is_trained_along_with_whoever_is_judged_by_it():
    for found in RECIPES:
        for stage in found.stages:
            name = stage.phases[0]
            judged = name in ("translator", "tuned") and has_critic(painting_weights(found.config.objective, name))
            assert ("critic" in stage.phases) == judged


def test_a_network_starts_from_the_averaged_weights_of_another(tmp_path):
    trainer = Trainer(*small("fusion-mmnist"), settings(tmp_path))
    for _ in range(8):
        trainer.advance()
    want = weights(trainer.average["translator"])
    trainer.begin_stage(trainer.recipe.stages[2])
    assert same(want, weights(trainer.networks["tuned"])) and same(want, weights(trainer.average["tuned"]))


def test_every_stage_has_a_learning_rate_and_an_average_of_its_own(tmp_path):
    family, found = small("fusion-mmnist")
    trainer = Trainer(family, dataclasses.replace(found, warmup=0.25, final_lr=0.0), settings(tmp_path))
    rates, decays = [], []
    for step in range(16):
        before = weights(trainer.average["sharpener"])["layers.0.weight"]
        trainer.advance()
        rates.append(max(g["lr"] / p.lr for p in trainer.phases.values() for g in trainer.optimizers[p.name].param_groups
                         if p.name in found.stages[step // 4].phases))  # fmt: skip
        now, mean = (weights(x["sharpener"])["layers.0.weight"] for x in (trainer.networks, trainer.average))
        decays.append(((mean - now).norm() / (before - now).norm()).item() if step >= 12 else None)
    assert rates == pytest.approx(rates[:4] * 4) and rates[0] == pytest.approx(1) and rates[3] < 0.01
    assert decays[13:15] == pytest.approx([2 / 11, 3 / 12], rel=1e-3), "counted from the stage's first step"


@pytest.mark.parametrize("halt", [3, 8, 10])
def test_a_run_resumed_in_any_stage_equals_an_uninterrupted_one(tmp_path, halt):
    whole = Trainer(*small("fusion-mmnist"), settings(tmp_path / "whole"))
    first = Trainer(*small("fusion-mmnist"), settings(tmp_path / "halves"))
    for _ in range(16):
        whole.advance()
    for _ in range(halt):
        first.advance()
    first.save()
    second = Trainer(*small("fusion-mmnist"), settings(tmp_path / "halves", resume=True))
    while second.step < 16:
        second.advance()
    assert same(weights(whole.networks), weights(second.networks)) and same(weights(whole.average), weights(second.average))


def test_minutes_are_shared_out_by_what_each_stage_takes(tmp_path, monkeypatch):
    from vp.training import trainer as module

    family, found = small("fusion-mmnist")
    trainer = Trainer(family, found, settings(tmp_path, steps=None, minutes=1.0))
    clock, cost = [0.0], {"predictor": 1.0, "translator": 0.2, "tuned": 0.6, "sharpener": 0.2}
    monkeypatch.setattr(module.time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(trainer, "run_phases", lambda stage, *_, **__: clock.__setitem__(0, clock[0] + cost[stage.phases[0]]))
    trainer.plan_steps()
    assert trainer.total == int(60 / (module.OVERHEAD * 0.5))


@pytest.mark.parametrize("name", [r.name for r in RECIPES])
def test_every_recipe_trains_to_a_file_that_predicts(name, tmp_path, folder, monkeypatch):
    from vp.prediction.model import load
    from vp.training import train as module

    monkeypatch.setattr(module, "thread_count", lambda: 1)
    family, found = small(name, "folder" if name == "fusion-folder" else None)
    found = dataclasses.replace(found, protocol="", stages=found.stages)
    module.train(family, found, settings(tmp_path / "run", steps=4, data_root=str(folder) if name == "fusion-folder" else None))
    model = load(tmp_path / "run" / "last.safetensors", "cpu", "fp32")
    assert model.card["recipe"] == name and model.predictor.capabilities.n_past == (4, None)
    assert model.predictor.cfg == found.config


def test_the_folder_recipe_takes_grey_recordings_too(tmp_path, folder):
    trainer = Trainer(*small("fusion-folder"), settings(tmp_path / "run", data_root=str(folder)))
    frames = trainer.data.draw_batch(trainer.data.step_generator(0)).frames
    assert frames.shape == (2, 10, 3, 64, 64)
    terms = trainer.advance()
    assert torch.isfinite(terms["pictures_mse"]) and Stage(("predictor",)).init == {}


def test_translators_may_be_trained_without_any_critic(tmp_path):
    """The stages keep the critic's phase; where it is shown nothing it learns nothing."""
    family, found = small("fusion-mmnist")
    objective = dataclasses.replace(found.config.objective, adversarial=0.0, matching=0.0)
    trainer = Trainer(
        family, dataclasses.replace(found, config=dataclasses.replace(found.config, objective=objective)), settings(tmp_path)
    )
    before = {name: x.clone() for name, x in trainer.networks["critic"].state_dict().items()}
    terms = [trainer.advance() for _ in range(trainer.total)]
    assert all("critic_loss" not in x for x in terms) and {"translator_loss"} <= set().union(*terms)
    assert all(torch.equal(x, before[name]) for name, x in trainer.networks["critic"].state_dict().items())
