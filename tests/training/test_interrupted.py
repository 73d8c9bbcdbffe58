"""Whatever ends a run: weights agree with the state it resumes from, it goes on exactly, and one sentence says what happened."""

import dataclasses
import io
import json
import os
import shutil
import signal
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pytest
import torch

from benchmarks import kill_training
from vp import cli
from vp.catalog import find_recipe
from vp.core import files
from vp.prediction import checkpoint
from vp.training import state, state_folder
from vp.training import train as train_module
from vp.training.log import drop_half_line
from vp.training.run_lock import lock_run
from vp.training.settings import Settings
from vp.training.stopping import DiskError, HungUp, stop_signal
from vp.training.train import train
from vp.training.trainer import Trainer

from ..together import run_together

sys.path.append(str(Path(__file__).resolve().parents[1]))
from killing import Fault, Killed, count_operations, signal_after_step  # noqa: E402

STEPS = 4


def small():
    family, found = find_recipe("svg-det-smmnist")
    return family, dataclasses.replace(found, config=dataclasses.replace(family.tiny(), size=64), batch=1, length=4)


def settings(out, **more) -> Settings:
    return Settings(out, **{"steps": STEPS, "device": "cpu", "precision": "fp32", "digits": "strokes", **more})


def packed(trainer: Trainer) -> dict[str, torch.Tensor]:
    return state.pack(trainer.networks, trainer.average, trainer.optimizers)


def equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(x, other[name]) for name, x in one.items())


@pytest.fixture(autouse=True)
def no_validation(monkeypatch):
    class Quiet:
        def __init__(self, *_):
            pass

        def score(self, _, step, *__):
            return {"score": float(step)}

    monkeypatch.setattr(train_module, "Validation", Quiet)
    monkeypatch.setattr(train_module, "thread_count", lambda: 1)
    monkeypatch.setattr("vp.training.throughput.peak_gflops", lambda *_: 1.0)
    monkeypatch.setattr(os, "fsync", lambda number: None)


def test_killed_anywhere_in_a_save_it_goes_on_exactly_and_the_weights_agree(tmp_path, monkeypatch):
    live = Trainer(*small(), settings(tmp_path / "begun"))
    whole = {}
    for step in (1, 2):
        live.advance()
        live.keep_best({"score": float(step)})
        if step == 1:
            live.save()
        whole[step] = packed(live)
    kept = live.kept

    def save_into(folder: Path) -> None:
        shutil.copytree(tmp_path / "begun", folder)
        live.settings, live.kept, live.published = settings(folder), kept, None
        live.save()

    count = count_operations(monkeypatch, lambda: save_into(tmp_path / "count"))
    steps = set()
    for at in [*range(1, count - 10, 3), *range(count - 10, count + 1)]:  # all of them where the weights are written
        run = tmp_path / str(at)
        with monkeypatch.context() as patch, pytest.raises(Killed):
            patch.setattr(files, "operation", Fault(at))
            save_into(run)
        for name in ("best", "last"):
            checkpoint.read_weights(run / f"{name}.safetensors")  # whole, though it may be of the step before
        resumed = Trainer(*small(), settings(run, resume=True))
        resumed.publish()
        steps.add(resumed.step)
        assert equal(packed(resumed), whole[resumed.step])
        last, best = (checkpoint.read_card(run / f"{name}.safetensors") for name in ("last", "best"))
        assert last["step"] == best["step"] == resumed.step == best["metrics"]["score"] == resumed.best
    assert steps == {1, 2} and count > 20
    resumed.advance()
    live.advance()
    assert equal(packed(resumed), packed(live))


def test_best_weights_of_a_damaged_or_earlier_state_are_not_lost(tmp_path):
    trainer = Trainer(*small(), settings(tmp_path))
    trainer.save()
    trainer.advance()
    trainer.keep_best({"score": 7.0})
    trainer.save()
    (tmp_path / "state" / "000002" / "tensors.safetensors").write_bytes(b"")
    before = (tmp_path / "best.safetensors").read_bytes()
    resumed = Trainer(*small(), settings(tmp_path, resume=True))
    resumed.publish()
    assert (resumed.step, resumed.best) == (0, 7.0) and (tmp_path / "best.safetensors").read_bytes() == before


def test_a_damaged_state_is_named_and_the_run_goes_on_from_the_one_before(tmp_path, capsys):
    train(*small(), settings(tmp_path / "run", save_minutes=0))
    os.truncate(tmp_path / "run" / "state" / state_folder.pointed_to(tmp_path / "run" / "state") / "tensors.safetensors", 99)
    summary = train(*small(), settings(tmp_path / "run", resume=True))
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "damaged" in line]
    assert line.endswith(f"the state of step {STEPS - 1}, which is whole, is taken") and summary["finished"]
    train(*small(), settings(tmp_path / "whole"))
    assert equal(*(state_folder.read(tmp_path / name / "state").tensors for name in ("run", "whole")))


