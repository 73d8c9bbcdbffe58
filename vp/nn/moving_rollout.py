"""A recurrent predictor that moves pixels: base of the compact networks of SVG and RaMViD.

Each frame is encoded together with the one before it. A convolutional LSTM at a quarter of the side stores the scene, another at
an eighth its motion. Features from both control how the layers of `layer_memory` are moved and blended.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from .blocks import conv_block, pixel_shuffle_block
from .conv_lstm import ConvLSTMCell, ConvState
from .layer_memory import LayerMemory, LayerState


class Rollout(NamedTuple):
    """State between two steps.

    Args:
        scene: recurrent state at a quarter of the frame's side.
        motion: recurrent state at an eighth of it.
        features: (B, width, H/4, W/4), the map that controlled the layers in the last step.
        layers: the stored frames.
        frame: (B, C, H, W) in [0, 1], the last frame taken in.
    """

    scene: ConvState
    motion: ConvState
    features: Tensor
    layers: LayerState
    frame: Tensor


class MovingRollout(nn.Module):
    """Base class; subclasses compute the motion state and call `memory`.

    Args:
        channels: channels of the frames.
        width: channels of the scene state.
        layers: number of stored layers.
        motion_inputs: further input channels of the motion LSTM, at an eighth of the side.
        feature_inputs: further input channels of the features, at a quarter of the side.
        previous, drawn, hard: see `LayerMemory`.
    """

    def __init__(
        self, channels: int, width: int, layers: int, motion_inputs: int, feature_inputs: int = 0,
        previous: bool = True, drawn: bool = True, hard: bool = False,
    ):  # fmt: skip
        super().__init__()
        wide = width * 3 // 2
        self.encoder = nn.Sequential(
            nn.PixelUnshuffle(2), conv_block(8 * channels, 32), conv_block(32, width, 2), conv_block(width, width)
        )
        self.scene = ConvLSTMCell(width, width)
        self.coarse = conv_block(width, wide, 2)
        self.motion = ConvLSTMCell(wide + motion_inputs, wide)
        self.fine = pixel_shuffle_block(wide, width // 2)
        self.join = conv_block(width + width // 2 + feature_inputs, width)
        self.memory = LayerMemory(width, 2 * width, layers, channels, previous, drawn, hard)

    def encode_frames(self, frames: Tensor, before: Tensor) -> Tensor:
        """Frames and those before them, (M, C, H, W) each, to maps (M, width, H/4, W/4); the pair shows velocities."""
        return self.encoder(torch.cat([frames, before], 1))

    def start(self, frame: Tensor) -> Rollout:
        """State before the first frame, for frames of the shape of `frame`, (B, C, H, W)."""
        batch, _, height, width = frame.shape
        scene = self.scene.zero_state(batch, height // 4, width // 4, frame)
        motion = self.motion.zero_state(batch, height // 8, width // 8, frame)
        layers = self.memory.empty_state(frame)
        return Rollout(scene, motion, scene[0], layers, layers.moved[:, 0])

    def read(self, state: Rollout, frame: Tensor, features: Tensor, write: bool) -> Rollout:
        """Updates the scene by a frame (B, C, H, W) and its map from `encode_frames`; `write`: writes it into the layers too."""
        state = state._replace(scene=self.scene(features, state.scene), frame=frame)
        if not write:
            return state
        features = torch.cat([state.scene[0], state.features], 1)
        return state._replace(layers=self.memory.write(state.layers, frame, features))
