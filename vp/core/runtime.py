"""Device, precision and layout in which networks compute, and CUDA graphs of their calls."""

from __future__ import annotations

import os
import platform
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import nn

from .capture import MAX_BYTES, Recorder, Recordings, record_cuda_graph
from .cpu_fast import bf16_is_fast
from .packed_conv import pack_convolutions

Networks = TypeVar("Networks", bound=nn.Module)
DEVICES = ("auto", "cpu", "cuda")
GRAPH_SHARE = 4  # the recordings of a predictor may hold one part in so many of a GPU's memory


@dataclass(frozen=True)
class Runtime:
    """Where and how precisely to compute.

    Args:
        device: the torch device.
        bf16: run matrix products and convolutions in bfloat16 under autocast.
        channels_last: keep the weights of 2D layers in channels_last order.
        packed: on a CPU, pack the weights of 2D convolutions once for sampling (`packed_conv`).
        recorder: records a call for replay, such as `record_cuda_graph`; None: calls are not recorded.
        graph_bytes: device memory that the recordings of one predictor may hold.
    """

    device: torch.device
    bf16: bool
    channels_last: bool = True
    packed: bool = True
    recorder: Recorder | None = None
    graph_bytes: int = MAX_BYTES

    @staticmethod
    def pick(device: str = "auto", precision: str = "auto") -> Runtime:
        """The runtime for `device` (auto, cpu, cuda) and `precision` (auto, fp32, bf16).

        Raises:
            ValueError: the device or precision is unknown, or there is no CUDA GPU.
        """
        if device not in DEVICES:
            raise ValueError(f"device is {device!r}; give one of {', '.join(DEVICES)}")
        if device == "cuda" and not torch.cuda.is_available():
            raise ValueError("device is 'cuda', but torch finds no CUDA GPU here; use --device cpu or auto")
        if precision not in ("auto", "fp32", "bf16"):
            raise ValueError(f"precision is {precision!r}; give auto, fp32 or bf16")
        chosen = torch.device("cuda" if device != "cpu" and torch.cuda.is_available() else "cpu")
        bf16 = bf16_is_fast(chosen) if precision == "auto" else precision == "bf16"
        if chosen.type == "cpu":
            return Runtime(chosen, bf16)
        memory = torch.cuda.get_device_properties(chosen).total_memory
        # on ZeroGPU every call runs in a new process, which no recording outlives
        recorder = None if os.environ.get("SPACES_ZERO_GPU") else record_cuda_graph
        return Runtime(chosen, bf16, recorder=recorder, graph_bytes=memory // GRAPH_SHARE)

    def autocast(self) -> AbstractContextManager:
        """Context manager: bfloat16 autocast on the device, where `bf16` is set."""
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.bf16)

    def place(self, networks: Networks) -> Networks:
        """Moves the networks to the device, with weights in channels_last order where that is set; returns them."""
        networks = networks.to(self.device)
        if self.channels_last:
            for layer in networks.modules():
                if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):  # other layers have no such order
                    layer.to(memory_format=torch.channels_last)
        return networks

    def lowered(self, networks: Networks) -> Networks:
        """Prepares networks for sampling only, in place: convolution weights are converted to bf16 and packed once, where set,
        not at every call. Returns the networks."""
        for layer in networks.modules():
            if self.bf16 and isinstance(layer, (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d, nn.ConvTranspose3d)):
                layer.to(torch.bfloat16)
        return pack_convolutions(networks) if self.packed and self.device.type == "cpu" else networks

    def recordings(self) -> Recordings:
        """Those of a new predictor, which record nothing where there is no recorder."""
        return Recordings(self.recorder, self.graph_bytes)

    def describe(self) -> str:
        """One line for logs: device name, threads, precision and torch version."""
        name = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else cpu_name()
        return f"{name}, {torch.get_num_threads()} threads, {'bf16' if self.bf16 else 'fp32'}, torch {torch.__version__}"


def cpu_name() -> str:
    """Model name of the processor from /proc/cpuinfo, or what `platform` reports."""
    try:
        with open("/proc/cpuinfo") as file:
            lines = [line for line in file if line.startswith("model name")]
        return lines[0].split(":", 1)[1].strip()
    except (OSError, IndexError):
        return platform.processor() or platform.machine()


def thread_count() -> int:
    """Number of CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
