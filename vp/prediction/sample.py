"""From a clip and a model to a Result: the one way that the CLI, the app and the API predict."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vp.core.options import Options
from vp.core.predictor import Predictor, seed_grid
from vp.core.video import Actions, Capabilities, Observation, Prediction, Step
from vp.data import Clip

from ..result.result import Result
from ..result.sprite_sheet import SIDE
from .actions import COMPARED, ActionPlan, plan_actions
from .assemble import assemble, growing, to_floats
from .domain import domain_note, trained_on
from .known_frames import LONG_SIDE, fit, parse_mask, resize, side_that_fits
from .model import Model
from .rows import MOST_LIKELY, extra_rows, most_likely

MOST_SAMPLES, MOST_FRAMES = 100, 256
PAST, FUTURE = 5, 10  # where a model states no lengths of its own
PREVIEW_S = 0.35


@dataclass(frozen=True)
class Progress:
    """`step` of `total` is done; `result` is a preview, the finished Result with the last step, or None."""

    step: int
    total: int
    result: Result | None = None


@dataclass(frozen=True)
class Request:
    """A checked wish: what to predict, from which frames, how often.

    Args:
        frames: uint8 (T, H, W, C) as the model takes them, zero where the clip has no truth.
        known, has_truth: bool (T,).
        options: an instance of the predictor's options.
        n: number of futures. seed: where their seeds come from.
        notes: what was changed on the way, in sentences.
        pictures: frame -> uint8 (H, W, 3) that replaces the model's own picture of it.
        action_plan, compare_with: the actions that a model is given, and those of one more row; None where there are none.
    """

    frames: np.ndarray
    known: np.ndarray
    has_truth: np.ndarray
    fps: float
    options: Options
    n: int
    seed: int
    notes: tuple[str, ...] = ()
    events: tuple[tuple[int, str], ...] = ()
    pictures: Mapping[int, np.ndarray] = field(default_factory=dict)
    action_plan: ActionPlan | None = None
    compare_with: ActionPlan | None = None


def sample(
    model: Model,
    clip: Clip | np.ndarray,
    n: int = 4,
    n_past: int | None = None,
    n_future: int | None = None,
    options: Options | Mapping[str, Any] | None = None,
    seed: int = 0,
    known: str | np.ndarray | None = None,
    slow: int = 1,
    pictures: Mapping[int, np.ndarray] | None = None,
    actions: Any = None,
    compare_with: Any = None,
    long_side: int = LONG_SIDE,
) -> Result:
    """The finished Result; arguments as for `stream`."""
    given = {"pictures": pictures, "actions": actions, "compare_with": compare_with, "long_side": long_side}
    *_, last = stream(model, clip, n, n_past, n_future, options, seed, known, slow, preview_s=None, **given)
    assert last.result is not None, "the last step of a stream has the result"
    return last.result


def stream(
    model: Model,
    clip: Clip | np.ndarray,
    n: int = 4,
    n_past: int | None = None,
    n_future: int | None = None,
    options: Options | Mapping[str, Any] | None = None,
    seed: int = 0,
    known: str | np.ndarray | None = None,
    slow: int = 1,
    pictures: Mapping[int, np.ndarray] | None = None,
    preview_s: float | None = PREVIEW_S,
    actions: Any = None,
    compare_with: Any = None,
    long_side: int = LONG_SIDE,
) -> Iterator[Progress]:
    """Predicts step by step; closing the iterator cancels at the next step.

    Args:
        model: what `vp.load` returns.
        clip: a `Clip` of `vp.data`, or uint8 frames (T, H, W, C).
        n: number of futures, 1 to 100; a deterministic model makes one.
        n_past, n_future: lengths; None takes those the model was trained on.
        options: the predictor's options, or a mapping of them.
        seed: 0 or more; the same seed gives the same futures.
        known: mask of known frames ('0-4', '0,5,10', 'none', or bool) over n_past + n_future frames, instead of the prefix.
        slow: 2 or more spreads the clip's frames so far apart and predicts those between: slow motion, instead of `known`.
        pictures: frame -> uint8 (H, W, 3): what a person has made of the model's own picture of that frame; any size.
        preview_s: seconds between growing Results at least, or None for none.
        actions: what a model that takes actions is given: 'own' (the clip's), 'still', or an array (T, A), from the first frame
            on; None: the clip's own where it has any, else still.
        compare_with: the same, for one more row with the first sample's dice; None for no such row.
        long_side: px that the longer side has at most, for models that take any size.

    Raises:
        ValueError: a wish that cannot be met, in one sentence.
    """
    began = time.monotonic()
    request = prepare(model, clip, n, n_past, n_future, options, seed, known, slow, long_side)
    request = replace(request, pictures=painted(model, request, pictures or {}))
    request = with_plans(request, model.predictor.capabilities.actions, as_clip(clip).actions, actions, compare_with)
    runs = predictions_to_make(model, request)
    predictions: dict[str | None, Prediction] = {}
    awaited = [label for label, *_ in runs if label is not None]
    shown_at, pause, done, total = began, preview_s, 0, 0
    for index, (label, shown, seeds, wish) in enumerate(runs):
        for step in model.predictor.stream(shown, seeds, wish):
            preview = None
            now = time.monotonic()
            due = pause is not None and now - shown_at >= pause
            if due and label is None and step.preview is not None:
                preview = growing(model, request, step.preview, made_so_far(request, step), awaited)
            if step.prediction is not None:
                predictions[label] = step.prediction
            done, total = index * step.total + step.index, len(runs) * step.total
            if done < total:
                yield Progress(done, total, preview)
            if preview is not None and preview_s:
                shown_at = time.monotonic()
                pause = max(preview_s, 2 * (shown_at - now))  # showing large frames must not take longer than making them
    yield Progress(total, total, assemble(model, request, predictions, time.monotonic() - began))


Run = tuple[str | None, Observation, Tensor, Options]  # label of the row, what is known, seeds, options


def predictions_to_make(model: Model, request: Request) -> list[Run]:
    """The samples, labelled None; then the most likely future, the rows that see the future, and the second plan of actions."""
    observation, one = observe(request, model.predictor), seed_grid(request.seed, 1, 1)
    runs: list[Run] = [(None, observation, seed_grid(request.seed, 1, request.n), request.options)]
    likely = most_likely(model.predictor, request.options) if request.n > 1 else None
    runs += [] if likely is None else [(MOST_LIKELY, observation, one, likely)]
    if request.has_truth.all() and (request.action_plan is None or request.action_plan.true):  # they read the true future
        references = extra_rows(model.family, model.predictor).items()
        runs += [(label, observation, one, wish) for label, wish in references]
    if request.compare_with:
        runs.append((COMPARED, replace(observation, actions=request.compare_with.actions), one, request.options))
    return runs


def as_clip(clip: Clip | np.ndarray) -> Clip:
    """Bare frames as a clip of which nothing else is known."""
    return clip if isinstance(clip, Clip) else Clip(np.asarray(clip))


def prepare(
    model: Model, clip: Clip | np.ndarray, n: int, n_past: Any, n_future: Any, options: Any, seed: int, known: Any, slow: Any,
    long_side: int = LONG_SIDE,
) -> Request:  # fmt: skip
    """Checks every wish and fits the clip to the model; see `stream`."""
    capabilities = model.predictor.capabilities
    clip = as_clip(clip)
    frames = clip.frames
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] not in (1, 3):
        raise ValueError(f"the clip is {frames.dtype} {frames.shape}; give uint8 frames (T, H, W, 1 or 3)")
    n = whole("futures", n, 1, MOST_SAMPLES)
    seed = whole("seed", seed, 0, 2**31 - 1)
    past, future = lengths(capabilities, len(frames), n_past, n_future)
    slow = whole("slow", slow, 1, MOST_FRAMES // 2)
    if slow == 1:
        mask, has_truth = known_mask(known, past, past + future, len(frames)), np.arange(past + future) < len(frames)
    elif known is None:
        frames = frames[: -(-(past + future) // slow)]
        frames, mask = interleave_blank_frames(frames, slow)
        past, future, has_truth = int(mask.sum()), int((~mask).sum()), mask
    else:
        raise ValueError("known and slow came together; slow motion gives every frame of the clip, so leave out known")
    alone = n > 1 and not capabilities.stochastic
    n = 1 if alone else n
    side, crowded = room(capabilities, frames.shape[1:3], long_side, n, past + future)
    frames, notes = fit(frames[: past + future], capabilities.size, capabilities.channels, side)
    notes = [*clip.notes, *notes, *crowded]
    notes += ["This model is deterministic: every future would be the same, so one is made."] if alone else []
    if len(frames) < past + future:
        notes.append(f"The clip ends after {len(frames)} frames; later ones are predicted, with no truth to compare.")
    notes += filter(None, [domain_note(frames[mask[: len(frames)]], trained_on(model.card))])
    full = np.zeros((past + future, *frames.shape[1:]), np.uint8)
    full[: len(frames)] = frames
    fps = clip.fps or capabilities.fps or 10
    kept = tuple((t, label) for t, label in clip.events if t < past + future)
    return Request(full, mask, has_truth, fps, parse_options(model.predictor, options), n, seed, tuple(notes), kept)


def room(capabilities: Capabilities, shape: tuple[int, int], long_side: Any, n: int, length: int) -> tuple[int, list[str]]:
    """px of the longer side of frames of a clip of this shape, (H, W), and a sentence where that is less than asked for."""
    asked = whole("long side", long_side, 16, SIDE)
    if capabilities.size is not None:
        return asked, []
    rows = n + (5 if n > 1 else 2)  # with truth, most likely, reference, mean and uncertainty
    side = side_that_fits(*shape, asked, rows * length)
    wished = min(asked, max(shape))
    said = f"The longer side has {side} px instead of {wished}: a browser cannot hold {rows} rows of {length} frames that large."
    return side, [said] if side < wished else []


def with_plans(request: Request, wanted: Actions | None, own: Any, actions: Any, compare_with: Any) -> Request:
    """The request with the actions that the model is to be given; see `stream`."""
    length = len(request.known)
    first = plan_actions(wanted, own, actions, length)
    second = None if compare_with is None else plan_actions(wanted, own, compare_with, length)
    notes = () if first is None else first.notes
    return replace(request, action_plan=first, compare_with=second, notes=(*request.notes, *notes))


def whole(name: str, value: Any, low: int, high: int) -> int:
    """`value` as an int between low and high, or a ValueError in one sentence."""
    usable = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not usable or not low <= value <= high or value != int(value):
        raise ValueError(f"{name} is {value!r}; give a whole number from {low} to {high}")
    return int(value)


def lengths(capabilities: Capabilities, frames: int, n_past: Any, n_future: Any) -> tuple[int, int]:
    """Past and future frames: as wished, else as trained, else what the clip allows."""
    past = min(capabilities.trained_past or PAST, max(frames - 1, 1)) if n_past is None else n_past
    future = (capabilities.trained_future or FUTURE) if n_future is None else n_future
    past = whole("past frames", past, capabilities.n_past[0], capabilities.n_past[1] or MOST_FRAMES)
    future = whole("future frames", future, capabilities.n_future[0], capabilities.n_future[1] or MOST_FRAMES)
    if past + future > MOST_FRAMES:
        raise ValueError(f"{past} past and {future} future frames came; give at most {MOST_FRAMES} together")
    if frames < past + 1:
        noun = "frame" if frames == 1 else "frames"
        raise ValueError(
            f"the clip has {frames} {noun}, and {past} past frames need one of at least {past + 1}: "
            "give a longer clip or fewer past frames"
        )
    return past, future


def interleave_blank_frames(frames: np.ndarray, slow: int) -> tuple[np.ndarray, np.ndarray]:
    """Frames `slow` apart with black ones between, and bool (T,) where they are."""
    apart = np.zeros((slow * (len(frames) - 1) + 1, *frames.shape[1:]), np.uint8)
    apart[::slow] = frames
    return apart, np.arange(len(apart)) % slow == 0


def known_mask(known: str | np.ndarray | None, past: int, length: int, frames: int) -> np.ndarray:
    """bool (length,): the prefix, or the mask that was asked for."""
    if known is None or (isinstance(known, str) and not known.strip()):
        return np.arange(length) < past
    mask = parse_mask(known, length) if isinstance(known, str) else np.asarray(known, bool)
    if mask.shape != (length,) or mask.all():
        raise ValueError(f"known marks {mask.sum()} of {mask.size} frames; leave some of the {length} to predict")
    if mask[frames:].any():
        raise ValueError(f"known frame {mask.nonzero()[0].max()} is beyond the clip's {frames} frames")
    return mask


def parse_options(predictor: Predictor, options: Options | Mapping[str, Any] | None) -> Options:
    """Checked options; a prior of 'auto' becomes the first one that the model offers, so that records name it."""
    options = options if isinstance(options, Options) else predictor.options_type.parse(options or {})
    priors, prior = predictor.capabilities.priors, getattr(options, "prior", "")
    if priors.get(prior) is not None:
        raise ValueError(f"prior is {prior!r}, but {priors[prior]}")
    offered = [name for name, reason in priors.items() if reason is None]
    return replace(options, **{"prior": offered[0]}) if prior == "auto" and offered else options


def painted(model: Model, request: Request, pictures: Mapping[int, np.ndarray]) -> dict[int, np.ndarray]:
    """The pictures at the size of the frames; raises ValueError where they cannot be used."""
    length, height, width, _ = request.frames.shape
    if pictures and not model.predictor.capabilities.pictures:
        raise ValueError(f"pictures came for {model.name}, which has none of its own; leave them out or choose another model")
    for t, picture in pictures.items():
        if not 0 <= t < length or picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[-1] != 3:
            came = f"{picture.dtype} {picture.shape} for frame {t}"
            raise ValueError(f"a picture is {came}; give uint8 (H, W, 3) for a frame from 0 to {length - 1}")
    return {t: resize(picture[None], height, width)[0] for t, picture in pictures.items()}


def observe(request: Request, predictor: Predictor) -> Observation:
    """The Observation of a request, checked by the model; the true clip goes along where it is complete."""
    frames = to_floats(request.frames)
    hidden = frames.masked_fill(~torch.from_numpy(request.known)[:, None, None, None], float("nan"))
    target = frames[None] if request.has_truth.all() else None
    pictures = None
    if request.pictures:
        name = next(iter(predictor.capabilities.pictures))
        replaced = torch.full((1, len(frames), 3, *frames.shape[-2:]), float("nan"))
        replaced[0, list(request.pictures)] = to_floats(np.stack(list(request.pictures.values())))
        pictures = {name: replaced}
    actions = request.action_plan.actions if request.action_plan else None
    observation = Observation(hidden[None], torch.from_numpy(request.known), actions, pictures=pictures, target=target)
    predictor.check(observation, request.options)
    return observation


def made_so_far(request: Request, step: Step) -> np.ndarray:
    """bool (T,): a model that takes one step a frame has made that many frames; any other has touched them all."""
    unknown = (~request.known).nonzero()[0]
    ready = request.known.copy()
    ready[unknown[: step.index] if step.total == len(unknown) else unknown] = True
    return ready
