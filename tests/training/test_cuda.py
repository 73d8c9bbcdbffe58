"""On a GPU: graphs give what eager calls give, and both what a CPU gives."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch

from vp.catalog import FAMILIES, find_recipe
from vp.core.predictor import seed_grid
from vp.core.runtime import Runtime
from vp.core.video import Observation
from vp.training.settings import Settings
from vp.training.trainer import Trainer

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")

SAME, CLOSE, ROUGH = 1e-5, 2e-3, 0.1  # recorded or not; GPU against CPU in float32; in bfloat16


def prediction(family, runtime: Runtime) -> torch.Tensor:
    cfg = family.tiny()
    torch.manual_seed(0)
    nets = family.networks(cfg)
    with torch.no_grad():
        for p in nets.parameters():  # away from zeros at the start
            p.add_(0.02 * torch.randn(p.shape, generator=torch.Generator().manual_seed(p.numel())))
    model = family.predictor(cfg, nets, runtime)
    size = getattr(cfg, "size", 24)
    clip = torch.rand(2, cfg.n_past + 3, cfg.channels, size, size, generator=torch.Generator().manual_seed(1))
    observation, seeds = Observation.prefix(clip, cfg.n_past), seed_grid(0, 2, 3)
    direct, recorded, replayed = (model.predict(observation, seeds).frames for _ in range(3))
    assert torch.equal(recorded, replayed), "a replay gives what the recording gave"
    torch.testing.assert_close(direct, recorded, atol=SAME, rtol=0)
    *_, last = model.stream(observation, seeds)
    torch.testing.assert_close(last.prediction.frames, recorded, atol=SAME, rtol=0)
    return recorded


@pytest.mark.parametrize("family", [f for f in FAMILIES.values() if f.recipes], ids=lambda f: f.name)
def test_graphs_eager_calls_and_a_cpu_agree(family):
    plain = Runtime.pick("cpu", "fp32")
    exact, half = Runtime.pick("cuda", "fp32"), Runtime.pick("cuda", "bf16")
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a graph that could not be recorded would be said
        recorded, eager = prediction(family, exact), prediction(family, replace(exact, recorder=None))
    torch.testing.assert_close(recorded, eager, atol=SAME, rtol=0)
    torch.testing.assert_close(recorded, prediction(family, plain), atol=CLOSE, rtol=0)
    assert (prediction(family, half) - recorded).abs().mean() < ROUGH


@pytest.mark.parametrize("recorded", [False, True], ids=["digits", "recordings"])
def test_a_gpu_trains_on_the_clips_of_a_cpu_and_a_step_waits_for_it_once(recorded, tmp_path):
    family, found = find_recipe("vpn-conv-mmnist")
    found = replace(found, config=replace(family.tiny(), size=64), batch=2, length=None)
    if recorded:
        (tmp_path / "train").mkdir()
        for index in range(2):
            frames = np.random.default_rng(index).integers(0, 256, (30, 64, 64, 1), np.uint8)
            np.savez(tmp_path / "train" / f"{index}.npz", frames=frames)
        found = replace(found, data={"folder": 1.0})

    def trainer(device: str) -> Trainer:
        out = Settings(tmp_path / device, steps=20, device=device, precision="fp32", digits="strokes", data_root=str(tmp_path))
        return Trainer(family, found, out)

    here, there = trainer("cpu"), trainer("cuda")
    for step in range(10):
        (wanted,), (got,) = here.data.batches_for_step(step)[0], there.data.batches_for_step(step)[0]
        assert torch.equal(wanted.frames, got.frames.cpu())
    there.advance()
    torch.cuda.set_sync_debug_mode("warn")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        there.advance()
    torch.cuda.set_sync_debug_mode("default")
    assert sum("synchroniz" in str(x.message) for x in said) <= len(there.phases), [str(x.message) for x in said]
