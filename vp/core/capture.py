"""Functions of tensors as CUDA graphs: recorded once for every kind of call, then replayed.

Small networks are bound by the time that launching their kernels takes; a replayed graph launches them all at once.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

import torch

from .tree import list_tensors, map_tensors

MAX_GRAPHS = 8  # graphs kept for one function: each holds its own buffers
WARMUP = 3

Function = Callable[..., Any]  # (how, *trees of tensors) -> tree of tensors
Replay = Callable[[], None]
Recorder = Callable[[Callable[[], Any]], tuple[Replay, Any]]  # a call to record -> (replay, its result, which replays rewrite)


class Captured:
    """`function(how, *given)`, recorded once for each `how` and the shapes given.

    `given` and what comes back are nested tuples of tensors. What comes back is overwritten by the next call: copy what is to
    be kept. If recording fails, it is said once and everything is computed as usual from then on.
    """

    def __init__(self, function: Function, recorder: Recorder):
        self.function, self.recorder = function, recorder
        self.kept: OrderedDict[Hashable, tuple[Replay, list[torch.Tensor], Any]] = OrderedDict()
        self.broken = False

    def __call__(self, how: Hashable, *given: Any) -> Any:
        if self.broken:
            return self.function(how, *given)
        leaves = list_tensors(given)
        key = (how, tuple((x.shape, x.dtype) for x in leaves))
        if key not in self.kept:
            try:
                self.kept[key] = self.record(how, given)
            except RuntimeError as error:
                self.broken = True
                self.kept.clear()
                warnings.warn(f"no CUDA graph of {self.function.__name__} ({error}); computing without", stacklevel=2)
                return self.function(how, *given)
            while len(self.kept) > MAX_GRAPHS:
                self.kept.popitem(last=False)
        self.kept.move_to_end(key)
        replay, buffers, out = self.kept[key]
        for buffer, x in zip(buffers, leaves):
            buffer.copy_(x)
        replay()
        return out

    def record(self, how: Hashable, given: Any) -> tuple[Replay, list[torch.Tensor], Any]:
        static = map_tensors(torch.clone, given)
        replay, out = self.recorder(lambda: self.function(how, *static))
        return replay, list_tensors(static), out


def record_cuda_graph(call: Callable[[], Any]) -> tuple[Replay, Any]:
    """Records a call on the present device; memory and choices of algorithms are settled by a few calls beforehand."""
    side_stream = torch.cuda.Stream()
    side_stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side_stream):
        for _ in range(WARMUP):
            call()
    torch.cuda.current_stream().wait_stream(side_stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        out = call()
    return graph.replay, out
