"""What the objective and the sampler ask of an SVG network, compact or published.

One step t of a rollout is: `observe` frame t-1, true or generated, and the action that leads on from it, where there are
actions; `prior` of z_t from the summary of what was observed;
`advance` with a chosen z_t; `render` frame t. Rendering feeds nothing back by itself, so steps whose frame is not needed
as an input (the teacher-forced ones) are rendered together in one batch, and so are their priors.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

from ...core.clips import previous_frames
from ...nn.gaussian import Gaussian
from .conditions import Conditioner
from .config import SVGConfig

Features = tuple[Tensor, ...]
Code = tuple[Tensor, ...]


class SVGNetwork(nn.Module):
    """Base of both networks. Frames are (M, C, H, W) in [0, 1]; B is the batch, T time, Z the width of z."""

    cfg: SVGConfig
    conditioner: Conditioner | None

    @abstractmethod
    def encode(self, frames: Tensor, before: Tensor, skips: bool = True) -> Features:
        """Features of frames, each tensor with M rows; `before` are the frames one step earlier, or a first frame itself.

        `skips`: whether skip connections may move on to these frames.
        """

    def encode_clips(self, frames: Tensor, n_past: int) -> list[Features]:
        """Features of every frame of true clips (B, T, C, H, W), all frames in one batch as far as they are alike."""
        features = self.encode(frames.flatten(0, 1), previous_frames(frames).flatten(0, 1))
        return split_by_time(features, frames.shape[1])

    @abstractmethod
    def begin(self, batch: int, like: Tensor) -> Any:
        """The state before any frame; a pytree of tensors with B rows and a field `summary`."""

    @abstractmethod
    def posterior(self, features: list[Features]) -> Gaussian:
        """Features of T true frames -> q(z_t | x_<=t) for t = 1..T-1: (B, T - 1, Z)."""

    @abstractmethod
    def observe(self, state: Any, frame: Tensor, features: Features, refresh_skip: bool, condition: Tensor | None = None) -> Any:
        """Takes in one frame, and the condition (B, E) that leads to the next; `refresh_skip` says whether skip connections move
        on to the frame."""

    @abstractmethod
    def learned_prior(self, summary: Tensor) -> Gaussian:
        """p(z_t | x_<t) from the summary (M, ...) of a state that has observed frame t-1 and its action."""

    @abstractmethod
    def advance(self, state: Any, z: Tensor | None) -> tuple[Any, Code]:
        """The recurrent part of a step, and all that `render` needs."""

    @abstractmethod
    def render(self, code: Code) -> Tensor:
        """Frame t, float32 (M, C, H, W) in [0, 1]."""

    def conditions(self, vectors: Tensor | None, frames: Tensor) -> list[Tensor | None]:
        """Per frame t what the step that predicts it is fed, (B, E), from the numbers (B, T, A) of the clips (B, T, C, H, W).

        Where none are given they are zero; without conditions there is nothing to be fed.
        """
        if self.conditioner is None:
            return [None] * frames.shape[1]
        if vectors is None:
            vectors = frames.new_zeros(*frames.shape[:2], self.cfg.conditions.size)
        return list(self.conditioner(vectors[:, : frames.shape[1]]).unbind(1))

    def prior(self, summary: Tensor) -> Gaussian | None:
        """p(z_t | x_<t): learned, N(0, I), or None without a latent."""
        if self.cfg.latent == "none":
            return None
        if self.cfg.latent == "learned":
            return self.learned_prior(summary)
        return Gaussian.standard(torch.zeros(len(summary), self.cfg.z_dim, device=summary.device))

    def refreshes(self, t: int, n_past: int) -> bool:
        """Whether step t takes its skip connections from frame t-1 (svg issue 1: the release stops one frame early)."""
        return self.cfg.last_frame_skip or t < n_past + (not self.cfg.skip_off_by_one)


def split_by_time(features: Features, length: int) -> list[Features]:
    """Features of B * T frames as one tuple a frame, each tensor with B rows."""
    return list(zip(*(x.unflatten(0, (-1, length)).unbind(1) for x in features)))
