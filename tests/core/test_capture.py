"""Recorded calls: when they are recorded, what they are given, and what becomes of what they returned."""

from contextlib import contextmanager, nullcontext
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from vp.core.capture import MAX_GRAPHS, Recording, Recordings, record_cuda_graph, side_stream
from vp.core.runtime import Runtime
from vp.core.tree import list_tensors, map_tensors

from ..freed import freed_at_once
from ..recorders import replayed


class Counted:
    __name__ = "counted"

    def __init__(self):
        self.calls = []

    def __call__(self, how: float, x: Tensor, rest: tuple[Tensor, Tensor | None]):
        self.calls.append(how)
        return how * x + rest[0], (rest[0].clone(), rest[1])


def add_one(how, x):
    return x + 1


def test_each_kind_of_call_is_recorded_at_its_second_call_and_gives_what_the_function_gives():
    plain, counted, recorded = Counted(), Counted(), []
    recordings = Recordings(lambda call, pool: recorded.append(1) or replayed(call, pool))
    captured = recordings.capture(counted)
    for how, size in ((2.0, 3), (2.0, 3), (3.0, 3), (2.0, 4), (2.0, 3), (3.0, 3), (2.0, 3)):
        given = torch.rand(size), (torch.rand(size), None)
        got, want = captured(how, *given), plain(how, *given)
        torch.testing.assert_close(got[0], want[0])
        torch.testing.assert_close(got[1][0], want[1][0])
        assert got[1][1] is None
    assert len(recorded) == 2, "(2, 3) and (3, 3); (2, 4) came once"


def test_what_comes_back_is_overwritten_by_the_next_call_of_any_kind():
    recordings = Recordings(replayed)
    captured = recordings.capture(add_one)
    for how in ("a", "a", "b", "b"):
        captured(how, torch.zeros(2))
    first = captured("a", torch.zeros(2))
    kept = first.clone()
    second = captured("b", torch.ones(2))
    assert kept.tolist() == [1, 1] and second.tolist() == [2, 2] and first.isnan().all()


def test_all_share_one_pool():
    pools = []

    def recorder(call, pool):
        pools.append(pool)
        return replayed(call, pool)

    recordings = Recordings(recorder)
    first, second = recordings.capture(add_one), recordings.capture(lambda how, x: x)
    for captured in (first, first, second, second):
        captured(None, torch.zeros(1))
    assert pools[0] is None and pools[1] is not None


@pytest.mark.parametrize("limit", [{"max_bytes": 40}, {}])
def test_recordings_are_dropped_when_they_hold_too_much(limit):
    recordings = Recordings(replayed, **limit)
    captured = recordings.capture(add_one)
    most = 11 if limit else MAX_GRAPHS  # four bytes each, and one more before it is noticed
    for how in range(most):
        captured(how, torch.zeros(1))
        captured(how, torch.zeros(1))
    assert len(recordings.kept) == most
    for _ in range(2):
        assert captured("more", torch.zeros(1)).item() == 1
    assert len(recordings.kept) == 1, "a fresh pool, with the newest alone"


def test_a_recording_that_fails_is_said_and_its_kind_alone_is_computed_directly():
    def recorder(call, pool):
        if call().numel() == 2:
            raise RuntimeError("operation not permitted")
        return replayed(call, pool)

    recordings = Recordings(recorder)
    captured = recordings.capture(add_one)
    for _ in range(2):
        captured(None, torch.zeros(1))
    captured(None, torch.zeros(2))
    with pytest.warns(UserWarning, match="no CUDA graph of add_one .operation not permitted"):
        assert captured(None, torch.zeros(2)).tolist() == [1, 1]
    assert not recordings.kept, "what was recorded before may be in disorder"
    assert captured(None, torch.zeros(2)).tolist() == [1, 1], "without a second warning"
    assert captured(None, torch.zeros(1)).item() == 1 and len(recordings.kept) == 1, "others are recorded again"


@pytest.mark.parametrize("recorded", [True, False])
def test_a_predictor_is_freed_with_its_recordings_without_the_collector(recorded):
    class Owner:
        def __init__(self):
            self.captured = Recordings(replayed_without_call if recorded else None).capture(self.double)

        def double(self, settings, x):
            return 2 * x

    def replayed_without_call(call, pool):
        out = call()
        return Recording(lambda: None, out)  # as a graph, it does not hold the function

    def used():
        owner = Owner()
        for _ in range(3):
            assert owner.captured(None, torch.ones(1)).item() == 2
        return owner

    assert freed_at_once(used)


def test_cuda_graphs_are_recorded_on_one_stream_while_other_threads_may_use_the_gpu(monkeypatch):
    """With stand-ins for CUDA: an error mode other than thread_local lets a thread that pins memory end a recording."""
    asked = []

    class Stream:
        def __init__(self, device=None):
            self.waited = []

        def wait_stream(self, other):
            self.waited.append(other)

    @contextmanager
    def record(graph, **how):
        asked.append(how)
        yield

    here = Stream()
    fakes = {
        "Stream": Stream, "current_device": lambda: 0, "current_stream": lambda: here, "stream": lambda stream: nullcontext(),
        "memory_reserved": lambda: 7, "graph": record, "is_initialized": lambda: False,
        "CUDAGraph": lambda: SimpleNamespace(replay=lambda: None, pool=lambda: "pool"),
    }  # fmt: skip
    for name, fake in fakes.items():
        monkeypatch.setattr(torch.cuda, name, fake)
    side_stream.cache_clear()
    calls = []
    first = record_cuda_graph(lambda: calls.append(1))
    record_cuda_graph(lambda: calls.append(2), first.pool)
    side_stream.cache_clear()
    assert calls == [1, 1, 2, 2], "one call that settles, one that is recorded"
    assert [how["pool"] for how in asked] == [None, "pool"]
    assert all(how["capture_error_mode"] == "thread_local" for how in asked)
    assert asked[0]["stream"] is asked[1]["stream"] is not here and asked[0]["stream"].waited


def test_a_cpu_computes_each_time():
    function = Counted()
    captured = Runtime.pick("cpu").recordings().capture(function)
    for _ in range(3):
        assert captured(2.0, torch.ones(1), (torch.ones(1), None))[0].item() == 3
    assert function.calls == [2.0] * 3 and not captured.recordings.kept and not captured.recordings.seen


def test_trees_are_flattened_in_order():
    a, b = torch.zeros(1), torch.ones(1)
    assert [x.item() for x in list_tensors((a, (None, b)))] == [0, 1] and list_tensors(None) == []
    assert map_tensors(torch.neg, (b,))[0].item() == -1
