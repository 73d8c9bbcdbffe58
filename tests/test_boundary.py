"""Whatever ends a command is one sentence on stderr and an exit code, from its first moment to its last."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from vp import cli
from vp.core.boundary import attached_to_errors, run_guarded
from vp.core.sentences import clip, sentence
from vp.prediction import checkpoint
from vp.training import state_folder

ROOT = Path(__file__).resolve().parents[1]
SLOW = """import os, time
open(os.environ["REACHED"], "w").close()
try:
    for _ in range(300):
        time.sleep(0.1)
except BaseException:
    raise ImportError("torch is broken") from None
"""


def refused(capsys, *words) -> str:
    """What stderr says of a command that must exit 2: one line."""
    try:
        code = cli.main([str(word) for word in words])
    except SystemExit as stop:
        code = stop.code
    said = capsys.readouterr().err
    assert code == 2 and said.count("\n") == 1, said
    return said


@pytest.mark.parametrize("words", [["-m", "vp", "info"], ["app.py"]], ids=" ".join)
def test_ctrl_c_while_libraries_are_loaded_is_one_sentence(words, tmp_path):
    (tmp_path / "torch.py").write_text(SLOW)  # as libraries do that were interrupted
    reached = tmp_path / "reached"
    settings = {**os.environ, "PYTHONPATH": str(tmp_path), "REACHED": str(reached)}
    given = {"cwd": ROOT, "env": settings, "stderr": subprocess.PIPE, "text": True, "preexec_fn": heed_ctrl_c}
    with subprocess.Popen([sys.executable, *words], **given) as process:
        while not reached.exists() and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
    assert process.returncode == 130 and said.count("\n") == 1 and said.endswith(": stopped\n")


def test_the_app_refuses_a_flag_that_it_does_not_know():
    process = subprocess.run([sys.executable, "app.py", "--port", "9000"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert process.returncode == 2 and "unrecognized arguments: --port 9000" in process.stderr


def heed_ctrl_c() -> None:
    """A process that a shell started in the background ignores it, and so would those that it starts."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_ctrl_c_that_a_library_turns_into_another_error_is_still_ctrl_c(capsys):
    heed_ctrl_c()

    def interrupted() -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt:
            raise ImportError("numpy is broken") from None

    assert run_guarded("vp", interrupted) == 130 and capsys.readouterr().err == "vp: stopped\n"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (TypeError("a\nb"), 1, "vp: this failed unexpectedly (TypeError: a b); with VP_TRACEBACK=1 it says where"),
        (torch.OutOfMemoryError("CUDA out of memory"), 2, "vp: there is not enough memory for this"),
        (OSError(28, "No space left on device", "a/b"), 2, "vp: a/b: No space left on device"),
        (ValueError("x\ny"), 2, "vp: x\\ny"),
    ],
)
def test_every_error_is_one_line(error, code, says, capsys):
    def fail() -> None:
        raise error

    assert run_guarded("vp", fail) == code
    said = capsys.readouterr().err
    assert said.startswith(says) and said.count("\n") == 1


def test_what_was_typed_takes_little_room(capsys):
    long = "no\n" * 500
    assert len(refused(capsys, "evaluate", long)) < 600
    assert len(refused(capsys, "train", "svg-lp-push", f"--set={long}")) < 600
    assert len(refused(capsys, "evaluate", "flow", "--clips", long)) < 400
    assert sentence(f"{long!r} is wrong", [long]) == f"'{clip(repr(long)[1:-1])}' is wrong" and len(clip("x" * 500)) < 81


def test_a_result_that_cannot_be_kept_is_printed(capsys):
    def write() -> None:
        print("the table")
        with attached_to_errors({"score": 1}):
            raise OSError(28, "No space left on device")

    assert run_guarded("vp", write) == 2
    said = capsys.readouterr()
    assert said.out == 'the table\n{"score": 1}\n' and said.err == "vp: No space left on device\n"


def test_an_output_that_is_full_is_one_sentence():
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-m", "vp", "info"], cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2 and done.stderr == "python -m vp: No space left on device\n"


@pytest.mark.parametrize("name", ["model.pt", "my/model.bin", "MODEL.CKPT", "x.pkl"])
def test_weights_of_other_formats_are_refused_with_the_reason(name, capsys):
    said = refused(capsys, "evaluate", name)
    assert f"{name} is no .safetensors file, and models are read from .safetensors only" in said and "stranger's code" in said


def test_a_damaged_checkpoint_is_named_with_its_folder(capsys, tmp_path):
    (tmp_path / "x.safetensors").write_bytes(b"?" * 20)
    assert f"{clip(str(tmp_path / 'x.safetensors'))} is damaged" in refused(capsys, "evaluate", tmp_path / "x.safetensors")


@pytest.mark.parametrize(("command", "kind"), [("adapt", "adapted"), ("average", "average")])
def test_a_checkpoint_that_the_command_did_not_make_stays_unless_forced(command, kind, capsys, tmp_path):
    out = tmp_path / "out.safetensors"
    words = [command, "no-such-model", "no-such-clip", "--out", out]
    card = {"family": "svg", "config": {}, "dataset": "", "about": "a test"}
    out.write_bytes(b"somebody's")
    assert "was not made by this command; choose another --out, or add --force" in refused(capsys, *words)
    checkpoint.save(out, {}, card)
    assert "was not made by this command" in refused(capsys, *words)
    assert "there is no model" in refused(capsys, *words, "--force")
    checkpoint.save(out, {}, {**card, kind: {}})
    assert "there is no model" in refused(capsys, *words)


def test_the_files_of_a_state_have_the_modes_that_the_umask_says(tmp_path):
    before = os.umask(0o027)
    try:
        name = state_folder.write(tmp_path / "state", {"x": torch.zeros(2)}, {"step": 1})
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "state" / name).iterdir()}
    assert len(modes) == 3 and set(modes.values()) == {0o640}
    assert json.loads((tmp_path / "state" / name / "numbers.json").read_text()) == {"step": 1}


@pytest.mark.parametrize(("environment", "count"), [({"OMP_NUM_THREADS": "1"}, 1), ({}, 7)])
def test_omp_num_threads_is_respected(environment, count, monkeypatch):
    from vp.training import train

    for name in ("OMP_NUM_THREADS", "LOCAL_WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(train, "thread_count", lambda: 7)
    set_to = [1]
    monkeypatch.setattr(torch, "set_num_threads", set_to.append)
    train.use_threads(None)
    assert set_to[-1] == count
