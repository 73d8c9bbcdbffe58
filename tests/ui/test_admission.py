"""Who is let in, and what becomes of jobs that nobody waits for."""

import asyncio
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
from gradio.routes import HTTPException

from vp.core.options import Options
from vp.prediction.request import Request
from vp.ui.admission import Admission, Place
from vp.ui.cost import Cost, cost
from vp.ui.limits import Limits
from vp.ui.listeners import READERS, Caller, CountReaders, Readers, stream_key

SMALL = Cost("model", 1, 10, 1, 64 * 64)


class Guest(Caller):
    """A caller who leaves when told to."""

    left = False

    def gone(self, lease_s):
        return self.left


def leave(guest):
    object.__setattr__(guest, "left", True)


def guest(visitor, address=""):
    return Guest(visitor, address or f"address of {visitor}", True)


def steps(count, ran, name, seconds=0.0):
    def job():
        for k in range(count):
            ran.append(name)
            time.sleep(seconds)
            yield k

    return job


async def collected(admission, who, job, check=lambda: SMALL, kind="prediction"):
    return [x async for x in admission.run(who, check, job, kind) if not isinstance(x, Place)]


async def until(true, seconds=10):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it does not happen"
        await asyncio.sleep(0.005)


class Busy:
    """A job that has the device until it is let go."""

    def __init__(self, admission, who=None):
        self.ran, self.free = [], threading.Event()
        self.task = asyncio.ensure_future(collected(admission, who or guest("busy"), self.job))

    def job(self):
        self.ran.append("busy")
        yield 0
        self.free.wait(20)
        yield 1

    async def __aenter__(self):
        await until(lambda: self.ran)
        return self

    async def __aexit__(self, *_):
        self.free.set()
        await self.task


@pytest.mark.parametrize(
    "limits, who, said",
    [
        (Limits(per_visitor=2), [("a", "1"), ("a", "2"), ("a", "3")], "2 predictions of yours wait or run"),
        (Limits(per_address=2), [("a", "1"), ("b", "1"), ("c", "1")], "2 predictions of your network address wait or run"),
        (Limits(total=2), [("a", "1"), ("b", "2"), ("c", "3")], "2 predictions wait here"),
    ],
)
def test_one_too_many_is_refused_at_once_while_the_device_is_busy(run_coroutine, limits, who, said):
    async def visit():
        admission, ran = Admission(limits), []
        async with Busy(admission, guest(*who[0])):
            second = asyncio.ensure_future(collected(admission, guest(*who[1]), steps(1, ran, "second")))
            await until(lambda: len(admission.inside) == 2)
            with pytest.raises(ValueError, match=said) as refused:
                await asyncio.wait_for(collected(admission, guest(*who[2]), steps(1, ran, "third")), 5)
            assert "\n" not in str(refused.value) and ". " not in str(refused.value), "one sentence"
        assert await second == [0] and ran == ["second"]
        assert await collected(admission, guest(*who[2]), steps(1, ran, "third")) == [0], "there is room again"
        assert not admission.inside and admission.turns.holder is None

    run_coroutine(visit())


def test_what_is_wrong_or_too_much_is_said_before_it_waits(run_coroutine):
    def wrong():
        raise ValueError("n is 99")

    async def visit():
        admission, ran = Admission(), []
        async with Busy(admission):
            for check, said in ((wrong, "n is 99"), (lambda: Cost("model", 16, 256, 1000, 64 * 64), "lower the futures, future")):
                with pytest.raises(ValueError, match=said):
                    await asyncio.wait_for(collected(admission, guest("a"), steps(1, ran, "a"), check), 5)
            assert len(admission.inside) == 1 and not ran

    run_coroutine(visit())


def test_a_prediction_ends_after_the_most_seconds_and_says_so(run_coroutine):
    async def visit():
        admission, ran = Admission(Limits(run_s=0.1)), []
        with pytest.raises(ValueError, match="ended after 1 s, the most that one prediction may compute; ask for less"):
            await collected(admission, guest("a"), steps(1000, ran, "a", 0.02))
        await until(lambda: not admission.inside)
        assert 5 <= len(ran) < 50
        count = len(ran)
        await collected(admission, guest("a"), steps(2, ran, "learning", 0.1), kind="learning")  # has a limit of its own
        assert len(ran) == count + 2

    run_coroutine(visit())


def test_visitors_take_turns(run_coroutine):
    async def visit():
        admission, ran = Admission(), []
        async with Busy(admission):
            waiting = []
            for name in ("a1", "a2", "a3", "b1", "c1", "b2"):
                waiting.append(asyncio.ensure_future(collected(admission, guest(name[0]), steps(1, ran, name))))
                await until(lambda: len(admission.turns.waiting) == len(waiting))  # noqa: B023
        await asyncio.gather(*waiting)
        assert ran == ["a1", "b1", "c1", "a2", "b2", "a3"]

    run_coroutine(visit())


