"""Training on several processes: they take the steps of one, to the bit, and all leave together."""

import dataclasses
import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch

from vp.catalog import find_recipe
from vp.core.family import Losses
from vp.core.processes import Processes, joined
from vp.training import log, state, state_folder, throughput
from vp.training import train as train_module
from vp.training.settings import Settings
from vp.training.sweep import sweep
from vp.training.train import train
from vp.training.trainer import Trainer

from ..together import run_together
from .test_resume import TRAINED, published, smallest

CPU = torch.device("cpu")
EVERY = 4  # steps between two lines of a log


class Quiet:
    """Validation that takes no time."""

    def __init__(self, *_):
        pass

    def score(self, *_):
        return {"score": 0.5}


class DiskFull(Quiet):
    def score(self, *_):
        raise OSError(28, os.strerror(28), "strip.png")


def train_quietly(*arguments, validation=Quiet):
    train_module.Validation = validation
    log.EVERY = EVERY
    throughput.peak_gflops = lambda *_: 1.0
    return train(*arguments)


@pytest.fixture(autouse=True)
def no_validation(monkeypatch):
    monkeypatch.setattr(train_module, "Validation", Quiet)
    monkeypatch.setattr(log, "EVERY", EVERY)
    monkeypatch.setattr(throughput, "peak_gflops", lambda *_: 1.0)


def settings(out: Path, **more) -> Settings:
    return Settings(out, **{"device": "cpu", "precision": "fp32", "digits": "strokes", "threads": 1, "steps": 4, **more})


def after_a_few_steps(name: str, clips: Path, accumulate: int | None, processes: Processes) -> dict[str, np.ndarray]:
    """All that a run of a family's smallest network, with its critic, consists of after a step or more of every stage."""
    family, found = published() if name == "published" else smallest(name, None)
    steps = max(2, len(found.stages))
    chosen = settings(clips / "run", steps=steps, data_root=str(clips), accumulate=accumulate)
    trainer = Trainer(family, found, chosen, processes)
    for _ in range(steps):
        trainer.advance()
    return {key: x.numpy() for key, x in state.pack(trainer.networks, trainer.average, trainer.optimizers).items()}


def every_family(clips: Path) -> dict[str, dict[str, np.ndarray]]:
    with joined(CPU) as processes:
        return {name: after_a_few_steps(name, clips, None, processes) for name in (*TRAINED, "published")}


def test_two_processes_take_the_steps_of_one_with_both_mini_batches_to_the_bit(clips):
    one, other = run_together(every_family, clips)
    assert set(one) == {"svg", "svg-motion", "ramvid", "ramvid-motion", "vpn", "fusion", "published"}
    for name, got in one.items():
        alone = after_a_few_steps(name, clips, 2, Processes())
        assert got.keys() == other[name].keys() == alone.keys()
        assert [key for key in got if not np.array_equal(got[key], other[name][key])] == [], "replicas are equal"
        assert [key for key in got if not np.array_equal(got[key], alone[key])] == [], name


def small(spoiled: tuple[int, ...] = (), stop_at: int | None = None):
    """A small recipe. The loss of the second process is not a number in spoiled steps; it gets SIGTERM in another."""
    family, found = find_recipe("svg-det-smmnist")
    found = dataclasses.replace(found, config=dataclasses.replace(family.tiny(), size=64), batch=1, length=6)
    (phase,) = family.phases(found.config)
    second = os.environ.get("RANK") == "1"

    def loss(networks, batch, progress, generator):
        losses = phase.loss(networks, batch, progress, generator)
        if second and progress.step == stop_at:
            os.kill(os.getpid(), signal.SIGTERM)
        return Losses(losses.total * float("nan"), losses.terms) if second and progress.step in spoiled else losses

    return dataclasses.replace(family, phases=lambda _: (dataclasses.replace(phase, loss=loss),)), found


