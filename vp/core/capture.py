"""Functions of tensors as CUDA graphs: recorded at the second call of a kind, and replayed from then on.

Small networks are bound by the time it takes to launch their kernels; a replayed graph launches them all at once.
"""

from __future__ import annotations

import inspect
import warnings
import weakref
from collections.abc import Callable, Hashable
from functools import cache
from typing import Any, NamedTuple

import torch

from .tree import list_tensors, map_tensors

MAX_BYTES = 2**32  # of device memory that the recordings of one predictor may hold
MAX_GRAPHS = 64  # recordings of one predictor: each also holds memory of the host and the driver
MAX_SEEN = 1024  # kinds of calls remembered, recorded or not

Function = Callable[..., Any]  # (hashable settings, *trees of tensors) -> tree of tensors
Replay = Callable[[], None]


class Recording(NamedTuple):
    """A recorded call.

    Args:
        replay: runs it again.
        out: its result, overwritten by each replay.
        pool: the memory pool it was recorded in, to share with the next one; None where there is no such thing.
        held_bytes: device memory that the recording added.
    """

    replay: Replay
    out: Any
    pool: Any = None
    held_bytes: int = 0


Recorder = Callable[[Callable[[], Any], Any], Recording]  # (call, pool or None) -> recording


class Recordings:
    """The recordings of one predictor's functions. They share one memory pool, so that temporary memory exists once.

    A call is of the same kind as another if function, settings, and the inputs' shapes and dtypes are the same. The first call of
    a kind is computed directly, since most kinds occur once. Where the recordings hold more than `max_bytes`, all are dropped
    with their pool and made again when asked for. Where recording fails, all are dropped too, since the allocator may be in
    disorder (pytorch issue 180395); that kind is computed directly from then on, and a warning says so.
    """

    def __init__(self, recorder: Recorder | None, max_bytes: int = MAX_BYTES):
        self.recorder, self.max_bytes = recorder, max_bytes
        self.kept: dict[Hashable, tuple[Recording, list[torch.Tensor]]] = {}
        self.seen: set[Hashable] = set()
        self.broken: set[Hashable] = set()

    def capture(self, function: Function) -> Function:
        """The function with its calls recorded where there is a recorder."""
        return Captured(function, self)

    def call(self, function: Function, settings: Hashable, inputs: Any) -> Any:
        """`function(settings, *inputs)`, recorded or replayed; only computed where there is no recorder."""
        if self.recorder is None:
            return function(settings, *inputs)
        leaves = list_tensors(inputs)
        key = (function.__name__, settings, tuple((x.shape, x.dtype) for x in leaves))
        if key not in self.kept and (key in self.broken or not self.is_repeated(key)):
            return function(settings, *inputs)
        if key not in self.kept:
            try:
                self.kept[key] = self.record(function, settings, inputs)
            except RuntimeError as error:
                self.drop()
                self.broken.add(key)
                warnings.warn(f"no CUDA graph of {function.__name__} ({error}); computing without", stacklevel=3)
                return function(settings, *inputs)
        recording, buffers = self.kept[key]
        for buffer, x in zip(buffers, leaves):
            buffer.copy_(x)
        recording.replay()
        return recording.out

    def is_repeated(self, key: Hashable) -> bool:
        """Whether a call of this kind came before; remembers that one came now."""
        if key in self.seen:
            return True
        if len(self.seen) >= MAX_SEEN:
            self.seen.clear()
        self.seen.add(key)
        return False

    def record(self, function: Function, settings: Hashable, inputs: Any) -> tuple[Recording, list[torch.Tensor]]:
        """The recording, and the input buffers that it reads."""
        if len(self.kept) >= MAX_GRAPHS or sum(recording.held_bytes for recording, _ in self.kept.values()) > self.max_bytes:
            self.drop()
        pool = next((recording.pool for recording, _ in self.kept.values()), None)
        static = map_tensors(torch.clone, inputs)
        assert self.recorder is not None, "without a recorder nothing is captured"
        return self.recorder(lambda: function(settings, *static), pool), list_tensors(static)

    def drop(self) -> None:
        """Frees all recordings, and returns their memory to the device."""
        self.kept.clear()
        if torch.cuda.is_initialized():
            torch.cuda.empty_cache()


class Captured:
    """A function (settings, *trees of tensors) -> tree of tensors whose calls are recorded in `recordings`.

    Inputs and results are nested tuples of tensors. A result is overwritten by the next call of any function with the same
    recordings: copy what you keep. Methods are held weakly, so that a predictor, its weights and its graphs are freed without the
    collector, which may come hours after the last use of a model: it knows nothing of the bytes of tensors.
    """

    def __init__(self, function: Function, recordings: Recordings):
        self.function: Callable[[], Any] = weakref.WeakMethod(function) if inspect.ismethod(function) else lambda: function
        self.recordings = recordings

    def __call__(self, settings: Hashable, *inputs: Any) -> Any:
        return self.recordings.call(self.function(), settings, inputs)


@cache
def side_stream(device: int) -> torch.cuda.Stream:
    """The stream on which everything is recorded: a stream a recording would have a workspace of cuBLAS each."""
    return torch.cuda.Stream(device)


def record_cuda_graph(call: Callable[[], Any], pool: Any = None) -> Recording:
    """Records `call()` on the current CUDA device, after one call on the same stream that settles memory and algorithms.

    Other threads may use CUDA meanwhile, for instance to pin memory for the next mini-batch.
    """
    stream, before = side_stream(torch.cuda.current_device()), torch.cuda.memory_reserved()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        call()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, pool=pool, stream=stream, capture_error_mode="thread_local"):
        out = call()
    return Recording(graph.replay, out, graph.pool(), max(0, torch.cuda.memory_reserved() - before))
