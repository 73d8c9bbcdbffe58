"""What a run writes down: the lineage in its checkpoints, and the settings that it must be resumed with."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from vp import cli
from vp.catalog import find_recipe
from vp.core.family import Stage
from vp.prediction import checkpoint
from vp.training import provenance, state_folder
from vp.training import train as train_module
from vp.training.settings import Settings
from vp.training.starting_weights import short_name
from vp.training.train import train
from vp.training.trainer import Trainer

ROOT = Path(__file__).resolve().parents[2]
NEEDED = {"family": "svg", "config": {}, "dataset": ""}  # of every card
OLD = {"recipe": "svg-lp-smmnist", "init": "svg-lp-smmnist", "step": 7, "clips": 900, "minutes": 12.5, "commit": "unknown"}

MIX = {"smmnist-svg": 0.5, "mmnist": 1.0}


def small(**more):
    family, found = find_recipe("svg-det-smmnist")
    config = dataclasses.replace(family.tiny(), size=64)
    return family, dataclasses.replace(found, **{"config": config, "batch": 2, "length": 6, "stages": (Stage(("svg",)),), **more})


def settings(out, **more) -> Settings:
    return Settings(out, **{"steps": 2, "device": "cpu", "precision": "fp32", "digits": "strokes", **more})


@pytest.fixture(autouse=True, scope="module")
def no_validation():
    class Quiet:
        def __init__(self, *_):
            pass

        def score(self, *_):
            return {"score": 0.5}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train_module, "Validation", Quiet)
        patch.setattr(train_module, "thread_count", lambda: 1)
        yield


@pytest.fixture(scope="module")
def finished(no_validation, tmp_path_factory) -> Path:
    """A run of two steps; tests that go on with it copy it."""
    out = tmp_path_factory.mktemp("runs") / "finished"
    train(*small(data=MIX), settings(out))
    return out


@pytest.fixture
def run(finished, tmp_path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "run"))


def card(out: Path) -> dict:
    return checkpoint.read_card(out / "last.safetensors")


def test_a_card_lists_all_runs_behind_it_oldest_first(tmp_path):
    train(*small(), settings(tmp_path / "first", seed=3))
    begun = {"init": str(tmp_path / "first" / "last.safetensors"), "lr": 1e-4, "accumulate": 2}
    train(*small(data={"mmnist": 1.0}), settings(tmp_path / "second", steps=3, **begun))
    found = card(tmp_path / "second")
    first, second = found["lineage"]
    usual = {"recipe": "svg-det-smmnist", "digits": "strokes", "precision": "fp32", "commit": provenance.commit()}
    assert first.items() >= {**usual, "init": None, "seed": 3, "steps": 2, "clips": 4, "batch": 2, "total": 2}.items()
    assert second.items() >= {**usual, "init": "first", "seed": 0, "steps": 3, "clips": 12, "batch": 4, "lr": 1e-4}.items()
    assert second["data"] == {"mmnist": 1.0} != first["data"] and "threads, fp32" in first["device"]
    assert first["lr"] == small()[0].phases(small()[1].config)[0].lr and "resumed" not in second
    assert first == card(tmp_path / "first")["lineage"][0]
    assert (found["clips"], found["init"], found["commit"]) == (16, "svg-det-smmnist", provenance.commit())
    assert found["minutes"] == pytest.approx(first["minutes"] + second["minutes"])
    assert checkpoint.training_summary(found) == f"2 runs, {found['minutes']:.0f} minutes"


def test_minutes_and_processor_minutes_add_up_over_resumes(run):
    tensors, numbers, *_ = state_folder.read(run / "state")
    assert numbers["spent_s"] > 0 and numbers["cpu_s"] > 0
    state_folder.write(run / "state", tensors, {**numbers, "spent_s": 6000.0, "cpu_s": 3000.0})
    summary = train(*small(data=MIX), settings(run, steps=4, resume=True))
    (entry,) = card(run)["lineage"]
    assert 100 <= entry["minutes"] < 110 and 50 <= entry["cpu_minutes"] < 60 and 50 <= summary["cpu_minutes"] < 60


def test_another_machine_and_more_steps_are_written_down_where_they_began(run, monkeypatch):
    here = card(run)["lineage"][0]["device"]
    train(*small(data=MIX), settings(run, resume=True))
    assert "resumed" not in card(run)["lineage"][0], "as it was"
    monkeypatch.setattr("vp.core.runtime.cpu_name", lambda: "another CPU")
    train(*small(data=MIX), settings(run, steps=5, resume=True))
    (entry,) = card(run)["lineage"]
    (leg,) = entry["resumed"]
    assert (entry["device"], entry["total"], entry["steps"]) == (here, 2, 5)
    assert (leg["step"], leg["total"]) == (2, 5) and leg["device"].startswith("another CPU")


def test_cards_from_before_lineages_give_one_entry_of_what_they_say(tmp_path):
    assert checkpoint.lineage({}) == [] and checkpoint.training_summary({"title": "flow", "family": "flow"}) == ""
    (entry,) = checkpoint.lineage(OLD)
    assert entry == {**{k: v for k, v in OLD.items() if k != "step"}, "steps": 7}
    assert checkpoint.training_summary(OLD) == "2 or more runs, 12 minutes"
    assert checkpoint.training_summary({**OLD, "init": None}) == "1 run, 12 minutes"
    family, found = small()
    path = tmp_path / "old.safetensors"
    checkpoint.save(path, family.networks(found.config).state_dict(), NEEDED | OLD)
    trainer = Trainer(family, found, settings(tmp_path / "run", init=str(path)))
    trainer.export("last")
    assert [entry["init"] for entry in card(tmp_path / "run")["lineage"]] == ["svg-lp-smmnist", "old"]


def test_weights_keep_the_strictest_licence_of_all_runs_behind_them(tmp_path):
    """Also where the parent's card, from before data had licences, says MIT."""
    family, found = small()
    weights, parent = family.networks(found.config).state_dict(), tmp_path / "parent.safetensors"
    older = {**OLD, "licence": "MIT"}
    for above, licence in (
        ({**older, "data": MIX}, "MIT"),
        ({**older, "data": {"mmnist": 1.0, "kth": 1.0}}, "research use only"),
        ({**older, "data": MIX, "licence": "not stated"}, "not stated"),
        ({**older, "lineage": [{"recipe": "first", "data": {"ucf101": 1.0}}]}, "research use only"),
    ):
        checkpoint.save(parent, weights, NEEDED | above)
        assert checkpoint.read_card(parent)["licence"] == licence
        trainer = Trainer(family, found, settings(tmp_path / "run", init=str(parent)))
        trainer.export("last")
        assert card(tmp_path / "run")["licence"] == licence
        grandchild = Trainer(family, found, settings(tmp_path / "next", init=str(tmp_path / "run" / "last.safetensors")))
        grandchild.export("last")
        assert card(tmp_path / "next")["licence"] == licence


