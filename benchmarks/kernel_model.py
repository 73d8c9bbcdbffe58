"""A rough model of how many kernels an operation of torch launches on an NVIDIA GPU.

Every operation is one kernel, but: views and new tensors without values are none; those in KERNELS are as many as given, from
torch's CUDA sources; a convolution with a bias is two (cuDNN adds it apart); `im2col` and `col2im` are one a row of the batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import torch

KERNELS = {
    "native_group_norm": 3,  # moments, their scales by channel, the map itself
    "native_group_norm_backward": 4,
    "native_layer_norm_backward": 2,
    "convolution_backward": 3,  # of the input, the weight, the bias
    "constant_pad_nd": 2,
    "nonzero": 3,
    "index_put_": 1,
    "sort": 2,
    "median": 2,
    "cumsum": 1,
    "multinomial": 5,
    "_linalg_solve_ex": 3,
    "grid_sampler_2d_backward": 2,
    "_local_scalar_dense": 0,
}
NEW = ("empty", "new_empty", "_unsafe_view", "lift_fresh")  # starts of names


@dataclass(frozen=True)
class Kind:
    """What an operation is: name without namespace and overload; made of other operations; draws random numbers; returns a view;
    writes to an argument."""

    name: str
    composed: bool
    random: bool
    view: bool
    mutable: bool


@cache
def operation_kind(func: Any) -> Kind:
    """The kind of a `torch._ops.OpOverload`."""
    schema = func._schema
    composed = torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), "CompositeImplicitAutograd")
    shared = [r.alias_info is not None and not r.alias_info.is_write for r in schema.returns]
    attention = "scaled_dot_product" in func.name()  # which draws only for dropout, and nothing here drops out
    random = torch.Tag.nondeterministic_seeded in func.tags and not attention
    return Kind(schema.name.partition("::")[2], composed, random, bool(shared) and all(shared), schema.is_mutable)


def count_kernels(kind: Kind, args: tuple[Any, ...]) -> int:
    """Kernels of one operation with these arguments."""
    name = kind.name
    if kind.view or name.startswith(NEW):
        return 0
    if name == "convolution":
        return 1 + (args[2] is not None)
    if name in ("im2col", "col2im"):
        return len(args[0])
    if name == "index":
        return 1 + 3 * sum(x is not None and x.dtype == torch.bool for x in args[1])
    return KERNELS.get(name, 1)
