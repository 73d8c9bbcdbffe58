"""The Triton kernels of `fused`; importing this module imports triton.

All compute in float32. Maps (N, C, H, W) are dense, in channels_last order where CHANNELS_LAST is set. Offsets of samples are
int64, offsets within one sample int32. A bias may be None.
"""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def group_norm_kernel(
    x, bias, weight, shift, y, pixels, channels, eps, slope,
    CHANNELS_LAST: tl.constexpr, GROUPS: tl.constexpr, WIDTH: tl.constexpr,
    PIXELS: tl.constexpr, LANES: tl.constexpr,
):  # fmt: skip
    """y = leaky_relu(group_norm(x + bias) * weight + shift), one program for each sample and group.

    WIDTH channels make a group, in LANES lanes; PIXELS pixels are worked on at a time. Mean and squared deviations are updated
    in every lane (Welford 1962) and put together at the end (Chan et al. 1983), which does not cancel as E[x^2] - E[x]^2 does.
    """
    n, g = tl.program_id(0) // GROUPS, tl.program_id(0) % GROUPS
    lane = tl.arange(0, LANES)
    inside, channel = lane < WIDTH, g * WIDTH + lane
    start = n.to(tl.int64) * channels * pixels
    added = tl.zeros((LANES,), tl.float32)
    if bias is not None:
        added = tl.load(bias + channel, mask=inside, other=0.0).to(tl.float32)
    mean = tl.zeros((PIXELS, LANES), tl.float32)
    squares = tl.zeros((PIXELS, LANES), tl.float32)
    count = tl.zeros((PIXELS, LANES), tl.float32)
    for first in range(0, pixels, PIXELS):
        p = first + tl.arange(0, PIXELS)
        valid = (p < pixels)[:, None] & inside[None, :]
        at = p[:, None] * channels + channel[None, :] if CHANNELS_LAST else channel[None, :] * pixels + p[:, None]
        value = tl.load(x + start + at, mask=valid, other=0.0).to(tl.float32) + added[None, :]
        away = tl.where(valid, value - mean, 0.0)
        count += tl.where(valid, 1.0, 0.0)
        mean += away * (1.0 / (first // PIXELS + 1))  # a lane's pixels come without gaps: that is its count where it is valid
        squares += tl.where(valid, away * (value - mean), 0.0)
    total = pixels * WIDTH
    centre = tl.sum(tl.sum(mean * count, 1), 0) / total
    apart = mean - centre
    variance = tl.sum(tl.sum(squares + count * apart * apart, 1), 0) / total
    scale = tl.load(weight + channel, mask=inside, other=0.0).to(tl.float32) * tl.rsqrt(variance + eps)
    moved = tl.load(shift + channel, mask=inside, other=0.0).to(tl.float32)
    for first in range(0, pixels, PIXELS):
        p = first + tl.arange(0, PIXELS)
        valid = (p < pixels)[:, None] & inside[None, :]
        at = p[:, None] * channels + channel[None, :] if CHANNELS_LAST else channel[None, :] * pixels + p[:, None]
        value = tl.load(x + start + at, mask=valid, other=0.0).to(tl.float32) + added[None, :]
        value = (value - centre) * scale[None, :] + moved[None, :]
        tl.store(y + start + at, tl.where(value > 0, value, value * slope).to(y.dtype.element_ty), mask=valid)


@triton.jit
def tanh(x):
    return 2 * tl.sigmoid(2 * x) - 1


@triton.jit
def place(hidden, pixels, blocks, CHANNELS_LAST: tl.constexpr, BLOCK: tl.constexpr):
    """What a program of a recurrent cell works on: the sample, places in its state (hidden, H, W), which of them exist, and
    their channels and pixels."""
    n, block = tl.program_id(0) // blocks, tl.program_id(0) % blocks
    at = block * BLOCK + tl.arange(0, BLOCK)
    if CHANNELS_LAST:
        return n.to(tl.int64), at, at < hidden * pixels, at % hidden, at // hidden
    return n.to(tl.int64), at, at < hidden * pixels, at // pixels, at % pixels


@triton.jit
def load_gate(maps, bias, index, n, c, p, valid, hidden, pixels, CHANNELS_LAST: tl.constexpr, GATES: tl.constexpr):
    """Map `index` of GATES stacked ones, each of `hidden` channels, in float32, with its bias added."""
    channel = index * hidden + c
    at = p * (GATES * hidden) + channel if CHANNELS_LAST else channel * pixels + p
    value = tl.load(maps + n * (GATES * hidden * pixels) + at, mask=valid, other=0.0).to(tl.float32)
    if bias is not None:
        value += tl.load(bias + channel, mask=valid, other=0.0).to(tl.float32)
    return value


@triton.jit
def lstm_kernel(
    gates, bias, cell, next_hidden, next_cell, hidden, pixels, blocks,
    CHANNELS_LAST: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """The next state of an LSTM from its gates, stacked as input, forget, output and candidate."""
    n, at, valid, c, p = place(hidden, pixels, blocks, CHANNELS_LAST, BLOCK)
    i = tl.sigmoid(load_gate(gates, bias, 0, n, c, p, valid, hidden, pixels, CHANNELS_LAST, 4))
    f = tl.sigmoid(load_gate(gates, bias, 1, n, c, p, valid, hidden, pixels, CHANNELS_LAST, 4))
    o = tl.sigmoid(load_gate(gates, bias, 2, n, c, p, valid, hidden, pixels, CHANNELS_LAST, 4))
    new = tanh(load_gate(gates, bias, 3, n, c, p, valid, hidden, pixels, CHANNELS_LAST, 4))
    sample = n * (hidden * pixels)
    now = f * tl.load(cell + sample + at, mask=valid, other=0.0).to(tl.float32) + i * new
    tl.store(next_cell + sample + at, now.to(next_cell.dtype.element_ty), mask=valid)
    tl.store(next_hidden + sample + at, (o * tanh(now)).to(next_hidden.dtype.element_ty), mask=valid)


@triton.jit
def gru_reset_kernel(
    gates, bias, state, out, hidden, pixels, blocks,
    CHANNELS_LAST: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """A GRU's state times its reset gate; gates are stacked as update and reset."""
    n, at, valid, c, p = place(hidden, pixels, blocks, CHANNELS_LAST, BLOCK)
    reset = tl.sigmoid(load_gate(gates, bias, 1, n, c, p, valid, hidden, pixels, CHANNELS_LAST, 2))
    sample = n * (hidden * pixels)
    kept = reset * tl.load(state + sample + at, mask=valid, other=0.0).to(tl.float32)
    tl.store(out + sample + at, kept.to(out.dtype.element_ty), mask=valid)


@triton.jit
def gru_update_kernel(
    gates, bias, candidate, candidate_bias, state, out, hidden, pixels, blocks,
    CHANNELS_LAST: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """A GRU's next state, between the one before and the tanh of the candidate."""
    n, at, valid, c, p = place(hidden, pixels, blocks, CHANNELS_LAST, BLOCK)
    update = tl.sigmoid(load_gate(gates, bias, 0, n, c, p, valid, hidden, pixels, CHANNELS_LAST, 2))
    new = tanh(load_gate(candidate, candidate_bias, 0, n, c, p, valid, hidden, pixels, CHANNELS_LAST, 1))
    sample = n * (hidden * pixels)
    old = tl.load(state + sample + at, mask=valid, other=0.0).to(tl.float32)
    tl.store(out + sample + at, (old + update * (new - old)).to(out.dtype.element_ty), mask=valid)
