"""One training run: networks, their average, one optimiser for each phase, and the current step."""

from __future__ import annotations

import copy
import math
import sys
import threading
import time
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from ..core.family import Family, Progress, Recipe, Stage
from ..core.files import replacing
from ..core.processes import ALONE, Processes, is_first_process
from ..core.runtime import Runtime
from ..prediction import checkpoint
from ..prediction.model import find_checkpoint
from . import state, state_folder
from .provenance import commit
from .recompute import recompute_activations
from .settings import Settings
from .starting_weights import load_matching_weights, short_name
from .training_data import TrainingData, digits_used
from .updates import NotFinite, Updates, lr_factor

PROBES = (0.0, 0.25, 0.5, 0.75, 1.0)  # shares of a stage at which the speed is tried
OVERHEAD = 1.05  # validation and saving
BEST = "best."  # prefix of the best weights in a state


def feasible_stages(stages: Sequence[Stage], phases: Container[str]) -> tuple[Stage, ...]:
    """The stages, restricted to the phases that the config has; stages left without a phase are dropped.

    Without a critic, say, a stage may have the same phases as the one before; they then become one, unless it has an `init`.
    """
    kept: list[Stage] = []
    for stage in stages:
        stage = replace(stage, phases=tuple(name for name in stage.phases if name in phases))
        if kept and stage.phases == kept[-1].phases and not stage.init:
            kept[-1] = replace(kept[-1], share=kept[-1].share + stage.share)
        elif stage.phases:
            kept.append(stage)
    return tuple(kept)


