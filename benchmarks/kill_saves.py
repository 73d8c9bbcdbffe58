"""Kills saves of states between any two operations on files, twice, and results while they are written.

    python -m benchmarks.kill_saves
    python -m benchmarks.kill_saves --kills 40 --seed 1

1. In this process, without a training: a run that saves a state and weights after each step is killed before every operation on
   files of a save, then before every operation of what comes next: cleaning up, writing the weights again, the next two saves.
   Every pair must leave a whole state and whole weights, and a run that then goes on must end as if there had been no kill.
2. Every file of a state is cut short and changed by a bit, at many places: it must be noticed.
3. Processes that write results, as `python -m vp sample --out` does, are killed by SIGKILL at random moments: every file with a
   final name must be whole, and all of one result.

Prints one JSON line; exit code 1 where one of these is not so.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tests.killing import Fault, Killed
from vp.core import files
from vp.data import read_clip
from vp.prediction import checkpoint
from vp.result.export import WRITERS, write_all
from vp.result.result import Result, Row
from vp.training import state_folder
from vp.training.train import remove_leftovers

BEGUN, STEPS = 2, 5  # steps of the run that is killed, and of those that go on
LAST = "last.safetensors"


def advance(x: Tensor, step: int) -> Tensor:
    """A step of which every bit depends on all before it."""
    return (x * 3 + step).sin()


def weights_at(step: int) -> Tensor:
    """What a run that was left alone has after a step."""
    x = torch.zeros(64)
    for k in range(step):
        x = advance(x, k)
    return x


def publish(out: Path, step: int, x: Tensor) -> None:
    """Writes the weights that belong to a state, as a training does."""
    with files.replacing(out / LAST) as part:
        checkpoint.save(part, {"x": x}, {"family": "none", "step": step}, "fp32")


def train(out: Path, until: int) -> None:
    """Begins or resumes a run, which saves after every step, as a training does."""
    if out.is_dir():
        remove_leftovers(out)
    saved = state_folder.read(out / "state")
    step, x, kept = (saved.numbers["step"], saved.tensors["x"], saved.name) if saved else (0, torch.zeros(64), None)
    if saved:
        publish(out, step, x)
    while step < until:
        x, step = advance(x, step), step + 1
        kept = state_folder.write(out / "state", {"x": x}, {"step": step}, kept)
        publish(out, step, x)


def killed_at(at: int | None, do: Callable[[], None]) -> int:
    """Does something until the operation on files before which the process dies, None: to its end; how many there were."""
    usual, fault = files.operation, Fault(at)
    files.operation = fault
    try:
        do()
    except Killed:
        pass
    finally:
        files.operation = usual
    return fault.count


def is_whole(out: Path, at_least: int) -> int | None:
    """The step of the state in a folder; None where it is damaged or older, or the weights are not whole."""
    saved = state_folder.read(out / "state")
    if saved is None or saved.note or saved.numbers["step"] < at_least:
        return None
    step = saved.numbers["step"]
    written, told = checkpoint.read_weights(out / LAST)["x"], checkpoint.read_tensors(out / LAST)
    fine = torch.equal(saved.tensors["x"], weights_at(step)) and told.keys() == {"x"}
    return step if fine and any(torch.equal(written, weights_at(k)) for k in (step - 1, step)) else None


def kill_in_pairs(folder: Path) -> dict[str, int]:
    """Kills a run before each operation of a save, and each of what is left again while it goes on; counts what came of it."""
    begun, work = folder / "begun", folder / "work"
    train(begun, BEGUN)
    shutil.copytree(begun, work)
    found = {"operations": killed_at(None, lambda: train(work, BEGUN + 1)), "pairs": 0, "whole": 0, "exact": 0}
    for first in range(1, found["operations"] + 1):
        once = folder / "once"
        fresh_copy(begun, once)
        killed_at(first, lambda: train(once, BEGUN + 1))
        step = is_whole(once, BEGUN)
        fresh_copy(once, work)
        for second in range(1, killed_at(None, lambda: train(work, (step or 0) + 2)) + 1):
            fresh_copy(once, work)
            killed_at(second, lambda: train(work, (step or 0) + 2))
            found["pairs"] += 1
            found["whole"] += step is not None and is_whole(work, step) is not None
            train(work, STEPS)
            found["exact"] += is_whole(work, STEPS) == STEPS and not list(work.glob(files.PARTS))
    return found


def fresh_copy(source: Path, target: Path) -> None:
    """Copies a folder in place of another one."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)


