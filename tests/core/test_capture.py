"""Recorded calls: when they are recorded, what they are given, and what becomes of what they returned."""

import pytest
import torch
from torch import Tensor

from vp.core.capture import MAX_GRAPHS, Captured
from vp.core.runtime import Runtime
from vp.core.tree import list_tensors, map_tensors

from ..recorders import replayed


class Counted:
    __name__ = "counted"

    def __init__(self):
        self.calls = []

    def __call__(self, how: float, x: Tensor, rest: tuple[Tensor, Tensor | None]):
        self.calls.append(how)
        return how * x + rest[0], (rest[0].clone(), rest[1])


def test_each_kind_of_call_is_recorded_once_and_gives_what_the_function_gives():
    plain, counted, recorded = Counted(), Counted(), []
    captured = Captured(counted, lambda call: recorded.append(1) or replayed(call))
    for how, size in ((2.0, 3), (2.0, 3), (3.0, 3), (2.0, 4), (2.0, 3)):
        given = torch.rand(size), (torch.rand(size), None)
        got, want = captured(how, *given), plain(how, *given)
        torch.testing.assert_close(got[0], want[0])
        torch.testing.assert_close(got[1][0], want[1][0])
        assert got[1][1] is None
    assert len(recorded) == 3


def test_what_comes_back_is_overwritten_by_the_next_call_of_its_kind():
    captured = Captured(lambda how, x: x + 1, replayed)
    first = captured("a", torch.zeros(2))
    kept = first.clone()
    captured("a", torch.ones(2))
    assert kept.tolist() == [1, 1] and first.tolist() == [2, 2]


def test_only_so_many_are_kept_and_the_one_used_longest_ago_goes():
    captured = Captured(lambda how, x: x, replayed)
    for how in range(MAX_GRAPHS):
        captured(how, torch.zeros(1))
    captured(0, torch.zeros(1))
    captured(MAX_GRAPHS, torch.zeros(1))
    assert len(captured.kept) == MAX_GRAPHS and {key[0] for key in captured.kept} == {0, *range(2, MAX_GRAPHS + 1)}


def test_a_recording_that_fails_is_said_once_and_everything_is_computed_as_usual():
    def fails(call):
        raise RuntimeError("operation not permitted")

    captured = Captured(Counted(), fails)
    with pytest.warns(UserWarning, match="no CUDA graph of counted .operation not permitted"):
        first = captured(2.0, torch.ones(1), (torch.ones(1), None))
    second = captured(3.0, torch.ones(1), (torch.ones(1), None))
    assert first[0].item() == 3 and second[0].item() == 4


def test_a_cpu_computes_each_time():
    function = Counted()
    assert Runtime.pick("cpu").capture(function) is function
    assert isinstance(Runtime(torch.device("cpu"), False, recorder=replayed).capture(function), Captured)


def test_trees_are_flattened_in_order():
    a, b = torch.zeros(1), torch.ones(1)
    assert [x.item() for x in list_tensors((a, (None, b)))] == [0, 1] and list_tensors(None) == []
    assert map_tensors(torch.neg, (b,))[0].item() == -1
