"""Fusion pictures: the segment and the edges of a frame in one image (Jing et al. 2021).

The paper overlays them: white edges on a dark red object on black. `stack` holds the same two maps as channels. Pictures
enter and leave the model as RGB overlays in either mode, so that a person can see and paint them.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor

from ...core.clips import to_luma
from .config import Drawing
from .segment import segment_by_background, segment_by_colour, segment_by_deeplab

SHARE = 0.6  # of the segment's colour and of the edges in an overlay, as measured on the authors' animation
RED = 128 / 255  # DAVIS's first palette colour is (128, 0, 0)


def fusion_pictures(frames: Tensor, drawing: Drawing, n_past: int, masks: Tensor | None = None) -> Tensor:
    """The fusion pictures of clips.

    Args:
        frames: float32 (B, T, C, H, W) in [0, 1], C 1 or 3.
        n_past: how many frames background subtraction may learn from.
        masks: integers (B, T, 1, H, W), 0 for the background, for segment 'exact'; None: 'colour' instead.

    Returns:
        float32 (B, T, drawing.channels, H, W) in [0, 1].
    """
    grey = to_luma(frames)
    maps = torch.stack([find_edges(grey, drawing.canny), find_segment(frames, grey, drawing, n_past, masks)], 2)
    maps = maps.to(frames.device, torch.float32)
    return maps_to_overlay(maps) if drawing.mode == "overlay" else maps


def find_edges(grey: Tensor, thresholds: tuple[int, int]) -> Tensor:
    """bool (B, T, H, W): Canny edges, one pixel wide, of uint8 frames `grey` of that shape."""
    found = [cv2.Canny(frame, *thresholds) for frame in grey.flatten(0, 1).numpy()]
    return torch.from_numpy(np.stack(found)).view_as(grey) > 0


def find_segment(frames: Tensor, grey: Tensor, drawing: Drawing, n_past: int, masks: Tensor | None) -> Tensor:
    """bool (B, T, H, W) on the CPU: the pixels of the object, by the method that `drawing.segment` names."""
    if drawing.segment == "exact" and masks is not None:
        return (masks[:, :, 0] > 0).cpu()
    if drawing.segment == "background":
        return segment_by_background(grey, n_past)
    if drawing.segment == "deeplab":
        colour = frames.expand(-1, -1, 3, -1, -1).flatten(0, 1)
        return segment_by_deeplab(colour).unflatten(0, frames.shape[:2]).cpu()
    return segment_by_colour(frames, drawing.threshold).cpu()


def maps_to_overlay(maps: Tensor) -> Tensor:
    """Edges and segment (..., 2, H, W) as RGB (..., 3, H, W): SHARE of the edges in every channel, of the segment in red."""
    edge, inside = maps.unbind(-3)
    white = SHARE * edge
    return torch.stack([white + SHARE * RED * inside, white, white], -3)


def overlay_to_maps(overlay: Tensor) -> Tensor:
    """The edges and segment (..., 2, H, W), clamped to [0, 1], of an RGB overlay (..., 3, H, W), which may be painted on."""
    red, green, blue = overlay.unbind(-3)
    white = (green + blue) / 2
    return torch.stack([white / SHARE, (red - white) / (SHARE * RED)], -3).clamp(0, 1)


def to_overlay(pictures: Tensor, drawing: Drawing) -> Tensor:
    """The model's pictures as RGB overlays (..., 3, H, W)."""
    return pictures if drawing.mode == "overlay" else maps_to_overlay(pictures)


def from_overlay(overlay: Tensor, drawing: Drawing) -> Tensor:
    """RGB overlays (..., 3, H, W) in [0, 1] as the model's pictures; the inverse of `to_overlay`."""
    return overlay if drawing.mode == "overlay" else overlay_to_maps(overlay)
