"""The training loop: budgets, exact resuming, safe stopping."""

import dataclasses
import json
import signal
import threading
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from vp.catalog import find_recipe
from vp.core.family import Progress, Stage
from vp.models.svg.config import Objective
from vp.prediction import checkpoint
from vp.training import state_folder
from vp.training import train as train_module
from vp.training.settings import Settings
from vp.training.train import train
from vp.training.trainer import Trainer, lr_factor

from ..killing import signal_after_step


def small(batch: int = 2):
    """The learned-prior recipe, narrow and on few frames."""
    family, found = find_recipe("svg-lp-smmnist")
    objective = Objective(lengths=((0.0, 6), (0.5, 7)))
    config = dataclasses.replace(found.config, width=16, flows=2, n_past=3, n_future=4, objective=objective)
    return family, dataclasses.replace(found, config=config, batch=batch, stages=(Stage(("svg",)),))


def settings(out: Path, **more) -> Settings:
    return Settings(out=out, device="cpu", precision="fp32", digits="strokes", validate_minutes=1e3, **more)


@pytest.fixture(autouse=True)
def no_validation(monkeypatch):
    """Validation draws full-size clips; what it scores is tested elsewhere."""

    class Quiet:
        def __init__(self, *_):
            pass

        def score(self, *_):
            return {"score": 0.5}

    monkeypatch.setattr(train_module, "Validation", Quiet)
    monkeypatch.setattr(train_module, "thread_count", lambda: 1)


def weights(out: Path, part: str) -> dict[str, torch.Tensor]:
    return {k: v for k, v in state_folder.read(out / "state").tensors.items() if k.startswith(part)}


def test_a_resumed_run_equals_an_uninterrupted_one_bit_for_bit(tmp_path):
    family, found = small()
    train(family, found, settings(tmp_path / "whole", steps=6))

    first = Trainer(family, found, settings(tmp_path / "halves", steps=6))
    for _ in range(3):
        first.advance()
    first.save()
    train(family, found, settings(tmp_path / "halves", steps=6, resume=True))

    for part in ("networks", "average", "optimizer"):
        whole, halves = weights(tmp_path / "whole", part), weights(tmp_path / "halves", part)
        assert whole.keys() == halves.keys() and whole
        assert all(torch.equal(whole[name], halves[name]) for name in whole)


def test_minutes_become_steps_from_the_measured_speed_and_the_plan_survives_resuming(tmp_path):
    family, found = small()
    trainer = Trainer(family, found, settings(tmp_path, minutes=1.0))
    untouched = {k: v.clone() for k, v in trainer.networks.state_dict().items()}
    trainer.plan_steps()
    assert 3 < trainer.total < 60_000
    assert all(torch.equal(v, untouched[k]) for k, v in trainer.networks.state_dict().items())
    assert not any(o.state_dict()["state"] for o in trainer.optimizers.values())
    trainer.advance()
    trainer.save()
    assert Trainer(family, found, settings(tmp_path, minutes=50, resume=True)).total == trainer.total


def test_a_run_in_the_way_is_refused_and_nothing_to_resume_is_said(tmp_path):
    family, found = small()
    with pytest.raises(ValueError, match="no training state"):
        train(family, found, settings(tmp_path, steps=1, resume=True))
    train(family, found, settings(tmp_path, steps=1))
    with pytest.raises(ValueError, match="--resume"):
        train(family, found, settings(tmp_path, steps=1))


def test_a_stop_saves_what_was_done(tmp_path, monkeypatch):
    family, found = small()
    before = signal.getsignal(signal.SIGTERM)
    signal_after_step(2, signal.SIGTERM, monkeypatch)
    summary = train(family, found, settings(tmp_path, steps=50))
    assert (summary["steps"], summary["finished"]) == (2, False)
    assert state_folder.read(tmp_path / "state")[1]["step"] == 2
    assert signal.getsignal(signal.SIGTERM) == before


def test_the_learning_rate_warms_up_and_falls_to_its_end():
    assert lr_factor(0.05, 0.1, 0.02) == pytest.approx(0.5)
    assert lr_factor(0.1, 0.1, 0.02) == pytest.approx(1.0)
    assert lr_factor(1.0, 0.1, 0.02) == pytest.approx(0.02)


