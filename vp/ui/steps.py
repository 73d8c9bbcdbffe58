"""Computes a generator step by step in a thread, for a coroutine that may be cancelled in the middle of a step."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from contextvars import copy_context
from typing import Any

from .compute_thread import DONE

LOG = logging.getLogger(__name__)
POOL = ThreadPoolExecutor(8, "steps")  # only one job computes at a time; the others may be ending


class Steps:
    """A generator whose steps are computed in a thread of POOL, one at a time."""

    def __init__(self, generator: Iterator[Any]):
        self.generator = generator
        self.step: Future[Any] | None = None

    async def next(self) -> Any:
        """What the generator yields next; DONE after its end. Where the caller is cancelled the step goes on; see `close`."""
        self.step = POOL.submit(copy_context().run, next, self.generator, DONE)
        made = asyncio.wrap_future(self.step)
        made.add_done_callback(lambda future: future.cancelled() or future.exception())  # nobody may be left to hear of it
        return await asyncio.shield(made)

    def close(self, then: Callable[[], None]) -> None:
        """Closes the generator after the step that is being computed, and then calls `then` in the event loop."""
        loop = asyncio.get_running_loop()

        def end() -> None:
            try:
                if self.step is not None:
                    wait([self.step])
                self.generator.close()
            except Exception:
                LOG.exception("a job could not be closed")
            finally:
                with suppress(RuntimeError):  # the loop was closed meanwhile
                    loop.call_soon_threadsafe(then)

        POOL.submit(end)
