"""Random choices, made on the CPU, and the clips that a device makes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol as Interface

import torch
from torch import Tensor

from ..core.host_memory import to_device
from ..core.video import Batch


@dataclass(frozen=True)
class Drawn:
    """What a mini-batch was drawn to be; `Feed.build` makes its clips.

    Args:
        tensors: name -> tensor.
        counts: numbers that shapes depend on, which must not be read back from a device.
        plain: the clips will have neither actions nor extras of more than one number a clip.
    """

    tensors: Mapping[str, Tensor]
    counts: tuple[int, ...] = ()
    plain: bool = False

    def pinned(self) -> Drawn:
        """The same in page-locked memory."""
        return replace(self, tensors={name: x.pin_memory() for name, x in self.tensors.items()})

    def to(self, device: torch.device) -> Drawn:
        """The same on `device`."""
        return replace(self, tensors={name: to_device(x, device) for name, x in self.tensors.items()})


class Feed(Interface):
    """Clips in two parts: `draw` needs no device and may run in any thread, `build` does not make the CPU wait for the device.

    Attributes:
        reads: whether `draw` looks at pixels or decodes files, which takes long enough to be worth a thread.
    """

    reads: bool

    def draw(self, clips: int, length: int, generators: Sequence[torch.Generator]) -> Drawn:
        """Draws `clips` clips of `length` frames from each generator, those of the first one first. A feed that `reads` takes a
        single generator."""

    def build(self, drawn: Drawn) -> Batch:
        """The clips, of all generators: frames uint8 (B, T, C, H, W)."""


class HostFeed:
    """A source whose clips are made on the CPU, as a feed for any device."""

    reads = True

    def __init__(self, source):
        self.source = source

    def draw(self, clips: int, length: int, generators: Sequence[torch.Generator]) -> Drawn:
        (generator,) = generators
        batch = self.source.batch(clips, length, generator)
        actions = {} if batch.actions is None else {"actions": batch.actions}
        extras = {f"extras.{name}": x for name, x in batch.extras.items()}
        return Drawn({"frames": batch.frames, **actions, **extras}, plain=is_plain(batch))

    def build(self, drawn: Drawn) -> Batch:
        tensors = drawn.tensors
        extras = {name.partition(".")[2]: x for name, x in tensors.items() if name.startswith("extras.")}
        return Batch(tensors["frames"], tensors.get("actions"), extras)


def is_plain(batch: Batch) -> bool:
    """Whether clips have neither actions nor extras of more than one number a clip."""
    return batch.actions is None and all(x.ndim == 1 for x in batch.extras.values())
