"""From a clip and a model to a Result: the one path by which the CLI, the app and the API predict."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vp.core.options import Options
from vp.core.predictor import seed_grid
from vp.core.video import Observation, Prediction, Step
from vp.data import Clip

from ..result.result import Result
from .actions import COMPARED
from .assemble import assemble_result, preview_result
from .baseline_rows import baseline_rows
from .model import Model
from .request import Request, Wishes, make_observation, prepare_request
from .rows import MOST_LIKELY, most_likely_options, reference_row_options

PREVIEW_S = 0.35
SOON_S = 1.5  # a prediction that will have ended by then is shown at its end: a preview would make it later


@dataclass(frozen=True)
class Progress:
    """`step` of `total` is done.

    Args:
        share: of the frames of all futures that are made, above 0, up to 1.
        seconds_left: an estimate, until all frames are made.
        result: a preview, the finished Result at the end, or None.
    """

    step: int
    total: int
    share: float
    seconds_left: float
    result: Result | None = None

    @property
    def finished(self) -> bool:
        """Whether `result` is the finished one; before it the last step comes once without, when all frames are made."""
        return self.result is not None and self.result.ready is None


def sample(
    model: Model, clip: Clip | np.ndarray, n: int = 4, n_past: int | None = None, n_future: int | None = None, **wishes: Any
) -> Result:
    """Predicts `n` futures of a clip and returns the finished Result.

    Args:
        model: what `vp.load` returns.
        clip: a `Clip` of `vp.data`, or uint8 frames (T, H, W, C).
        n: number of futures.
        n_past, n_future: numbers of known and predicted frames; None takes those the model was trained on.
        wishes: the other fields of `vp.prediction.request.Wishes`: options, seed, known, slow and more.

    Raises:
        ValueError: a wish that cannot be met, in one sentence.
    """
    *_, last = stream(model, clip, Wishes(n, n_past, n_future, **wishes), preview_s=None)
    assert last.result is not None, "the last step of a stream has the result"
    return last.result


def stream(
    model: Model, clip: Clip | np.ndarray, wishes: Wishes | None = None, preview_s: float | None = PREVIEW_S
) -> Iterator[Progress]:
    """Predicts step by step, yielding Progress; closing the iterator cancels at the next step.

    Args:
        model, clip: as for `sample`.
        wishes: what is asked for.
        preview_s: minimum seconds between previews; 0 for one a step, None for none. None is made of what is about to end.

    Raises:
        ValueError: a wish that cannot be met, in one sentence.
    """
    began = time.monotonic()
    request = prepare_request(model, clip, wishes or Wishes())
    runs = plan_runs(model, request)
    baselines = list(baseline_rows(runs[0][1], model.name))
    predictions: dict[str | None, Prediction] = {}
    awaited = [label for label, *_ in runs if label is not None]
    futures = [seeds.shape[1] for _, _, seeds, _ in runs]
    shown_at, pause, done, total = began, preview_s, 0, 0
    for index, (label, shown, seeds, wish) in enumerate(runs):
        for step in model.predictor.stream(shown, seeds, wish):
            preview = None
            now = time.monotonic()
            if step.prediction is not None:
                check_finite(model.name, step.prediction.frames, label)
            done, total = index * step.total + step.index, len(runs) * step.total
            share = (sum(futures[:index]) + futures[index] * step.index / step.total) / sum(futures)
            left = (now - began) * (1 / share - 1)
            due = done < total and pause is not None and now - shown_at >= pause and not (preview_s and left < SOON_S)
            if due and label is None and step.preview is not None:
                check_finite(model.name, step.preview[:, :, torch.from_numpy(finished_frames(request, step))], label)
                preview = preview_result(model, request, step.preview, finished_frames(request, step), awaited, baselines)
            if step.prediction is not None:
                predictions[label] = step.prediction
            yield Progress(done, total, share, left, preview)
            if preview is not None and preview_s:
                shown_at = time.monotonic()
                pause = max(preview_s, 2 * (shown_at - now))  # showing large frames must not take longer than making them
    yield Progress(total, total, 1.0, 0.0, assemble_result(model, request, predictions, baselines, time.monotonic() - began))


def check_finite(name: str, frames: Tensor, label: str | None) -> None:
    """Checks that a model made pictures, not NaN or infinity, which would be shown as black or white.

    Args:
        name: of the model.
        frames: float (1, N, T, C, H, W), of N futures.
        label: of the extra row that they are; None: they are the samples.

    Raises:
        ValueError: some are not finite; the sentence says which frames of which futures.
    """
    if frames.sum().isfinite():
        return
    bad = ~frames[0].isfinite().flatten(2).all(-1)  # (N, T)
    if not bad.any():  # a sum may be too large where no number is
        return
    futures = describe_numbers("future", (bad.any(1).nonzero()[:, 0] + 1).tolist())
    times = describe_numbers("frame", bad.any(0).nonzero()[:, 0].tolist())
    where = f"{times} of {futures} of {len(bad)}" if label is None else f"{times} of its row {label.replace('_', ' ')!r}"
    raise ValueError(f"{name} made numbers that are not finite, in {where}; give another model, clip or precision, such as fp32")


def describe_numbers(noun: str, numbers: Sequence[int]) -> str:
    """Ascending numbers for a sentence: 'frame 3', 'frames 3-7', 'frames 3, 5 and more up to 9'."""
    first, last = numbers[0], numbers[-1]
    if first == last:
        return f"{noun} {first}"
    if last - first == len(numbers) - 1:
        return f"{noun}s {first}-{last}"
    return f"{noun}s {first}, {numbers[1]}" + (f" and more up to {last}" if len(numbers) > 2 else "")


Run = tuple[str | None, Observation, Tensor, Options]  # label of the row, what is known, seeds, options


def plan_runs(model: Model, request: Request) -> list[Run]:
    """All predictions to make: the samples, labelled None; then the most likely future, reference rows, and the second
    action plan."""
    observation, one = make_observation(request, model.predictor), seed_grid(request.seed, 1, 1)
    runs: list[Run] = [(None, observation, seed_grid(request.seed, 1, request.n), request.options)]
    likely = most_likely_options(model.predictor, request.options) if request.n > 1 else None
    runs += [] if likely is None else [(MOST_LIKELY, observation, one, likely)]
    if request.has_truth.all() and (request.action_plan is None or request.action_plan.true):  # they read the true future
        references = reference_row_options(model.family, model.predictor).items()
        runs += [(label, observation, one, wish) for label, wish in references]
    if request.compare_with:
        runs.append((COMPARED, replace(observation, actions=request.compare_with.actions), one, request.options))
    return runs


def finished_frames(request: Request, step: Step) -> np.ndarray:
    """bool (T,): the frames that exist after a step. A model with one step per frame has made `step.index` of them; any
    other refines all frames at once, so all count."""
    unknown = (~request.known).nonzero()[0]
    ready = request.known.copy()
    ready[unknown[: step.index] if step.total == len(unknown) else unknown] = True
    return ready
