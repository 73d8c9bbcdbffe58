"""Runs predictions for visitors, step by step so that they can be stopped; `admission` says whose turn it is."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from vp.data import Clip
from vp.prediction.model import Model
from vp.prediction.request import Wishes, make_observation, prepare_request
from vp.prediction.sample import Progress, stream

from .compute_thread import CHECK_THREAD, COMPUTE_THREAD
from .cost import Cost, cost
from .expiring_store import ExpiringStore
from .gpu_share import gpu_seconds
from .models import Models

try:
    from spaces import GPU as on_gpu  # lends a GPU to the call on a ZeroGPU Space, does nothing elsewhere
except ImportError:

    def on_gpu(duration):
        return lambda function: function


@dataclass(frozen=True)
class Job:
    """
    Args:
        stop: set to end it.
        ended: set once it is over.
    """

    stop: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)


LOG = logging.getLogger(__name__)
RUNNING: ExpiringStore[Job] = ExpiringStore(most=40, what="prediction")
POLL_S = 0.02
LAST_STEP_S = 3.0  # in which a cancelled job ends; a message of its last step would otherwise come after what cancelled it
# the models of the apps in this process by their id, which travels to a GPU worker with every call: they are too heavy
SERVING: WeakValueDictionary[int, Models] = WeakValueDictionary()


@on_gpu(duration=gpu_seconds)
def prediction_steps(models: int, name: str, clip: Clip, wishes: Wishes) -> Iterator[Progress]:
    """Progress of one prediction by the model called `name`, as `vp.stream` yields it; on ZeroGPU Spaces with a GPU.

    Args:
        models: the key in SERVING of the models that it is one of.
    """
    yield from stream(SERVING[models].get(name), clip, wishes)


def check(name: str, model: Model, clip: Clip, wishes: Wishes) -> Cost:
    """What a prediction will compute, after the checks that it will make itself: what is wrong is said before it waits.

    Raises:
        ValueError: the wishes cannot be met, in one sentence.
    """
    request = prepare_request(model, clip, wishes)
    CHECK_THREAD.call(make_observation, request, model.predictor)
    return cost(name, request)


def run_prediction(models: Models, name: str, clip: Clip, wishes: Wishes) -> Iterator[Progress]:
    """Yields the progress at every step; closing it stops the model at its next step.

    Args:
        models: of the app; `name` is one of them.

    Raises:
        ValueError: the wishes cannot be met or the prediction failed, in one sentence for visitors.
    """
    SERVING[id(models)] = models
    with closing(with_readable_errors(COMPUTE_THREAD.each(prediction_steps(id(models), name, clip, wishes)))) as job:
        yield from job


def end_job(name: str | None) -> None:
    """Ends a job after its next step and waits for that, LAST_STEP_S at most; `name` is its own in RUNNING, None without one."""
    if (job := stopped_job(name)) is not None:
        job.ended.wait(LAST_STEP_S)


async def end_job_in_loop(name: str | None) -> None:
    """`end_job` for a coroutine. It waits in no thread: these may all be taken, by what somebody else has asked for."""
    if (job := stopped_job(name)) is not None:
        end = time.monotonic() + LAST_STEP_S
        while not job.ended.is_set() and time.monotonic() < end:
            await asyncio.sleep(POLL_S)


def stopped_job(name: str | None) -> Job | None:
    """The job of this name in RUNNING, which is told to stop; None where there is none, or so many have come after it that its
    name is gone."""
    if name:
        with suppress(ValueError):
            job = RUNNING.get(name)
            job.stop.set()
            return job
    return None


def with_readable_errors(job: Iterator[Progress]) -> Iterator[Progress]:
    """Yields what `job` yields; any other error than a ValueError is logged and becomes one, in a sentence for visitors."""
    try:
        yield from job
    except ValueError:
        raise
    except Exception as error:
        LOG.exception("a prediction failed")
        if "memory" in str(error).lower():
            raise ValueError("there is not enough memory for this; ask for fewer futures or frames") from error
        raise ValueError(f"the model failed ({type(error).__name__}); the server's log says more") from error
