"""What the objective and the predictor ask of a VPN network, whichever it is, and the one rollout both use.

A network reads the known frames, then goes on a block of frames at a time: one frame for the recurrent ones, all it was
trained on for the SimVP-like one. It gives raw maps; `to_frames` makes frames of them, and those are what it goes on from.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from .config import VPNConfig


class VPNNetwork(nn.Module):
    """Base of all. B is the batch, P the known frames, S >= P the frames so far; frames are (C, H, W) in [0, 1]."""

    def __init__(self, cfg: VPNConfig):
        super().__init__()
        self.cfg = cfg

    @abstractmethod
    def encode(self, context: Tensor, supervised: bool = False) -> tuple[Any, Tensor | None]:
        """Reads the known frames.

        Args:
            context: float32 (B, P, C, H, W).
            supervised: whether guesses of the known frames are wanted, to train on.

        Returns:
            The state after them; and, where wanted and the network makes them, raw guesses (B, P - 1, C, H, W) of frames
            1..P-1, each made from the frames before it.
        """

    @abstractmethod
    def advance(self, state: Any, seen: Tensor, most: int) -> tuple[Any, Tensor]:
        """The next block of frames.

        Args:
            state: after all frames but the last of `seen`.
            seen: float32 (B, S, C, H, W), the frames so far.
            most: how many frames are wanted at most.

        Returns:
            The state after the block, and its raw maps, float32 (B, block, C, H, W).
        """

    def to_frames(self, raw: Tensor) -> Tensor:
        """Raw maps as frames: through a sigmoid where they are logits, else as they are, which may be out of range."""
        return raw.sigmoid() if self.cfg.output == "sigmoid" else raw


def rollout(
    model: VPNNetwork, state: Any, context: Tensor, n_future: int, truth: Mapping[int, Tensor] | None = None
) -> Iterator[Tensor]:
    """Goes on from the known frames, each block made from the model's own frames.

    Args:
        model: the network.
        state: after the known frames.
        context: float32 (B, P, C, H, W), the known frames.
        n_future: frames to predict.
        truth: true frames (B, C, H, W) that replace the model's own as input (teacher forcing), by their place after the
            context; each is looked up only after it has been predicted.

    Yields:
        Raw blocks (B, block, C, H, W), `n_future` frames in all.
    """
    seen, made, truth = context, 0, truth or {}
    while made < n_future:
        state, raw = model.advance(state, seen, n_future - made)
        yield raw
        own = [truth.get(made + i, frame) for i, frame in enumerate(model.to_frames(raw).unbind(1))]
        seen, made = torch.cat([seen, torch.stack(own, 1)], 1), made + raw.shape[1]
