"""One thread in which all predictions are computed, whichever thread asks, and one beside it for loading and checks.

GNU's OpenMP lets the threads that share an operation wait awake only while it manages no more of them than there are cores.
Every thread that has computed keeps helpers of its own, so a second one would make each small operation of a prediction wait
for a thread to wake up (docs/log/first-networks.md). The thread beside it has no helpers.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context, copy_context
from typing import Any, TypeVar

import torch

T = TypeVar("T")
DONE = object()


class ComputeThread:
    """A pool of one thread, started anew in a forked process.

    Args:
        helpers: whether torch may share its operations with further threads.
    """

    def __init__(self, helpers: bool = True) -> None:
        self.helpers = helpers
        self.start()
        os.register_at_fork(after_in_child=self.start)

    def start(self) -> None:
        """Starts the thread."""
        self.inside = threading.local()
        self.pool = ThreadPoolExecutor(1, "computing", self.mark_thread)

    def mark_thread(self) -> None:
        """Runs first in the thread: marks it, so that `call` knows that it is inside."""
        self.inside.computing = True
        if not self.helpers:
            compute_alone()

    def call(self, function: Callable[..., T], *given: Any, context: Context | None = None) -> T:
        """Computes function(*given) in the thread and returns the result; raises what it raises.

        Args:
            context: context variables to run within; None: the caller's.
        """
        if hasattr(self.inside, "computing"):  # called from within
            return function(*given)
        return self.pool.submit((context or copy_context()).run, function, *given).result()

    def each(self, job: Iterator[T]) -> Iterator[T]:
        """Yields what `job` yields, with every step computed in the thread; closing this iterator closes the job."""
        context = copy_context()
        try:
            while (step := self.call(next, job, DONE, context=context)) is not DONE:
                yield step
        finally:
            self.call(job.close, context=context)


def compute_alone() -> None:
    """Makes torch compute in the calling thread alone. What is set there holds for all threads to come too, until another thread
    sets it back."""
    count = torch.get_num_threads()
    torch.set_num_threads(1)
    another = threading.Thread(target=torch.set_num_threads, args=(count,))
    another.start()
    another.join()


COMPUTE_THREAD = ComputeThread()
CHECK_THREAD = ComputeThread(helpers=False)  # what is cheap never waits for a step of a prediction
