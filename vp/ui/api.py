"""The public endpoint /predict, for gradio_client and curl."""

from __future__ import annotations

import asyncio
import json
import logging
import math
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, contextmanager
from functools import cache
from typing import Any

import gradio as gr
import numpy as np

from vp.core.sentences import sentence
from vp.data import Clip
from vp.data.region import Region
from vp.data.video_file import END, MAX_EVERY, MAX_SIDE
from vp.prediction.actions import STILL
from vp.prediction.known_frames import LONG_SIDE
from vp.prediction.request import MOST_FRAMES, Wishes, to_whole_number
from vp.prediction.sample import Progress
from vp.result.export import write_files
from vp.result.result import Result
from vp.result.sprite_sheet import SIDE

from . import clips, jobs
from .admission import Admission
from .cost import Cost
from .excerpt import Excerpt, chosen, seen
from .listeners import Caller
from .models import MOST_FUTURES, Models
from .page import ADMITTED
from .visitor_files import MADE, session

LOG = logging.getLogger(__name__)
KEPT_ANSWERS, KEPT_OF_ALL = 4, 100  # of a session, and of callers without one
FILES = ("futures.mp4", "futures.gif", "result.html")


def add_endpoint(models: Models, admission: Admission) -> None:
    """Adds the endpoint to the Blocks being built. Its components are hidden; they only define the API's types."""
    default = models.default
    with gr.Column(visible=False):
        inputs = [
            gr.File(label="clip", type="filepath"),
            gr.Textbox(default, label="model"),
            gr.Number(4, precision=None, label="n_futures"),
            gr.Textbox("auto", label="prior"),
            gr.Number(5, label="n_past"),
            gr.Number(10, label="n_future"),
            gr.Number(None, label="temperature"),
            gr.Number(0, label="seed"),
            gr.Textbox("", label="known"),
            gr.Textbox("", label="options"),
            gr.Textbox("", label="actions"),
            gr.Textbox("", label="beside"),
            gr.Number(LONG_SIDE, label="long_side"),
            gr.Textbox("", label="start"),
            gr.Textbox("", label="region"),
            gr.Number(1, label="every"),
        ]
        outputs = [gr.JSON(label="metrics"), *(gr.File(label=name) for name in FILES)]
        predict = make_predict(models, admission)
        gr.Button().click(predict, inputs, outputs, api_name="predict", **ADMITTED)


