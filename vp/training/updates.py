"""The update step that every training shares: networks, their average, and one optimiser for each phase."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from ..core.family import Family, Losses, Phase, Progress, Recipe
from ..core.processes import ALONE, Processes
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


def floating(tensors: Iterable[Tensor]) -> list[Tensor]:
    """Those of floating point."""
    return [x for x in tensors if x.is_floating_point()]


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
        processes: that train along, each on mini-batches of its own and with the same weights.
    """

    def __init__(
        self, family: Family, recipe: Recipe, runtime: Runtime, networks: nn.ModuleDict, lr: float | None = None,
        processes: Processes = ALONE,
    ):  # fmt: skip
        self.family, self.recipe, self.runtime, self.processes = family, recipe, runtime, processes
        self.average = copy.deepcopy(networks).requires_grad_(False)
        self.networks = nn.ModuleDict({**networks, **family.critics(recipe.config).to(runtime.device)}).train()
        self.phases = {phase.name: phase for phase in family.phases(recipe.config)}
        self.optimizers = {name: self.build_optimizer(phase) for name, phase in self.phases.items()}
        self.lr = lr or next(iter(self.phases.values())).lr
        # Whether a loss is read before its gradient is asked for. On a CPU it must be: that of `grid_sample` at places that are
        # not numbers can crash the process (pytorch issue 24823). CUDA's kernel takes such places for outside of the picture
        # (`safe_downgrade_to_int_range` in ATen/native/cuda/GridSampler.cuh), and a read would make the CPU wait for the GPU in
        # the middle of a step, so there losses are read together with the gradient norm, once a phase.
        self.checks_early = runtime.device.type == "cpu"

    def not_finite_error(self, what: str, value: Tensor | None = None) -> NotFinite:
        """The error for a loss or gradient that is not finite; `what` names it, `value` is the scalar where it is known."""
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
        generators: Sequence[torch.Generator],
        phases: Iterable[str],
        progress: Progress,
        lr_scale: float,
    ) -> dict[str, Tensor]:
        """One step: its mini-batches through every phase.

        Args:
            mini_batches: this process's, as many as every other has, frames float32 (B, T, C, H, W) in [0, 1]; gradients are
                averaged over those of all processes.
            generators: one for each, of all that is random in its losses.
            phases: names of those that take turns.
            progress: where schedules stand.
            lr_scale: share of the peak learning rates.

        Returns:
            terms for the log, means over this process's mini-batches.

        Raises:
            NotFinite: a loss or a gradient, in every process and before the optimiser takes a step.
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
            found, changes = self.accumulate_gradients(phase, batches, progress, generators)
            if not self.join_gradients(phase, parameters, found, changes):
                continue
            norm = nn.utils.clip_grad_norm_(parameters, self.recipe.clip)
            self.check_gradients(phase, found, norm)
            optimizer.step()
            logged = [{**losses.terms, f"{phase.name}_loss": losses.total} for losses in found]
            names = dict.fromkeys(name for one in logged for name in one)
            terms |= {name: mean_term(name, logged) for name in names} | {f"{phase.name}_grad_norm": norm}
        return terms

    def accumulate_gradients(
        self, phase: Phase, batches: list[Batch], progress: Progress, generators: Sequence[torch.Generator]
    ) -> tuple[list[Losses], list[Tensor]]:
        """Adds up a phase's gradients over this process's mini-batches, and the outputs of its losses to their extras.

        Every mini-batch finds the networks' buffers as they were before the first one, so that it does not matter which process
        computes it.

        Returns:
            the losses of those mini-batches that it can learn from, up to the first that is not finite where they are checked
            early; and the mean changes of the floating-point buffers, this process's share of them, none where the step has one
            mini-batch, which may change them as it likes.
        """
        found, count = [], len(batches) * self.processes.count
        before = self.copy_buffers() if count > 1 else []
        changes = [torch.zeros_like(x) for x in before if x.is_floating_point()]
        for index, (batch, generator) in enumerate(zip(batches, generators)):
            self.restore_buffers(before)
            with self.runtime.autocast():
                losses = phase.loss(self.networks, batch, progress, generator)
            if losses is not None:  # None: there is nothing to learn from this one
                found.append(losses)
                if self.checks_early and not losses.total.isfinite():
                    break
                batches[index] = batch.with_extras(losses.outputs)
                (losses.total / count).backward()
            for change, now, then in zip(changes, *map(floating, (self.networks.buffers(), before))):
                change += (now - then) / count
        for buffer, then in zip(*map(floating, (self.networks.buffers(), before))):
            buffer.copy_(then)
        return found, changes

    def join_gradients(self, phase: Phase, parameters: list[nn.Parameter], found: list[Losses], changes: list[Tensor]) -> bool:
        """Adds up, over all processes, the gradients of a phase and the changes of buffers, which are then made.

        A parameter without a gradient in any process has none afterwards.

        Returns:
            whether any process found something to learn.

        Raises:
            NotFinite: a loss of any process is known not to be finite.
        """
        bad = [x for x in found if not x.total.isfinite()] if self.checks_early else []
        flags = [bool(bad), bool(found), *(p.grad is not None for p in parameters)]
        not_finite, learns, *used = self.processes.any_of(flags)
        if not_finite:
            raise self.loss_error(phase, bad[0] if bad else None)
        for p, wanted in zip(parameters, used):
            if wanted and p.grad is None:  # another process has a use for it
                p.grad = torch.zeros_like(p)
        self.processes.add_up([*(p.grad for p in parameters if p.grad is not None), *changes])
        for buffer, change in zip(floating(self.networks.buffers()), changes):
            buffer += change
        return learns

    def check_gradients(self, phase: Phase, found: list[Losses], norm: Tensor) -> None:
        """Raises NotFinite in every process if the gradient norm, or a loss that was not checked before, is not finite.

        All are read at once, since every read makes the CPU wait for the GPU.
        """
        totals = [] if self.checks_early else [losses.total.detach().float() for losses in found]
        fine = bool(torch.stack([norm.float(), *totals]).isfinite().all())
        if self.checks_early and fine or not self.processes.any_of([not fine])[0]:
            return
        bad = [losses for losses in found if not losses.total.isfinite()]
        if bad or norm.isfinite():
            raise self.loss_error(phase, bad[0] if bad else None)
        raise self.not_finite_error(f"the gradient norm of phase {phase.name}", norm)

    def loss_error(self, phase: Phase, losses: Losses | None) -> NotFinite:
        """The error for a loss that is not finite; None: that of another process."""
        if losses is None:
            return self.not_finite_error(f"a loss of phase {phase.name} in another process")
        bad = {name: x for name, x in losses.terms.items() if not x.isfinite()}
        name, value = next(iter(bad.items()), ("total", losses.total))
        return self.not_finite_error(f"term {name} of the loss of phase {phase.name}", value)

    @torch.no_grad()
    def copy_buffers(self) -> list[Tensor]:
        """Copies of what the networks count and average while they compute, such as the statistics of batch normalisation."""
        return [buffer.clone() for buffer in self.networks.buffers()]

    @torch.no_grad()
    def restore_buffers(self, copies: Iterable[Tensor]) -> None:
        """Puts back what `copy_buffers` returned: a step that is skipped must leave no trace."""
        for buffer, copied in zip(self.networks.buffers(), copies):
            buffer.copy_(copied)

    @torch.no_grad()
    def follow(self, phases: Iterable[str], steps: int) -> None:
        """Updates the exponential moving averages of the networks of these phases; `steps` updates were made before."""
        decay = min(self.recipe.ema, (1 + steps) / (10 + steps))
        trained = {name for phase in phases for name in self.phases[phase].trains} & set(self.average)
        for name in sorted(trained):
            current = self.networks[name].state_dict()
            means = self.average[name].state_dict()
            moving = [key for key, mean in means.items() if mean.is_floating_point()]
            torch._foreach_lerp_([means[key] for key in moving], [current[key] for key in moving], 1 - decay)
            for key in means.keys() - set(moving):  # counters
                means[key].copy_(current[key])
