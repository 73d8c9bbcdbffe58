"""Compares the networks that a config describes with the tensors in a file, before memory is taken for either."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from ..core.family import Family
from .header import Stored, printable

MAKERS = {torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn, torch.tensor}
TIMES = 4  # so many tensors may be made for each one that is kept; ours make one
WHOLE = {torch.int64: "I64", torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL"}
FLOATS = ("F16", "BF16", "F32", "F64")  # a checkpoint may hold floating-point weights as any of these


class TensorLimit(TorchFunctionMode):
    """Raises ValueError where more than `most` tensors are made: a config may ask for layers without end."""

    def __init__(self, most: int):
        super().__init__()
        self.left = most

    def __torch_function__(self, function: Callable, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.left -= function in MAKERS
        if function in MAKERS and self.left < 0:  # never in others, some of which restore what `no_grad` changed
            raise ValueError("its config describes far more layers than it has weights for")
        if getattr(function, "__module__", "") == "torch.nn.init":  # there are no values to draw
            return kwargs["tensor"] if kwargs and "tensor" in kwargs else args[0]
        return function(*args, **(kwargs or {}))


def expected_tensors(family: Family, config: Any, count: int) -> dict[str, Tensor]:
    """Name -> tensor on the meta device, which has a shape and a type but no memory, of the networks of a config.

    Args:
        count: number of tensors in the file; making the networks stops where they become far more than that.
    """
    with warnings.catch_warnings(), TensorLimit(100 + TIMES * count), torch.device("meta"):
        warnings.simplefilter("ignore", UserWarning)  # that a layer has no weights; comparing says so
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
