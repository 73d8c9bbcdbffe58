"""Functions of tensors as CUDA graphs: recorded once per settings and input shapes, then replayed.

Small networks are bound by the time it takes to launch their kernels; a replayed graph launches them all at once.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

import torch

from .tree import list_tensors, map_tensors

MAX_GRAPHS = 8  # graphs kept for one function: each holds its own buffers
WARMUP = 3  # calls before the recording

Function = Callable[..., Any]  # (hashable settings, *trees of tensors) -> tree of tensors
Replay = Callable[[], None]
Recorder = Callable[[Callable[[], Any]], tuple[Replay, Any]]  # call -> (replay, the result, overwritten by each replay)


class Captured:
    """Calls `function(settings, *inputs)` by replaying a recording, made once per `settings` and per shapes and dtypes of inputs.

    Inputs and results are nested tuples of tensors. A result is overwritten by the next call of its kind: copy what you keep. If
    a recording fails, the object warns once and calls the function directly from then on.
    """

    def __init__(self, function: Function, recorder: Recorder):
        self.function, self.recorder = function, recorder
        self.kept: OrderedDict[Hashable, tuple[Replay, list[torch.Tensor], Any]] = OrderedDict()
        self.broken = False

    def __call__(self, settings: Hashable, *inputs: Any) -> Any:
        if self.broken:
            return self.function(settings, *inputs)
        leaves = list_tensors(inputs)
        key = (settings, tuple((x.shape, x.dtype) for x in leaves))
        if key not in self.kept:
            try:
                self.kept[key] = self.record(settings, inputs)
            except RuntimeError as error:
                self.broken = True
                self.kept.clear()
                warnings.warn(f"no CUDA graph of {self.function.__name__} ({error}); computing without", stacklevel=2)
                return self.function(settings, *inputs)
            while len(self.kept) > MAX_GRAPHS:
                self.kept.popitem(last=False)
        self.kept.move_to_end(key)
        replay, buffers, out = self.kept[key]
        for buffer, x in zip(buffers, leaves):
            buffer.copy_(x)
        replay()
        return out

    def record(self, settings: Hashable, inputs: Any) -> tuple[Replay, list[torch.Tensor], Any]:
        """Returns the replay, the input buffers that it reads and the result that it overwrites."""
        static = map_tensors(torch.clone, inputs)
        replay, out = self.recorder(lambda: self.function(settings, *static))
        return replay, list_tensors(static), out


def record_cuda_graph(call: Callable[[], Any]) -> tuple[Replay, Any]:
    """Records `call()` on the current CUDA device, after WARMUP calls that settle memory and the choice of algorithms.

    Returns:
        the function that replays it, and its result, which every replay overwrites.
    """
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
