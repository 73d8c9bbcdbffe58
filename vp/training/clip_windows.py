"""Windows of one clip, to train on and to hold out: of the frames before a moment, and never of one at it or after."""

from __future__ import annotations

import numpy as np
import torch

from ..core.host_memory import to_device
from ..core.video import Actions, Batch, Capabilities
from ..data import Clip
from ..prediction.known_frames import fit_to_model

SHORT_SIDE = 128  # px, where a model takes any size: as such models are trained (core/crops.py)
UNIT = 8  # px that the sides of training windows are multiples of: objectives halve pictures three times
STRIDES = (1, 1, 1, 2)  # frames from one taken to the next, each as often as it stands here
HELD_SHARE = 0.25  # of the frames, the last ones, are held out
SPARE = 4  # windows beyond the first that both the training part and the held-out one have room for
LEAST_FUTURE = 3  # frames that a model must learn to predict
MOST_HELD = 8  # held-out windows that are scored


class ClipWindows:
    """The part of a clip that a model learns from, cut into windows.

    Args:
        clip: a person's own.
        until: the first frame that must not be read; None: all frames may be.
        capabilities: of the model; windows have its lengths, size and channels.

    Attributes:
        frames: uint8 (T, C, H, W), the part.
        past, future: frames of a window; the future is shorter than the model's where the part is short.
        first_held: the frames from this one on are never trained on.

    Raises:
        ValueError: a moment outside the clip, a part too short to learn from, or a clip without the actions that the model takes.
    """

    def __init__(self, clip: Clip, until: int | None, capabilities: Capabilities):
        until = len(clip.frames) if until is None else until
        if not 0 <= until <= len(clip.frames):
            raise ValueError(f"until is frame {until} and the clip has {len(clip.frames)}; give 0 to {len(clip.frames)}")
        lowest, highest = capabilities.n_past
        self.past = max(lowest, min(capabilities.trained_past or 5, highest or until))
        wished = capabilities.trained_future or 10
        self.future = min(wished, (until - self.past) // 2 - SPARE)
        if self.future < min(wished, LEAST_FUTURE):
            least = self.past + 2 * (min(wished, LEAST_FUTURE) + SPARE)
            raise ValueError(
                f"{until} frames are too few to learn from, {least} are needed; give a longer clip or a later moment"
            )
        self.length = self.past + self.future
        self.first_held = until - max(self.future + SPARE, round(HELD_SHARE * until))
        self.frames = pixels(clip.frames[:until], capabilities)
        self.actions = taken_actions(clip, until, capabilities.actions)

    def batch(self, clips: int, generator: torch.Generator, device: torch.device | None = None) -> Batch:
        """Random windows of the part before `first_held`, float32 (B, past + future, C, H, W) in [0, 1].

        Half are mirrored left to right and a quarter take every second frame, but none where there are actions, whose meaning
        that would change. Sides are cropped to multiples of UNIT at a random offset shared by all.

        Args:
            clips: B.
            generator: decides everything, on the CPU.
            device: of the windows; None: the CPU.
        """
        seed = torch.randint(2**31, (), generator=generator, device=generator.device)
        random = np.random.default_rng(int(seed))
        top, left = (int(random.integers(side % UNIT + 1)) for side in self.frames.shape[2:])
        height, width = (side - side % UNIT for side in self.frames.shape[2:])
        windows, actions = [], []
        for _ in range(clips):
            stride, mirrored = int(random.choice(STRIDES)), random.random() < 0.5
            span = (self.length - 1) * stride + 1
            if self.actions is not None or span > self.first_held:
                stride, span = 1, self.length
            start = int(random.integers(self.first_held - span + 1))
            window = self.frames[start : start + span : stride, :, top : top + height, left : left + width]
            windows.append(window.flip(-1) if mirrored and self.actions is None else window)
            if self.actions is not None:
                actions.append(self.actions[start : start + span])
        device = device or torch.device("cpu")
        frames = to_device(torch.stack(windows), device)
        return Batch(frames, to_device(torch.stack(actions), device) if actions else None).to(device)

    def held_out(self) -> Batch:
        """Windows whose future is held out, evenly spread, float32 (B, past + future, C, H, W) in [0, 1] on the CPU."""
        first, last = self.first_held - self.past, len(self.frames) - self.length
        starts = np.unique(np.linspace(first, last, MOST_HELD).round().astype(int)).tolist()
        actions = None if self.actions is None else torch.stack([self.actions[t : t + self.length] for t in starts])
        return Batch(torch.stack([self.frames[t : t + self.length] for t in starts]), actions).to("cpu")


def pixels(frames: np.ndarray, capabilities: Capabilities) -> torch.Tensor:
    """Frames uint8 (T, H, W, C) at a model's size and channels, or a shorter side of SHORT_SIDE at most: uint8 (T, C, H', W')."""
    height, width = frames.shape[1:3]
    if capabilities.size is None and min(height, width) < max(capabilities.smallest, UNIT):
        least = max(capabilities.smallest, UNIT)
        raise ValueError(f"the clip is {width}x{height}; this model takes {least} pixels or more a side: enlarge it first")
    long_side = round(max(height, width) * min(1.0, SHORT_SIDE / min(height, width)))
    fitted, _ = fit_to_model(frames, capabilities.size, capabilities.channels, long_side)
    return torch.from_numpy(fitted).permute(0, 3, 1, 2).contiguous()


def taken_actions(clip: Clip, until: int, wanted: Actions | None) -> torch.Tensor | None:
    """The actions float32 (T, A) of the first `until` frames where a model takes any; None for one that does not."""
    if wanted is None:
        return None
    if clip.actions is None:
        raise ValueError("this model takes actions and the clip has none; give a clip with actions, or choose another model")
    actions = torch.as_tensor(clip.actions[:until], dtype=torch.float32)
    wanted.check(actions[None])
    return actions
