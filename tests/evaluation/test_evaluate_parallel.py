"""Several processes share the work of an evaluation, and its numbers are those of one."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import torch

from vp import cli
from vp.core.processes import ALONE, Processes, joined
from vp.evaluation import eval_rows, scoring
from vp.evaluation.compression import measure_compression
from vp.evaluation.evaluate import evaluate
from vp.prediction.model import load

from ..together import run_together


def evaluations(clips: Path, processes: Processes) -> dict[str, dict]:
    """An evaluation of each kind: clips of one size, windows of recordings, compression."""
    eval_rows.MEAN_CLIPS = 4
    flow = load("flow-random", "cpu", "fp32")
    shared = {"samples": 2, "batch": 1, "per_clip": True, "processes": processes}
    return {
        "clips": evaluate(flow, "smmnist-svg", 2, **shared),
        "windows": evaluate(flow, "folder:2+3", split="all", data_root=clips, **shared),
        "compression": measure_compression(load("copy-last", "cpu", "fp32"), 1, processes=processes),
    }


def evaluate_in_one_of_several(clips: Path) -> tuple[dict[str, dict], int]:
    scored, compute = [], scoring.compute_scores
    scoring.compute_scores = lambda *arguments: scored.append(1) or compute(*arguments)
    with joined(torch.device("cpu")) as processes:
        return evaluations(clips, processes), len(scored)


def without_seconds(result: dict) -> dict:
    return {name: x for name, x in result.items() if not name.startswith("seconds")}


def test_two_processes_find_the_numbers_of_one(tmp_path, monkeypatch):
    monkeypatch.setattr(eval_rows, "MEAN_CLIPS", 4)
    for index in range(3):
        frames = np.random.default_rng(index).integers(0, 256, (9 + index, 24, 24, 3), np.uint8)
        np.savez(tmp_path / f"{index}.npz", frames=frames)
    (one, here), (other, there) = run_together(evaluate_in_one_of_several, tmp_path)
    alone = evaluations(tmp_path, ALONE)
    for name, wanted in alone.items():
        assert without_seconds(one[name]) == without_seconds(other[name]) == without_seconds(wanted), name
    assert abs(here - there) <= 2 and min(here, there) > 10, "each scored half of the chunks"


def command_line(out: Path) -> int:
    eval_rows.MEAN_CLIPS = 4
    os.dup2(os.open(out / f"{os.environ['RANK']}.txt", os.O_WRONLY | os.O_CREAT), sys.stdout.fileno())
    return cli.main(["evaluate", "copy-last", "--clips", "2", "--device", "cpu", "--json", str(out / "found.json")])


def test_the_first_process_alone_prints_and_writes(tmp_path):
    assert list(run_together(command_line, tmp_path)) == [0, 0]
    said = [(tmp_path / f"{rank}.txt").read_text() for rank in (0, 1)]
    assert said[0].splitlines()[-1].startswith("{") and said[1] == ""
    assert json.loads((tmp_path / "found.json").read_text())["clips"] == 2
