"""A map of many futures of one clip, and futures between them.

Futures that look alike lie near one another: their places are the plane that keeps the distances between them best (classical
multidimensional scaling, Torgerson 1952). A place between them stands for a future whose noise is a mix of its neighbours', so it
can be drawn although nobody has sampled it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch

from vp.core.noise import SeedMix, Seeds
from vp.core.predictor import seed_grid
from vp.core.video import Prediction
from vp.data import Clip

from .assemble import to_uint8
from .known_frames import resize
from .model import Model
from .request import Request, Wishes, make_observation, prepare_request

MOST_FUTURES, FEWEST_FUTURES = 256, 3
CELLS = 12  # cells along the shorter side in which futures are compared: finer detail says little of where a future leads
NEIGHBOURS = 3  # of a place that lies between futures
THUMBNAIL = 48  # px of the shorter side
AT_ONCE, FEWEST_AT_ONCE = 2**21, 4  # values of frames that are predicted together, and futures: what a step takes is bounded


@dataclass(frozen=True)
class FutureMap:
    """Futures of a clip on a plane.

    Args:
        request: what they were predicted from.
        seeds: int64 (M,), the noise of each.
        places: float32 (M, 2) in [0, 1], x first, y downwards.
        kept: share of the squared distances between futures that the plane keeps, 0 to 1.
        thumbnails: uint8 (M, F, h, w, C), the predicted frames, small.
        predict: predicts the same clip from other noise.
    """

    request: Request
    seeds: torch.Tensor
    places: np.ndarray
    kept: float
    thumbnails: np.ndarray
    predict: Callable[[Seeds], Prediction]


def map_futures(model: Model, clip: Clip | np.ndarray, wishes: Wishes, count: int = 64) -> FutureMap:
    """The map at the end of `stream_map`."""
    return next(made for _, made in stream_map(model, clip, wishes, count) if made is not None)


def stream_map(model: Model, clip: Clip | np.ndarray, wishes: Wishes, count: int) -> Iterator[tuple[int, FutureMap | None]]:
    """Predicts futures and lays them out: yields (futures made, None), and at last the map; closing the iterator ends it.

    Args:
        model, clip: as for `sample`.
        wishes: what is asked for; its number of futures is not read.
        count: M, FEWEST_FUTURES to MOST_FUTURES.

    Raises:
        ValueError: a wish that cannot be met, a model whose futures are all the same, or a count out of range.
    """
    if not model.predictor.capabilities.stochastic:
        raise ValueError(f"{model.name} makes one future of a clip; a map needs a model that samples several")
    if not FEWEST_FUTURES <= count <= MOST_FUTURES:
        raise ValueError(f"{count} futures came for a map; give {FEWEST_FUTURES} to {MOST_FUTURES}")
    request = prepare_request(model, clip, replace(wishes, n=1))
    seeds = seed_grid(request.seed, 1, count)
    predict = model.predictor.prepare(make_observation(request, model.predictor), request.options)
    unknown = torch.from_numpy(~request.known)
    together = max(FEWEST_AT_ONCE, AT_ONCE // request.frames.size)
    seen, thumbnails, made = [], [], 0
    for some in seeds.split(together, 1):
        frames = predict(some).frames[0, :, unknown]
        seen.append(coarse_view(frames))
        thumbnails.append(small_frames(to_uint8(frames)))
        made += some.shape[1]
        yield made, None
    places, kept = lay_out(np.concatenate(seen))
    yield count, FutureMap(request, seeds[0], places, kept, np.concatenate(thumbnails), predict)


def predict_between(futures: FutureMap, indices: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The future between some of a map's: its noise is theirs, mixed.

    Args:
        indices: int (K,), of futures of the map.
        weights: float (K,), not all 0; only their ratios count.

    Returns:
        uint8 (T, H, W, C), the known frames included.
    """
    mix = SeedMix(futures.seeds[torch.from_numpy(indices)][None, None], torch.as_tensor(weights, dtype=torch.float32)[None, None])
    return to_uint8(futures.predict(mix).frames[0])[0]


def neighbours(places: np.ndarray, x: float, y: float) -> tuple[np.ndarray, np.ndarray]:
    """The futures nearest to a place, and how much each counts there: as the inverse distance, so all at its own place.

    Args:
        places: float32 (M, 2).
        x, y: of the place, in the same units.

    Returns:
        int (K,) and float32 (K,), K up to NEIGHBOURS.

    Raises:
        ValueError: x or y is not finite.
    """
    if not (math.isfinite(x) and math.isfinite(y)):
        raise ValueError(f"the place is ({x}, {y}); give two finite numbers")
    squared = ((places - np.array([x, y], np.float32)) ** 2).sum(1)
    nearest = squared.argsort(kind="stable")[:NEIGHBOURS]
    if squared[nearest[0]] < 1e-10:
        return nearest[:1], np.ones(1, np.float32)
    return nearest, np.sqrt(squared[nearest[0]] / squared[nearest]).astype(np.float32)


def coarse_view(frames: torch.Tensor) -> np.ndarray:
    """Futures (M, F, C, H, W) averaged over cells: float32 (M, F * C * h * w)."""
    height, width = frames.shape[-2:]
    cell = max(1, min(height, width) // CELLS)
    coarse = torch.nn.functional.avg_pool2d(frames.flatten(0, 1).float(), cell)
    return coarse.unflatten(0, frames.shape[:2]).flatten(1).numpy()


def lay_out(views: np.ndarray) -> tuple[np.ndarray, float]:
    """Places on a plane that keep the distances between views best (classical multidimensional scaling).

    Args:
        views: float32 (M, D).

    Returns:
        float32 (M, 2) in [0, 1] with both axes on one scale, and the share of the squared distances that the plane keeps; views
        that are all the same lie in the middle.
    """
    centred = (views - views.mean(0)).astype(np.float64)
    gram = centred @ centred.T
    values, vectors = np.linalg.eigh(gram)
    total = np.trace(gram)
    if total < 1e-9:
        return np.full((len(views), 2), 0.5, np.float32), 1.0
    axes = vectors[:, :-3:-1] * np.sqrt(np.maximum(values[:-3:-1], 0))
    axes *= np.where(np.abs(axes).argmax(0) == axes.argmax(0), 1, -1)  # eigenvectors have no sign of their own
    middle, reach = (axes.max(0) + axes.min(0)) / 2, np.ptp(axes, 0).max()
    return ((axes - middle) / max(reach, 1e-12) + 0.5).astype(np.float32), float(values[:-3:-1].sum() / total)


def small_frames(frames: np.ndarray, side: int = THUMBNAIL) -> np.ndarray:
    """Frames uint8 (M, F, H, W, C) with a shorter side of `side` px at most: uint8 (M, F, h, w, C)."""
    height, width = frames.shape[2:4]
    share = min(1.0, side / min(height, width))
    if share == 1:
        return frames
    small = resize(frames.reshape(-1, *frames.shape[2:]), round(height * share), round(width * share))
    return small.reshape(*frames.shape[:2], *small.shape[1:])
