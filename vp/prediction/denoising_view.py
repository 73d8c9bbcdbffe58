"""One future of a diffusion model after each of its denoising steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from vp.core.predictor import Predictor
from vp.data import Clip

from .assemble import to_uint8
from .latent_view import prepare_one_future
from .model import Model
from .request import Request, Wishes
from .sample import check_finite

MOST_SHOWN = 12  # steps; of more the first, the last and others evenly between are shown


@dataclass(frozen=True)
class DenoisingView:
    """A future on its way from noise.

    Args:
        request: what it was predicted from.
        steps: the S steps shown, from 1 to the last one taken.
        frames: uint8 (S, T, H, W, C), the clip as estimated after each of them, the known frames included.
    """

    request: Request
    steps: tuple[int, ...]
    frames: np.ndarray

    @property
    def total(self) -> int:
        """Number of steps taken."""
        return self.steps[-1]

    @property
    def distances(self) -> tuple[float, ...]:
        """For each step shown the mean difference of its unknown frames from the finished ones, in grey levels of 255."""
        unknown = self.frames[:, ~self.request.known[: self.frames.shape[1]]].astype(np.float32)
        return tuple(float(np.abs(step - unknown[-1]).mean()) for step in unknown)


def look_at_denoising(model: Model, clip: Clip | np.ndarray, wishes: Wishes, future: int = 1) -> DenoisingView:
    """The view at the end of `stream_denoising`."""
    return next(view for *_, view in stream_denoising(model, clip, wishes, future) if view is not None)


def stream_denoising(
    model: Model, clip: Clip | np.ndarray, wishes: Wishes, future: int
) -> Iterator[tuple[int, int, DenoisingView | None]]:
    """Predicts one future: yields (steps taken, of how many, None), and at last the view; closing ends it.

    Args:
        model, clip, wishes: as for `sample`.
        future: its number, from 1: `sample` with these wishes makes the same one.

    Raises:
        ValueError: a wish that cannot be met, a model that does not denoise, or no such future.
    """
    if not denoises(model.predictor):
        raise ValueError(f"{model.name} does not denoise in steps; choose a diffusion model")
    request, observation, seed = prepare_one_future(model, clip, wishes, future)
    steps, kept = [], []
    for step in model.predictor.stream(observation, seed, request.options):
        if step.index in shown_steps(step.total):
            if step.prediction is not None:
                check_finite(model.name, step.prediction.frames, None)
            steps.append(step.index)
            kept.append(to_uint8(torch.as_tensor(step.preview)[0, 0]))
        yield step.index, step.total, None
    yield steps[-1], steps[-1], DenoisingView(request, tuple(steps), np.stack(kept))


def shown_steps(total: int) -> set[int]:
    """Which of `total` steps are shown."""
    return set(np.linspace(1, total, min(total, MOST_SHOWN)).round().astype(int).tolist())


def denoises(predictor: Predictor) -> bool:
    """Whether the predictor samples in denoising steps, whose number is one of its options."""
    return hasattr(predictor.options_type(), "steps")
