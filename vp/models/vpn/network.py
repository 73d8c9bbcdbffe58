"""The interface of all VPN networks, and the rollout that training and prediction share.

A network reads the known frames, then predicts a block of frames at a time: one frame for the recurrent ones, all that it was
trained on for the SimVP-like one. It outputs raw maps; `to_frames` turns them into frames, which are the next inputs.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from .config import VPNConfig


class VPNNetwork(nn.Module):
    """Base of all. B is the batch size, P the known frames, S >= P the frames so far; frames are (C, H, W) in [0, 1].

    Attributes:
        reads: how many of the newest frames `advance` reads; fewer known ones are enough for it.
        block: how many frames it predicts at most.
    """

    reads, block = 2, 1

    def __init__(self, cfg: VPNConfig):
        super().__init__()
        self.cfg = cfg

    @abstractmethod
    def encode(self, context: Tensor, supervised: bool = False) -> tuple[Any, Tensor | None]:
        """Reads the known frames.

        Args:
            context: float32 (B, P, C, H, W).
            supervised: whether to predict known frames too, to train on.

        Returns:
            The state after them; and, where asked for and the network supports it, raw predictions (B, P - 1, C, H, W) of frames
            1..P-1, each made from the frames before it, else None.
        """

    @abstractmethod
    def advance(self, state: Any, seen: Tensor, max_frames: int) -> tuple[Any, Tensor]:
        """The next block of frames.

        Args:
            state: after all frames but the last of `seen`.
            seen: float32 (B, S, C, H, W), the frames so far.
            max_frames: most frames in the block.

        Returns:
            The state after the block, and its raw maps, float32 (B, block, C, H, W).
        """

    def to_frames(self, raw: Tensor) -> Tensor:
        """Raw maps as frames: through a sigmoid if `cfg.output` says so, else unchanged, which may be outside [0, 1]."""
        return raw.sigmoid() if self.cfg.output == "sigmoid" else raw


def rollout(
    model: VPNNetwork, state: Any, context: Tensor, n_future: int, truth: Mapping[int, Tensor] | None = None
) -> Iterator[Tensor]:
    """Predicts from the known frames on, each block from the model's own frames.

    Args:
        model: the network.
        state: after the known frames.
        context: float32 (B, P, C, H, W), the known frames.
        n_future: frames to predict.
        truth: index of a future frame -> true frames (B, C, H, W) that replace the model's own as input (teacher forcing); each
            is looked up only after that frame has been predicted.

    Yields:
        Raw blocks (B, block, C, H, W), `n_future` frames in all.
    """
    seen, made, truth = context, 0, truth or {}
    while made < n_future:
        state, raw = model.advance(state, seen, n_future - made)
        yield raw
        own = [truth.get(made + i, frame) for i, frame in enumerate(model.to_frames(raw).unbind(1))]
        seen, made = torch.cat([seen, torch.stack(own, 1)], 1), made + raw.shape[1]
