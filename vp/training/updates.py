"""The update step that every training shares: networks, their average, and one optimiser for each phase."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from ..core.family import Family, Losses, Phase, Progress, Recipe
from ..core.runtime import Runtime
from ..core.video import Batch
from .muon import Muon


class NotFinite(ValueError):
    """A loss, gradient or weight is not finite; the run's folder keeps the last good state. `exit_code` is that of the CLI."""

    exit_code = 3


def lr_factor(share: float, warmup: float, final: float) -> float:
    """Share of the peak learning rate: linear warm-up to 1, then a cosine down to `final`."""
    if share < warmup:
        return share / warmup
    along = (share - warmup) / max(1 - warmup, 1e-9)
    return final + (1 - final) * 0.5 * (1 + math.cos(math.pi * min(along, 1.0)))


def mean_term(name: str, logged: list[dict[str, Tensor]]) -> Tensor:
    """Mean of a term over the mini-batches that have it."""
    return torch.stack([terms[name].detach() for terms in logged if name in terms]).mean(0)


class Updates:
    """Networks in training.

    Args:
        family, recipe: give the phases and their limits.
        runtime: where the networks are.
        networks: to train; critics are made here.
        lr: peak learning rate of the first phase, others in proportion; None: the recipe's.
    """

    def __init__(self, family: Family, recipe: Recipe, runtime: Runtime, networks: nn.ModuleDict, lr: float | None = None):
        self.family, self.recipe, self.runtime = family, recipe, runtime
        self.average = copy.deepcopy(networks).requires_grad_(False)
        self.networks = nn.ModuleDict({**networks, **family.critics(recipe.config).to(runtime.device)}).train()
        self.phases = {phase.name: phase for phase in family.phases(recipe.config)}
        self.optimizers = {name: self.build_optimizer(phase) for name, phase in self.phases.items()}
        self.lr = lr or next(iter(self.phases.values())).lr

    def any_process_stops(self, stop: bool) -> bool:
        """Whether `stop` is true in any process that trains along; here there is one."""
        return stop

    def average_gradients(self, parameters: list[nn.Parameter]) -> None:
        """Averages gradients over the processes that train along; here there is one."""

    def not_finite_error(self, what: str, value: Tensor | None = None) -> NotFinite:
        """The error to raise."""
        return NotFinite(
            f"{what} is {'not finite' if value is None else float(value.detach())}; give a lower learning rate or other clips"
        )

    def trainable_parameters(self, phase: Phase) -> list[nn.Parameter]:
        """All parameters of the networks that a phase trains."""
        return [p for name in phase.trains for p in self.networks[name].parameters()]

    def build_optimizer(self, phase: Phase) -> torch.optim.Optimizer:
        """Muon or AdamW over the phase's networks; weight decay for matrices and kernels only."""
        parameters = self.trainable_parameters(phase)
        options = {"lr": phase.lr, "betas": phase.betas}
        if phase.optimizer == "muon":
            dtype = torch.bfloat16 if self.runtime.bf16 else torch.float32
            return Muon(parameters, weight_decay=phase.weight_decay, dtype=dtype, **options)
        groups = [
            {"params": [p for p in parameters if p.ndim > 1], "weight_decay": phase.weight_decay},
            {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
        ]
        return torch.optim.AdamW(groups, fused=True, **options)

    def update(
        self,
        mini_batches: Sequence[Batch],
        generator: torch.Generator,
        phases: Iterable[str],
        progress: Progress,
        lr_scale: float,
    ) -> dict[str, Tensor]:
        """One step: its mini-batches through every phase.

        Args:
            mini_batches: mini-batches, frames float32 (B, T, C, H, W) in [0, 1]; gradients are averaged over them.
            generator: of all that is random in the losses.
            phases: names of those that take turns.
            progress: where schedules stand.
            lr_scale: share of the peak learning rates.

        Returns:
            terms for the log.

        Raises:
            NotFinite: a loss before its gradient is asked for (that of `grid_sample` at places that are not numbers can crash the
                process, pytorch issue 24823), or a gradient before the optimiser takes a step.
        """
        terms: dict[str, Tensor] = {}
        batches = list(mini_batches)
        ratio = self.lr / next(iter(self.phases.values())).lr
        for phase in map(self.phases.__getitem__, phases):
            optimizer, parameters = self.optimizers[phase.name], self.trainable_parameters(phase)
            for name, network in self.networks.items():
                network.requires_grad_(name in phase.trains)
            for group in optimizer.param_groups:
                group["lr"] = phase.lr * ratio * lr_scale
            optimizer.zero_grad(set_to_none=True)
            logged: list[dict[str, Tensor]] = []
            for index, batch in enumerate(batches):
                with self.runtime.autocast():
                    losses = phase.loss(self.networks, batch, progress, generator)
                if losses is None:  # nothing to learn from this one
                    continue
                self.check_finite(phase, losses)
                batches[index] = batch.with_extras(losses.outputs)
                (losses.total / len(batches)).backward()
                logged.append({**losses.terms, f"{phase.name}_loss": losses.total})
            if not logged:
                continue
            self.average_gradients(parameters)
            norm = nn.utils.clip_grad_norm_(parameters, self.recipe.clip)
            if not norm.isfinite():
                raise self.not_finite_error(f"the gradient norm of phase {phase.name}", norm)
            optimizer.step()
            terms |= {name: mean_term(name, logged) for name in logged[0]} | {f"{phase.name}_grad_norm": norm}
        return terms

    def check_finite(self, phase: Phase, losses: Losses) -> None:
        """Raises NotFinite in every process if the loss of any of them is not finite."""
        fine = bool(losses.total.isfinite())
        if not self.any_process_stops(not fine):
            return
        if fine:
            raise self.not_finite_error(f"a loss of phase {phase.name} in another process")
        bad = {name: x for name, x in losses.terms.items() if not x.isfinite()}
        name, value = next(iter(bad.items()), ("total", losses.total))
        raise self.not_finite_error(f"term {name} of the loss of phase {phase.name}", value)

    @torch.no_grad()
    def follow(self, phases: Iterable[str], steps: int) -> None:
        """Updates the exponential moving averages of the networks of these phases; `steps` updates were made before."""
        decay = min(self.recipe.ema, (1 + steps) / (10 + steps))
        trained = {name for phase in phases for name in self.phases[phase].trains} & set(self.average)
        for name in sorted(trained):
            current = self.networks[name].state_dict()
            for key, mean in self.average[name].state_dict().items():
                mean.lerp_(current[key], 1 - decay) if mean.is_floating_point() else mean.copy_(current[key])
