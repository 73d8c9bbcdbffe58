"""Kills a tiny training at random moments and looks at what is left: `python -m benchmarks.kill_training`.

    python -m benchmarks.kill_training --kills 100 --seconds 60

Every time the training is resumed in a process of its own and killed by SIGKILL a random moment later, every other time as soon
as it saves, which it does after each step.
Prints one JSON line: how many kills left a whole state and whole weights, and whether the run that was killed and resumed equals
one that was left alone, bit for bit. Exit code 1 where one of these is not so.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import json
import os
import random
import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from vp.catalog import find_recipe
from vp.prediction import checkpoint
from vp.training import state_folder, throughput
from vp.training import train as train_module
from vp.training.settings import Settings


class QuickValidation:
    """Scores nothing: the later, the better."""

    def __init__(self, *_: Any):
        pass

    def score(self, _: Any, step: int, *__: Any) -> dict[str, float]:
        return {"score": float(step)}


def train_tiny(out: Path, steps: int) -> None:
    """Begins or resumes the tiny training of so many steps, which saves and validates after every one."""
    torch.set_num_threads(1)
    family, found = find_recipe("svg-det-smmnist")
    found = dataclasses.replace(found, config=dataclasses.replace(family.tiny(), size=64), batch=1, length=6)
    train_module.Validation = QuickValidation  # type: ignore[assignment, misc]
    throughput.peak_gflops = lambda *_: 1.0  # type: ignore[assignment]
    usual = {"steps": steps, "device": "cpu", "precision": "fp32", "digits": "strokes", "threads": 1}
    resume = state_folder.exists(out / "state")
    train_module.train(family, found, Settings(out, resume=resume, save_minutes=0, validate_minutes=0, **usual))


def load_slow_modules() -> None:
    """Imports here what every forked process would otherwise import again."""
    for name in ("torch._dynamo", "torch.utils.tensorboard"):
        with suppress(ImportError):
            importlib.import_module(name)


def fork_training(out: Path, steps: int) -> int:
    """Starts `train_tiny` in a forked process, which need not load PyTorch again; returns its number."""
    number = os.fork()
    if number:
        return number
    code = 1
    try:
        log = os.open(out.with_suffix(".log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        train_tiny(out, steps)
        code = 0
    except BaseException as error:  # noqa: BLE001 (the parent reads it)
        os.write(2, f"{type(error).__name__}: {error}\n".encode())
    os._exit(code)


def kill_after(number: int, seconds: float, saving: Path | None = None) -> int | None:
    """Kills a process after some time; returns its exit code, None where it was killed.

    Args:
        saving: folder of states; the process is killed as soon as a save is under way there, if that is earlier.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end and not (saving and is_unfinished(saving)):
        done, status = os.waitpid(number, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0 if saving else 0.002)
    os.kill(number, signal.SIGKILL)
    return None if os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]) == -signal.SIGKILL else 0


def is_whole(out: Path, before: int) -> tuple[bool, int]:
    """Whether a run's folder holds a whole state, no older than that before, and whole weights; and the state's step."""
    for name in ("best", "last"):
        if (out / f"{name}.safetensors").exists():
            checkpoint.read_weights(out / f"{name}.safetensors")
    saved = state_folder.read(out / "state")
    if saved is None:
        return before == 0, 0
    return not saved.note and saved.numbers["step"] >= before, saved.numbers["step"]


def kill_at_random(folder: Path, kills: int, seconds: float, chance: random.Random, steps: int) -> dict[str, Any]:
    """Kills trainings of so many steps below `folder` until so many were killed or the time is over; returns what came of it."""
    load_slow_modules()
    start = time.monotonic()
    out, step, found = folder / "run-0", 0, {"kills": 0, "whole": 0, "during_saves": 0, "finished_runs": 0, "failed": []}
    if kill_after(fork_training(folder / "alone", steps), 600) != 0:
        raise SystemExit((folder / "alone.log").read_text())
    alone = state_folder.read(folder / "alone" / "state")
    pace = time.monotonic() - start
    start, exact = time.monotonic(), True
    while found["kills"] < kills and time.monotonic() - start < seconds:
        any_time = chance.random() < 0.5 or is_unfinished(out / "state")  # as the kill before left it, until the next save
        limit, saving = (chance.uniform(0, pace / 4), None) if any_time else (pace, out / "state")
        code = kill_after(fork_training(out, steps), limit, saving)
        if code:
            found["failed"].append(out.with_suffix(".log").read_text().splitlines()[-1])
            break
        whole, step = is_whole(out, step)
        if code is None:
            found["kills"] += 1
            found["whole"] += whole
            found["during_saves"] += is_unfinished(out / "state")
        else:
            exact, step = exact and same(out, alone), 0
            found["finished_runs"] += 1
            out = folder / f"run-{found['finished_runs']}"
    if not found["failed"] and kill_after(fork_training(out, steps), 600) == 0:
        found["finished_runs"] += 1
        exact = exact and same(out, alone)
    return {**found, "exact": exact and found["finished_runs"] > 0, "seconds": round(time.monotonic() - start, 1)}


def is_unfinished(states: Path) -> bool:
    """Whether a save was under way: a state is not pointed to, or one too many is there."""
    names = state_folder.folder_names(states)
    return len(names) > 2 or bool(names) and names[-1] != state_folder.pointed_to(states)


def same(out: Path, alone: state_folder.Saved | None) -> bool:
    """Whether a finished run's tensors are those of the run that was left alone."""
    saved = state_folder.read(out / "state")
    if saved is None or alone is None:
        return False
    tensors = {name: x for name, x in saved.tensors.items() if not name.startswith("best.")}
    return all(torch.equal(x, alone.tensors[name]) for name, x in tensors.items())


def main() -> int:
    """Prints the JSON line; returns the exit code."""
    parser = argparse.ArgumentParser(description="Kill a tiny training at random moments.")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=60.0, help="stop killing after this long (default: 60)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--steps", type=int, default=12, help="of a run; one that ends is compared, and another begun (default: 12)"
    )
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = kill_at_random(Path(folder), args.kills, args.seconds, random.Random(args.seed), args.steps)
    print(json.dumps(found))
    return 0 if found["exact"] and found["whole"] == found["kills"] else 1


if __name__ == "__main__":
    sys.exit(main())
