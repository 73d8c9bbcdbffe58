"""Normalisation and recurrent gates in one CUDA kernel each, for sampling.

At the sizes of these networks a GPU waits for launches, and plain PyTorch needs one for every step: a convolution's bias,
conversions of dtype and memory order, moments, scaling, activation; sigmoids, products and sums of a recurrent cell. The Triton
kernels in `fused_kernels` compute in float32 whatever the dtype of the maps, choose nothing at run time and never wait for the
GPU, so they can be captured in a CUDA graph after one call, which compiles them. They have no gradients: `can_fuse` says where
they apply. If Triton does not work on the machine, that is warned of once and PyTorch computes from then on.
"""

from __future__ import annotations

import os
import warnings
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

DTYPES = (torch.float32, torch.bfloat16, torch.float16)
# One program works through a whole group. Larger ones than this keep it busy for longer than the launches saved (an estimate).
LARGEST_GROUP = 2**16
TILE, BLOCK = 2048, 512  # elements at a time of a group, elements of a recurrent state a program
WARPS = 4

_failed = False  # whether a kernel could not be run in this process


def can_fuse(x: Tensor) -> bool:
    """Whether kernels work on this tensor here: on a CUDA device (or in Triton's interpreter), without gradients."""
    if torch.is_grad_enabled() or _failed or x.dtype not in DTYPES:
        return False
    return x.is_cuda or (x.device.type == "cpu" and os.environ.get("TRITON_INTERPRET") == "1")


def split_bias(conv: nn.Module, x: Tensor) -> tuple[Tensor, Tensor | None]:
    """A convolution without its bias, and the bias for a kernel to add; the whole convolution and None if it can't be split."""
    if type(conv) is not nn.Conv2d or conv.padding_mode != "zeros":
        return conv(x), None
    return F.conv2d(x, conv.weight, None, conv.stride, conv.padding, conv.dilation, conv.groups), conv.bias


