"""A recurrent predictor that moves pixels: the trunk of the compact networks of SVG and RaMViD.

A frame and the one before it are encoded together; a convolutional LSTM at a quarter of the side keeps what the scene is,
another at an eighth what it will do; from both come the features by which remembered layers are moved and blended
(`layer_memory`).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from .blocks import conv_block, pixel_shuffle_block
from .conv_lstm import ConvLSTMCell, ConvState
from .layer_memory import LayerMemory, LayerState


class Rollout(NamedTuple):
    """What it carries.

    Args:
        scene: recurrent state at a quarter of the frame's side.
        motion: recurrent state at an eighth of it.
        features: (B, width, H/4, W/4), the map that the last step was read from.
        layers: what is remembered of the frames.
        frame: (B, C, H, W) in [0, 1], the last one seen.
    """

    scene: ConvState
    motion: ConvState
    features: Tensor
    layers: LayerState
    frame: Tensor


class MovingRollout(nn.Module):
    """Base of the networks that are built around it.

    Args:
        channels: of the frames.
        width: channels of the scene.
        layers: remembered layers.
        motion_inputs: channels at an eighth of the side that the motion is decided by beside the scene.
        feature_inputs: channels at a quarter of the side that the features are made from beside scene and motion.
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
        """Maps (M, width, H/4, W/4) of frames (M, C, H, W) and those before them: together they show velocities."""
        return self.encoder(torch.cat([frames, before], 1))

    def start(self, frame: Tensor) -> Rollout:
        """Before any frame, for frames like (B, C, H, W)."""
        batch, _, height, width = frame.shape
        scene = self.scene.zero_state(batch, height // 4, width // 4, frame)
        motion = self.motion.zero_state(batch, height // 8, width // 8, frame)
        layers = self.memory.empty_state(frame)
        return Rollout(scene, motion, scene[0], layers, layers.moved[:, 0])

    def read(self, state: Rollout, frame: Tensor, features: Tensor, write: bool) -> Rollout:
        """Takes in a frame (B, C, H, W) and its map; it is written into the layers too where `write` says so."""
        state = state._replace(scene=self.scene(features, state.scene), frame=frame)
        if not write:
            return state
        features = torch.cat([state.scene[0], state.features], 1)
        return state._replace(layers=self.memory.write(state.layers, frame, features))
