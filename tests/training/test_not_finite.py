"""A loss or a gradient that is not finite ends a run before it does harm; the last good state stays and can be resumed."""

import dataclasses
import math
import signal
import sys
from collections.abc import Container
from pathlib import Path

import pytest
import torch

from vp import cli
from vp.catalog import find_recipe
from vp.core.family import Losses
from vp.core.processes import Processes
from vp.prediction import checkpoint
from vp.training import state, state_folder
from vp.training import train as train_module
from vp.training.settings import Settings
from vp.training.train import train
from vp.training.trainer import NotFinite, Trainer

sys.path.append(str(Path(__file__).resolve().parents[1]))
from killing import signal_after_step  # noqa: E402

STEPS, BAD = 6, 3


class Poisoned(torch.autograd.Function):
    """Passes a number on; its gradient is infinite."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        return gradient * math.inf


class Watched(torch.autograd.Function):
    """Passes a number on as NaN; must never be asked for a gradient."""

    @staticmethod
    def forward(ctx, x):
        return x * math.nan

    @staticmethod
    def backward(ctx, gradient):
        raise AssertionError("backward through a loss that is not finite")


def small(spoil: type[torch.autograd.Function] | None = None, at: Container[int] = (BAD,)):
    """A small recipe whose loss is spoiled at some steps."""
    family, found = find_recipe("svg-det-smmnist")
    found = dataclasses.replace(found, config=dataclasses.replace(family.tiny(), size=64), batch=1, length=4)

    def phases(config):
        def loss(inner, networks, batch, progress, generator):
            losses = inner(networks, batch, progress, generator)
            if progress.step not in at or spoil is None:
                return losses
            total = spoil.apply(losses.total)
            for buffer in networks.buffers():  # as batch normalisation does while it computes
                buffer.add_(1)
            return Losses(total, {"fine": losses.total, "mse": total.detach()})

        def spoiled(phase):
            return dataclasses.replace(phase, loss=lambda *args: loss(phase.loss, *args))

        return tuple(spoiled(phase) for phase in family.phases(config))

    return dataclasses.replace(family, phases=phases), found


def settings(out, **more) -> Settings:
    return Settings(out, **{"steps": STEPS, "device": "cpu", "precision": "fp32", "digits": "strokes", "bad_steps": 1, **more})


@pytest.fixture(autouse=True)
def no_validation(monkeypatch):
    class Quiet:
        def __init__(self, *_):
            pass

        def score(self, *_):
            return {"score": 0.5}

    monkeypatch.setattr(train_module, "Validation", Quiet)
    monkeypatch.setattr(train_module, "thread_count", lambda: 1)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (Watched, rf"^term mse of the loss of phase \w+ is nan at step {BAD} of the run in"),
        (Poisoned, rf"^the gradient norm of phase \w+ is (inf|nan) at step {BAD} of the run in"),
    ],
)
def test_the_run_ends_with_its_last_good_state_and_goes_on_from_there(spoil, says, tmp_path):
    with pytest.raises(NotFinite, match=says) as error:
        train(*small(spoil), settings(tmp_path / "run", save_minutes=0))
    said = str(error.value)
    assert f"run in {tmp_path / 'run'}, which keeps the state of step {BAD}:" in said and "--resume" in said and "\n" not in said
    tensors, numbers, *_ = state_folder.read(tmp_path / "run" / "state")
    assert numbers["step"] == BAD and all(x.isfinite().all() for x in tensors.values() if x.is_floating_point())
    assert checkpoint.read_card(tmp_path / "run" / "last.safetensors")["step"] == BAD

    summary = train(*small(), settings(tmp_path / "run", resume=True))
    train(*small(), settings(tmp_path / "whole"))
    one, other = (state_folder.read(tmp_path / name / "state").tensors for name in ("run", "whole"))
    assert summary["finished"] and all(torch.equal(one[name], x) for name, x in other.items())


@pytest.mark.parametrize("spoil", [Watched, Poisoned])
def test_bad_steps_are_skipped_and_counted_and_a_run_resumed_among_them_is_the_same(spoil, tmp_path, capsys, monkeypatch):
    bad = {1, 2, 4}
    whole = train(*small(spoil, bad), settings(tmp_path / "whole", bad_steps=3))
    assert whole["finished"] and whole["skipped"] == 3
    lines = [line for line in capsys.readouterr().err.splitlines() if "skipped" in line]
    assert [line.split(": ")[-1] for line in lines] == [f"skipped, {k} in a row; 3 end the run" for k in (1, 2, 1)]
    assert "at step 1" in lines[0] and "at step 4" in lines[2]
    assert checkpoint.read_card(tmp_path / "whole" / "last.safetensors")["lineage"][-1]["skipped"] == 3
    with monkeypatch.context() as patch:
        signal_after_step(2, signal.SIGINT, patch)
        assert not train(*small(spoil, bad), settings(tmp_path / "parts", bad_steps=3))["finished"]
    assert train(*small(spoil, bad), settings(tmp_path / "parts", bad_steps=3, resume=True))["skipped"] == 3
    one, other = (state_folder.read(tmp_path / name / "state").tensors for name in ("whole", "parts"))
    assert all(torch.equal(x, other[name]) and x.isfinite().all() for name, x in one.items())
    with pytest.raises(NotFinite, match="at step 2 of the run in"):
        train(*small(spoil, bad), settings(tmp_path / "two", bad_steps=2))


def test_a_skipped_step_changes_no_weight_average_or_statistic(tmp_path):
    trainer = Trainer(*small(Poisoned, {1}), settings(tmp_path, bad_steps=2))
    trainer.total = STEPS
    trainer.networks.register_buffer("running_mean", torch.zeros(1))
    trainer.advance()
    before = state.pack(trainer.networks, trainer.average, trainer.optimizers)
    assert trainer.advance() == {} and trainer.step == 2
    after = state.pack(trainer.networks, trainer.average, trainer.optimizers)
    assert all(torch.equal(x, after[name]) for name, x in before.items()) and any("running_mean" in name for name in before)


def test_the_count_in_a_row_survives_a_resume(tmp_path):
    trainer = Trainer(*small(Poisoned, {0, 1}), settings(tmp_path, bad_steps=2))
    trainer.total = STEPS
    trainer.advance()
    trainer.save()
    resumed = Trainer(*small(Poisoned, {0, 1}), settings(tmp_path, bad_steps=2, resume=True))
    with pytest.raises(NotFinite, match="at step 1"):
        resumed.advance()


def test_a_run_that_fails_before_its_first_save_keeps_the_state_it_began_with(tmp_path):
    with pytest.raises(NotFinite, match="keeps the state of step 0"):
        train(*small(Watched), settings(tmp_path / "run"))
    assert state_folder.read(tmp_path / "run" / "state")[1]["step"] == 0


def test_a_plan_that_meets_no_finite_loss_says_so_and_writes_nothing(tmp_path, monkeypatch):
    def refuse(trainer, phase, *_):
        raise trainer.not_finite_error("the loss")

    monkeypatch.setattr(Trainer, "join_gradients", refuse)
    with pytest.raises(NotFinite, match="^the loss is not finite at step 0 .* holds no state yet: give a lower --lr"):
        train(*small(), settings(tmp_path / "run", steps=None, minutes=0.1))
    assert not (tmp_path / "run").exists()


def test_weights_that_are_not_finite_do_not_replace_a_good_state(tmp_path):
    trainer = Trainer(*small(), settings(tmp_path))
    trainer.save()
    name, weight = next(iter(trainer.networks.named_parameters()))
    with torch.no_grad():
        weight[0] = math.inf
    trainer.step = 1
    with pytest.raises(NotFinite, match=f"^networks.{name} is inf at step 1 .* keeps the state of step 0"):
        trainer.save()
    assert state_folder.read(tmp_path / "state")[1]["step"] == 0


@dataclasses.dataclass(frozen=True)
class BesideOneThatFails(Processes):
    """As when the loss of another process is not finite."""

    only_late: bool = False  # it is seen after the gradient

    def any_of(self, flags):
        return [*flags] if self.only_late and len(flags) > 1 else [True, *flags[1:]]


def test_all_processes_stop_where_one_must(tmp_path):
    trainer = Trainer(*small(), settings(tmp_path))
    trainer.processes = BesideOneThatFails()
    with pytest.raises(NotFinite, match=r"^a loss of phase \w+ in another process is not finite at step 0"):
        trainer.advance()


def test_the_command_line_has_an_exit_code_for_it(capsys, monkeypatch, tmp_path):
    def diverging(family, found, settings):
        raise NotFinite("term mse is nan")

    monkeypatch.setattr("vp.training.train.train", diverging)
    assert cli.main(["train", "svg-lp-smmnist", "--out", str(tmp_path)]) == 3
    assert capsys.readouterr().err == "python -m vp: term mse is nan\n"


class Spoiled(torch.autograd.Function):
    """Passes a number on as NaN, with a gradient that is NaN too or, where the loss leads nowhere, sound."""

    @staticmethod
    def forward(ctx, x):
        return x * math.nan

    @staticmethod
    def backward(ctx, gradient):
        return torch.zeros_like(gradient)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [(Spoiled, r"^term mse of the loss of phase \w+ is nan"), (Poisoned, r"^the gradient norm of phase \w+ is")],
)
def test_where_losses_are_read_after_backward_no_step_is_taken_either(spoil, says, tmp_path):
    trainer = Trainer(*small(spoil), settings(tmp_path))
    trainer.checks_early = False  # as on a GPU
    for _ in range(BAD):
        trainer.advance()
    before = {name: x.clone() for name, x in trainer.networks.state_dict().items()}
    with pytest.raises(NotFinite, match=f"{says}.* at step {BAD}"):
        trainer.advance()
    assert all(torch.equal(x, before[name]) for name, x in trainer.networks.state_dict().items())


def test_a_loss_that_is_not_finite_elsewhere_stops_this_process_too(tmp_path):
    trainer = Trainer(*small(), settings(tmp_path))
    trainer.checks_early = False
    trainer.processes = BesideOneThatFails(only_late=True)
    with pytest.raises(NotFinite, match=r"^a loss of phase \w+ in another process is not finite at step 0"):
        trainer.advance()
