"""What the objective and the predictor ask of a VPN network, whichever it is, and the one rollout both use.

A network watches the known frames, then goes on a block of frames at a time: one frame for the recurrent ones, all it was
trained on for the all-convolution one. It gives raw maps; `show` makes frames of them, and those are what it goes on from.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from .composer import Composed
from .config import VPNConfig
from .output import Output, Painter


class VPNNetwork(nn.Module):
    """Base of all. B is the batch, P the known frames, S >= P the frames so far; frames are (C, H, W) in [0, 1]."""

    def __init__(self, cfg: VPNConfig):
        super().__init__()
        self.cfg = cfg

    @abstractmethod
    def watch(self, context: Tensor, early: bool = False) -> tuple[Any, Tensor | None]:
        """The state after the known frames (B, P, C, H, W); and, where `early` asks for it and the network has it, its raw
        guesses (B, P - 1, C, H, W) of frames 1..P-1, each made from the frames before it."""

    @abstractmethod
    def advance(self, state: Any, seen: Tensor, most: int) -> tuple[Any, Tensor]:
        """The state after the next block of at most `most` frames, and its raw maps (B, block, C, H, W), from all frames `seen`
        so far (B, S, C, H, W)."""

    def show(self, raw: Tensor) -> Tensor:
        """Raw maps as frames: through a sigmoid where they are logits, else as they are, which may be out of range."""
        return raw.sigmoid() if self.cfg.output == "sigmoid" else raw


def make_output(cfg: VPNConfig, width: int, notes: int) -> Output:
    """The output a config asks for, for plans of `width` channels and notes of `notes`."""
    return Composed(cfg, width, notes) if cfg.output == "composed" else Painter(cfg, width)


def unroll(
    model: VPNNetwork, state: Any, context: Tensor, n_future: int, truth: Mapping[int, Tensor] | None = None
) -> Iterator[Tensor]:
    """Raw blocks (B, block, C, H, W), `n_future` frames in all, each made from the model's own frames.

    `truth` holds true frames (B, C, H, W) that replace its own as input (teacher forcing), by their place after the context; each
    is looked up only after it has been predicted.
    """
    seen, made, truth = context, 0, truth or {}
    while made < n_future:
        state, raw = model.advance(state, seen, n_future - made)
        yield raw
        own = [truth.get(made + i, frame) for i, frame in enumerate(model.show(raw).unbind(1))]
        seen, made = torch.cat([seen, torch.stack(own, 1)], 1), made + raw.shape[1]