def damage_states(folder: Path) -> dict[str, int]:
    """Cuts every file of the newest state short, and changes a bit of it, at every 7th place; counts what was noticed."""
    run, found = folder / "damaged", {"damages": 0, "noticed": 0}
    train(run, BEGUN)
    newest = run / "state" / str(state_folder.pointed_to(run / "state"))
    for path in sorted(newest.iterdir()):
        content = path.read_bytes()
        for place in range(0, len(content), 7):
            for spoiled in (content[:place], content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]):
                path.write_bytes(spoiled)
                saved = state_folder.read(run / "state")
                harmless = saved is not None and torch.equal(saved.tensors["x"], weights_at(saved.numbers["step"]))
                found["damages"] += 1
                # a change of the manifest that leaves sizes and hashes as they are, as of a blank, is none
                found["noticed"] += harmless and (bool(saved.note) or path.name == state_folder.MANIFEST)
        path.write_bytes(content)
    return found


def make_result(name: str) -> Result:
    """A small result of a model of this name."""
    frames = np.random.default_rng(len(name)).integers(0, 255, (6, 48, 48, 3), np.uint8)
    rows = tuple(Row(kind, kind, frames) for kind in ("truth", "sample"))
    return Result(rows, np.arange(6) < 2, np.ones(6, bool), fps=10, model={"name": name})


def result_of(path: Path) -> str | None:
    """The model whose result a file is, "" where the file does not tell; None where it is not whole."""
    try:
        if path.suffix == ".npz":
            futures = np.load(path)["futures"]
            return next(name for name in ("old", "newer") if np.array_equal(futures, make_result(name).frames("sample")))
        if path.suffix in (".mp4", ".gif"):
            return "" if len(read_clip(path).frames) == 6 else None
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".json":
            return json.loads(text)["model"]["name"]
        if path.suffix == ".csv":
            return "" if text.count("\n") == 13 else None
        return next(name for name in ("old", "newer") if f"<title>{name}" in text and text.endswith("</html>\n"))
    except (OSError, ValueError, StopIteration, KeyError):
        return None


def kill_writers(folder: Path, kills: int, chance: random.Random) -> dict[str, int]:
    """Kills processes that write results in place of an earlier one; counts the kills that left whole files of one result."""
    start = time.monotonic()
    write_all(make_result("old"), folder)
    pace = time.monotonic() - start
    found = {"kills": 0, "whole": 0, "mid_write": 0, "ended_first": 0}
    while found["kills"] < kills:
        number = os.fork()
        if not number:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            write_all(make_result("newer" if found["kills"] % 2 else "old"), folder)
            os._exit(0)
        time.sleep(chance.uniform(0, 1.2 * pace))
        os.kill(number, signal.SIGKILL)
        if os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]) != -signal.SIGKILL:
            found["ended_first"] += 1
            continue
        owners = {result_of(path) for path in folder.iterdir() if path.name in WRITERS} - {""}
        found["kills"] += 1
        found["whole"] += None not in owners and len(owners) == 1
        found["mid_write"] += any(folder.glob(files.PARTS))
        for part in folder.glob(files.PARTS):
            part.unlink(missing_ok=True)
    return found


def main() -> int:
    """Prints the JSON line; returns the exit code."""
    parser = argparse.ArgumentParser(description="Kill saves and writers of results.")
    parser.add_argument("--kills", type=int, default=40, help="of processes that write results (default: 40)")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    start, usual = time.monotonic(), os.fsync
    with tempfile.TemporaryDirectory() as folder:
        os.fsync = lambda number: None  # type: ignore[assignment]  # a process that dies leaves what the kernel has
        found: dict[str, Any] = {"saves": kill_in_pairs(Path(folder) / "saves"), "damage": damage_states(Path(folder))}
        os.fsync = usual
        found["results"] = kill_writers(Path(folder) / "results", args.kills, random.Random(args.seed))
    print(json.dumps({**found, "seconds": round(time.monotonic() - start, 1)}))
    saves, damage, results = found["saves"], found["damage"], found["results"]
    fine = saves["pairs"] == saves["whole"] == saves["exact"] and damage["damages"] == damage["noticed"]
    return 0 if fine and results["kills"] == results["whole"] else 1


if __name__ == "__main__":
    sys.exit(main())
