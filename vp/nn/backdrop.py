"""Remembered layers before a backdrop: for scenes most of which stays where it is.

The last of the K layers is the last known frame as it is, which nothing writes over and nothing moves. What stands still in a
scene comes out of it as sharp after twenty frames as after one; a previous frame that is moved by next to nothing, again and
again, does not. (The first frame is such a candidate in Lee et al. 2018, SAVP.)
"""

from __future__ import annotations

import torch
from torch import Tensor

from .moving_layers import Composer, Layers


class Backdrop(Composer):
    """A `Composer` whose last layer stands still."""

    def store(self, layers: Layers, frame: Tensor, notes: Tensor) -> Layers:
        layers = super().store(layers, frame, notes)
        return layers._replace(pictures=torch.cat([layers.pictures[:, :-1], frame[:, None]], 1))

    def held(self, step: Tensor) -> Tensor:
        return torch.cat([step[:, :-2], torch.zeros_like(step[:, -2:])], 1)