def test_mini_batches_are_summed_up_to_the_gradient_of_them_all(tmp_path):
    family, found = small()
    trainer = Trainer(family, found, settings(tmp_path, steps=2, accumulate=2))
    assert trainer.clips_a_step == 2 * trainer.data.count
    generators, phase = [trainer.data.step_generator(7, index) for index in range(2)], trainer.phases["svg"]
    batches = [trainer.data.draw_batch(generator) for generator in generators]
    sum(phase.loss(trainer.networks, batch, Progress(), its).total / 2 for batch, its in zip(batches, generators)).backward()
    wanted = {name: p.grad.clone() for name, p in trainer.networks.named_parameters() if p.grad is not None}
    trainer.recipe = dataclasses.replace(found, clip=1e9)  # or the gradients would be scaled down
    terms = trainer.run_phases(found.stages[0], Progress(), 7, lr_scale=0.0)
    for name, p in trainer.networks.named_parameters():
        if name in wanted:
            torch.testing.assert_close(p.grad, wanted[name], rtol=1e-4, atol=1e-6)
    assert wanted and terms["svg_loss"].ndim == 0


def test_speed_is_logged_with_the_share_of_the_machines_own(tmp_path):
    family, found = small()
    train(family, found, settings(tmp_path, steps=20))
    line = json.loads((tmp_path / "train.jsonl").read_text())
    assert line["frames_per_s"] > 0 and 0 < line["peak_share"] < 1


def test_stages_share_the_budget_in_order(tmp_path):
    family, found = small()
    staged = dataclasses.replace(found, stages=(Stage(("a",), 1), Stage(("b", "a"), 3)))
    trainer = Trainer(family, found, settings(tmp_path, steps=1))
    trainer.recipe, trainer.stages = staged, staged.stages
    assert [trainer.stage_index(s) for s in (0, 0.24, 0.26, 1.0)] == [0, 0, 1, 1] and trainer.stage_shares() == [0.25, 0.75]


def test_a_stage_does_without_a_critic_that_the_config_gives_no_weight(tmp_path):
    family, found = small()
    found = dataclasses.replace(found, stages=(Stage(("svg",), 1), Stage(("svg", "critic"), 1), Stage(("critic",), 1)))
    trainer = Trainer(family, found, settings(tmp_path, steps=2))
    assert [(stage.phases, stage.share) for stage in trainer.stages] == [(("svg",), 2)] and trainer.stage_shares() == [1.0]
    for _ in range(2):
        assert trainer.advance()["svg_grad_norm"] > 0


def test_a_critic_that_no_stage_trains_is_refused(tmp_path):
    family, found = small()
    objective = dataclasses.replace(found.config.objective, adversarial=0.1)
    judged = dataclasses.replace(found, config=dataclasses.replace(found.config, objective=objective))
    with pytest.raises(ValueError, match="ask for critic, which no stage of svg-lp-smmnist trains; leave its weights at 0"):
        Trainer(family, judged, settings(tmp_path, steps=1))


def test_the_average_follows_the_weights_and_is_what_is_exported(tmp_path):
    family, found = small()
    train(family, found, settings(tmp_path, steps=4))
    average = {k.removeprefix("average."): v for k, v in weights(tmp_path, "average").items()}
    exported = checkpoint.read_weights(tmp_path / "last.safetensors")
    assert exported.keys() == average.keys()
    for name, x in average.items():
        torch.testing.assert_close(exported[name], x, rtol=1e-3, atol=1e-4)  # stored as fp16
    card = checkpoint.read_card(tmp_path / "last.safetensors")
    assert card["recipe"] == "svg-lp-smmnist" and card["step"] == 4 and card["dataset"] == "digits-robust"


