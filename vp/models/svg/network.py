"""Interface of an SVG network, compact or published, for the objective and the sampler.

Step t of a rollout: `observe` frame t-1, true or generated, and the condition that leads on from it, if any; get the `prior` of
z_t from the state's summary; `advance` with a chosen z_t; `render` frame t. Rendering does not change the state, so steps whose
frame is not fed back (the teacher-forced ones) are rendered in one batch, and so are their priors.
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
    """Base of both networks. Frames are (M, C, H, W) in [0, 1]; B is the batch, T time, Z the size of z."""

    cfg: SVGConfig
    conditioner: Conditioner | None

    @abstractmethod
    def encode(self, frames: Tensor, before: Tensor, skips: bool = True) -> Features:
        """Features of frames (M, C, H, W), each tensor with M rows.

        Args:
            before: the frames one step earlier, same shape; a first frame is its own predecessor.
            skips: whether skip connections may be taken from these frames.
        """

    def encode_clips(self, frames: Tensor, n_past: int) -> list[Features]:
        """Features of every frame of true clips (B, T, C, H, W), a list of T; `n_past` is the number of known frames."""
        features = self.encode(frames.flatten(0, 1), previous_frames(frames).flatten(0, 1))
        return split_by_time(features, frames.shape[1])

    @abstractmethod
    def initial_state(self, batch: int, like: Tensor) -> Any:
        """The state before the first frame: a named tuple of tensors with B rows and a field `summary`; `like` has the clips'
        dtype, device and frame size."""

    @abstractmethod
    def posterior(self, features: list[Features]) -> Gaussian:
        """Features of T true frames -> q(z_t | x_<=t) for t = 1..T-1: (B, T - 1, Z)."""

    @abstractmethod
    def observe(self, state: Any, frame: Tensor, features: Features, refresh_skip: bool, condition: Tensor | None = None) -> Any:
        """The state after one more frame and the condition (B, E) that leads to the next one; with `refresh_skip` skip
        connections are taken from this frame from now on."""

    @abstractmethod
    def learned_prior(self, summary: Tensor) -> Gaussian:
        """p(z_t | x_<t) from the summary (M, ...) of a state that has observed frame t-1 and its condition."""

    @abstractmethod
    def advance(self, state: Any, z: Tensor | None) -> tuple[Any, Code]:
        """The recurrent part of a step with latent z (B, Z): the next state and the inputs of `render`."""

    @abstractmethod
    def render(self, code: Code) -> Tensor:
        """Frame t, float32 (M, C, H, W) in [0, 1], from the code of `advance`."""

    def embed_conditions(self, vectors: Tensor | None, frames: Tensor) -> list[Tensor | None]:
        """Per frame t of clips (B, T, C, H, W) the condition (B, E) of the step that predicts it, from vectors (B, T, A).

        `vectors` None means zeros. For a network without conditions the list holds None.
        """
        if self.conditioner is None:
            return [None] * frames.shape[1]
        if vectors is None:
            vectors = frames.new_zeros(*frames.shape[:2], self.cfg.conditions.size)
        return list(self.conditioner(vectors[:, : frames.shape[1]]).unbind(1))

    def prior(self, summary: Tensor) -> Gaussian | None:
        """p(z_t | x_<t), (M, Z): learned, N(0, I), or None without a latent."""
        if self.cfg.latent == "none":
            return None
        if self.cfg.latent == "learned":
            return self.learned_prior(summary)
        return Gaussian.standard(torch.zeros(len(summary), self.cfg.z_dim, device=summary.device))

    def refreshes_skips(self, t: int, n_past: int) -> bool:
        """Whether step t takes its skip connections from frame t-1 (svg issue 1: the release stops one frame early)."""
        return self.cfg.last_frame_skip or t < n_past + (not self.cfg.skip_off_by_one)


def split_by_time(features: Features, length: int) -> list[Features]:
    """Splits features of B * T frames into one tuple per frame index, each tensor with B rows."""
    return list(zip(*(x.unflatten(0, (-1, length)).unbind(1) for x in features)))