def test_a_checkpoint_s_short_name_holds_no_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"svg-lp-smmnist": "svg-lp-smmnist", "runs/lp/last.safetensors": "lp", "a/between.safetensors": "between"}
    assert {name: short_name(name) for name in names} == names
    assert short_name("best.safetensors") == tmp_path.name


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"batch": 4}, "finished was begun with --batch 2 and would go on with --batch 4; give --batch 2, or begin a new run"),
        ({"accumulate": 2}, "--accumulate 1 and would go on with --accumulate 2"),
        ({"lr": 0.5}, r"--lr 0\.003 and would go on with --lr 0\.5"),
        ({"seed": 1, "batch": 3}, "--batch 2 --seed 0 and would go on with --batch 3 --seed 1; give --batch 2 --seed 0"),
        ({"precision": "bf16"}, "--precision fp32 and would go on with --precision bf16"),
        ({"init": "elsewhere"}, "was begun from no other checkpoint and came with --init elsewhere; leave --init out"),
    ],
)
def test_resuming_under_other_settings_is_refused_and_told(other, says, finished):
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*") if path.name != ".lock"}
    with pytest.raises(ValueError, match=says) as error:
        train(*small(data=MIX), settings(finished, steps=4, resume=True, **other))
    assert "\n" not in str(error.value)
    after = {path: path.stat().st_mtime_ns for path in finished.rglob("*") if path.name != ".lock"}
    assert before == after, "nothing was written"


def test_what_a_resume_does_not_name_is_as_the_run_began(tmp_path):
    given = {"seed": 3, "batch": 4, "lr": 0.001, "accumulate": 2}
    train(*small(data=MIX), settings(tmp_path, steps=1, **given))
    train(*small(data=MIX), settings(tmp_path, steps=2, resume=True))
    assert given.items() <= json.loads((tmp_path / "run.json").read_text()).items()
    (leg,) = card(tmp_path)["lineage"]
    assert (leg["seed"], leg["batch"], leg["lr"], leg["steps"]) == (3, 8, 0.001, 2)


