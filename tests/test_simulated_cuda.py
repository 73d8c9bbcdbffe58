"""The simulated GPU notices what a real one would pay for or refuse, and replays what it recorded and nothing else."""

import pytest
import torch
from torch import nn

from benchmarks.simulated_cuda import SimulatedCuda
from vp.core.clips import to_luma
from vp.core.runtime import Runtime

CUDA = torch.device("cuda")


@pytest.fixture
def gpu():
    with SimulatedCuda() as device:
        yield device


def ramp(*shape: int) -> torch.Tensor:
    return torch.arange(float(torch.Size(shape).numel()), device=CUDA).view(shape)


WRONG = {
    "item": ("sync", lambda x: x.sum().item()),
    "float": ("sync", lambda x: float(x[0, 0])),
    "bool": ("sync", lambda x: bool((x > 0).any())),
    "tolist": ("sync", lambda x: x.tolist()),
    "cpu": ("sync", lambda x: x.cpu()),
    "to the host": ("host copy", lambda x: x.to("cpu")),
    "into the host": ("sync", lambda x: torch.zeros(3, 4).copy_(x)),
    "nonzero": ("sync", lambda x: x.nonzero()),
    "where": ("sync", lambda x: torch.where(x > 1)),
    "mask": ("sync", lambda x: x[x > 1]),
    "repeats": ("sync", lambda x: x.repeat_interleave(torch.ones(3, dtype=torch.long, device=CUDA), 0)),
    "list": ("host copy", lambda x: x[[0, 2]]),
    "list to write": ("host copy", lambda x: x.__setitem__([0, 2], 1.0)),
    "index of the host": ("host copy", lambda x: x[:, torch.tensor([0, 1])]),
    "mask of the host": ("host copy", lambda x: x[torch.tensor([True, False, True])]),
    "numbers": ("host copy", lambda x: torch.tensor([1.0, 2.0], device=CUDA)),
    "numbers like": ("host copy", lambda x: x.new_tensor([1.0, 2.0])),
    "from the host": ("host copy", lambda x: torch.ones(3).to(x.device)),
    "written from the host": ("host copy", lambda x: x.__setitem__(0, torch.ones(4))),
    "generator": ("random", lambda x: torch.Generator()),
    "seed": ("random", lambda x: torch.manual_seed(0)),
    "draw": ("random", lambda x: torch.rand(3, device=CUDA)),
    "dropout": ("random", lambda x: nn.functional.dropout(x)),
}


@pytest.mark.parametrize("kind, wrong", WRONG.values(), ids=WRONG)
def test_a_wrong_function_is_noticed(gpu, kind, wrong):
    x = ramp(3, 4)
    wrong(x)
    assert not gpu.failures and (gpu.count(kind) or kind == "random")
    with gpu.captured_region():
        wrong(x)
    assert any(event.kind == kind and event.captured for event in gpu.events), gpu.events


def test_harmless_functions_are_not(gpu):
    x, given, places = ramp(3, 4), torch.tensor(2.0), torch.tensor([0, 2]).to(CUDA)
    gpu.events.clear()
    with gpu.captured_region():
        y = x[1:, 2] + given * 3 + torch.zeros(2, device=CUDA) + x.new_ones(2)
        y = torch.stack([y, y.clone()]).index_select(1, places[:1])[:, places - places]
        y[:, 0] = 1.0
        y[y > 0] = 0.0  # one number of the host is filled in without waiting
        assert y.to(CUDA) is y and y.to(torch.float64).device.type == "cuda" and torch.where(y > 0, y, 0.0).is_cuda
    assert not gpu.events


