"""What is asked of a model: `Wishes` as a person states them, and the checked `Request` with the clip fitted to the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from vp.core.options import Options
from vp.core.predictor import Predictor
from vp.core.video import Actions, Capabilities, Observation
from vp.data import Clip
from vp.data.video_file import END

from ..result.sprite_sheet import SIDE
from .actions import ActionPlan, plan_actions
from .assemble import to_floats
from .domain import domain_note
from .known_frames import LONG_SIDE, fit_to_model, largest_long_side, parse_mask, resize
from .model import Model

MOST_SAMPLES, MOST_FRAMES = 100, 256
PAST, FUTURE = 5, 10  # where a model states no lengths of its own


@dataclass(frozen=True)
class Wishes:
    """What a person asks for, not yet checked.

    Args:
        n: number of futures, 1 to 100; a deterministic model makes one.
        n_past, n_future: numbers of known and predicted frames; None takes those the model was trained on.
        options: the predictor's options, or a mapping of them.
        start: index of the first frame of the clip that is used, or END: the last n_past frames are known, and what comes after
            the clip is predicted, without a truth to compare.
        seed: 0 or more; the same seed gives the same futures.
        known: mask of known frames ('0-4', '0,5,10', 'none', or bool) over n_past + n_future frames, instead of the first
            n_past.
        slow: 2 or more: slow motion by this factor; the frames between those of the clip are predicted. Not together with
            `known`.
        pictures: frame -> uint8 (H, W, 3), an edited version of the model's fusion picture (one image that fuses a clip's
            motion) at that frame; any size.
        actions: for a model that takes actions: 'own' (the clip's), 'still' (all zero), or an array (T, A) from the first frame
            on; None: the clip's own where it has any, else still.
        compare_with: actions of one more row, predicted with the first sample's seed; None for no such row.
        long_side: most px of the longer side, for models that take any size.
    """

    n: int = 4
    n_past: int | None = None
    n_future: int | None = None
    options: Options | Mapping[str, Any] | None = None
    seed: int = 0
    start: int | str = 0
    known: str | np.ndarray | None = None
    slow: int = 1
    pictures: Mapping[int, np.ndarray] | None = None
    actions: Any = None
    compare_with: Any = None
    long_side: int = LONG_SIDE


@dataclass(frozen=True)
class Request:
    """Checked wishes: what to predict, from which frames, how often.

    Args:
        frames: uint8 (T, H, W, C) as the model takes them, zero where the clip has no truth.
        known, has_truth: bool (T,).
        fps: frames per second.
        options: an instance of the predictor's options.
        n: number of futures.
        seed: from which their seeds are derived.
        notes: what was changed, in sentences.
        events: (frame, label) pairs of the clip.
        pictures: frame -> uint8 (H, W, 3) that replaces the model's own picture of it.
        action_plan, compare_with: the actions that a model is given, and those of one more row; None where there are none.
        source: which frames of the clip these are, in one line.
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
    source: str = ""


def as_clip(clip: Clip | np.ndarray) -> Clip:
    """Bare frames as a `Clip` without further information; a `Clip` unchanged."""
    return clip if isinstance(clip, Clip) else Clip(np.asarray(clip))


def prepare_request(model: Model, clip: Clip | np.ndarray, wishes: Wishes) -> Request:
    """Checks every wish and fits the clip to the model.

    Raises:
        ValueError: a wish that cannot be met, in one sentence.
    """
    capabilities, clip = model.predictor.capabilities, as_clip(clip)
    frames = clip.frames
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] not in (1, 3):
        raise ValueError(f"the clip is {frames.dtype} {frames.shape}; give uint8 frames (T, H, W, 1 or 3)")
    clip = cut_to_start(clip, capabilities, wishes)
    frames = clip.frames
    n, seed = to_whole_number("futures", wishes.n, 1, MOST_SAMPLES), to_whole_number("seed", wishes.seed, 0, 2**31 - 1)
    frames, mask, has_truth = select_frames(frames, capabilities, wishes)
    alone = n > 1 and not capabilities.stochastic
    n = 1 if alone else n
    side, crowded = limit_long_side(capabilities, frames.shape[1:3], wishes.long_side, n, len(mask))
    frames, notes = fit_to_model(frames[: len(mask)], capabilities.size, capabilities.channels, side)
    notes = [*clip.notes, *notes, *crowded]
    notes += ["This model is deterministic: every future would be the same, so one is made."] if alone else []
    if len(frames) == mask.sum() and mask[: len(frames)].all():
        notes.append("What is predicted comes after the clip's end: there is no truth to compare.")
    elif len(frames) < len(mask):
        notes.append(f"The clip ends after {len(frames)} frames; later ones are predicted, with no truth to compare.")
    notes += filter(None, [domain_note(frames[mask[: len(frames)]], model.card.datasets)])
    full = np.zeros((len(mask), *frames.shape[1:]), np.uint8)
    full[: len(frames)] = frames
    fps = clip.fps or capabilities.fps or 10
    kept = tuple((t, label) for t, label in clip.events if t < len(mask))
    options = parse_options(model.predictor, wishes.options)
    request = Request(full, mask, has_truth, fps, options, n, seed, tuple(notes), kept)
    source = clip.described(int(has_truth.sum()), *full.shape[2:0:-1])
    request = replace(request, source=source, pictures=fit_pictures(model, request, wishes.pictures or {}))
    return with_action_plans(request, capabilities.actions, clip.actions, wishes.actions, wishes.compare_with)