def test_a_waiting_job_whose_caller_has_gone_never_runs_and_a_running_one_ends_after_its_step(run_coroutine):
    async def visit():
        admission, ran = Admission(), []
        runs, waits = guest("a"), guest("b")
        running = asyncio.ensure_future(collected(admission, runs, steps(1000, ran, "a", 0.05)))
        await until(lambda: ran)
        waiting = asyncio.ensure_future(collected(admission, waits, steps(5, ran, "b")))
        await until(lambda: admission.turns.waiting)
        leave(waits)
        assert await waiting == [] and "b" not in ran and not admission.turns.waiting
        leave(runs)
        count = len(ran)
        await running
        await until(lambda: not admission.inside)
        assert len(ran) <= count + 1

    run_coroutine(visit())


def test_a_job_that_is_withdrawn_just_as_it_is_called_never_runs(run_coroutine):
    async def visit():
        admission, ran, stop = Admission(), [], threading.Event()
        async with Busy(admission) as busy:
            updates = admission.run(guest("a"), lambda: SMALL, steps(1, ran, "a"), "learning", stop.is_set)
            while (await anext(updates)).before != 1:
                pass
        await busy.task
        assert admission.turns.holder is not None, "the device is free, and the next job was called"
        stop.set()
        assert [x async for x in updates] == [] and not ran and admission.turns.holder is None and not admission.inside

    run_coroutine(visit())


@pytest.mark.parametrize("waits", [False, True])
def test_a_cancelled_event_frees_the_device_after_its_step(run_coroutine, waits):
    async def visit():
        admission, ran = Admission(), []
        async with Busy(admission) as busy:
            task = asyncio.ensure_future(collected(admission, guest("a"), steps(1000, ran, "a", 0.05)))
            await until(lambda: admission.turns.waiting)
            if not waits:
                busy.free.set()
                await until(lambda: ran)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            count = len(ran)
        assert await asyncio.wait_for(collected(admission, guest("c"), steps(1, ran, "c")), 5) == [0]
        await until(lambda: not admission.inside)
        assert len(ran) - 1 <= count + 1 and (not waits or ran == ["c"])

    run_coroutine(visit())


def test_a_place_says_how_many_come_before_and_for_how_long(run_coroutine):
    async def visit():
        admission, places = Admission(), []

        async def look():
            async for x in admission.run(guest("a"), lambda: SMALL, steps(1, [], "a")):
                places.extend([x.text] if isinstance(x, Place) else [])

        async with Busy(admission):
            looking = asyncio.ensure_future(look())
            await until(lambda: len(places) > 1)
        await looking
        assert places[0] == "Yours is next." and places[1].startswith("1 before you, about 1 s")

    run_coroutine(visit())


@pytest.fixture
def call(monkeypatch):
    """A plain POST's caller, whose enqueue time is 100 s, and the clock."""
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(READERS, "clock", lambda: clock.now)
    monkeypatch.setattr(READERS, "counting", True)
    event = SimpleNamespace(session_hash="event", _id="event", alive=True, enqueue_time=100.0)
    return Caller("address 1", "1", False, event), clock


def test_a_post_whose_answer_nobody_reads_is_gone_after_the_lease(call):
    caller, clock = call
    clock.now = 109.0
    assert not caller.gone(10.0)
    with READERS.reading("event"):
        clock.now = 500.0
        assert not caller.gone(10.0), "somebody reads"
    clock.now = 509.0
    assert not caller.gone(10.0), "counted from when the last one left"
    clock.now = 511.0
    assert caller.gone(10.0)
    caller.event.alive = False
    assert caller.gone(1000.0), "Gradio says that its stream broke"


def test_nothing_is_known_of_readers_where_the_app_does_not_count_them():
    readers = Readers(lambda: 1000.0)
    assert readers.unread_s(("event",), 0.0) == 0.0


@pytest.mark.parametrize(
    "method, path, query, key",
    [
        ("GET", "/gradio_api/call/predict/e1", b"", "e1"),
        ("GET", "/gradio_api/call/v2/predict/e1/", b"", "e1"),
        ("GET", "/gradio_api/queue/data", b"session_hash=s1", "s1"),
        ("POST", "/gradio_api/call/predict", b"", None),
        ("GET", "/", b"", None),
        ("GET", "/gradio_api/heartbeat/s1", b"", None),
    ],
)
def test_which_requests_read_an_answer(method, path, query, key):
    assert stream_key({"type": "http", "method": method, "path": path, "query_string": query}) == key


def test_the_cost_counts_what_is_to_be_predicted():
    class Steps(Options):
        steps, resample = 50, 2

    known = np.arange(15) < 5
    request = Request(np.zeros((15, 32, 64, 3), np.uint8), known, known, 10.0, Steps(), 4, 0)
    asked = cost("model", request)
    assert (asked.n, asked.frames, asked.steps, asked.pixels) == (4, 10, 100, 2048)


def test_a_stream_of_a_session_that_is_gone_ends_without_a_traceback(run_coroutine):
    """Gradio raises a 404 into an answer that has begun, which Starlette then cannot give."""
    sent = []

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("response already started") from HTTPException(404)

    async def broken(scope, receive, send):
        raise RuntimeError("something else")

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/gradio_api/queue/data", "query_string": b"session_hash=gone"}
    run_coroutine(CountReaders(app)(scope, None, send))
    assert sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False} and "gone" not in READERS.open
    with pytest.raises(RuntimeError, match="else"):
        run_coroutine(CountReaders(broken)(scope, None, send))