MIXED = {
    "sum": lambda x: x + torch.ones(4),
    "mask": lambda x: torch.where(torch.ones(3, 4, dtype=torch.bool), x, 0.0),
    "stack": lambda x: torch.stack([x[0, 0], torch.tensor(1.0)]),
    "product": lambda x: nn.Linear(4, 2)(x),
    "values": lambda x: x.__setitem__(torch.tensor([0, 1], device=CUDA), torch.ones(2, 4)),
    "place": lambda x: torch.ones(3)[torch.tensor([0, 1], device=CUDA)],
    "in place": lambda x: torch.ones(3, 4).add_(x),
}


@pytest.mark.parametrize("mixed", MIXED.values(), ids=MIXED)
def test_two_devices_do_not_mix(gpu, mixed):
    with pytest.raises(RuntimeError, match="same device"):
        mixed(ramp(3, 4))


def test_a_generator_draws_on_its_own_device(gpu):
    ours, theirs = torch.Generator("cuda").manual_seed(1), torch.Generator().manual_seed(1)
    assert ours.device.type == "cuda" and theirs.device.type == "cpu"
    assert torch.equal(torch.rand(3, generator=ours, device=ours.device).cpu(), torch.rand(3, generator=theirs))
    with pytest.raises(RuntimeError, match="Expected a 'cpu' device type for generator but found 'cuda'"):
        torch.rand(3, generator=ours)
    with pytest.raises(RuntimeError, match="Expected a 'cuda' device type for generator but found 'cpu'"):
        ramp(3).normal_(generator=theirs)


def test_no_numpy_without_a_copy(gpu):
    with pytest.raises(TypeError, match="can't convert cuda:0"):
        ramp(3).numpy()


def test_an_event_names_the_line_of_vp(gpu):
    to_luma(ramp(1, 1, 2, 2))
    where = [event.where[0] for event in gpu.events if event.kind == "sync"]
    assert where and all(place.startswith("core/clips.py:") for place in where), gpu.events


def test_gradients_cross_devices_as_on_a_cpu(gpu):
    weights = torch.randn(3, 4, requires_grad=True)
    layer = nn.Linear(4, 2)
    (expected,) = torch.autograd.grad((layer(weights) * torch.ones(2)).square().sum(), weights)
    layer.to(CUDA)
    layer(weights.to(CUDA)).square().cpu().sum().backward()
    torch.testing.assert_close(weights.grad, expected)
    assert layer.weight.grad.is_cuda


def test_a_replay_repeats_the_operations_alone(gpu):
    """As a CUDA graph does: it reads the same memory, and numbers of the host stay what they were when it was recorded."""
    factor, calls = [2.0], []

    def function(settings, x):
        calls.append(settings)
        return (x.mT.reshape(-1) * factor[0], x + 1)  # reshape copies here

    recorded = Runtime(CUDA, bf16=False, recorder=gpu.record).recordings().capture(function)
    with torch.inference_mode():
        for _ in range(2):  # computed, recorded
            recorded("settings", ramp(2, 3))
        before, factor[0], made = len(calls), 5.0, gpu.eager
        first, second = recorded("settings", 10 * ramp(2, 3))
    assert first.tolist() == [0, 60, 20, 80, 40, 100] and second.tolist() == [[1, 11, 21], [31, 41, 51]]
    assert len(calls) == before and gpu.replayed == 2 * 3 and gpu.eager == made + 3  # two inputs made, one copied


def test_kernels_are_counted_by_the_model(gpu):
    x, layer = ramp(2, 3, 8, 8), nn.Sequential(nn.Conv2d(3, 4, 3), nn.GroupNorm(2, 4)).to(CUDA)
    before = gpu.kernels
    with torch.inference_mode():
        layer(x.flatten(1).view_as(x)[:, :, :4, :4].transpose(2, 3))
    assert gpu.kernels - before == 2 + 3


def test_outside_torch_is_itself_again():
    generator, autocast = torch.Generator, torch.autocast
    with SimulatedCuda():
        kept = torch.ones(2, device=CUDA)
    assert torch.Generator is generator and torch.autocast is autocast
    with pytest.raises(RuntimeError, match="switched off"):
        kept + 1
