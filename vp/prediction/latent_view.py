"""One future of a clip with the latent z of its frames, the same with one dimension set by hand, and at other temperatures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch

from vp.core.latent_steps import LatentChange, LatentPredictor, LatentSteps
from vp.core.predictor import seed_grid
from vp.core.video import Observation
from vp.data import Clip

from .assemble import to_uint8
from .model import Model
from .request import Request, Wishes, make_observation, prepare_request, to_whole_number
from .sample import check_finite

TEMPERATURES = (0.0, 0.25, 0.5, 1.0, 1.5)
MOST_FUTURES = 100
PEAKS, PEAK = 3, 1.3  # of the KL that are marked at most, and how far above its median


@dataclass(frozen=True)
class LatentView:
    """A future and its latent.

    Args:
        request: what it was predicted from.
        seed: int64 (1, 1), its noise.
        frames: uint8 (T, H, W, C), the known frames included.
        names: of the D dimensions of z.
        steps: of this future alone, B and N being 1.
        by_temperature: temperature -> uint8 (T, H, W, C), the future of the same noise; {} where z is not drawn with one.
    """

    request: Request
    seed: torch.Tensor
    frames: np.ndarray
    names: tuple[str, ...]
    steps: LatentSteps
    by_temperature: dict[float, np.ndarray]

    @property
    def events(self) -> tuple[tuple[int, str], ...]:
        """(frame, label) of the events that came with the clip, as a simulator records bounces; without any, peaks of the KL."""
        return self.request.events or tuple((t, "surprise") for t in find_peaks(self.steps.kl[0, 0].numpy()))


def look_at_latent(model: Model, clip: Clip | np.ndarray, wishes: Wishes, future: int = 1) -> LatentView:
    """The view at the end of `stream_view`."""
    return next(view for *_, view in stream_view(model, clip, wishes, future) if view is not None)


def stream_view(
    model: Model, clip: Clip | np.ndarray, wishes: Wishes, future: int
) -> Iterator[tuple[int, int, LatentView | None]]:
    """Predicts one future several times: yields (predictions made, of how many, None), and at last the view; closing ends it.

    Args:
        model, clip, wishes: as for `sample`.
        future: its number, from 1: `sample` with these wishes makes the same one.

    Raises:
        ValueError: a wish that cannot be met, a model without a latent, or no such future.
    """
    predictor = latent_predictor(model)
    request, observation, seed = prepare_one_future(model, clip, wishes, future)
    temperatures = () if getattr(request.options, "prior", "") == "posterior-mean" else TEMPERATURES
    total = 1 + len(temperatures)
    prediction, steps = predictor.predict_with_latent(observation, seed, request.options)
    check_finite(model.name, prediction.frames, None)
    yield 1, total, None
    swept = {}
    for done, temperature in enumerate(temperatures, 2):
        at = replace(request.options, **{"temperature": temperature})
        swept[temperature] = to_uint8(predictor.predict(observation, seed, at).frames[0, 0])
        yield done, total, None
    frames = to_uint8(prediction.frames[0, 0])
    yield total, total, LatentView(request, seed, frames, predictor.latent_names, steps, swept)


def prepare_one_future(
    model: Model, clip: Clip | np.ndarray, wishes: Wishes, future: int
) -> tuple[Request, Observation, torch.Tensor]:
    """The request, what is observed, and the seed int64 (1, 1) of one future; arguments and errors as for `stream_view`."""
    number = to_whole_number("the number of the future", future, 1, MOST_FUTURES)
    request = prepare_request(model, clip, wishes)
    return request, make_observation(request, model.predictor), seed_grid(request.seed, 1, number)[:, -1:]


def change_by_hand(model: Model, view: LatentView, change: LatentChange) -> np.ndarray:
    """The view's future with one dimension of z set by hand, all other noise kept: uint8 (T, H, W, C).

    Raises:
        ValueError: there is no such frame or dimension, or the value is out of bounds.
    """
    predictor = latent_predictor(model)
    observation = make_observation(view.request, predictor)
    return to_uint8(predictor.predict_with_latent(observation, view.seed, view.request.options, change)[0].frames[0, 0])


def latent_predictor(model: Model) -> LatentPredictor:
    """The model's predictor.

    Raises:
        ValueError: it has no latent.
    """
    if isinstance(model.predictor, LatentPredictor) and model.predictor.latent_names:
        return model.predictor
    raise ValueError(f"{model.name} draws no latent for each frame; choose a model with one, such as svg-lp-smmnist")


def find_peaks(values: np.ndarray) -> list[int]:
    """Frames at which values float (T,) are higher than at both neighbours and PEAK times their median, the highest PEAKS."""
    there = np.isfinite(values)
    if not there.any():
        return []
    padded = np.pad(np.where(there, values, -np.inf), 1, constant_values=-np.inf)
    highest = (padded[1:-1] > padded[:-2]) & (padded[1:-1] >= padded[2:]) & (padded[1:-1] > PEAK * np.median(values[there]))
    peaks = highest.nonzero()[0]
    return sorted(peaks[np.argsort(-values[peaks], kind="stable")[:PEAKS]].tolist())