def cut_to_start(clip: Clip, capabilities: Capabilities, wishes: Wishes) -> Clip:
    """The clip from `wishes.start` on; for END its last n_past frames.

    Raises:
        ValueError: the start is outside the clip, or END is combined with known frames or slow motion.
    """
    length = len(clip.frames)
    if wishes.start == END:
        if has_mask(wishes.known) or wishes.slow != 1:
            raise ValueError("start is 'end', and known frames or slow motion came too: they need frames to come; leave one out")
        return clip.cut(max(0, length - resolve_lengths(capabilities, length, wishes.n_past, wishes.n_future)[0]))
    return clip.cut(to_whole_number("start", wishes.start, 0, max(length - 1, 0)))


def select_frames(frames: np.ndarray, capabilities: Capabilities, wishes: Wishes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The frames used, and which of them are known.

    Returns:
        frames uint8 (T', H, W, C), T' up to past + future or more; for slow motion with blank frames between. known and
            has_truth, both bool (past + future,).

    Raises:
        ValueError: lengths, mask or slow factor do not fit the clip or the model.
    """
    past, future = resolve_lengths(capabilities, len(frames), wishes.n_past, wishes.n_future)
    slow = to_whole_number("slow", wishes.slow, 1, MOST_FRAMES // 2)
    if slow == 1:
        return frames, known_mask(wishes.known, past, past + future, len(frames)), np.arange(past + future) < len(frames)
    if has_mask(wishes.known):
        raise ValueError("known and slow came together; slow motion gives every frame of the clip, so leave out known")
    frames, known = interleave_blank_frames(frames[: -(-(past + future) // slow)], slow)
    return frames, known, known


def limit_long_side(
    capabilities: Capabilities, shape: tuple[int, int], long_side: Any, n: int, length: int
) -> tuple[int, list[str]]:
    """The longer side in px for a model of any size, lowered so that a browser can hold the result.

    Args:
        shape: (H, W) of the clip.
        long_side: px asked for.
        n, length: samples, and frames of each.

    Returns:
        the longer side, and [] or a sentence that says that it was lowered.
    """
    asked = to_whole_number("long side", long_side, 16, SIDE)
    if capabilities.size is not None:
        return asked, []
    rows = n + (7 if n > 1 else 4)  # with truth, two baselines, most likely, reference, mean and uncertainty
    side = largest_long_side(*shape, asked, rows * length)
    wished = min(asked, max(shape))
    said = f"The longer side has {side} px instead of {wished}: a browser cannot hold {rows} rows of {length} frames that large."
    return side, [said] if side < wished else []


def with_action_plans(request: Request, accepted: Actions | None, own: Any, actions: Any, compare_with: Any) -> Request:
    """The request with the actions that the model is given.

    Args:
        accepted: the actions that the model takes; None where it takes none.
        own: float (T, A), the clip's own actions, or None.
        actions, compare_with: see `Wishes`.
    """
    length = len(request.known)
    first = plan_actions(accepted, own, actions, length)
    second = None if compare_with is None else plan_actions(accepted, own, compare_with, length)
    notes = () if first is None else first.notes
    return replace(request, action_plan=first, compare_with=second, notes=(*request.notes, *notes))


def to_whole_number(name: str, value: Any, low: int, high: int) -> int:
    """`value` as an int.

    Args:
        name: what the number is, for the error message.
        low, high: bounds, both included.

    Raises:
        ValueError: not a number, not whole, or out of bounds.
    """
    usable = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not usable or not low <= value <= high or value != int(value):
        raise ValueError(f"{name} is {value!r}; give a whole number from {low} to {high}")
    return int(value)


def resolve_lengths(capabilities: Capabilities, frames: int, n_past: Any, n_future: Any) -> tuple[int, int]:
    """(past, future) frames: those asked for, else as trained, else PAST and FUTURE; the default past is at most the clip's
    length.

    Args:
        frames: length of the clip.
        n_past, n_future: lengths asked for, or None.

    Raises:
        ValueError: lengths that the model does not take, more than MOST_FRAMES together, or more past frames than the clip has.
    """
    past = min(capabilities.trained_past or PAST, max(frames, 1)) if n_past is None else n_past
    future = (capabilities.trained_future or FUTURE) if n_future is None else n_future
    past = to_whole_number("past frames", past, capabilities.n_past[0], capabilities.n_past[1] or MOST_FRAMES)
    future = to_whole_number("future frames", future, capabilities.n_future[0], capabilities.n_future[1] or MOST_FRAMES)
    if past + future > MOST_FRAMES:
        raise ValueError(f"{past} past and {future} future frames came; give at most {MOST_FRAMES} together")
    if frames < past:
        noun = "frame" if frames == 1 else "frames"
        raise ValueError(f"the clip has {frames} {noun}, and {past} are to be known: give a longer clip or fewer past frames")
    return past, future


def interleave_blank_frames(frames: np.ndarray, slow: int) -> tuple[np.ndarray, np.ndarray]:
    """Frames uint8 (T, H, W, C) moved `slow` apart with black ones between, and bool (T',), True at the given frames."""
    apart = np.zeros((slow * (len(frames) - 1) + 1, *frames.shape[1:]), np.uint8)
    apart[::slow] = frames
    return apart, np.arange(len(apart)) % slow == 0


def has_mask(known: str | np.ndarray | None) -> bool:
    """Whether known frames are stated; an empty text counts as None."""
    return bool(known.strip()) if isinstance(known, str) else known is not None


def known_mask(known: str | np.ndarray | None, past: int, length: int, frames: int) -> np.ndarray:
    """bool (length,), the known frames: the given mask, or else the first `past`.

    Args:
        known: see `Wishes`.
        frames: length of the clip; later frames cannot be known.

    Raises:
        ValueError: a mask of another length, one without a frame to predict, or a known frame beyond the clip's end.
    """
    if not has_mask(known):
        return np.arange(length) < past
    mask = parse_mask(known, length) if isinstance(known, str) else np.asarray(known, bool)
    if mask.shape != (length,) or mask.all():
        raise ValueError(f"known marks {mask.sum()} of {mask.size} frames; leave some of the {length} to predict")
    if mask[frames:].any():
        raise ValueError(f"known frame {mask.nonzero()[0].max()} is beyond the clip's {frames} frames")
    return mask


def parse_options(predictor: Predictor, options: Options | Mapping[str, Any] | None) -> Options:
    """The predictor's options, checked; prior 'auto' becomes the first one that the model offers, so that records name it.

    Raises:
        ValueError: an unknown option or value, or a prior that the model does not offer.
    """
    options = options if isinstance(options, Options) else predictor.options_type.parse(options or {})
    priors, prior = predictor.capabilities.priors, getattr(options, "prior", "")
    if priors.get(prior) is not None:
        raise ValueError(f"prior is {prior!r}, but {priors[prior]}")
    offered = [name for name, reason in priors.items() if reason is None]
    return replace(options, **{"prior": offered[0]}) if prior == "auto" and offered else options


def fit_pictures(model: Model, request: Request, pictures: Mapping[int, np.ndarray]) -> dict[int, np.ndarray]:
    """Edited pictures (frame -> uint8 (H, W, 3)) resized to the request's frames.

    Raises:
        ValueError: the model has no pictures of its own, a frame is out of range, or an array is not uint8 (H, W, 3).
    """
    length, height, width, _ = request.frames.shape
    if pictures and not model.predictor.capabilities.pictures:
        raise ValueError(f"pictures came for {model.name}, which has none of its own; leave them out or choose another model")
    for t, picture in pictures.items():
        if not 0 <= t < length or picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[-1] != 3:
            came = f"{picture.dtype} {picture.shape} for frame {t}"
            raise ValueError(f"a picture is {came}; give uint8 (H, W, 3) for a frame from 0 to {length - 1}")
    return {t: resize(picture[None], height, width)[0] for t, picture in pictures.items()}


def make_observation(request: Request, predictor: Predictor) -> Observation:
    """The Observation of a request, checked by the model. Unknown frames are NaN; `target` is the true clip where it is
    complete."""
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