@pytest.mark.parametrize("more", [{}, {"resume": True}])
def test_a_second_process_in_the_folder_is_told_so(tmp_path, more):
    with lock_run(tmp_path), pytest.raises(ValueError, match=f"is in use by process {os.getpid()}, which trains in it") as error:
        train(*small(), settings(tmp_path, **more))
    assert "\n" not in str(error.value)
    with lock_run(tmp_path):
        pass


def test_a_full_disk_keeps_the_last_state_and_has_an_exit_code(tmp_path, monkeypatch, capsys):
    fault = Fault(60, full=True)
    with monkeypatch.context() as patch:
        patch.setattr(files, "operation", fault)
        with pytest.raises(DiskError, match="No space left on device; the run in .* ended at step") as error:
            train(*small(), settings(tmp_path, save_minutes=0))
    kept = state_folder.read(tmp_path / "state").numbers["step"]
    assert 0 < kept < STEPS and f"keeps the state of step {kept}: go on from there with --resume" in str(error.value)
    assert train(*small(), settings(tmp_path, resume=True))["finished"]
    monkeypatch.setattr("vp.training.train.train", lambda *_: (_ for _ in ()).throw(error.value))
    assert cli.main(["train", "svg-lp-smmnist", "--out", str(tmp_path)]) == 4
    assert capsys.readouterr().err.splitlines()[-1] == f"python -m vp: {error.value}"


@pytest.fixture
def terminal():
    """As in a terminal: under nohup the signal would be ignored."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


def test_a_lost_terminal_saves_and_has_an_exit_code(tmp_path, monkeypatch, terminal):
    signal_after_step(2, signal.SIGHUP, monkeypatch)
    with pytest.raises(HungUp, match="keeps the state of step 2: go on with --resume"):
        train(*small(), settings(tmp_path))
    assert state_folder.saved_step(tmp_path / "state") == 2 and HungUp.exit_code == 129


def test_nohup_is_respected():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop_signal() as stop:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not stop.is_set()
    finally:
        signal.signal(signal.SIGHUP, before)


def test_resuming_a_finished_run_says_so(tmp_path, capsys):
    train(*small(), settings(tmp_path, steps=1))
    assert "is finished" not in capsys.readouterr().err
    assert train(*small(), settings(tmp_path, steps=None, minutes=30.0, resume=True))["steps"] == 1
    assert "is finished (step 1 of 1); give --steps above it to go on" in capsys.readouterr().err


def test_run_json_keeps_how_a_run_began_and_records_what_changed(tmp_path, monkeypatch):
    train(*small(), settings(tmp_path, steps=1, data_root=str(tmp_path)))
    begun = json.loads((tmp_path / "run.json").read_text())
    train(*small(), settings(tmp_path, steps=2, resume=True, recompute=True))
    train(*small(), settings(tmp_path, steps=2, resume=True, recompute=True))
    again = json.loads((tmp_path / "run.json").read_text())
    assert again.pop("resumed") == [{"step": 1, "total": 2, "recompute": True}] and again == begun
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(ValueError, match="run.json, which says how the run began, cannot be read"):
        train(*small(), settings(tmp_path, steps=3, resume=True))


def test_weights_without_a_state_are_not_written_over(tmp_path):
    (tmp_path / "best.safetensors").write_bytes(b"precious")
    with pytest.raises(ValueError, match="holds best.safetensors but no state to resume; choose another --out"):
        train(*small(), settings(tmp_path))
    assert (tmp_path / "best.safetensors").read_bytes() == b"precious"


def test_a_log_that_ends_in_half_a_line_loses_it(tmp_path):
    (tmp_path / "log").write_text('{"step": 1}\n{"st')
    drop_half_line(tmp_path / "log")
    assert (tmp_path / "log").read_text() == '{"step": 1}\n'


def kill_trainings(*words: str) -> tuple[int, str]:
    """What the benchmark's command returns and prints."""
    sys.argv = ["kill_training", *words]
    with redirect_stdout(io.StringIO()) as printed:
        code = kill_training.main()
    return code, printed.getvalue()


def test_real_kills_leave_whole_states_and_the_run_ends_as_if_there_had_been_none():
    ((code, printed),) = run_together(kill_trainings, "--kills", "3", "--seconds", "30", "--steps", "6", count=1)
    said = json.loads(printed.splitlines()[-1])
    assert code == 0 and said["kills"] == said["whole"] == 3 and said["exact"]
