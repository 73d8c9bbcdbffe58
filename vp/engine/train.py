"""The training loop: it knows stages and phases, never families.

`--minutes` becomes a number of steps, from the speed of a few steps tried along the schedule; from then on everything is a
function of the step: schedules, data and noise, so that a resumed run equals an uninterrupted one.

`torchrun --nproc-per-node N -m vp train ...` trains on N processes: every one draws batches of its own, gradients are averaged,
and the first one validates, logs and saves.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from tqdm import tqdm

from ..core.family import Family, Recipe
from ..core.runtime import keep_big_buffers, thread_count
from .checkpoint import config_from_json, config_to_json
from .log import RunLog
from .throughput import Throughput
from .trainer import Settings, Trainer
from .validate import Validation


@contextmanager
def stop_signal() -> Iterator[threading.Event]:
    """Set by SIGINT or SIGTERM, so that the loop saves before it leaves."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {s: signal.signal(s, lambda *_: stop.set()) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def train(family: Family, recipe: Recipe, settings: Settings) -> dict[str, Any]:
    """Runs or resumes a recipe; returns a summary (steps, minutes, files, last validation).

    Raises:
        ValueError: nothing to resume, an unknown checkpoint, or a device or data set that is not there.
        NotFinite: a loss or a gradient is not a finite number; the folder keeps the state saved last, two minutes old at most.
    """
    keep_big_buffers()
    if settings.device != "cuda":
        torch.set_num_threads(max(1, thread_count() // int(os.environ.get("LOCAL_WORLD_SIZE", 1))))
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)))
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    if not settings.resume and (settings.out / "state").exists():
        raise ValueError(f"{settings.out} already holds a run; add --resume to continue it or choose another --out")
    run = settings.out / "run.json"
    if settings.resume and run.exists():
        begun = json.loads(run.read_text())
        check_same_data(begun.get("data", recipe.data), recipe, settings)
        if "config" in begun:  # a resumed run keeps its settings, whatever has become of the recipe
            recipe = replace(recipe, config=config_from_json(family.config, begun["config"]))
    trainer = Trainer(family, recipe, settings)
    main = trainer.accelerator.is_main_process
    validation = Validation(family, recipe, settings, trainer.runtime) if main else None  # first: its data may be missing
    if not trainer.total:
        trainer.plan()
    with stop_signal() as stop:
        if not main:
            return follow(trainer, stop)
        settings.out.mkdir(parents=True, exist_ok=True)
        run.write_text(json.dumps(description(trainer)))
        speed = Throughput(trainer.runtime)
        with RunLog(settings.out, speed.read) as log:
            return loop(trainer, validation, log, speed, stop)


def description(trainer: Trainer) -> dict[str, Any]:
    """What a run's folder says about it: enough to resume it, to plot it and to compare it."""
    recipe, settings = trainer.recipe, trainer.settings
    return {
        "recipe": recipe.name,
        "data": dict(recipe.data),
        "config": config_to_json(recipe.config),
        "seed": settings.seed,
        "total": trainer.total,
        "clips_a_step": trainer.clips_a_step,
        "epoch_clips": recipe.epoch_clips,
    }


def check_same_data(begun: dict[str, float], recipe: Recipe, settings: Settings) -> None:
    """Raises ValueError where a run would go on with other data than it began with."""
    if dict(begun) != dict(recipe.data):
        then, now = ", ".join(begun), ", ".join(recipe.data)
        raise ValueError(f"{settings.out} was begun on {then} and would go on with {now}; give --data as it was given then")


def follow(trainer: Trainer, stop: threading.Event) -> dict[str, Any]:
    """What the processes beside the first one do: the same steps, and nothing else."""
    while trainer.step < trainer.total and not trainer.agree(stop.is_set()):
        trainer.advance()
    return {"process": trainer.accelerator.process_index, "steps": trainer.step}


def loop(trainer: Trainer, validation: Validation, log: RunLog, speed: Throughput, stop: threading.Event) -> dict[str, Any]:
    settings, scores = trainer.settings, {}
    if not settings.resume:
        trainer.save()  # there is a good state to go back to from the first step on
    start = saved = validated = time.monotonic()
    spent = trainer.spent_s
    with tqdm(total=trainer.total, initial=trainer.step, desc=trainer.recipe.name, unit="step", mininterval=2) as bar:
        while trainer.step < trainer.total and not trainer.agree(stop.is_set()):
            step = trainer.step
            with speed.step(trainer.clips_a_step * trainer.data.length):
                terms = trainer.advance()
            log.step(step, terms)
            bar.update()
            now = time.monotonic()
            trainer.spent_s = spent + now - start
            last = trainer.step == trainer.total
            if last or now - validated > 60 * settings.validate_minutes:
                scores = validation.score(trainer.average, trainer.step, settings.out)
                log.validation(trainer.step, scores)
                if scores["score"] > trainer.best:
                    trainer.best = scores["score"]
                    trainer.export("best", scores)
                validated = time.monotonic()
            if now - saved > 60 * settings.save_minutes:
                trainer.save()
                saved = time.monotonic()
    trainer.save()
    files = {name: str(settings.out / f"{name}.safetensors") for name in ("best", "last")}
    return {
        "recipe": trainer.recipe.name,
        "steps": trainer.step,
        "total": trainer.total,
        "minutes": round(trainer.spent_s / 60, 2),
        "finished": trainer.step >= trainer.total,
        "files": {name: file for name, file in files.items() if os.path.exists(file)},  # no best one before a validation
        "validation": scores,
    }