class Trainer(Updates):
    """One run, see the module."""

    def __init__(self, family: Family, recipe: Recipe, settings: Settings, processes: Processes = ALONE):
        self.family, self.recipe, self.settings = family, recipe, settings
        self.seed = settings.seed or 0
        self.runtime = Runtime.pick(settings.device, settings.precision)
        saved = self.saved_state() if settings.resume else None
        self.start: dict[str, Any] = {}  # card of the checkpoint begun from: its clips and minutes count too
        self.parent: str | None = None  # its name
        if saved:
            self.start, self.parent = saved.numbers["start"], saved.numbers.get("parent", saved.numbers["start"].get("recipe"))
        elif settings.init:
            self.start, self.parent = checkpoint.read_card(find_checkpoint(settings.init)), short_name(settings.init)
        self.data = TrainingData(
            recipe,
            self.runtime.device,
            batch=settings.batch if isinstance(settings.batch, int) else recipe.batch,
            seed=self.seed,
            processes=processes,
            accumulate=settings.accumulate or processes.count,
            digits=settings.digits,
            data_root=settings.data_root,
            continuation=len(checkpoint.lineage(self.start)),
            licences=settings.licences,
            axes=settings.axes,
        )
        torch.manual_seed(self.seed)  # every process starts from the same weights
        networks = family.networks(recipe.config)
        if not saved:
            family.fit_statistics(recipe.config, networks, self.data.sample)
        networks = self.runtime.place(networks)
        if settings.init and not saved:
            load_matching_weights(networks, checkpoint.read_weights(find_checkpoint(settings.init)), settings.init)
        super().__init__(family, recipe, self.runtime, networks, settings.lr, processes)
        if settings.recompute:
            recompute_activations(self.networks)
        self.stages = feasible_stages(recipe.stages, self.phases)
        idle = sorted(set(self.phases) - {name for stage in self.stages for name in stage.phases})
        if idle:
            names = ", ".join(idle)
            raise ValueError(f"the settings ask for {names}, which no stage of {recipe.name} trains; leave its weights at 0")
        self.step, self.total, self.best = 0, settings.steps or 0, -math.inf
        self.spent_s, self.cpu_s = 0.0, 0.0  # on the clock, and of all cores together
        self.best_weights: dict[str, Tensor] = {}  # as they are stored, and their card; see `keep_best`
        self.best_card: dict[str, Any] = {}
        self.published: dict[str, Any] | None = None  # the card of `best` as it was last written
        self.kept: str | None = None  # name of the state last read or written
        self.legs: list[dict[str, Any]] = []  # those before this one, see `every_leg`
        self.leg_from = 0  # step
        self.skipped, self.bad_in_a_row = 0, 0  # steps whose loss or gradient was not finite
        if saved:
            self.restore(saved)

    @property
    def precision(self) -> str:
        """'bf16' or 'fp32'."""
        return "bf16" if self.runtime.bf16 else "fp32"

    @property
    def clips_a_step(self) -> int:
        """Clips of an update, of all mini-batches in all processes."""
        return self.data.count * self.data.accumulate

    def any_process_stops(self, stop: threading.Event) -> bool:
        """Whether any process is to stop; all must leave at the same step."""
        return self.processes.any_of([stop.is_set()])[0]

    def save(self) -> None:
        """Writes the state to resume from, then the weights that belong to it.

        Raises:
            NotFinite: a tensor is not finite; what was saved before stays.
            OSError: it cannot be written; the state that was saved before stays.
        """
        tensors = state.pack(self.networks, self.average, self.optimizers)
        for name, x in tensors.items():
            if x.is_floating_point() and not x.isfinite().all():
                raise self.not_finite_error(name, x[~x.isfinite()][0])
        names = ("skipped", "bad_in_a_row", "step", "total", "spent_s", "cpu_s", "best", "best_card", "start", "parent")
        numbers = {**{name: getattr(self, name) for name in names}, "legs": self.every_leg()}
        tensors |= {BEST + name: x for name, x in self.best_weights.items()}
        self.kept = state_folder.write(self.states, tensors, numbers, self.kept)
        self.publish()

    def publish(self) -> None:
        """Writes `last` and `best` as they belong to the state last read or saved; a killed save may have left older ones."""
        self.export("last")
        if self.best_weights and self.published is not self.best_card:
            self.export("best", self.best_weights, self.best_card)
            self.published = self.best_card

    def keep_best(self, scores: dict[str, Any]) -> None:
        """Makes the averaged weights the best ones; `save` writes them, in the state and beside it."""
        self.best, self.best_card = scores["score"], self.card(scores)
        self.best_weights = {k: x.clone() for k, x in checkpoint.to_storage_types(self.average.state_dict()).items()}

    @property
    def states(self) -> Path:
        """Where the run's states are."""
        return self.settings.out / "state"

    def not_finite_error(self, what: str, value: Tensor | None = None) -> NotFinite:
        """The error for a loss or gradient that is not finite, with the state that can be gone on from.

        Args:
            what: its name in the sentence.
            value: the number itself, a scalar, where it is known.
        """
        out, step = self.settings.out, state_folder.saved_step(self.states)
        kept = "which holds no state yet: give a lower --lr, or other --data"
        if step is not None:
            kept = f"which keeps the state of step {step}: go on from there with --resume, or begin anew from its"
            kept += " last.safetensors with --init and a lower --lr"
        number = "not finite" if value is None else float(value)
        return NotFinite(f"{what} is {number} at step {self.step} of the run in {out}, {kept}")

    def saved_state(self) -> state_folder.Saved:
        """The state of the run in `settings.out`; a line says where the newest was damaged. ValueError where there are none."""
        found = state_folder.read(self.states)
        if found is None:
            raise ValueError(f"{self.settings.out} holds no training state to resume; leave out --resume to start one")
        missing = [name for name in ("start", "step", "total", "spent_s", "best") if name not in found.numbers]
        if missing:
            raise ValueError(f"the training state in {self.settings.out} lacks {', '.join(missing)}; begin anew in another --out")
        if found.note and is_first_process():
            print(found.note, file=sys.stderr)
        return found

    def restore(self, saved: state_folder.Saved) -> None:
        """Sets networks, optimisers and counters from a saved state."""
        numbers = saved.numbers
        state.unpack(saved.tensors, self.networks, self.average, self.optimizers)
        self.kept = saved.name
        self.step, self.total = numbers["step"], self.settings.steps or numbers["total"]
        self.spent_s, self.cpu_s, self.best = numbers["spent_s"], numbers.get("cpu_s", 0.0), numbers["best"]
        self.skipped, self.bad_in_a_row = numbers.get("skipped", 0), numbers.get("bad_in_a_row", 0)
        self.legs, self.leg_from = numbers.get("legs", []), self.step
        self.best_weights = {name.removeprefix(BEST): x for name, x in saved.tensors.items() if name.startswith(BEST)}
        self.best_card = numbers.get("best_card", {})
        self.adopt_best()

    def adopt_best(self) -> None:
        """Takes the run's best.safetensors where the state knows none as good: it is of an earlier version, or of a state that
        is damaged now."""
        path = self.settings.out / "best.safetensors"
        with suppress(ValueError):
            card = checkpoint.read_card(path)
            score = card.get("metrics", {}).get("score", -math.inf)
            if score > self.best or score == self.best and not self.best_weights:
                weights = checkpoint.to_storage_types(checkpoint.read_weights(path))
                self.best, self.best_card, self.best_weights = score, card, weights

    def lineage_entry(self) -> dict[str, Any]:
        """This run's entry in the lineage of a checkpoint: how its weights came about, run by run.

        device, commit and total (steps planned) are those at the start; `resumed` lists each later resume. Clips and minutes are
        this run's own; `batch` is the clips of an update; cpu_minutes are summed over cores, and are the first process's only.
        """
        first, *others = self.every_leg()
        return {
            "recipe": self.recipe.name,
            "init": self.parent,
            "data": dict(self.recipe.data),
            "seed": self.seed,
            "steps": self.step,
            "clips": self.step * self.clips_a_step,
            "minutes": round(self.spent_s / 60, 1),
            "cpu_minutes": round(self.cpu_s / 60, 1),
            "batch": self.clips_a_step,
            "lr": self.lr,
            "digits": digits_used(self.recipe, self.settings.digits, self.settings.data_root),
            "precision": self.precision,
            **{name: first[name] for name in ("device", "commit", "total")},
            **({"licences": ",".join(self.settings.licences)} if self.settings.licences else {}),
            **({"skipped": self.skipped} if self.skipped else {}),
            **({"resumed": others} if others else {}),
        }

    def every_leg(self) -> list[dict[str, Any]]:
        """The legs of the run, one for each resume, with its first step, device, commit and planned steps.

        A leg with the same device, commit and planned steps as the one before is merged into it.
        """
        leg = {"step": self.leg_from, "total": self.total, "device": self.runtime.describe(), "commit": commit()}
        same = self.legs and {**self.legs[-1], "step": self.leg_from} == leg
        return self.legs if same else [*self.legs, leg]

    def export(self, name: str, weights: dict[str, Tensor] | None = None, card: dict[str, Any] | None = None) -> None:
        """Writes the checkpoint `name`.safetensors; None: of the averaged weights as they are."""
        with replacing(self.settings.out / f"{name}.safetensors") as part, state_folder.safetensors_errors_as_os_errors():
            checkpoint.save(part, weights or self.average.state_dict(), card or self.card())

    def card(self, metrics: dict[str, Any] | None = None) -> dict[str, Any]:
        """The card of a checkpoint of the weights as they are."""
        recipe, runs = self.recipe, [*checkpoint.lineage(self.start), self.lineage_entry()]
        card = {
            "family": self.family.name,
            "config": checkpoint.config_to_json(recipe.config),
            "recipe": recipe.name,
            "about": recipe.about,
            "dataset": max(recipe.data, key=recipe.data.get),
            "data": dict(recipe.data),
            "digits": self.settings.digits,
            "context": {"n_past": recipe.config.n_past, "n_future": recipe.config.n_future},
            "fps": self.data.sources[0].fps,
            "step": self.step,
            "clips": self.step * self.clips_a_step + self.start.get("clips", 0),
            "minutes": round(self.spent_s / 60 + self.start.get("minutes", 0), 1),
            "init": self.start.get("recipe"),
            "commit": commit(),
            "lineage": runs,
            "metrics": metrics or {},
        }
        inherited = {"licence": self.start["licence"]} if "licence" in self.start else {}
        card["licence"] = checkpoint.strictest_licence(card | inherited)
        return card

    def plan_steps(self) -> None:
        """Sets `total`, the steps that fit into the time budget, from the mean time of a few steps along every stage."""
        mean = 0.0
        with self.undone():
            for stage, begun, width in zip(self.stages, self.stage_begins(), self.stage_shares()):
                seconds = []
                for probe, along in enumerate((PROBES[0], *PROBES)):  # the first one warms up
                    start = time.perf_counter()
                    progress = Progress(share=begun + along * width, stage=along, phases=stage.phases)
                    self.run_phases(stage, progress, probe, lr_scale=0.0)
                    seconds.append(time.perf_counter() - start)
                mean += OVERHEAD * width * sum(seconds[1:]) / len(PROBES)
        self.total = max(1, int(self.settings.minutes * 60 / max(self.processes.gather(mean))))

    @contextmanager
    def undone(self) -> Iterator[None]:
        """A context for trying steps: weights and moments are afterwards what they were before."""
        before = copy.deepcopy((self.networks.state_dict(), [o.state_dict() for o in self.optimizers.values()]))
        try:
            yield
        finally:
            self.networks.load_state_dict(before[0])
            for optimizer, old in zip(self.optimizers.values(), before[1]):
                state.load_moments(optimizer, old)

    def run_phases(self, stage: Stage, progress: Progress, step: int, lr_scale: float) -> dict[str, Tensor]:
        """One step of a stage on its own mini-batches; see `update`."""
        batches, generators = self.data.batches_for_step(step)
        return self.update(batches, generators, stage.phases, progress, lr_scale)

    def stage_shares(self) -> list[float]:
        """Each stage's share of the budget; they sum to 1."""
        total = sum(stage.share for stage in self.stages)
        return [stage.share / total for stage in self.stages]

    def stage_begins(self) -> list[float]:
        """The share of the budget at which each stage begins."""
        return [sum(self.stage_shares()[:index]) for index in range(len(self.stages))]

    def stage_index(self, share: float) -> int:
        """The index of the stage at this share of the budget."""
        until = 0.0
        for index, width in enumerate(self.stage_shares()):
            until += width
            if share < until:
                return index
        return len(self.stages) - 1

    def begin_stage(self, stage: Stage) -> None:
        """Continues from the averaged weights, and copies those of other networks where `stage.init` says so."""
        average = self.average.state_dict()
        for name, source in stage.init.items():
            self.average[name].load_state_dict(self.average[source].state_dict())
        self.networks.load_state_dict(average, strict=False)  # critics have no average and stay as they are

    def advance(self) -> dict[str, Tensor]:
        """One training step; returns its terms for the log, none where it was skipped.

        Raises:
            NotFinite: `bad_steps` losses or gradients in a row were not finite; none of them has changed a weight, though
                phases that took their turn before in the same step have.
        """
        share = self.step / self.total
        index, widths = self.stage_index(share), self.stage_shares()
        stage, width, begun = self.stages[index], widths[index], sum(widths[:index])
        if self.step and self.stage_index((self.step - 1) / self.total) < index:
            self.begin_stage(stage)
        clips = self.step * self.clips_a_step
        along = (share - begun) / width
        progress = Progress(self.step, clips, clips / self.recipe.epoch_clips, share, along, self.data.run_seed, stage.phases)
        scale = lr_factor(((self.step + 1) / self.total - begun) / width, self.recipe.warmup, self.recipe.final_lr)
        buffers, terms = self.copy_buffers(), {}
        try:
            terms = self.run_phases(stage, progress, self.step, scale)
            self.follow(stage.phases, round(along * width * self.total))
            self.bad_in_a_row = 0
        except NotFinite as error:
            self.restore_buffers(buffers)
            self.skip(error)
        self.step += 1
        return terms

    def skip(self, error: NotFinite) -> None:
        """Counts a step that changed nothing and says so; raises the error where it is the last that may be in a row."""
        if self.bad_in_a_row + 1 >= self.settings.bad_steps:
            raise error
        self.skipped, self.bad_in_a_row = self.skipped + 1, self.bad_in_a_row + 1
        if is_first_process():
            what = str(error).partition(" of the run in ")[0]
            said = f"{what}: skipped, {self.bad_in_a_row} in a row; {self.settings.bad_steps} end the run"
            tqdm.write(said, file=sys.stderr)
