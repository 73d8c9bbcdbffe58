"""The training loop: it knows stages and phases, never families.

`--minutes` becomes a number of steps, from the speed of a few steps tried along the schedule; from then on everything is a
function of the step: schedules, data and noise, so that a resumed run equals an uninterrupted one.

`torchrun --nproc-per-node N -m vp train ...` trains on N processes, which share out the mini-batches of every step: clips, noise
and gradients are those of one process with `--accumulate N`. The first one validates, logs and saves.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from ..core.cpu_fast import keep_big_buffers
from ..core.family import Family, Recipe
from ..core.files import PARTS, remove, write_text
from ..core.processes import Processes, is_first_process, joined, local_count
from ..core.runtime import Runtime, thread_count
from ..prediction.checkpoint import config_from_json, config_to_json
from .batch_size import AUTO, GPUMemory, Memory, choose_batch
from .log import RunLog, TermMeans
from .provenance import commit
from .run_lock import lock_run
from .settings import Settings
from .starting_weights import short_name
from .state_folder import exists, saved_step
from .stopping import HungUp, disk_error, stop_signal
from .throughput import Throughput
from .trainer import Trainer
from .training_data import digits_used
from .validate import Validation

FLAGS = (
    "batch",
    "accumulate",
    "lr",
    "seed",
    "digits",
    "precision",
    "licences",
    "axes",
)  # of `python -m vp train`, the same in every part of a run
MAY_CHANGE = ("total", "processes", "device", "recompute", "data_root", "commit")  # from one part of a run to the next; recorded
SCHEDULE = (
    "stages",
    "length",
    "warmup",
    "final_lr",
    "ema",
    "clip",
    "epoch_clips",
    "varied",
    "imposed",
    "crops",
)  # of a recipe, likewise


def use_threads(count: int | None) -> None:
    """Sets the number of CPU threads; None: what OMP_NUM_THREADS says, or else this process's share of all cores."""
    wished = os.environ.get("OMP_NUM_THREADS", "")
    wished = (
        "" if "LOCAL_WORLD_SIZE" in os.environ and wished == "1" else wished
    )  # torchrun says so where nobody has said anything
    if count or not wished:  # PyTorch has read the variable
        torch.set_num_threads(count or max(1, thread_count() // local_count()))
    if count:
        with suppress(RuntimeError):  # PyTorch takes this number once, before there is any work for such threads
            torch.set_num_interop_threads(1)


def train(family: Family, recipe: Recipe, settings: Settings) -> dict[str, Any]:
    """Runs or resumes a recipe; returns a summary (steps, minutes, files, last validation).

    Raises:
        ValueError: nothing to resume, an unknown checkpoint, a device or data set that is not there, or a folder in which another
            process trains.
        OtherProcessEnded: of several processes one is gone; the folder keeps the last saved state.
        NotFinite: a loss or a gradient is not finite; the folder keeps the last saved state.
        DiskError: the file system refuses something, such as a full disk; likewise.
        HungUp: the terminal is gone; the state was saved.
    """
    keep_big_buffers()
    if settings.device != "cuda":
        use_threads(settings.threads)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    device = Runtime.pick(settings.device, settings.precision).device
    with joined(device) as processes, lock_run(settings.out) if is_first_process() else nullcontext():
        return train_in_folder(family, recipe, settings, processes)


def train_in_folder(family: Family, recipe: Recipe, settings: Settings, processes: Processes) -> dict[str, Any]:
    """As `train`, in a folder that no other run trains in."""
    if not settings.resume:
        check_no_run(settings.out)
    run = settings.out / "run.json"
    recorded = read_about(run) if settings.resume and run.exists() else {}
    if recorded:
        settings = with_recorded(recorded, settings)
        check_same_recipe(recorded, recipe, settings)
        check_same_digits(recorded, recipe, settings)
        if "config" in recorded:  # a resumed run keeps its settings, whatever has become of the recipe
            recipe = replace(recipe, config=config_from_json(family.config, recorded["config"]))
    trainer = Trainer(family, recipe, settings, processes)
    if settings.batch == AUTO and not settings.resume:
        choose_batch(trainer, memory_of(trainer.runtime.device))
    check_same_settings(recorded, describe_run(trainer), settings)
    if settings.steps and trainer.step > settings.steps:
        raise ValueError(f"the run in {settings.out} is at step {trainer.step} already; give --steps of {trainer.step} or more")
    main = processes.index == 0
    if main and settings.resume and trainer.step >= trainer.total:
        more = "give --steps above it to go on, or begin a new run from its last.safetensors with --init"
        print(f"the run in {settings.out} is finished (step {trainer.step} of {trainer.total}); {more}", file=sys.stderr)
    validation = Validation(family, recipe, settings, trainer.runtime) if main else None  # first: its data may be missing
    check_alike(trainer)
    if not trainer.total:
        trainer.plan_steps()
    with stop_signal() as stop:
        if not main:
            return run_worker_loop(trainer, stop)
        try:
            remove_leftovers(settings.out)
            write_text(run, json.dumps(with_changes(recorded, describe_run(trainer), trainer.step)))
            speed = Throughput(trainer.runtime)
            with RunLog(settings.out, speed.read, processes) as log:
                summary = run_main_loop(trainer, validation, log, speed, stop)
        except OSError as error:
            raise disk_error(error, settings.out, trainer.step, saved_step(trainer.states)) from None
    if stop.hung_up and not summary["finished"]:
        raise HungUp(
            f"the terminal is gone; the run in {settings.out} keeps the state of step {trainer.step}: go on with --resume"
        )
    return summary


def check_no_run(out: Path) -> None:
    """Raises ValueError where a new run would write over what another one left."""
    if exists(out / "state"):
        raise ValueError(f"{out} already holds a run; add --resume to continue it or choose another --out")
    weights = [name for name in ("best", "last") if (out / f"{name}.safetensors").exists()]
    if weights:
        raise ValueError(f"{out} holds {weights[0]}.safetensors but no state to resume; choose another --out, or move it away")


def read_about(path: Path) -> dict[str, Any]:
    """The contents of a `run.json`; raises ValueError where it cannot be read."""
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(about, dict):
            raise ValueError("it is no JSON object")
        return about
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}, which says how the run began, cannot be read ({error}); put it back, or remove it") from None


def remove_leftovers(out: Path) -> None:
    """Removes temporary files that a killed process left in the run's folder."""
    for pattern in (PARTS, ".tmp??????"):  # ours, and those of safetensors
        for path in out.glob(pattern):
            if path.is_file():
                remove(path)


def describe_run(trainer: Trainer) -> dict[str, Any]:
    """The contents of `run.json`: enough to resume, plot and compare the run."""
    recipe, settings = trainer.recipe, trainer.settings
    about = {
        "recipe": recipe.name,
        "data": dict(recipe.data),
        "config": config_to_json(recipe.config),
        "seed": trainer.seed,
        "total": trainer.total,
        "clips_a_step": trainer.clips_a_step,
        "epoch_clips": recipe.epoch_clips,
        "batch": trainer.data.count,
        "accumulate": trainer.data.accumulate,
        "lr": trainer.lr,
        "digits": digits_used(recipe, settings.digits, settings.data_root),
        "precision": trainer.precision,
        "processes": trainer.processes.count,
        "licences": ",".join(settings.licences),
        "axes": settings.axes,
        "init": trainer.parent,
        "device": trainer.runtime.describe(),
        "recompute": settings.recompute,
        "data_root": settings.data_root,
        "commit": commit(),
        "schedule": {name: getattr(recipe, name) for name in SCHEDULE},
    }
    return json.loads(json.dumps(about, default=asdict))  # as it will be read: tuples are lists


def with_changes(recorded: dict[str, Any], current: dict[str, Any], step: int) -> dict[str, Any]:
    """`run.json` of a resumed run: as it was begun, and under "resumed" what differs from then on, with the step.

    Args:
        recorded: as it was written, empty for a new run.
        current: what `describe_run` returns now.
    """
    if not recorded:
        return current
    legs = recorded.get("resumed", [])
    now = {**recorded, **{name: value for leg in legs for name, value in leg.items() if name != "step"}}
    changed = {name: current[name] for name in MAY_CHANGE if now.get(name) != current[name]}
    new = {name: value for name, value in current.items() if name not in recorded}  # an earlier version did not write it
    return {**recorded, **new, "resumed": [*legs, *([{"step": step, **changed}] if changed else [])]}


def check_same_recipe(recorded: dict[str, Any], recipe: Recipe, settings: Settings) -> None:
    """Raises ValueError where `run.json` records another recipe, data or initial weights than those given."""
    out, then = settings.out, recorded.get("recipe", recipe.name)
    if then != recipe.name:
        raise ValueError(f"{out} was begun with the recipe {then} and would go on with {recipe.name}; give {then}")
    if recorded.get("data", recipe.data) != dict(recipe.data):
        then, now = format_mix(recorded["data"]), format_mix(recipe.data)
        raise ValueError(f"{out} was begun on {then} and would go on with {now}; give --data as it was given then")
    if settings.init and "init" in recorded and recorded["init"] != short_name(settings.init):
        then = recorded["init"] or "no other checkpoint"
        raise ValueError(f"{out} was begun from {then} and came with --init {settings.init}; leave --init out to resume")


def check_same_digits(recorded: dict[str, Any], recipe: Recipe, settings: Settings) -> None:
    """Raises ValueError where a run would go on with other digits; said before any are looked for, which may not be here."""
    then, now = recorded.get("digits"), digits_used(recipe, settings.digits, settings.data_root)
    if "digits" not in recorded or then == now:
        return
    missing = settings.digits == "auto" and now == "strokes"
    here = "no MNIST is found here, give its folder by --data-root or VP_DATA" if missing else f"give --digits {then}"
    raise ValueError(
        f"{settings.out} was begun with --digits {then} and would go on with --digits {now}; {here}, or begin a new run from its"
        " last.safetensors with --init"
    )


def with_recorded(recorded: dict[str, Any], settings: Settings) -> Settings:
    """The settings of a resumed run: what was not given is as it was when the run began."""
    then = {name: recorded[name] for name in ("data_root", "accumulate", "batch", "lr", "seed", "axes") if name in recorded}
    if recorded.get("digits") in ("strokes", "mixed"):  # that MNIST must be found, and was not, has a sentence of its own
        then["digits"] = recorded["digits"]
    if recorded.get("licences"):
        then["licences"] = tuple(recorded["licences"].split(","))
    return replace(settings, **{name: value for name, value in then.items() if getattr(settings, name) in (None, AUTO, "", ())})


def memory_of(device: torch.device) -> Memory | None:
    """The memory that a batch must fit into; None on a CPU."""
    return GPUMemory(device) if device.type == "cuda" else None


def format_mix(data: Mapping[str, float]) -> str:
    """Data set names with their weights, for messages."""
    return ", ".join(name if share == 1 else f"{name} {share:g}" for name, share in data.items())


def check_same_settings(recorded: dict[str, Any], current: dict[str, Any], settings: Settings) -> None:
    """Raises ValueError where a resumed run would continue with other settings than it began with.

    What MAY_CHANGE names is recorded in `run.json`, the device, the code and the number of steps in the checkpoint's card too.
    Settings that an older version did not record are not compared.

    Args:
        recorded: `run.json` as it was written, empty for a new run.
        current: what `describe_run` returns now.
    """
    out, anew = settings.out, "or begin a new run from its last.safetensors with --init"
    flags = [name for name in FLAGS if name in recorded and recorded[name] != current[name]]
    if flags:
        then, here = (" ".join(f"--{name} {about[name]}" for name in flags) for about in (recorded, current))
        raise ValueError(f"{out} was begun with {then} and would go on with {here}; give {then}, {anew}")
    old, new = recorded.get("schedule", {}), current["schedule"]
    changed = [name for name in SCHEDULE if name in old and old[name] != new[name]]
    if changed:
        then, here = (", ".join(f"{name} {about[name]}" for name in changed) for about in (old, new))
        raise ValueError(
            f"{out} was begun with {then} and {recorded['recipe']} now has {here}; resume it with the code of commit "
            f"{recorded['commit']}, {anew}"
        )


def check_alike(trainer: Trainer) -> None:
    """Raises ValueError, in every process, where another one would train something else or from other weights.

    Where a run goes on, all have then read what they need of its folder, and the first one may write to it.
    """
    if trainer.processes.count == 1:
        return
    its = {name: x for name, x in describe_run(trainer).items() if name not in ("device", "data_root")}
    its |= {"step": trainer.step, "weights": [float(x.double().sum()) for x in trainer.networks.state_dict().values()]}
    others = trainer.processes.gather(its)
    differ = sorted({name for other in others for name in its if other[name] != others[0][name]})
    if differ:
        raise ValueError(
            f"the processes of {trainer.settings.out} would not train the same: they differ in {', '.join(differ)}; start all of "
            "them with the same arguments and code, where they see the same files"
        )


def run_worker_loop(trainer: Trainer, stop: threading.Event) -> dict[str, Any]:
    """The loop of every process but the first: it trains, but does not validate, write or save."""
    log = TermMeans(trainer.processes)
    while trainer.step < trainer.total and not trainer.any_process_stops(stop):
        log.add_step(trainer.step, trainer.advance())
    return {"process": trainer.processes.index, "steps": trainer.step, "finished": trainer.step >= trainer.total}


def run_main_loop(
    trainer: Trainer, validation: Validation, log: RunLog, speed: Throughput, stop: threading.Event
) -> dict[str, Any]:
    """The loop of the first process: it trains, validates, logs and saves; returns what `train` does."""
    settings, scores = trainer.settings, {}
    if settings.resume:
        trainer.publish()
    else:
        trainer.save()  # there is a good state to go back to from the first step on
    start = saved = validated = time.monotonic()
    spent, cpu = trainer.spent_s, trainer.cpu_s - time.process_time()
    with tqdm(total=trainer.total, initial=trainer.step, desc=trainer.recipe.name, unit="step", mininterval=2) as bar:
        while trainer.step < trainer.total and not trainer.any_process_stops(stop):
            step = trainer.step
            with speed.step(trainer.clips_a_step * trainer.data.length):
                terms = trainer.advance()
            log.add_step(step, terms)
            bar.update()
            now = time.monotonic()
            trainer.spent_s, trainer.cpu_s = spent + now - start, cpu + time.process_time()
            last, better = trainer.step == trainer.total, False
            if last or now - validated > 60 * settings.validate_minutes:
                scores = validation.score(trainer.average, trainer.step, settings.out)
                log.add_validation(trainer.step, scores)
                better = scores["score"] > trainer.best
                if better:
                    trainer.keep_best(scores)
                validated = time.monotonic()
            if not last and (better or now - saved > 60 * settings.save_minutes):
                trainer.save()
                saved = time.monotonic()
    trainer.save()
    files = {name: str(settings.out / f"{name}.safetensors") for name in ("best", "last")}
    return {
        "recipe": trainer.recipe.name,
        "steps": trainer.step,
        "total": trainer.total,
        "skipped": trainer.skipped,
        "minutes": round(trainer.spent_s / 60, 2),
        "cpu_minutes": round(trainer.cpu_s / 60, 2),
        "finished": trainer.step >= trainer.total,
        "files": {name: file for name, file in files.items() if os.path.exists(file)},  # no best one before a validation
        "validation": scores,
    }