def make_predict(models: Models, admission: Admission) -> Callable[..., AsyncIterator[tuple[Any, ...]]]:
    """The endpoint's function, over the models of this app."""

    async def predict(
        clip: str,
        model: str,
        n_futures: float,
        prior: str,
        n_past: float,
        n_future: float,
        temperature: float | None = None,
        seed: float = 0,
        known: str = "",
        options: str = "",
        actions: str = "",
        beside: str = "",
        long_side: float = LONG_SIDE,
        start: str = "",
        region: str = "",
        every: float = 1,
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Predicts futures of a video clip.

        Args:
            clip: a video file.
            model: a model's name.
            n_futures: 1 to 16.
            prior: where the model's latents come from, or 'auto'.
            n_past: frames given.
            n_future: frames predicted.
            temperature: spread of the latents; none: what the model usually has.
            seed: 0 or more; the same seed gives the same futures.
            known: frames given instead of the first n_past, counted from 0: '0-4' or '0,5,10'.
            options: JSON object of further options of the model.
            actions: what a model that takes actions is given: 'still', or a JSON list of one list of numbers a frame.
            beside: the same, for one more row with the first future's seed.
            long_side: px that the longer side has at most, for models that take any size.
            start: the first frame that is used, seconds ('3.2s'), or 'end': what comes after the clip's last n_past frames.
            region: the part of the image that is used, 'x,y,w,h' in px of the video; none: all that the model takes.
            every: stride; 2 takes every second frame.

        Returns:
            the record with metrics as JSON, and the mp4, GIF and HTML files.
        """

        @cache
        def wanted() -> tuple[Clip, Wishes]:
            given = parse_model_options(models, model, prior, temperature, options)
            check_arguments(clip, n_futures)
            plans = {"actions": parse_actions("actions", actions), "compare_with": parse_actions("beside", beside)}
            whole_frame = models.get(model).predictor.capabilities.size is None
            found, first = read_upload(clip, start, n_past, n_future, long_side if whole_frame else None, region, every)
            return found, Wishes(n_futures, n_past, n_future, given, seed, first, known, long_side=long_side, **plans)

        visitor = session()
        with as_gradio_errors(model, prior, known, options, actions, beside, start, region), Caller.now() as caller:
            if (result := await predict_in_turn(models, admission, caller, model, wanted)) is not None:
                yield await asyncio.to_thread(keep_outputs, result, visitor)

    return predict


def keep_outputs(result: Result, visitor: str) -> tuple[Any, ...]:
    """`write_outputs` into a folder that is kept for the session `visitor`."""
    folder = MADE.new_folder()
    outputs = write_outputs(result, str(folder))
    MADE.keep(folder, visitor, "answers", KEPT_ANSWERS if visitor else KEPT_OF_ALL)
    return outputs


@contextmanager
def as_gradio_errors(*echoed: object) -> Iterator[None]:
    """Any error in the block becomes one that Gradio sends: a ValueError with its sentence, in which the texts `echoed` are
    clipped, any other one without a word on the server, whose log has it."""
    try:
        yield
    except ValueError as error:
        raise gr.Error(sentence(error, echoed), print_exception=False) from error
    except Exception as error:
        LOG.exception("a request failed")
        raise gr.Error("this failed; the server's log says more", print_exception=False) from error


async def predict_in_turn(
    models: Models, admission: Admission, caller: Caller, model: str, wanted: Callable[[], tuple[Clip, Wishes]]
) -> Result | None:
    """The finished result of what is wanted from the model of this name; None where the caller has gone.

    Raises:
        ValueError: it is refused or fails, in one sentence.
    """

    def check() -> Cost:
        return jobs.check(model, models.get(model), *wanted())

    result = None
    async with aclosing(admission.run(caller, check, lambda: jobs.run_prediction(models, model, *wanted()))) as updates:
        async for update in updates:
            if isinstance(update, Progress) and update.finished:
                result = update.result
    return result


def check_arguments(clip: str | None, n_futures: float | None) -> None:
    """Checks the clip and the number of futures.

    Raises:
        ValueError: no clip, or a number outside 1 to MOST_FUTURES.
    """
    if not clip:
        raise ValueError("no clip came; give a video file")
    if not 1 <= (n_futures or 0) <= MOST_FUTURES:
        raise ValueError(f"n_futures is {n_futures!r}; give a whole number from 1 to {MOST_FUTURES}")


def read_upload(
    path: str, start: str, n_past: float, n_future: float, long_side: float | None, region: str, every: float
) -> tuple[Clip, int | str]:
    """The selected part of an uploaded clip, and the index of its first frame to use, or END.

    Args:
        path: of the file.
        start, n_past, n_future, region, every: as the endpoint takes them; for END the last n_past frames remain.
        long_side: most px of the longer side, or None for the size that uploads are kept at.
    """
    (begin, second), past = parse_start(start), to_whole_number("past frames", n_past, 0, MOST_FRAMES)
    stride = to_whole_number("every", every, 1, MAX_EVERY)
    needed = None if begin else int(past + (n_future or 0))
    side = MAX_SIDE if long_side is None else to_whole_number("long_side", long_side, 16, SIDE)
    name = clips.store_upload(path, session())
    try:
        part = Excerpt(END if begin == END else "", second, parse_region(region, name), stride)
        return chosen(name, part, past, needed, side), begin
    finally:  # its frames stay mapped until the prediction is done
        clips.UPLOADS.drop(name.removeprefix("upload:"))


def parse_model_options(models: Models, model: str, prior: str, temperature: float | None, options: str) -> dict[str, Any]:
    """The model's options from the endpoint's arguments: those in the JSON `options`, and prior and temperature where they are
    set.

    Raises:
        ValueError: `options` is no JSON object, an option is given twice, or the model does not accept it.
    """
    kind = models.get(model).predictor.options_type
    try:
        given = json.loads(options) if options.strip() else {}
    except json.JSONDecodeError as error:
        raise ValueError(f"options is not JSON ({error}); give an object such as {{}}") from error
    if not isinstance(given, dict):
        raise ValueError(f"options is a JSON {type(given).__name__}; give an object such as {{}}")
    silent = {"prior": ("", "auto", None), "temperature": (None,) if "temperature" in kind.controls() else (1, None)}
    for name, value in (("prior", prior), ("temperature", temperature)):
        if value in silent[name]:
            continue
        if name in given:
            raise ValueError(f"{name} came twice, as an argument and in options; give it once")
        given[name] = value
    kind.parse(given)
    return given


def parse_start(text: str) -> tuple[int | str, float]:
    """(first frame or END, second from which frames are counted) of the endpoint's `start`.

    Raises:
        ValueError: none of a frame number, seconds such as '3.2s', and 'end'.
    """
    text = text.strip()
    if text in ("", END):
        return text or 0, 0.0
    if text.isdecimal():
        return int(text), 0.0
    try:
        second = float(text.removesuffix("s"))
    except ValueError:
        second = -1.0
    if not text.endswith("s") or not 0 <= second < math.inf:
        raise ValueError(f"start is {text[:20]!r}; give the number of a frame, seconds such as '3.2s', or '{END}'")
    return 0, second


def parse_region(text: str, name: str) -> Region | None:
    """The region of a text 'x,y,w,h' in px of the video of the clip `name`; None for an empty text."""
    return Region.of_pixels(text, seen(name).width, seen(name).height) if text.strip() else None


def parse_actions(name: str, text: str) -> Any:
    """None, 'still', or float32 (T, A) from the endpoint's argument `name`.

    Raises:
        ValueError: the text is no JSON list of lists of numbers.
    """
    if not text.strip() or text == STILL:
        return text.strip() or None
    try:
        return np.array(json.loads(text), np.float32)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{name} is no JSON list of one list of numbers a frame ({error})") from None


def write_outputs(result: Result, folder: str) -> tuple[Any, ...]:
    """Writes the files of a result into `folder`; returns the endpoint's outputs, the record and the paths in the order of
    FILES."""
    paths = write_files(result, folder, FILES)
    return (result.record(), *(str(paths[name]) for name in FILES))
