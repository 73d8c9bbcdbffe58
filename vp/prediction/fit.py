"""Compares the networks that a config describes with the tensors in a file, before memory is taken for either."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from ..core.family import Family
from .header import Stored, printable

CALLS_A_TENSOR = 50  # of torch functions, to make a network; ours take at most 10
WHOLE = {torch.int64: "I64", torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL"}
FLOATS = ("F16", "BF16", "F32", "F64")  # a checkpoint may hold floating-point weights as any of these


class CallLimit(TorchFunctionMode):
    """Raises ValueError at the call of a torch function that comes after `most` others: a config may ask for layers without
    end."""

    def __init__(self, most: int):
        super().__init__()
        self.left = most

    def __torch_function__(self, function: Callable, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.left -= 1
        if self.left < 0:
            raise ValueError("its config describes far more layers than it has weights for")
        return function(*args, **(kwargs or {}))


def expected_tensors(family: Family, config: Any, count: int) -> dict[str, Tensor]:
    """Name -> tensor on the meta device, which has a shape and a type but no memory, of the networks of a config.

    Args:
        count: number of tensors in the file; making the networks stops where they become far more than that.
    """
    with CallLimit(1000 + CALLS_A_TENSOR * count), torch.device("meta"):
        return family.networks(config).state_dict()


def check_fit(family: Family, config: Any, tensors: Mapping[str, Stored]) -> None:
    """Checks that a file holds exactly the tensors of a config's networks.

    Raises:
        ValueError: a tensor is missing, has another shape or type, or is one too many, in words that name it.
    """
    expected = expected_tensors(family, config, len(tensors))
    for name, x in expected.items():
        if name not in tensors:
            raise ValueError(f"{name} is missing")
        found = tensors[name]
        if found.shape != tuple(x.shape):
            raise ValueError(f"{name} has shape {found.shape}, and its config gives {tuple(x.shape)}")
        if found.dtype not in (FLOATS if x.is_floating_point() else (WHOLE.get(x.dtype),)):
            raise ValueError(f"{name} is of type {found.dtype}")
    for name in tensors.keys() - expected.keys():
        raise ValueError(f"{printable(name[:100])} is none of its networks' weights")