def test_a_critic_trains_beside_the_model_and_stays_out_of_the_checkpoint(tmp_path):
    family, found = small()
    objective = dataclasses.replace(found.config.objective, adversarial=0.1, matching=0.1)
    found = dataclasses.replace(
        found, config=dataclasses.replace(found.config, objective=objective), stages=(Stage(("svg", "critic")),)
    )
    trainer = Trainer(family, found, settings(tmp_path / "run", steps=4))
    before = {name: x.clone() for name, x in trainer.networks["critic"].state_dict().items()}
    terms = trainer.advance()
    assert {"adversarial", "matching", "critic", "svg_grad_norm", "critic_grad_norm"} <= set(terms)
    assert any(not torch.equal(x, before[name]) for name, x in trainer.networks["critic"].state_dict().items())
    trainer.save()
    kept = load_file(tmp_path / "run" / "last.safetensors")
    assert set(kept) == set(family.networks(found.config).state_dict())
    resumed = Trainer(family, found, settings(tmp_path / "run", steps=4, resume=True))
    for one, other in zip(trainer.networks.state_dict().values(), resumed.networks.state_dict().values()):
        assert torch.equal(one, other)
    left, right = trainer.advance(), resumed.advance()
    assert all(torch.equal(left[name], right[name]) for name in left)


def test_init_starts_from_weights_with_a_fresh_schedule(tmp_path):
    family, found = small()
    train(family, found, settings(tmp_path / "a", steps=2))
    start = Trainer(family, found, settings(tmp_path / "b", steps=2, init=str(tmp_path / "a" / "last.safetensors")))
    saved = checkpoint.read_weights(tmp_path / "a" / "last.safetensors")
    assert start.step == 0
    start.advance()
    start.export("last")
    card = checkpoint.read_card(tmp_path / "b" / "last.safetensors")
    assert (card["step"], card["clips"], card["init"]) == (1, 2 * 2 + 2, "svg-lp-smmnist"), "clips of both runs, no path"
    start.save()
    again = Trainer(family, found, settings(tmp_path / "b", steps=2, resume=True))
    assert again.start == start.start, "a resumed run still knows where it began"
    start = Trainer(family, found, settings(tmp_path / "c", steps=2, init=str(tmp_path / "a" / "last.safetensors")))
    assert all(torch.equal(x, saved[name]) for name, x in start.networks.state_dict().items())


def test_the_log_is_json_lines(tmp_path):
    from vp.training.log import EVERY, RunLog

    with RunLog(tmp_path, lambda: {"frames_per_s": 5.0}) as log:
        for step in range(EVERY):
            late = {"kl": torch.tensor(3.0)} if step >= EVERY - 2 else {}
            log.add_step(step, {"mse": torch.tensor(float(step)), **late})
    (line,) = (tmp_path / "train.jsonl").read_text().splitlines()
    assert json.loads(line)["mse"] == pytest.approx((EVERY - 1) / 2)
    assert json.loads(line)["kl"] == pytest.approx(3), "of the steps that had one"
    assert json.loads(line)["frames_per_s"] == 5
    assert threading.current_thread() is threading.main_thread()


def test_init_from_another_latent_takes_what_fits_and_from_another_network_is_refused(tmp_path):
    family, found = small()
    train(family, found, settings(tmp_path / "lp", steps=1))
    path = str(tmp_path / "lp" / "last.safetensors")
    saved = checkpoint.read_weights(Path(path))
    fixed = dataclasses.replace(found, config=dataclasses.replace(found.config, latent="fixed"))
    start = Trainer(family, fixed, settings(tmp_path / "fp", steps=1, init=path))
    assert all(torch.equal(x, saved[name]) for name, x in start.networks.state_dict().items())
    wide = dataclasses.replace(found, config=dataclasses.replace(found.config, width=32))
    with pytest.raises(ValueError, match="fits too little"):
        Trainer(family, wide, settings(tmp_path / "wide", steps=1, init=path))
    diffusion, other = find_recipe("ramvid-smmnist")
    config = dataclasses.replace(other.config, width=found.config.width, flows=found.config.flows)
    start = Trainer(diffusion, dataclasses.replace(other, config=config), settings(tmp_path / "other", steps=1, init=path))
    own = start.networks.state_dict()
    assert torch.equal(own["denoiser.scene.gates.weight"], saved["svg.scene.gates.weight"])
