"""Optimisations that can be switched off one by one, to measure what each gives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

from torch import nn

from ..core.cpu_fast import keep_big_buffers
from ..core.runtime import Runtime

ABOUT = {
    "allocator": "freed memory is kept for the next tensor",
    "bf16": "convolutions in bfloat16, where the processor has it",
    "channels_last": "weights and maps in channels_last order",
    "packed": "weights of convolutions laid out beforehand",
    "float_norm": "group normalisation in float32 where that is quicker",
    "shared_context": "known frames worked through once for all futures",
    "fused": "on a GPU, group normalisation with what is around it, and the gates of a recurrent cell, in one kernel each",
    "graphs": "on a GPU, a whole prediction as one CUDA graph",
}


@dataclass(frozen=True)
class Switches:
    """All on: what users get. All off: float32, PyTorch's defaults, and the context encoded once for every future."""

    allocator: bool = True
    bf16: bool = True
    channels_last: bool = True
    packed: bool = True
    float_norm: bool = True
    shared_context: bool = True
    fused: bool = True
    graphs: bool = True

    @classmethod
    def rows(cls, runtime: Runtime, names: tuple[str, ...] | None = None) -> Iterator[tuple[str, Switches]]:
        """Yields (label, switches): 'plain' without `names`, 'all', and each of `names` off where that changes anything."""
        names = tuple(field.name for field in fields(cls)) if names is None else names
        cuda = runtime.device.type == "cuda"
        idle = {**dict.fromkeys(("allocator", "packed", "float_norm"), cuda), **dict.fromkeys(("fused", "graphs"), not cuda)}
        idle["bf16"] = not runtime.bf16
        off = dict.fromkeys(names, False)
        yield "plain", cls(**off)
        yield "all", cls()
        for name in names:
            if not idle.get(name):
                yield f"without {name}", replace(cls(), **{name: False})

    def make_runtime(self, device: str, precision: str) -> Runtime:
        """The runtime with these switches; it also sets the allocator, once a process."""
        if self.allocator:
            keep_big_buffers()
        chosen = Runtime.pick(device, precision)
        recorder = chosen.recorder if self.graphs else None
        bf16 = chosen.bf16 and self.bf16
        return replace(chosen, bf16=bf16, channels_last=self.channels_last, packed=self.packed, recorder=recorder)

    def apply_to(self, networks: nn.Module) -> nn.Module:
        """The networks, changed in place: layers without what `float_norm` and `fused` switch off."""
        for layer in networks.modules():
            if not self.float_norm and hasattr(layer, "quick"):
                layer.quick = False
            if not self.fused and hasattr(layer, "fused"):
                layer.fused = False
        return networks
