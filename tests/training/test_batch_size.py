"""`--batch auto`: as many clips as fit into memory, a learning rate that goes with them, and a resume with both."""

import dataclasses
import json

import pytest
import torch

from vp.catalog import find_recipe
from vp.prediction import checkpoint
from vp.training import batch_size, state
from vp.training import train as train_module
from vp.training.settings import Settings
from vp.training.train import train
from vp.training.trainer import Trainer


class FakeMemory:
    """Memory in which a clip takes a byte; more than `hard` clips cannot even be tried."""

    def __init__(self, total: float, hard: int):
        self.total, self.hard, self.taken = total, hard, 0

    def peak(self) -> int:
        return self.taken

    def forget(self) -> None:
        self.taken = 0

    def watch(self, trainer: Trainer, monkeypatch, really: bool = False) -> "FakeMemory":
        """Sees the sizes of the trainer's steps; `really`: they are taken, too."""
        run = trainer.run_phases

        def counted(*args, **more):
            self.taken = max(self.taken, trainer.data.count)
            if trainer.data.count > self.hard:
                raise torch.OutOfMemoryError("faked")
            return run(*args, **more) if really else {}

        monkeypatch.setattr(trainer, "run_phases", counted)
        return self


def small():
    family, found = find_recipe("svg-det-smmnist")
    return family, dataclasses.replace(found, config=dataclasses.replace(family.tiny(), size=64), batch=2, length=6)


def settings(out, **more) -> Settings:
    return Settings(out, **{"steps": 3, "device": "cpu", "precision": "fp32", "digits": "strokes", "batch": "auto", **more})


@pytest.mark.parametrize(("total", "hard", "batch"), [(9.9, 99, 8), (99, 15, 8), (99, 16, 16), (4, 99, 2), (2, 99, 1)])
def test_the_largest_batch_that_fits_is_taken_with_its_learning_rate(total, hard, batch, tmp_path, monkeypatch, capsys):
    trainer = Trainer(*small(), settings(tmp_path))
    rate = trainer.lr
    batch_size.choose_batch(trainer, FakeMemory(total, hard).watch(trainer, monkeypatch))
    assert trainer.data.count == trainer.clips_a_step == batch and trainer.lr == pytest.approx(rate * (batch / 2) ** 0.5)
    assert f"{batch} clips a batch fit, the recipe has 2" in capsys.readouterr().err


def test_trying_leaves_no_trace(tmp_path, monkeypatch):
    trainer = Trainer(*small(), settings(tmp_path))
    before = state.pack(trainer.networks, trainer.average, trainer.optimizers)
    batch_size.choose_batch(trainer, FakeMemory(3, 99).watch(trainer, monkeypatch, really=True))
    after = state.pack(trainer.networks, trainer.average, trainer.optimizers)
    assert before.keys() == after.keys() and all(torch.equal(x, after[name]) for name, x in before.items())
    assert trainer.data.batches_for_step(0)[0][0].frames.shape[0] == 2 and trainer.step == 0
    assert all(p.grad is None for p in trainer.networks.parameters())


def test_where_nothing_fits_one_sentence_says_so(tmp_path, monkeypatch):
    trainer = Trainer(*small(), settings(tmp_path))
    with pytest.raises(ValueError, match="a step of 1 clips does not fit into the memory"):
        batch_size.choose_batch(trainer, FakeMemory(99, 0).watch(trainer, monkeypatch))


def test_a_learning_rate_that_was_given_and_a_cpu_s_batch_stay(tmp_path, monkeypatch):
    trainer = Trainer(*small(), settings(tmp_path, lr=2e-3))
    batch_size.choose_batch(trainer, FakeMemory(9.9, 99).watch(trainer, monkeypatch))
    assert trainer.lr == 2e-3 and trainer.data.count == 8
    trainer = Trainer(*small(), settings(tmp_path))
    batch_size.choose_batch(trainer, None)
    assert trainer.data.count == 2


def test_a_resumed_run_goes_on_with_what_was_found(tmp_path, monkeypatch):
    class Quiet:
        def __init__(self, *_):
            pass

        def score(self, *_):
            return {"score": 0.5}

    def choose(trainer, memory, found=batch_size.choose_batch):
        with monkeypatch.context() as patch:
            found(trainer, FakeMemory(4.9, 99).watch(trainer, patch))

    monkeypatch.setattr(train_module, "Validation", Quiet)
    monkeypatch.setattr(train_module, "thread_count", lambda: 1)
    monkeypatch.setattr(train_module, "choose_batch", choose)
    train(*small(), settings(tmp_path / "run"))
    recorded = json.loads((tmp_path / "run" / "run.json").read_text())
    entry = checkpoint.read_card(tmp_path / "run" / "last.safetensors")["lineage"][-1]
    assert recorded["batch"] == entry["batch"] == 4 and recorded["lr"] == entry["lr"] == pytest.approx(2**0.5 * 3e-3)
    monkeypatch.setattr(train_module, "choose_batch", None)  # it must not be looked for again
    assert train(*small(), settings(tmp_path / "run", steps=4, resume=True))["steps"] == 4
    entry = checkpoint.read_card(tmp_path / "run" / "last.safetensors")["lineage"][-1]
    assert entry["batch"] == 4 and entry["clips"] == 16 and entry["lr"] == recorded["lr"]
    with pytest.raises(ValueError, match="begun with --batch 4"):
        train(*small(), settings(tmp_path / "run", resume=True, batch=2, lr=recorded["lr"]))
