"""The processes that compute together, as torchrun starts them, one for each device; one alone without it.

torchrun says by RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE, MASTER_ADDR and MASTER_PORT which process this is, of how many,
and where they meet. Decisions and results go over gloo between the CPUs, so that they never wait for a GPU; gradients go where
they are, over NCCL between GPUs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

Result = TypeVar("Result")
PATIENCE = timedelta(hours=2)  # the others wait so long while the first one makes data ready, validates or saves


class OtherProcessEnded(ValueError):
    """Another process of the same run has ended, or cannot be reached any more."""


def is_first_process() -> bool:
    """Whether this is the process that says, validates, logs and writes."""
    return int(os.environ.get("RANK", 0)) == 0


def local_index() -> int:
    """The number of this process among those of its machine, which is that of its GPU."""
    return int(os.environ.get("LOCAL_RANK", 0))


def local_count() -> int:
    """How many processes of this run the machine has."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", 1))


@dataclass(frozen=True)
class Processes:
    """This process among all that compute together; every one must call the same methods in the same order.

    Args:
        index: of this process; the first one is 0.
        count: of all.

    Methods raise OtherProcessEnded where another process is gone.
    """

    index: int = 0
    count: int = 1

    def takes(self, number: int) -> bool:
        """Whether a piece of work is this process's; the pieces go round."""
        return number % self.count == self.index

    def any_of(self, flags: Sequence[bool]) -> list[bool]:
        """For each flag whether it is set in any process."""
        if self.count == 1:
            return list(flags)
        votes = torch.tensor(flags, dtype=torch.uint8)
        with others_needed():
            dist.all_reduce(votes, dist.ReduceOp.MAX)
        return votes.bool().tolist()

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Replaces each of these float tensors of one device by its sum over all processes, bit for bit the same in all."""
        if self.count == 1 or not tensors:
            return
        flat = torch.cat([x.flatten() for x in tensors])
        with others_needed():
            dist.all_reduce(flat)
        for x, summed in zip(tensors, flat.split([x.numel() for x in tensors])):
            x.copy_(summed.view_as(x))

    def gather(self, mine: Result) -> list[Result]:
        """What every process gives, in the order of their indices, in all of them; it is pickled on the way."""
        if self.count == 1:
            return [mine]
        gathered: list = [None] * self.count
        with others_needed():
            dist.all_gather_object(gathered, mine)
        return gathered

    @contextmanager
    def first_here_goes_first(self) -> Iterator[None]:
        """A context that the first process of each machine leaves before the others enter, to make files that all then read."""
        if local_index():
            self.gather(None)
        yield
        if not local_index():
            self.gather(None)


ALONE = Processes()


@contextmanager
def joined(device: torch.device) -> Iterator[Processes]:
    """The processes that torchrun started, for the time of the context; one alone without it.

    Raises:
        ValueError: a process on CUDA has no GPU of its own.
    """
    if int(os.environ.get("WORLD_SIZE", 1)) == 1:
        yield ALONE
        return
    on_gpu = device.type == "cuda"
    if on_gpu:
        if local_index() >= torch.cuda.device_count():
            here, there = local_count(), torch.cuda.device_count()
            raise ValueError(f"{here} processes need a GPU each and there are {there}; give torchrun --nproc-per-node {there}")
        torch.cuda.set_device(local_index())
    with others_needed():
        dist.init_process_group("cpu:gloo,cuda:nccl" if on_gpu else "gloo", timeout=PATIENCE)
    try:
        yield Processes(dist.get_rank(), dist.get_world_size())
    finally:
        dist.destroy_process_group()  # others that wait for this process hear of it


@contextmanager
def others_needed() -> Iterator[None]:
    """Says in a sentence that other processes cannot be reached, as when one of them has failed."""
    try:
        yield
    except RuntimeError as error:
        said = " ".join(str(error).split())[:200]
        raise OtherProcessEnded(
            f"another process of this run has ended or cannot be reached, see what it said ({said})"
        ) from error