def test_fewer_steps_than_are_done_and_a_run_json_of_another_form_are_refused(finished, tmp_path):
    with pytest.raises(ValueError, match=r"is at step \d+ already; give --steps of"):
        train(*small(data=MIX), settings(finished, steps=1, resume=True))
    copied = shutil.copytree(finished, tmp_path / "copied")
    (copied / "run.json").write_text("[1]")
    with pytest.raises(ValueError, match=r"run.json, which says how the run began, cannot be read \(it is no JSON object\)"):
        train(*small(data=MIX), settings(copied, steps=9, resume=True))


def test_resuming_with_another_recipe_mix_or_schedule_is_refused_and_told(run):
    def refused(says, **more):
        with pytest.raises(ValueError, match=says):
            train(*small(**{"data": MIX, **more}), settings(run, steps=4, resume=True))

    refused("was begun with the recipe svg-det-smmnist and would go on with other; give svg-det-smmnist", name="other")
    more = {**MIX, "mmnist": 2.0}
    refused(r"begun on smmnist-svg 0\.5, mmnist and would go on with smmnist-svg 0\.5, mmnist 2; give --data", data=more)
    stage = Stage(small()[1].stages[0].phases, share=2.0)
    refused(r"begun with warmup 0\.03 and svg-det-smmnist now has warmup 0\.1; resume it with the code of commit", warmup=0.1)
    refused("begun with stages .*'share': 1.0.* now has stages .*'share': 2.0", stages=(stage,))
    about = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**about, "digits": "mnist"}))
    refused("--digits mnist and would go on with --digits strokes; give --digits mnist")


def test_a_run_from_before_settings_were_written_down_is_resumed(run):
    about = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({name: about[name] for name in ("recipe", "data", "config")}))
    tensors, numbers, *_ = state_folder.read(run / "state")
    known = {name: numbers[name] for name in ("step", "total", "spent_s", "best", "start")}
    state_folder.write(run / "state", tensors, known)
    assert train(*small(data=MIX), settings(run, steps=3, resume=True, seed=1))["finished"]
    assert card(run)["lineage"][0]["steps"] == 3


def test_a_tree_with_changes_says_so_and_outside_a_checkout_the_environment_does(tmp_path, monkeypatch):
    said = {"rev-parse": "abc\n", "status": " M x\n"}

    def git(command, **_):
        return subprocess.CompletedProcess(command, 0, next(text for word, text in said.items() if word in command))

    monkeypatch.setattr(provenance.subprocess, "run", git)
    assert provenance.commit.__wrapped__() == "abc+changes"
    said["status"] = ""
    assert provenance.commit.__wrapped__() == "abc"

    def no_git(command, **_):
        raise subprocess.CalledProcessError(128, command)

    monkeypatch.setattr(provenance.subprocess, "run", no_git)
    monkeypatch.delenv("VP_COMMIT", raising=False)
    assert provenance.commit.__wrapped__() == "unknown"
    monkeypatch.setenv("VP_COMMIT", "abc")
    assert provenance.commit.__wrapped__() == "abc"


def test_threads_are_as_many_as_asked_for():
    code = """
import torch
from vp.training import train
train.use_threads(3)
print(torch.get_num_threads(), torch.get_num_interop_threads())
train.use_threads(1)
train.thread_count = lambda: 2
train.use_threads(None)
print(torch.get_num_threads(), torch.get_num_interop_threads())
"""
    usual = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True, env=usual)
    assert out.stdout.split("\n")[:2] == ["3 1", "2 1"]


def test_threads_are_given_on_the_command_line(monkeypatch, capsys):
    monkeypatch.setattr("vp.training.train.train", lambda family, recipe, settings: {"threads": settings.threads})
    for words, threads in ((["--threads", "1"], 1), ([], None)):
        assert cli.main(["train", "svg-det-smmnist", *words]) == 0
        assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {"threads": threads}


def test_a_run_takes_its_threads(run, monkeypatch):
    asked = []
    monkeypatch.setattr(train_module, "use_threads", asked.append)
    train(*small(data=MIX), settings(run, resume=True, threads=1))
    assert asked == [1]
