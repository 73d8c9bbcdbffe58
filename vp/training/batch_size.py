"""The largest batch whose step fits into a GPU's memory, and the learning rate that goes with it."""

from __future__ import annotations

import gc
import math
import sys
from typing import Protocol as Interface

import torch

from ..core.family import Progress
from .trainer import Trainer

AUTO = "auto"  # what `Settings.batch` says where the batch is to be found
MEMORY_SHARE = 0.9  # of a GPU's memory that a step may take; validation and fragments need the rest
ALONG = (0.0, 0.5, 1.0)  # shares of each stage that are tried: clips grow longer and losses join in along the way


class Memory(Interface):
    """A device's memory."""

    total: int  # bytes

    def peak(self) -> int:
        """The most bytes taken since the last `forget`."""

    def forget(self) -> None:
        """Gives back what is not in use, and counts anew."""


class GPUMemory:
    """The memory of a CUDA device that this process may have: its own, and what is free."""

    def __init__(self, device: torch.device):
        self.device = device
        self.total = torch.cuda.mem_get_info(device)[0] + torch.cuda.memory_reserved(device)

    def peak(self) -> int:
        return torch.cuda.max_memory_reserved(self.device)  # what is allocated, and the gaps between

    def forget(self) -> None:
        gc.collect()
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(self.device)


def choose_batch(trainer: Trainer, memory: Memory | None) -> None:
    """Gives a new run the largest batch, a power of two times the recipe's, whose steps fit into memory; one line says so.

    The peak learning rate is multiplied by the square root of that power, unless `--lr` gave it: with adaptive steps, whose noise
    falls with the root of the batch, that keeps the same stochastic differential equation (Malladi et al. 2022, "On the SDEs and
    Scaling Rules for Adaptive Gradient Algorithms", NeurIPS). Its proof is for Adam and RMSprop; here it serves for Muon too,
    whose steps have a fixed size as well. Nothing that was tried remains in the run.

    Args:
        memory: of the device; None: the recipe's batch is taken, as on a CPU, whose memory bounds nothing so sharply.

    Raises:
        ValueError: there are several processes, or not even an odd number of clips fits.
    """
    if memory is None:
        return
    if trainer.processes.count > 1:
        raise ValueError("--batch auto tries steps in one process; give a number of clips where several train together")
    own = batch = trainer.recipe.batch
    with trainer.undone():
        while not fits(trainer, memory, batch):
            if batch % 2:
                raise ValueError(
                    f"a step of {batch} clips does not fit into the memory; add --recompute, or take a smaller recipe"
                )
            batch //= 2
        while batch >= own and fits(trainer, memory, 2 * batch):
            batch *= 2
    trainer.data.set_batch(batch)
    memory.forget()
    if trainer.settings.lr is None:
        trainer.lr *= math.sqrt(batch / own)
    print(f"{trainer.recipe.name}: {batch} clips a batch fit, the recipe has {own}; --lr {trainer.lr:.3g}", file=sys.stderr)


def fits(trainer: Trainer, memory: Memory, batch: int) -> bool:
    """Whether steps of this many clips, tried along all stages, stay below MEMORY_SHARE of the memory."""
    trainer.data.set_batch(batch)
    memory.forget()
    try:
        for stage, begun, width in zip(trainer.stages, trainer.stage_begins(), trainer.stage_shares()):
            for step, along in enumerate(ALONG):
                progress = Progress(share=begun + along * width, stage=along, phases=stage.phases)
                trainer.run_phases(stage, progress, step, lr_scale=0.0)
                if memory.peak() > MEMORY_SHARE * memory.total:
                    return False
    except torch.OutOfMemoryError:  # the error holds what was computed, until this function returns
        return False
    finally:
        for optimizer in trainer.optimizers.values():
            optimizer.zero_grad(set_to_none=True)
    return True
