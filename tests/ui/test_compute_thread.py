"""All that computes does so in one thread."""

import os
import threading
from contextlib import closing
from contextvars import ContextVar

import pytest
import torch

from vp.ui.compute_thread import ComputeThread

VISITOR = ContextVar("visitor", default="nobody")


def who(*_):
    return threading.current_thread().name, VISITOR.get()


def test_every_call_and_every_step_is_in_the_same_thread_with_the_callers_context():
    compute_thread, seen, closed = ComputeThread(), [], []

    def job():
        try:
            while True:
                yield compute_thread.call(who)  # from within: no second thread, no deadlock
        finally:
            closed.append(who())

    def visit(name):
        VISITOR.set(name)
        seen.append(compute_thread.call(who))
        with closing(compute_thread.each(job())) as steps:
            seen.extend(next(steps) for _ in range(2))

    visitors = [threading.Thread(target=visit, args=(name,)) for name in ("a", "b")]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join()
    threads, names = zip(*seen, *closed)
    assert len(set(threads)) == 1 and threads[0] != threading.current_thread().name
    assert sorted(names) == ["a"] * 4 + ["b"] * 4


def test_a_job_ends_and_its_failures_are_the_callers():
    compute_thread = ComputeThread()

    def failing():
        yield 1
        raise ValueError("no such frame")

    assert list(compute_thread.each(iter_of(1, 2))) == [1, 2]
    steps = compute_thread.each(failing())
    assert next(steps) == 1
    with pytest.raises(ValueError, match="no such frame"):
        next(steps)


def iter_of(*values):
    yield from values


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_has_a_lane_of_its_own():
    compute_thread = ComputeThread()
    compute_thread.call(who)
    child = os.fork()
    if not child:
        os._exit(0 if compute_thread.call(who)[0] != threading.current_thread().name else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_thread_without_helpers_leaves_those_of_the_others_alone():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        assert ComputeThread(helpers=False).call(torch.get_num_threads) == 1
        assert torch.get_num_threads() == ComputeThread().call(torch.get_num_threads) == 3
    finally:
        torch.set_num_threads(before)