def group_norm(
    x: Tensor, groups: int, weight: Tensor, shift: Tensor, eps: float, leak: float | None = None, bias: Tensor | None = None
) -> Tensor | None:
    """Group normalisation of x + bias, then a leaky ReLU.

    Args:
        x: (N, C, ...), a tensor that `can_fuse` accepts.
        groups: number of groups, a divisor of C.
        weight, shift: (C,), factor and summand of each channel after normalisation.
        eps: added to the variance.
        leak: slope of the leaky ReLU, None for none.
        bias: (C,), added to x, or None.

    Returns:
        A tensor of the shape, dtype and memory order of x (contiguous if x is not dense), or None where groups are too large for
        a kernel to pay, or kernels do not work.
    """
    channels, pixels = x.shape[1], x.shape[2:].numel()
    width = channels // groups
    if width * pixels > LARGEST_GROUP:
        return None
    x, channels_last = dense(x)
    out = torch.empty_like(x)
    lanes = next_power_of_2(width)
    sizes = {"GROUPS": groups, "WIDTH": width, "LANES": lanes, "PIXELS": min(max(TILE // lanes, 1), next_power_of_2(pixels))}
    arguments = x, bias, weight, shift, out, pixels, channels, eps, 1.0 if leak is None else leak
    constants = {"CHANNELS_LAST": channels_last, **sizes}
    return out if launch("group_norm_kernel", len(x) * groups, x, arguments, constants) else None


def lstm_step(gates: Tensor, bias: Tensor | None, cell: Tensor) -> tuple[Tensor, Tensor] | None:
    """The next (h, c) of a convolutional LSTM.

    Args:
        gates: (B, 4 * hidden, H, W): input, forget and output gate before the sigmoid, candidate before tanh.
        bias: (4 * hidden,), added to the gates, or None.
        cell: (B, hidden, H, W), c.

    Returns:
        (h, c), each (B, hidden, H, W), or None where kernels do not work. h has the dtype of the gates, c keeps at least its own.
    """
    gates, channels_last = dense(gates)
    cell = in_order(cell, channels_last)
    dtypes = gates.dtype, torch.promote_types(gates.dtype, cell.dtype)
    out = torch.empty_like(cell, dtype=dtypes[0]), torch.empty_like(cell, dtype=dtypes[1])
    return out if launch_cell("lstm_kernel", cell, (gates, bias, cell, *out), channels_last) else None


def gru_reset(gates: Tensor, bias: Tensor | None, state: Tensor, dtype: torch.dtype) -> Tensor | None:
    """The state of a convolutional GRU times its reset gate.

    Args:
        gates: (B, 2 * hidden, H, W): update and reset gate before the sigmoid.
        bias: (2 * hidden,), added to the gates, or None.
        state: (B, hidden, H, W).
        dtype: of the result.

    Returns:
        (B, hidden, H, W), or None where kernels do not work.
    """
    gates, channels_last = dense(gates)
    state = in_order(state, channels_last)
    out = torch.empty_like(state, dtype=dtype)
    return out if launch_cell("gru_reset_kernel", state, (gates, bias, state, out), channels_last) else None


def gru_update(
    gates: Tensor, bias: Tensor | None, candidate: Tensor, candidate_bias: Tensor | None, state: Tensor
) -> Tensor | None:
    """The next state of a convolutional GRU.

    Args:
        gates, bias, state: as for `gru_reset`.
        candidate: (B, hidden, H, W), before tanh.
        candidate_bias: (hidden,), added to it, or None.

    Returns:
        (B, hidden, H, W) with the state's dtype, or None where kernels do not work.
    """
    gates, channels_last = dense(gates)
    candidate, state = in_order(candidate, channels_last), in_order(state, channels_last)
    out = torch.empty_like(state)
    arguments = gates, bias, candidate, candidate_bias, state, out
    return out if launch_cell("gru_update_kernel", state, arguments, channels_last) else None


def dense(x: Tensor) -> tuple[Tensor, bool]:
    """The tensor (N, C, ...), copied if it is in neither of the two memory orders, and whether it is in channels_last order."""
    if x.is_contiguous():
        return x, False
    order = {4: torch.channels_last, 5: torch.channels_last_3d}.get(x.dim())
    if order is not None and x.is_contiguous(memory_format=order):
        return x, True
    return x.contiguous(), False


def in_order(x: Tensor, channels_last: bool) -> Tensor:
    """The map (N, C, H, W) in the given memory order, copied if it is in another."""
    return x.contiguous(memory_format=torch.channels_last if channels_last else torch.contiguous_format)


def next_power_of_2(count: int) -> int:
    """The smallest power of two that is at least `count`."""
    return 1 << max(count - 1, 0).bit_length()


def launch_cell(name: str, state: Tensor, arguments: tuple[Any, ...], channels_last: bool) -> bool:
    """Launches a kernel of a recurrent cell with a state (B, hidden, H, W), see `launch`."""
    hidden, pixels = state.shape[1], state.shape[2:].numel()
    blocks = -(-hidden * pixels // BLOCK)
    constants = {"CHANNELS_LAST": channels_last, "BLOCK": BLOCK}
    return launch(name, len(state) * blocks, state, (*arguments, hidden, pixels, blocks), constants)


def launch(name: str, programs: int, like: Tensor, arguments: tuple[Any, ...], constants: dict[str, Any]) -> bool:
    """Runs a kernel of `fused_kernels` on the current stream of the device of `like`, unless that is empty.

    Returns:
        False, after one warning in the life of the process, if Triton is missing or cannot compile or run it.
    """
    global _failed
    if not like.numel():
        return True
    try:
        from . import fused_kernels

        with torch.cuda.device_of(like):
            getattr(fused_kernels, name)[(programs,)](*arguments, **constants, num_warps=WARPS)
    except Exception as error:  # whatever a compiler, an assembler or a driver may raise
        _failed = True
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        warnings.warn(f"Triton does not work here ({reason}); computing with more launches", stacklevel=2)
    return not _failed
