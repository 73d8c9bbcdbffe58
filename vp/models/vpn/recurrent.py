"""What the networks share that go frame by frame: an encoder reads the known frames, a decoder goes on from its state.

Every frame read gives a plan of the next one. What the encoder reads it also predicts: that is how pictures are moved to the
next known frame before it is written into them, and it teaches motion from the first step.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

from ...core.clips import preceding
from ...core.tree import map_tensors
from .network import VPNNetwork
from .output import Code, Output


class RecurrentNetwork(VPNNetwork):
    """Base of those. A state is a named tuple with `plan`, the last one, `canvas`, the output's, and `known`: whether the next
    frame to be read is a known one. Subclasses set the encoder and the decoder, alike, and the output."""

    encoder: nn.Module
    decoder: nn.Module
    output: Output

    @abstractmethod
    def looks(self, frames: Tensor, before: Tensor) -> Any:
        """What is seen of frames (M, C, H, W) and the ones before them, M rows each: together they show velocities."""

    @abstractmethod
    def begin(self, like: Tensor) -> Any:
        """The state before any frame."""

    @abstractmethod
    def step(self, cells: nn.Module, state: Any, frame: Tensor, look: Any, known: Tensor | None = None) -> tuple[Any, Code]:
        """Reads a frame by the encoder or the decoder and plans the next one; `known` are all known frames (B, P, C, H, W), if
        this is the last of them."""

    def watch(self, context: Tensor, early: bool = False) -> tuple[Any, Tensor | None]:
        """All known frames but the last, which the decoder reads."""
        batch, steps = context.shape[0], context.shape[1] - 1
        looks = self.looks(context[:, :-1].flatten(0, 1), preceding(context)[:, :-1].flatten(0, 1))
        looks = map_tensors(lambda x: x.unflatten(0, (batch, steps)), looks)
        state, codes = self.begin(context), []
        for t in range(steps):
            look = map_tensors(lambda x, t=t: x[:, t], looks)
            state, code = self.step(self.encoder, state, context[:, t], look)
            codes.append(code)
        if not early:
            return state, None
        together = self.output.render(*(torch.cat(parts) for parts in zip(*codes)))
        return state, together.unflatten(0, (steps, batch)).transpose(0, 1)

    def advance(self, state: Any, seen: Tensor, most: int) -> tuple[Any, Tensor]:
        frame = seen[:, -1]
        state, code = self.step(self.decoder, state, frame, self.looks(frame, seen[:, -2]), seen if state.known else None)
        return state._replace(known=False), self.output.render(*code)[:, None]

    def take_in(self, state: Any, frame: Tensor, features: Tensor, known: Tensor | None) -> Any:
        """The canvas with the frame on it; a known one is stored by `features` and the plan that led to it."""
        if not state.known:
            return self.output.see(state.canvas, frame)
        canvas = self.output.store(state.canvas, frame, torch.cat([features, state.plan], 1))
        return canvas if known is None else self.output.settle(canvas, known)
