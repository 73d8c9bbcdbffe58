"""Training on several processes: gradients are averaged over batches that differ, and all leave together."""

import dataclasses
import os
import socket
import subprocess
import sys
from pathlib import Path

import torch

from vp.catalog import find_recipe
from vp.core.family import Progress, Stage
from vp.models.svg.config import Objective
from vp.training import state_folder
from vp.training.settings import Settings
from vp.training.trainer import Trainer

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import sys
from pathlib import Path
sys.path[:0] = [str(Path(sys.argv[1]) / "tests" / "training"), sys.argv[1]]
from test_parallel import run
run(Path(sys.argv[2]))
"""


def small():
    family, found = find_recipe("svg-det-smmnist")
    config = dataclasses.replace(
        found.config, width=16, flows=2, n_past=3, n_future=3, objective=Objective(teacher=0.0, lengths=((0.0, 6),))
    )
    return family, dataclasses.replace(found, config=config, batch=2, stages=(Stage(("svg",)),))


def settings(out: Path) -> Settings:
    return Settings(out=out, steps=3, device="cpu", precision="fp32", digits="strokes")


def run(out: Path) -> None:
    """One of two processes: three steps, and what came of them."""
    from vp.training import train as train_module

    class Quiet:
        def __init__(self, *_):
            pass

        def score(self, *_):
            return {"score": 0.5}

    train_module.Validation = Quiet
    print(train_module.train(*small(), settings(out)))


def test_two_processes_take_the_steps_of_one_with_both_batches(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    usual = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "OMP_NUM_THREADS": "1"}
    pair = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(ROOT), str(tmp_path / "run")],
            env={**os.environ, **usual, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in (0, 1)
    ]
    said = [process.communicate(timeout=240)[0] for process in pair]
    assert [process.returncode for process in pair] == [0, 0]
    assert "'steps': 3" in said[0] and "'process': 1, 'steps': 3" in said[1]

    alone = Trainer(*small(), settings(tmp_path / "alone"))
    (phase,), (optimizer,) = alone.phases.values(), alone.optimizers.values()
    for step in range(3):
        optimizer.zero_grad()
        for rank in (0, 1):
            generator = alone.data.step_generator(step, rank)
            batch = alone.data.draw_batch(generator)
            (phase.loss(alone.networks, batch, Progress(share=step / 3), generator).total / 2).backward()
        torch.nn.utils.clip_grad_norm_(alone.networks.parameters(), alone.recipe.clip)
        for group in optimizer.param_groups:
            group["lr"] = phase.lr * lr_scale(alone, step)
        optimizer.step()
    got = state_folder.read(tmp_path / "run" / "state").tensors
    for name, value in alone.networks.state_dict().items():
        torch.testing.assert_close(got[f"networks.{name}"], value, atol=2e-4, rtol=1e-3)


def lr_scale(trainer: Trainer, step: int) -> float:
    from vp.training.trainer import lr_factor

    return lr_factor((step + 1) / 3, trainer.recipe.warmup, trainer.recipe.final_lr)
