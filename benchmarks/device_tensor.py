"""Tensors and generators that say that they are on a GPU, over others on the CPU: what `benchmarks.simulated_cuda` is made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

CPU, CUDA = torch.device("cpu"), torch.device("cuda:0")
RealGenerator = torch.Generator


class DeviceTensor(torch.Tensor):
    """A tensor on the simulated device: `held` is the CPU tensor with its data, of the same shape, strides and dtype."""

    held: Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, held: Tensor) -> DeviceTensor:
        return torch.Tensor._make_wrapper_subclass(
            cls, held.shape, strides=held.stride(), storage_offset=held.storage_offset(), dtype=held.dtype, device=CPU
        )

    def __init__(self, held: Tensor):
        self.held = held

    device = property(lambda self: CUDA)
    is_cuda = property(lambda self: True)
    is_cpu = property(lambda self: False)

    def __array__(self, *_: Any) -> None:
        raise TypeError(
            "can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host memory first."
        )

    def __repr__(self) -> str:
        return f"DeviceTensor({self.held!r})"

    def __deepcopy__(self, memo: dict[int, Any]) -> DeviceTensor:
        with torch.no_grad():
            copied = DeviceTensor(self.held.clone()).requires_grad_(self.requires_grad)
        if isinstance(self, torch.nn.Parameter):
            copied._is_param = True
        return memo.setdefault(id(self), copied)

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        raise RuntimeError(f"{func} of a tensor whose simulated device is switched off")


class SimulatedGenerator(RealGenerator):
    """A CPU generator that says it is on any device."""

    watcher: Any = None  # the `SimulatedCuda` that is switched on

    def __new__(cls, device: Any = "cpu") -> SimulatedGenerator:
        return super().__new__(cls, "cpu")

    def __init__(self, device: Any = "cpu"):
        self.claimed = CUDA if torch.device(device).type == "cuda" else torch.device(device)
        if self.watcher:
            self.watcher.note_random("torch.Generator")

    device = property(lambda self: self.claimed)


class Upload(torch.autograd.Function):
    """From the host to the device."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return DeviceTensor(x.clone())

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return held(gradient).clone()


class Download(torch.autograd.Function):
    """From the device to the host."""

    @staticmethod
    def forward(ctx: Any, x: DeviceTensor) -> Tensor:
        return x.held.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return DeviceTensor(gradient.clone())


def held(x: Any) -> Any:
    """The CPU tensor of a DeviceTensor; anything else as it is."""
    return x.held if isinstance(x, DeviceTensor) else x


def on_device(x: Any) -> Any:
    """CPU tensors as DeviceTensors over the same memory; anything else as it is."""
    return DeviceTensor(x) if isinstance(x, Tensor) and not isinstance(x, DeviceTensor) else x


def list_leaves(tree: Any) -> list[Tensor]:
    """The tensors of nested lists and tuples."""
    if isinstance(tree, (list, tuple)):
        return [x for part in tree for x in list_leaves(part)]
    return [tree] if isinstance(tree, Tensor) else []


def change_leaves(change: Callable[[Any], Any], tree: Any) -> Any:
    """Nested lists and tuples with their leaves changed."""
    if isinstance(tree, (list, tuple)):
        return type(tree)(change_leaves(change, part) for part in tree)
    return change(tree)


def is_cuda(device: Any) -> bool:
    return device is not None and torch.device(device).type == "cuda"
