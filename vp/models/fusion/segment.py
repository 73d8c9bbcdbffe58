"""Segments of fusion pictures: the pixels of the object in a frame, by colour, by background subtraction or by DeepLabV3."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from ...core.constant import constant_vector

SPREAD = 16.0  # grey levels squared; how far a pixel strays before MOG2 calls it foreground
PASSES = 3  # of the known frames through the background model
COMMON = 0.5  # what is seen in a pixel for this share of the time is background
DEEPLAB = "deeplabv3_mobilenet_v3_large-fc3c493d.pth"
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of the pictures DeepLabV3 was trained on
DEEPLAB_SIDE = 256


def segment_by_colour(frames: Tensor, threshold: float) -> Tensor:
    """Pixels whose colour differs from the frame's median colour by more than `threshold` in any channel.

    Args:
        frames: float32 (..., C, H, W) in [0, 1].

    Returns:
        bool (..., H, W). On a black background this is brightness above the threshold.
    """
    usual = frames.flatten(-2).median(-1).values[..., None, None]
    return ((frames - usual).abs() > threshold).any(-3)


def segment_by_background(frames: Tensor, n_past: int) -> Tensor:
    """OpenCV's MOG2 background subtraction, its model learned from the first `n_past` frames of each clip.

    Args:
        frames: uint8 (B, T, H, W) grey.

    Returns:
        bool (B, T, H, W). An object that does not move in the known frames belongs to the background.
    """
    return torch.from_numpy(np.stack([find_foreground(clip, n_past) for clip in frames.numpy()]))


def find_foreground(clip: np.ndarray, n_past: int) -> np.ndarray:
    """The foreground, bool (T, H, W), of one clip uint8 (T, H, W), by the same method."""
    model = cv2.createBackgroundSubtractorMOG2(history=PASSES * n_past, varThreshold=SPREAD, detectShadows=False)
    model.setBackgroundRatio(COMMON)
    for _ in range(PASSES):
        for frame in clip[:n_past]:
            model.apply(frame)
    return np.stack([model.apply(frame, learningRate=0) > 0 for frame in clip])


@torch.no_grad()
def segment_by_deeplab(frames: Tensor) -> Tensor:
    """All pixels that torchvision's DeepLabV3 (Chen et al. 2017, MobileNetV3) does not label background.

    Args:
        frames: float32 (M, 3, H, W) in [0, 1].

    Returns:
        bool (M, H, W).

    Raises:
        ValueError: its weights are not at hand; they are never downloaded from here.
    """
    net = load_deeplab().to(frames.device)
    large = torch.nn.functional.interpolate(frames, (DEEPLAB_SIDE, DEEPLAB_SIDE), mode="bilinear", align_corners=False)
    mean, std = (constant_vector(x, large).view(3, 1, 1) for x in (MEAN, STD))
    objects = torch.cat([net((part - mean) / std)["out"].argmax(1, keepdim=True) for part in large.split(16)]) > 0
    return torch.nn.functional.interpolate(objects.float(), frames.shape[-2:], mode="area")[:, 0] > 0.5


def deeplab_weights_path() -> Path:
    """Where torchvision keeps the weights of DeepLabV3; the file may be missing."""
    return Path(torch.hub.get_dir()) / "checkpoints" / DEEPLAB


@lru_cache(1)
def load_deeplab() -> torch.nn.Module:
    """DeepLabV3 on the CPU, loaded once; raises ValueError where its weights are missing."""
    from torchvision.models.segmentation import deeplabv3_mobilenet_v3_large

    path = deeplab_weights_path()
    if not path.is_file():
        raise ValueError(f"segment is 'deeplab', but {DEEPLAB} is not in torch's hub folder; put it there or use 'background'")
    net = deeplabv3_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=21, aux_loss=True)
    net.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return net.eval()
