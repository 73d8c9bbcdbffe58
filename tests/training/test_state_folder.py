"""A save is a transaction: killed anywhere, or on a full disk, it leaves a whole state; damage to files is noticed."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from vp.core import files
from vp.training import state_folder

sys.path.append(str(Path(__file__).resolve().parents[1]))
from killing import Fault, Killed, count_operations

STEPS = 5


def tensors(step: int) -> dict[str, torch.Tensor]:
    """The state of a run whose every step needs the one before."""
    x = torch.zeros(64)
    for k in range(step):
        x = (x * 3 + k).sin()
    return {"x": x}


def run(folder: Path, until: int = STEPS) -> None:
    """Begins or resumes a run that saves after every step."""
    saved = state_folder.read(folder)
    step, x, kept = (saved.numbers["step"], saved.tensors["x"], saved.name) if saved else (0, torch.zeros(64), None)
    while step < until:
        x, step = (x * 3 + step).sin(), step + 1
        kept = state_folder.write(folder, {"x": x}, {"step": step}, kept)


def assert_whole(folder: Path, at_least: int) -> int:
    saved = state_folder.read(folder)
    step = saved.numbers["step"]
    assert at_least <= step <= at_least + 1 and torch.equal(saved.tensors["x"], tensors(step)["x"]) and not saved.note
    assert state_folder.saved_step(folder) == step
    return step


def killed_run(folder: Path, at: int, monkeypatch, until: int) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(files, "operation", Fault(at))
        with pytest.raises(Killed):
            run(folder, until)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda number: None)


@pytest.fixture
def begun(tmp_path):
    run(tmp_path / "begun", 2)
    return tmp_path / "begun"


def test_two_states_are_kept_and_the_pointer_names_the_newest(begun):
    run(begun)
    assert sorted(path.name for path in begun.iterdir()) == ["000004", "000005", "current"]
    manifest = json.loads((begun / "000005" / "manifest.json").read_text())
    assert manifest["step"] == 5 and manifest["files"].keys() == {"tensors.safetensors", "numbers.json"}


def test_killed_between_any_two_operations_and_again_while_it_goes_on(begun, tmp_path, monkeypatch):
    shutil.copytree(begun, tmp_path / "count")
    count = count_operations(monkeypatch, lambda: run(tmp_path / "count", 3))
    assert count > 15
    for first in range(1, count + 1):
        once = tmp_path / f"once-{first}"
        shutil.copytree(begun, once)
        killed_run(once, first, monkeypatch, 3)
        step = assert_whole(once, 2)
        for second in range(1 + first % 3, count + 1, 3):  # a third of the pairs
            twice = tmp_path / "twice"
            shutil.copytree(once, twice)
            killed_run(twice, second, monkeypatch, step + 2)
            assert_whole(twice, step)
            if (first + second) % 5 == 0:
                run(twice)
                assert_whole(twice, STEPS)
                names = {path.name for path in twice.iterdir() if not path.name.startswith(".")}
                assert len(names) == 3, "two states and the pointer: what the killed saves left is gone"
            shutil.rmtree(twice)


def test_the_first_save_is_whole_or_nothing(tmp_path, monkeypatch):
    count = count_operations(monkeypatch, lambda: run(tmp_path / "count", 1))
    for at in range(1, count + 1):
        folder = tmp_path / str(at)
        killed_run(folder, at, monkeypatch, 1)
        assert state_folder.exists(folder) == (state_folder.read(folder) is not None)
        run(folder)
        assert_whole(folder, STEPS)


def test_a_full_disk_keeps_the_last_state_and_leaves_nothing_behind(begun, tmp_path, monkeypatch):
    shutil.copytree(begun, tmp_path / "count")
    count = count_operations(monkeypatch, lambda: run(tmp_path / "count", 3))
    failed = 0
    for at in range(1, count + 1):
        folder = tmp_path / "full"
        shutil.copytree(begun, folder)
        with monkeypatch.context() as patch:
            patch.setattr(files, "operation", Fault(at, full=True))
            try:
                run(folder, 3)
            except OSError:
                failed += 1
        assert_whole(folder, 2)
        assert all((folder / name / "manifest.json").is_file() for name in state_folder.folder_names(folder))
        assert not list(folder.rglob(files.PARTS))
        shutil.rmtree(folder)
    assert failed > 8


def test_what_safetensors_says_of_a_full_disk_is_an_os_error(tmp_path):
    with pytest.raises(OSError) as error, state_folder.safetensors_errors_as_os_errors():
        save_file({"x": torch.zeros(1)}, tmp_path / "missing" / "x")
    assert error.value.errno == 2


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [truncate, flip, Path.unlink])
@pytest.mark.parametrize("name", ["tensors.safetensors", "numbers.json", "manifest.json"])
def test_a_damaged_file_is_noticed_and_the_state_before_is_taken(begun, damage, name):
    damage(begun / "000002" / name)
    saved = state_folder.read(begun)
    assert saved.numbers["step"] == 1 and torch.equal(saved.tensors["x"], tensors(1)["x"]) and saved.name == "000001"
    if (begun / "000002" / "manifest.json").exists():
        assert f"000002/{name} is damaged" in saved.note and "the state of step 1, which is whole, is taken" in saved.note
    run(begun, 2)
    assert sorted(path.name for path in begun.iterdir()) == ["000001", "000003", "current"], "the damaged one is not kept"
    assert_whole(begun, 2)


@pytest.mark.parametrize("told", [3, [], {}, {"bytes": "1", "sha256": None}, {"bytes": 1}])
def test_a_manifest_of_another_form_is_damage_too(begun, told):
    described = dict.fromkeys(("tensors.safetensors", "numbers.json"), told)
    (begun / "000002" / "manifest.json").write_text(json.dumps({"step": 2, "files": described}))
    assert state_folder.read(begun).numbers["step"] == 1


def test_nothing_but_damage_is_said(begun):
    for state in ("000001", "000002"):
        truncate(begun / state / "tensors.safetensors")
    with pytest.raises(state_folder.Damaged, match="000002/tensors.* is damaged .*000001/tensors.* begin anew") as error:
        state_folder.read(begun)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("place", ["state", "state.new", "state.old"])
def test_a_state_of_an_earlier_version_is_read_and_kept_until_two_newer_ones_are_there(place, tmp_path):
    (tmp_path / place).mkdir()
    save_file(tensors(1), tmp_path / place / "tensors.safetensors")
    (tmp_path / place / "numbers.json").write_text('{"step": 1}')
    folder = tmp_path / "state"
    assert state_folder.exists(folder) and state_folder.read(folder).numbers == {"step": 1}
    run(folder, 2)
    truncate(folder / "000001" / "tensors.safetensors")
    assert state_folder.read(folder).numbers == {"step": 1} and "earlier version" in state_folder.read(folder).note
    run(folder)
    assert_whole(folder, STEPS)
    assert len(list(folder.iterdir())) == 3 and [path.name for path in tmp_path.iterdir()] == ["state"]
