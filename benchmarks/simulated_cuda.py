"""A pretended CUDA GPU on a machine without one: what code on `cuda:0` would wait for, copy, mix up and launch.

    with SimulatedCuda() as gpu:
        model = family.predictor(cfg, networks, Runtime(torch.device("cuda"), bf16=False, recorder=gpu.record))
        model.predict(observation, seeds)
    print(gpu.kernels, *gpu.events, sep="\\n")

Tensors of the device are `DeviceTensor`s: they hold a CPU tensor and say that they are on cuda:0. Functions of torch compute on
the CPU tensors and are watched on the way:

- `sync`: the host waits for the device (item, bool, tolist, cpu, nonzero, indexing by a mask).
- `host copy`: memory is copied between host and device, also for indices that are Python lists.
- `random`: a generator is made, seeded or drawn from. Reported only inside a recording, which would repeat the same numbers.

An operation on tensors of both devices, and a generator of the wrong one, raise RuntimeError as on a GPU.

`SimulatedCuda.record` records calls as a CUDA graph does: a replay repeats the same operations on the same memory, and nothing
that Python did meanwhile. Events inside a recording are marked `captured`; on a GPU each would be an error or a frozen value.

Kernels are counted by a rough model (`benchmarks.kernel_model`). Not seen are cuDNN, cuBLAS and the allocator, TF32, streams, and
branches by device in torch's C++ code, which takes the tensors for CPU tensors. Autocast runs as on a CPU.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes

from benchmarks import fused_stand_ins
from benchmarks.device_events import Event, calls_in_vp
from benchmarks.device_tensor import (
    CPU,
    CUDA,
    DeviceTensor,
    Download,
    RealGenerator,
    SimulatedGenerator,
    Upload,
    change_leaves,
    held,
    is_cuda,
    list_leaves,
    on_device,
)
from benchmarks.kernel_model import count_kernels, operation_kind
from vp.core.capture import Recording
from vp.nn import fused

WAITS = {
    "_local_scalar_dense",
    "nonzero",
    "masked_select",
    "equal",
    "is_nonzero",
    "unique_dim",
    "_unique2",
    "_linalg_check_errors",
}
ANY_DEVICE = {"copy_", "_to_copy"}  # operations between devices
INDEXED = {"index", "index_put_", "_index_put_impl_", "index_put", "_unsafe_index"}  # whose indices may be on the host
FILLED = {"zeros", "ones", "full", "scalar_tensor"}
FRESH = {"tensor", "as_tensor", "asarray", "new_tensor", "scalar_tensor"}  # copy numbers from the host


class SimulatedCuda:
    """The device, switched on as a context manager; counts and events go on over several uses.

    Attributes:
        events: all that was noticed, in order.
        eager, replayed: kernels launched one by one, and as nodes of replayed recordings.
    """

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.eager = self.replayed = 0
        self.capturing = self.differentiating = False
        self.nodes: list[Callable[[], None]] = []
        self.stack = ExitStack()

    @property
    def kernels(self) -> int:
        return self.eager + self.replayed

    @property
    def failures(self) -> list[str]:
        """The events inside recordings, as text."""
        return [str(event) for event in self.events if event.captured]

    def count(self, kind: str) -> int:
        """How many events of a kind there were."""
        return sum(event.kind == kind for event in self.events)

    def note(self, kind: str, what: str) -> None:
        self.events.append(Event(kind, what, calls_in_vp(), self.capturing))

    def note_random(self, what: str) -> None:
        if self.capturing:
            self.note("random", what)

    def __enter__(self) -> SimulatedCuda:
        autocast, seed = torch.autocast, torch.manual_seed

        def watched_seed(number: int) -> torch.Generator:
            self.note_random("torch.manual_seed")
            return seed(number)

        def cpu_autocast(device_type: str, *args: Any, **kwargs: Any) -> Any:
            return autocast("cpu" if device_type == "cuda" else device_type, *args, **kwargs)

        def group(tensors: Any, *args: Any) -> Any:
            return {(kept[0][0].device, key[1]): (kept, places) for key, (kept, places) in grouped(tensors, *args).items()}

        self.stack = ExitStack()
        grouped = torch._C._group_tensors_by_device_and_dtype
        self.stack.enter_context(mock.patch.object(torch._C, "_group_tensors_by_device_and_dtype", group))
        for name, stand_in in (("Generator", SimulatedGenerator), ("manual_seed", watched_seed), ("autocast", cpu_autocast)):
            self.stack.enter_context(mock.patch.object(torch, name, stand_in))
        self.stack.enter_context(mock.patch.object(SimulatedGenerator, "watcher", self))
        self.stack.enter_context(mock.patch.object(fused, "launch", self.launch_fused))
        before = torch.__future__.get_overwrite_module_params_on_conversion()
        self.stack.callback(torch.__future__.set_overwrite_module_params_on_conversion, before)
        torch.__future__.set_overwrite_module_params_on_conversion(True)  # a parameter's data cannot become a DeviceTensor
        self.stack.enter_context(OperationWatch(self))
        self.stack.enter_context(FunctionWatch(self))
        return self

    def __exit__(self, *error: Any) -> None:
        self.stack.close()

    def launch_fused(self, name: str, programs: int, like: Tensor, arguments: Any, constants: dict[str, Any]) -> bool:
        """In place of `vp.nn.fused.launch`: one kernel, computed by PyTorch."""
        compute, given = getattr(fused_stand_ins, name), change_leaves(held, arguments)

        def node() -> None:
            compute(*given, **constants)

        with _disable_current_modes():
            node()
        self.eager += 1
        if self.capturing:
            self.nodes.append(node)
        return True

    @contextmanager
    def captured_region(self) -> Iterator[None]:
        """Context manager: operations inside are marked as captured, and kept as nodes of a graph."""
        self.capturing, self.nodes = True, []
        try:
            yield
        finally:
            self.capturing = False

    def record(self, call: Callable[[], Any], pool: Any = None) -> Recording:
        """A recorder for `Runtime`; all recordings have memory of their own."""
        call()  # the warm-up, in which constants are made
        before = self.eager
        with self.captured_region():
            out = call()
        nodes, kernels = self.nodes, self.eager - before
        self.eager = before

        def replay() -> None:
            with _disable_current_modes():
                for node in nodes:
                    node()
            self.replayed += kernels

        return Recording(replay, out)


@dataclass(frozen=True)
class Node:
    """An operation of a recording: runs again on the same memory, its results copied to where they were."""

    func: Callable[..., Any]
    args: Any
    kwargs: Any
    made: list[Tensor]

    def __call__(self) -> None:
        out = self.func(*self.args, **self.kwargs)
        for old, new in zip(self.made, list_leaves(out)):
            old.copy_(new)


class OperationWatch(TorchDispatchMode):
    """Runs each operation of torch on CPU tensors and notes what it would do on a GPU."""

    def __init__(self, gpu: SimulatedCuda):
        super().__init__()
        self.gpu = gpu

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # loading torch's compiler takes seconds

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs, kind = kwargs or {}, operation_kind(func)
        name = kind.name
        if kind.composed:  # as in inference mode
            with self:
                return func._op_dk(torch._C.DispatchKey.CompositeImplicitAutograd, *args, **kwargs)
        if kind.random:
            self.gpu.note_random(name)
        leaves = list_leaves((args, *kwargs.values()))
        ours = [x for x in leaves if isinstance(x, DeviceTensor)]
        if not ours:
            out = func(*args, **kwargs)
            # autograd makes the missing gradients where it takes the tensors to be, on the CPU
            return on_device(out) if self.gpu.differentiating and name in FILLED else out
        if name == "copy_" and len(ours) < len(leaves):
            self.copy_across(args)
        elif name in INDEXED:
            self.check_indices(name, args)
        elif name not in ANY_DEVICE:
            refuse_mixed(name, leaves, scalars=name not in ("cat", "stack"))
        if name in WAITS or (name == "repeat_interleave" and kwargs.get("output_size") is None):
            self.gpu.note("sync", name)
        given = change_leaves(held, args), {key: change_leaves(held, x) for key, x in kwargs.items()}
        out = func(*given[0], **given[1])
        self.gpu.eager += count_kernels(kind, args)
        if self.gpu.capturing and not kind.view:
            made = [] if kind.mutable else list_leaves(out)
            self.gpu.nodes.append(Node(func, *given, made))
        if kind.mutable and func._schema.returns:
            return kwargs["out"] if "out" in kwargs else args[0]
        if kind.view and torch.is_inference_mode_enabled() and not ours[0].is_inference():
            with torch.inference_mode(False):  # a view of a usual tensor is one even in inference mode
                return change_leaves(on_device, out)
        return change_leaves(on_device, out)

    def copy_across(self, args: Any) -> None:
        """Notes a `copy_` between devices."""
        down = not isinstance(args[0], DeviceTensor)
        self.gpu.note("host copy", f"copy_ {'to' if down else 'from'} the host")
        if down:
            self.gpu.note("sync", "copy_ to the host")

    def check_indices(self, name: str, args: Any) -> None:
        """Notes what indexing waits for and copies; refuses values and indices of another device."""
        indices = [x for x in args[1] if x is not None]
        values = [x for x in args[2:3] if isinstance(x, Tensor)]
        refuse_mixed(name, [args[0], *values], scalars=True)
        for index in indices:
            if not isinstance(args[0], DeviceTensor) and isinstance(index, DeviceTensor):
                raise RuntimeError(f"indices should be either on cpu or on the same device as the indexed tensor (cpu): {name}")
            if not isinstance(index, DeviceTensor):
                self.gpu.note("host copy", f"{name} by a list or by a tensor of the host")
            elif index.dtype in (torch.bool, torch.uint8) and not (
                values and values[0].numel() == 1 and type(values[0]) is Tensor
            ):
                self.gpu.note("sync", f"{name} by a mask")


def refuse_mixed(name: str, tensors: list[Tensor], scalars: bool) -> None:
    """Raises RuntimeError where tensors are of both devices; tensors of the host without axes are numbers, if `scalars`."""
    ours = [x for x in tensors if isinstance(x, DeviceTensor)]
    others = [x for x in tensors if not isinstance(x, DeviceTensor) and (x.ndim or not scalars)]
    if ours and others:
        shapes = " and ".join(str(tuple(x.shape)) for x in (ours[0], others[0]))
        raise RuntimeError(
            f"Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu! ({name} of {shapes})"
        )


class FunctionWatch(TorchFunctionMode):
    """What must be seen before torch's C++ code: devices of new tensors, copies between devices, generators."""

    def __init__(self, gpu: SimulatedCuda):
        super().__init__()
        self.gpu = gpu
        names = (
            "to",
            "cpu",
            "cuda",
            "pin_memory",
            "numpy",
            "tolist",
            "unravel_index",
            "backward",
            "lstm_cell",
            "scaled_dot_product_attention",
        )
        self.special = {name: getattr(self, f"do_{name}") for name in names}

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs, name = kwargs or {}, getattr(func, "__name__", "")
        if name in self.special:
            return self.special[name](func, args, dict(kwargs))
        self.check_generator(args, kwargs)
        if name in FRESH:
            return self.new_from_numbers(func, name, args, kwargs)
        if kwargs.get("pin_memory"):
            kwargs = {**kwargs, "pin_memory": False}  # needs a GPU
        if kwargs.get("device") is None:
            return func(*args, **kwargs)
        up = is_cuda(kwargs["device"])
        out = func(*change_leaves(held, args), **(kwargs | ({"device": CPU} if up else {})))
        return self.fill(name, out) if up else out

    def fill(self, name: str, out: Tensor) -> Tensor:
        """A new tensor on the device, made by one kernel."""
        self.gpu.eager += not name.startswith("empty")
        if self.gpu.capturing:
            value = out.clone()
            self.gpu.nodes.append(lambda: out.copy_(value))
        return on_device(out)

    def check_generator(self, args: Any, kwargs: Any) -> None:
        """Raises RuntimeError where a generator is not of the device on which numbers are drawn."""
        generator = next((x for x in (*args, *kwargs.values()) if isinstance(x, RealGenerator)), None)
        if generator is None:
            return
        self.gpu.note_random("a draw from a generator")
        first = next((x for x in args if isinstance(x, Tensor)), None)
        device = kwargs.get("device") or (CPU if first is None else first.device)
        wanted = torch.device(device).type
        if wanted != generator.device.type:
            raise RuntimeError(f"Expected a '{wanted}' device type for generator but found '{generator.device.type}'")

    def new_from_numbers(self, func: Any, name: str, args: Any, kwargs: Any) -> Tensor:
        """`torch.tensor` and its like."""
        kwargs = dict(kwargs)
        device = kwargs.pop("device", None)
        if device is None and args and isinstance(args[0], DeviceTensor):
            if name != "new_tensor":
                return func(*args, **kwargs)
            device = CUDA
        out = func(*change_leaves(held, args), **kwargs)
        return self.move(out, CUDA, True) if is_cuda(device) else out

    def move(self, x: Tensor, device: Any, non_blocking: bool = False) -> Tensor:
        """The tensor on a device, copied where it is on the other one."""
        up = is_cuda(device)
        if torch.device(device).type == "meta":
            return held(x).to("meta")
        if up == isinstance(x, DeviceTensor):
            return x
        self.gpu.note("host copy", f"{tuple(x.shape)} {'to the device' if up else 'to the host'}")
        if not up and not non_blocking:
            self.gpu.note("sync", "copy to the host")
        return (Upload if up else Download).apply(x)

    def do_to(self, func: Any, args: Any, kwargs: Any) -> Tensor:
        x, *rest = args
        if rest and isinstance(rest[0], Tensor):
            rest[:1] = [rest[0].device, rest[0].dtype]
        if isinstance(kwargs.get("other"), Tensor):
            other = kwargs.pop("other")
            kwargs |= {"device": other.device, "dtype": other.dtype}
        copy = kwargs.pop("copy", False)
        device, dtype, non_blocking, layout = torch._C._nn._parse_to(*rest, **kwargs)
        moved = x if device is None else self.move(x, device, non_blocking)
        if dtype is None and layout is None and (not copy or moved is not x):
            return moved
        more = {} if layout is None else {"memory_format": layout}
        return func(moved, dtype or x.dtype, copy=copy and moved is x, **more)

    def do_cpu(self, func: Any, args: Any, kwargs: Any) -> Tensor:
        return self.move(args[0], CPU)

    def do_cuda(self, func: Any, args: Any, kwargs: Any) -> Tensor:
        return self.move(args[0], CUDA)

    def do_pin_memory(self, func: Any, args: Any, kwargs: Any) -> Tensor:
        return args[0].clone()

    def do_numpy(self, func: Any, args: Any, kwargs: Any) -> Any:
        return args[0].__array__() if isinstance(args[0], DeviceTensor) else func(*args, **kwargs)

    def do_tolist(self, func: Any, args: Any, kwargs: Any) -> Any:
        if isinstance(args[0], DeviceTensor):
            self.gpu.note("sync", "tolist")
        return held(args[0]).tolist()

    def do_unravel_index(self, func: Any, args: Any, kwargs: Any) -> Any:
        if isinstance(args[0], DeviceTensor):
            self.gpu.note("host copy", "unravel_index")
            self.gpu.eager += 3
            return change_leaves(on_device, func(held(args[0]), *args[1:], **kwargs))
        return func(*args, **kwargs)

    def do_backward(self, func: Any, args: Any, kwargs: Any) -> None:
        self.gpu.differentiating = isinstance(args[0], DeviceTensor)
        try:
            func(*args, **kwargs)
        finally:
            self.gpu.differentiating = False

    def do_lstm_cell(self, func: Any, args: Any, kwargs: Any) -> Any:
        return self.run_as(3, func, args, kwargs)  # two matrix products and one for the gates

    def do_scaled_dot_product_attention(self, func: Any, args: Any, kwargs: Any) -> Any:
        return self.run_as(1, func, args, kwargs)

    def run_as(self, kernels: int, func: Any, args: Any, kwargs: Any) -> Any:
        """The function's result, counted as so many kernels."""
        before = self.gpu.eager
        out = func(*args, **kwargs)
        if self.gpu.eager > before:
            self.gpu.eager = before + kernels
        return out
