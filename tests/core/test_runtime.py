"""The machine: what is asked for is there, or is refused in words."""

import sys
from types import SimpleNamespace

import pytest
import torch

from vp.core.cpu_fast import keep_big_buffers
from vp.core.noise import MANY, SampleNoise, draw_noise
from vp.core.predictor import seed_grid
from vp.core.runtime import Runtime


def test_wrong_devices_and_precisions_are_refused():
    with pytest.raises(ValueError, match="one of auto, cpu, cuda"):
        Runtime.pick("tpu")
    with pytest.raises(ValueError, match="auto, fp32 or bf16"):
        Runtime.pick("cpu", "fp8")


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is here")
def test_a_gpu_that_is_not_there_is_said_so():
    with pytest.raises(ValueError, match="finds no CUDA GPU"):
        Runtime.pick("cuda")
    assert Runtime.pick("auto").device.type == "cpu"


def test_bf16_follows_the_cpus_own_word(monkeypatch):
    for probe in ("_is_amx_tile_supported", "_is_avx512_bf16_supported"):
        monkeypatch.setattr(torch.cpu, probe, lambda: False, raising=False)
    assert not Runtime.pick("cpu").bf16
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True, raising=False)
    assert Runtime.pick("cpu").bf16 and not Runtime.pick("cpu", "fp32").bf16


def test_autocast_is_on_exactly_with_bf16():
    a = torch.rand(4, 4)
    with Runtime(torch.device("cpu"), True).autocast():
        assert (a @ a).dtype == torch.bfloat16
    with Runtime(torch.device("cpu"), False).autocast():
        assert (a @ a).dtype == torch.float32


@pytest.mark.skipif(sys.platform != "linux", reason="glibc only")
def test_the_allocator_takes_the_thresholds():
    assert keep_big_buffers()


def test_noise_depends_on_the_seed_alone():
    grid = torch.tensor([[3, 4], [5, 3]])
    draws = draw_noise(grid, 2, 5)
    assert draws.shape == (2, 2, 2, 5)
    assert torch.equal(draws[0, 0], draws[1, 1]) and not torch.equal(draws[0, 0], draws[0, 1])
    assert torch.equal(draws[1, 0], draw_noise(torch.tensor([[5]]), 2, 5)[0, 0])


def test_noise_drawn_by_many_threads_is_the_same_to_the_bit(monkeypatch):
    assert MANY < 40 * 3 * 64 * 64, "or no thread has a part in it"
    seeds, shape = torch.arange(40).view(4, 10), (3, 64, 64)
    with torch.inference_mode():
        draw = SampleNoise(seeds, torch.device("cpu"))
        first, second = draw(shape), draw(shape)
    generators = [torch.Generator().manual_seed(seed) for seed in range(40)]
    for drawn in (first, second):
        assert torch.equal(drawn, torch.stack([torch.randn(shape, generator=g) for g in generators]))


@pytest.mark.parametrize("zero", [False, True])
def test_a_gpu_that_is_lent_call_by_call_records_nothing(monkeypatch, zero):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: SimpleNamespace(total_memory=8 * 2**30))
    monkeypatch.setenv("SPACES_ZERO_GPU", "true") if zero else monkeypatch.delenv("SPACES_ZERO_GPU", raising=False)
    runtime = Runtime.pick("cuda", "fp32")
    assert (runtime.recorder is None) is zero and runtime.graph_bytes == 2 * 2**30


def test_seeds_do_not_change_as_the_grid_grows_and_do_not_repeat():
    small, large = seed_grid(7, 2, 3), seed_grid(7, 50, 40)
    assert torch.equal(large[:2, :3], small)
    assert len(large.unique()) == large.numel()
    assert not set(seed_grid(8, 50, 40).flatten().tolist()) & set(small.flatten().tolist())


def test_lowered_convolutions_compute_what_autocast_would():
    layers = torch.nn.Sequential(torch.nn.Conv2d(2, 4, 3), torch.nn.Flatten(), torch.nn.Linear(16, 2))
    low, x = Runtime(torch.device("cpu"), bf16=True), torch.rand(3, 2, 4, 4)
    with torch.inference_mode(), low.autocast():
        want = layers(x)
        got = low.lowered(layers)(x)
    assert torch.equal(got, want)
    assert layers[0].weight.dtype == layers[0].bias.dtype == torch.bfloat16 and layers[2].weight.dtype == torch.float32


def test_in_float32_nothing_is_lowered():
    layer = torch.nn.Conv2d(2, 4, 3)
    assert Runtime(torch.device("cpu"), bf16=False).lowered(layer) is layer and layer.weight.dtype == torch.float32