def in_one_of_several(out: Path, more: dict, recipe: dict, validation: type) -> tuple[dict, bytes]:
    """In one of the processes: a run's summary, and its weights."""
    made = []
    init = Trainer.__init__

    def watched(trainer, *arguments):
        init(trainer, *arguments)
        made.append(trainer)

    Trainer.__init__ = watched
    summary = train_quietly(*small(**recipe), settings(out, **more), validation=validation)
    return summary, b"".join(x.numpy().tobytes() for x in made[0].networks.state_dict().values())


def train_on_two(out: Path, recipe: dict | None = None, validation: type = Quiet, **more) -> list:
    return list(run_together(in_one_of_several, out, more, recipe or {}, validation))


def saved(out: Path) -> dict[str, torch.Tensor]:
    return state_folder.read(out / "state").tensors


def test_a_run_goes_on_with_other_numbers_of_processes_exactly(tmp_path):
    """One process, then two, then one; the second of the two is told to stop, and both do."""
    whole = train(*small(), settings(tmp_path / "whole", steps=6, accumulate=2))
    parts = tmp_path / "parts"
    trainer = Trainer(*small(), settings(parts, steps=6, accumulate=2))
    trainer.advance()
    parts.mkdir()
    trainer.save()
    (parts / "run.json").write_text(json.dumps(train_module.describe_run(trainer)))
    (one, weights), (other, same) = train_on_two(parts, {"stop_at": 4}, steps=6, resume=True)
    assert not one["finished"] and one["steps"] == other["steps"] == 5 and weights == same
    assert train(*small(), settings(parts, steps=6, resume=True))["finished"] and whole["finished"]
    got, wanted = saved(parts), saved(tmp_path / "whole")
    assert [name for name, x in wanted.items() if name != "best_card" and not torch.equal(got[name], x)] == []
    about = json.loads((parts / "run.json").read_text())
    assert about["processes"] == 1 and about["accumulate"] == 2
    assert [(leg["step"], leg["processes"]) for leg in about["resumed"]] == [(1, 2), (5, 1)]
    one, whole = (json.loads((out / "train.jsonl").read_text().splitlines()[0]) for out in (parts, tmp_path / "whole"))
    assert (one["step"], whole["step"]) == (4, 3) and one["mse"] == pytest.approx(whole["mse"], rel=0.3)


def test_where_one_loss_is_not_finite_all_skip_the_step_and_end_together(tmp_path):
    (one, weights), (_, same) = train_on_two(tmp_path / "skips", {"spoiled": (1, 3)}, bad_steps=2)
    assert one["finished"] and one["skipped"] == 2 and weights == same
    one, other = train_on_two(tmp_path / "ends", {"spoiled": (1, 2)}, bad_steps=2)
    assert one.startswith("NotFinite: a loss of phase svg in another process is not finite at step 2 of the run in")
    assert other.startswith("NotFinite: term ") and state_folder.saved_step(tmp_path / "ends" / "state") == 0


def test_where_the_first_process_fails_the_others_end_at_once(tmp_path):
    one, other = train_on_two(tmp_path, validation=DiskFull, validate_minutes=1e-9)
    assert one.startswith("DiskError: strip.png: No space left on device; the run in")
    assert other.startswith("OtherProcessEnded: another process of this run has ended or cannot be reached")


def differing(out: Path) -> None:
    train_quietly(*small(), settings(out, seed=int(os.environ["RANK"])))


def test_processes_that_would_train_something_else_are_refused(tmp_path):
    for said in run_together(differing, tmp_path / "run"):
        assert said.startswith("ValueError: the processes of") and "they differ in seed, weights; start all of them" in said
    assert not (tmp_path / "run").exists()


def test_mini_batches_that_cannot_be_shared_and_sweeps_are_refused(tmp_path, monkeypatch):
    says = r"a step of 3 mini-batch\(es\) cannot be shared by 2 processes; give --accumulate 2 or a multiple"
    with pytest.raises(ValueError, match=says):
        Trainer(*small(), settings(tmp_path, accumulate=3), Processes(0, 2))
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ValueError, match="a sweep came with several processes"):
        sweep(*small(), settings(tmp_path), {}, [0])
