"""The records of tensors that models, data sets, evaluation and UI exchange, and their checks.

Frames are float32 in [0, 1], shaped (B, T, C, H, W), RGB or one channel. Samples add an axis: (B, N, T, C, H, W).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Observation:
    """One partly known clip per batch row. The mask `known` makes it prediction, infilling or generation.

    Args:
        frames: float32 (B, T, C, H, W) in [0, 1], the whole clip; unknown frames are ignored (they may be NaN).
        known: bool (T,), which frames are given.
        actions: float32 (B, T, A) or None; `actions[:, t]` leads from frame t to t + 1. A model may expect other vectors
            concatenated with them (see `Actions.sources`).
        pictures: name -> float32 (B, K, C, H, W), replaces the intermediate images that the model predicts.
        target: float32 (B, T, C, H, W) or None, the true clip; read only where an option needs it (a posterior).

    Raises:
        ValueError: wrong shape or dtype, or known pixels outside [0, 1], in one sentence.
    """

    frames: Tensor
    known: Tensor
    actions: Tensor | None = None
    pictures: Mapping[str, Tensor] | None = None
    target: Tensor | None = None

    def __post_init__(self) -> None:
        frames, known = self.frames, self.known
        if frames.ndim != 5 or frames.dtype != torch.float32:
            raise ValueError(f"frames are {frames.dtype} {tuple(frames.shape)}; give float32 (B, T, C, H, W) in [0, 1]")
        if known.dtype != torch.bool or known.shape != frames.shape[1:2]:
            raise ValueError(f"known is {known.dtype} {tuple(known.shape)}; give bool ({frames.shape[1]},), one per frame")
        given = frames[:, known]
        if given.numel() and not (given.min() >= 0 and given.max() <= 1):  # a NaN fails both comparisons
            raise ValueError("known frames hold values outside [0, 1]; scale pixels to [0, 1] first")
        if self.actions is not None and self.actions.shape[:2] != frames.shape[:2]:
            raise ValueError(f"actions are {tuple(self.actions.shape)}; give (B, T, A) for frames {tuple(frames.shape)}")
        if self.target is not None and self.target.shape != frames.shape:
            raise ValueError(f"target is {tuple(self.target.shape)}; give the shape of frames, {tuple(frames.shape)}")

    @property
    def n_past(self) -> int:
        """Number of known frames before the first unknown one."""
        unknown = (~self.known).nonzero()
        return int(unknown[0]) if len(unknown) else len(self.known)

    @property
    def is_prefix(self) -> bool:
        """Whether all known frames come before all unknown ones."""
        return int(self.known.sum()) == self.n_past

    @staticmethod
    def prefix(frames: Tensor, n_past: int, length: int | None = None, **extra) -> Observation:
        """Observation of the first `n_past` of `frames` (B, T, C, H, W), padded with NaN to `length` frames (default T)."""
        length = frames.shape[1] if length is None else length
        padded = frames.new_full((frames.shape[0], length, *frames.shape[2:]), float("nan"))
        padded[:, :n_past] = frames[:, :n_past]
        return Observation(padded, torch.arange(length) < n_past, **extra)


@dataclass(frozen=True)
class Prediction:
    """Predicted clips, N samples each.

    Args:
        frames: float32 (B, N, T, C, H, W) in [0, 1]; known frames are bit-identical to the observation's.
        traces: name -> float32 (B, N, T, ...), values per frame for plots; NaN where a frame has none.
        pictures: name -> float32 (B, N, K, C, H, W), intermediate images to show; NAME_true is NAME computed on the true clip.
        raw: float32 (B, N, T, C, H, W) or None: the output before it was clipped to `frames`, of a model with unbounded output;
            evaluations compute errors on it.
    """

    frames: Tensor
    traces: Mapping[str, Tensor] = field(default_factory=dict)
    pictures: Mapping[str, Tensor] = field(default_factory=dict)
    raw: Tensor | None = None


@dataclass(frozen=True)
class Step:
    """Step `index` of `total` of a prediction in progress; the last one has the `prediction`.

    `draft` is the preview (B, N, T, C, H, W) or a function that makes it, as most previews are never shown.
    """

    index: int
    total: int
    draft: Tensor | Callable[[], Tensor] | None = None
    prediction: Prediction | None = None

    @cached_property
    def preview(self) -> Tensor | None:
        """float32 (B, N, T, C, H, W) in [0, 1], the clip as predicted so far, or None."""
        return self.draft() if callable(self.draft) else self.draft


@dataclass(frozen=True)
class Actions:
    """The actions a model or a data set understands.

    Args:
        names, ranges: one per component, ranges as (low, high).
        sources: names of the vectors of a batch that are concatenated: "actions", or extras such as the arm's positions.
        path: (points (K, 2) as shares of frame width and height, number of steps) -> float32 array (steps, A), the actions that
            follow this path; None where actions have no position in the frame.
    """

    names: tuple[str, ...]
    ranges: tuple[tuple[float, float], ...]
    sources: tuple[str, ...] = ("actions",)
    path: Callable[[Any, int], Any] | None = None

    def check(self, given: Tensor) -> None:
        """Raises ValueError where `given` (B, T, A) has another number of components or holds values that are not finite."""
        if given.shape[-1] != len(self.names):
            wanted = f"{len(self.names)} ({', '.join(self.names)})"
            raise ValueError(f"actions of {given.shape[-1]} numbers a frame came; this model takes {wanted}")
        if not given.isfinite().all():
            raise ValueError("actions hold numbers that are not finite; give one finite number per component and frame")


@dataclass(frozen=True)
class Capabilities:
    """Inputs that a predictor accepts and options that it offers; the UI builds its controls from this.

    Args:
        n_past: (lowest, highest) number of known frames; highest None: no limit.
        n_future: (lowest, highest) number of frames to predict; highest None: no limit.
        channels: accepted channel counts, best first.
        size: side in pixels, or None for any size.
        smallest: least px of the shorter side, where `size` is None.
        fps: frames per second of the training data, or None.
        dataset: name of the training data set, or "" where none was used.
        trained_past, trained_future: the lengths it was trained on, or None.
        any_mask: any frames may be known, not only a prefix.
        stochastic: different seeds give different futures.
        priors: name -> None where it is offered, otherwise the reason why not.
        actions: the actions it is conditioned on, or None; a clip without actions counts as one with zero actions.
        pictures: name -> title of each intermediate image that it predicts; an Observation may replace them.
        reasons: control -> why it is disabled, as text for the UI.
    """

    n_past: tuple[int, int | None] = (1, None)
    n_future: tuple[int, int | None] = (1, None)
    channels: tuple[int, ...] = (1, 3)
    size: int | None = None
    smallest: int = 1
    fps: float | None = None
    dataset: str = ""
    trained_past: int | None = None
    trained_future: int | None = None
    any_mask: bool = False
    stochastic: bool = False
    priors: Mapping[str, str | None] = field(default_factory=dict)
    actions: Actions | None = None
    pictures: Mapping[str, str] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)

    def check(self, observation: Observation) -> None:
        """Raises ValueError, in one sentence, where the observation has a size, length, mask or actions that are not accepted."""
        _, length, channels, height, width = observation.frames.shape
        if channels not in self.channels:
            accepted = " or ".join(map(str, self.channels))
            raise ValueError(f"the clip has {channels} channel(s); this model takes {accepted}: convert it first")
        if self.size is not None and (height, width) != (self.size, self.size):
            raise ValueError(f"the clip is {width}x{height}; this model takes {self.size}x{self.size}: crop and resize it first")
        if not self.any_mask and not observation.is_prefix:
            raise ValueError("known frames are not a prefix; this model continues a clip: mark only its first frames as known")
        unknown = int((~observation.known).sum())
        for what, name, count in (("known frames", "n_past", length - unknown), ("frames to predict", "n_future", unknown)):
            low, high = getattr(self, name)
            if count < low or (high is not None and count > high):
                accepted = f"{low} or more" if high is None else f"{low} to {high}"
                why = f": {self.reasons[name]}" if name in self.reasons else ""
                raise ValueError(f"{count} {what} came; this model takes {accepted}{why}")
        if self.actions is not None and observation.actions is not None:
            self.actions.check(observation.actions)
        if min(height, width) < self.smallest:
            accepted = f"{self.smallest} pixels or more a side: enlarge it first"
            raise ValueError(f"the clip is {width}x{height}; this model takes {accepted}")


@dataclass(frozen=True)
class Batch:
    """Training clips: `frames` uint8 or float32 (B, T, C, H, W), `actions` (B, T, A), `extras` name -> tensor."""

    frames: Tensor
    actions: Tensor | None = None
    extras: Mapping[str, Tensor] = field(default_factory=dict)

    def to(self, device: torch.device | str) -> Batch:
        """The same clips on `device`, frames as float32 in [0, 1]."""
        frames = self.frames.to(device, non_blocking=True)
        if frames.dtype == torch.uint8:
            frames = frames.float().div_(255)
        actions = None if self.actions is None else self.actions.to(device, non_blocking=True)
        return Batch(frames, actions, {name: x.to(device, non_blocking=True) for name, x in self.extras.items()})

    def rows(self, some: slice) -> Batch:
        """Some of the clips."""
        actions = None if self.actions is None else self.actions[some]
        return Batch(self.frames[some], actions, {name: x[some] for name, x in self.extras.items()})

    def with_extras(self, more: Mapping[str, Tensor]) -> Batch:
        """The same clips with further extras."""
        return replace(self, extras={**self.extras, **more}) if more else self

    def vectors(self, sources: Sequence[str] = ("actions",)) -> Tensor:
        """The named vectors of every frame, concatenated: float32 (B, T, A). A name is "actions" or a key of `extras`.

        Raises:
            ValueError: one of them is missing, or is not one vector per frame.
        """
        there = {name: x for name, x in {"actions": self.actions, **self.extras}.items() if x is not None and x.ndim == 3}
        missing = [name for name in sources if name not in there]
        if missing:
            raise ValueError(f"the clips have no {' and no '.join(missing)}; they have {' and '.join(there) or 'frames only'}")
        return torch.cat([there[name].float() for name in sources], -1)
