"""Loss curves of two processes beside those of one with the doubled batch, for each kind of training there is.

    torchrun --nproc-per-node 2 -m benchmarks.parallel --steps 32

Clips are moving digits, networks the smallest of their family at 64x64 px. Both runs see as many clips a step, but not the same
ones (`tests/training/test_parallel.py` has those that see the same: they agree to the bit). So their difference is to be compared
with how far one process is from itself under another seed. Each number is the mean of a phase's loss over the last half of the
steps in which it was trained. Prints one JSON line.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path

import torch

from vp.catalog import find_recipe
from vp.core.processes import ALONE, Processes, joined
from vp.training.settings import Settings
from vp.training.trainer import Trainer

RECIPES = {"SVG": "svg-lp-smmnist", "GAN": "vpn-gan-mmnist", "fusion": "fusion-mmnist", "diffusion": "ramvid-smmnist"}
BATCH = 2  # of each of two processes


def final_losses(name: str, processes: Processes, steps: int, batch: int, seed: int) -> dict[str, float]:
    """Trains a recipe's small sibling; returns the mean of each phase's loss over the last half of its steps."""
    family, found = find_recipe(name)
    config = family.tiny()
    if family.name == "vpn":
        config = replace(config, objective=replace(config.objective, adversarial=0.01, matching=0.1))
    stages = tuple(replace(stage, share=1.0) for stage in found.stages)
    found = replace(found, config=replace(config, size=64), batch=batch, length=None, stages=stages, varied=False)
    with tempfile.TemporaryDirectory() as out:
        settings = Settings(Path(out), steps=steps, seed=seed, device="cpu", precision="fp32", digits="strokes")
        trainer = Trainer(family, found, settings, processes)
        curves: dict[str, list[float]] = {}
        while trainer.step < steps:
            for term, value in trainer.advance().items():
                if term.endswith("_loss"):
                    curves.setdefault(term.removesuffix("_loss"), []).append(float(value))
    means = {phase: sum(curve[len(curve) // 2 :]) / len(curve[len(curve) // 2 :]) for phase, curve in curves.items()}
    of_all = processes.gather(means)
    return {phase: sum(its[phase] for its in of_all) / len(of_all) for phase in means}


def main() -> None:
    """Trains every kind together, then in the first process alone under two seeds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=32)
    steps = parser.parse_args().steps
    torch.set_num_threads(1)
    with joined(torch.device("cpu")) as processes:
        together = {kind: final_losses(name, processes, steps, BATCH, 0) for kind, name in RECIPES.items()}
    if processes.index:
        return
    rows = {}
    for kind, name in RECIPES.items():
        alone, again = (final_losses(name, ALONE, steps, BATCH * processes.count, seed) for seed in (0, 1))
        rows[kind] = {
            phase: {"two_processes": round(loss, 4), "one": round(alone[phase], 4), "one_other_seed": round(again[phase], 4)}
            for phase, loss in together[kind].items()
        }
    print(json.dumps({"steps": steps, "clips_a_step": BATCH * processes.count, "rows": rows}))


if __name__ == "__main__":
    main()
