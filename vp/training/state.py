"""The tensors of a training run as one flat dict, and back; `state_folder` keeps them on disk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer


def pack(networks: nn.Module, average: nn.Module, optimizers: Mapping[str, Optimizer]) -> dict[str, Tensor]:
    """All tensors of a run (networks, averages, optimiser moments) in one flat dict, copied to the CPU."""
    tensors = {f"networks.{k}": v for k, v in networks.state_dict().items()}
    tensors |= {f"average.{k}": v for k, v in average.state_dict().items()}
    for phase, optimizer in optimizers.items():
        for index, moments in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{phase}.{index}.{k}": torch.as_tensor(v) for k, v in moments.items()}
    return {name: x.detach().cpu().contiguous().clone() for name, x in tensors.items()}


def unpack(tensors: Mapping[str, Tensor], networks: nn.Module, average: nn.Module, optimizers: Mapping[str, Optimizer]) -> None:
    """Loads what `pack` returned into the networks, their average and the optimisers, in place."""
    for name, module in (("networks", networks), ("average", average)):
        module.load_state_dict({k.split(".", 1)[1]: v for k, v in tensors.items() if k.startswith(f"{name}.")})
    for phase, optimizer in optimizers.items():
        prefix = f"optimizer.{phase}."
        moments: dict[int, dict[str, Tensor]] = {}
        for name, x in tensors.items():
            if name.startswith(prefix):
                index, key = name[len(prefix) :].split(".")
                moments.setdefault(int(index), {})[key] = x
        load_moments(optimizer, {"state": moments, "param_groups": optimizer.state_dict()["param_groups"]})


def load_moments(optimizer: Optimizer, state: dict[str, Any]) -> None:
    """As `optimizer.load_state_dict`, with moments laid out in memory like their weights.

    Files hold contiguous tensors, and weights may be channels_last: the fused AdamW goes through memory in order and would pair
    the wrong elements.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    laid_out = {
        index: {key: with_strides_of(parameters[index], x) for key, x in moments.items()}
        for index, moments in state["state"].items()
    }
    optimizer.load_state_dict({**state, "state": laid_out})


def with_strides_of(parameter: Tensor, moment: Tensor) -> Tensor:
    """The moment with the strides of its parameter; tensors of another shape (step counters) unchanged."""
    return torch.empty_like(parameter).copy_(moment) if moment.shape == parameter.shape else moment
