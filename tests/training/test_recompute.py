"""Activation checkpointing: the same losses and gradients, from less memory."""

from __future__ import annotations

import copy
import dataclasses

import pytest
import torch
from torch import Tensor, nn

from vp.catalog import FAMILIES, find_recipe
from vp.core.family import Progress
from vp.core.video import Batch
from vp.training.recompute import recomputable_blocks, recompute_activations
from vp.training.settings import Settings
from vp.training.trainer import Trainer


def held(family, networks: nn.ModuleDict, frames: Tensor) -> tuple[float, dict[str, Tensor], int]:
    """Loss, gradients, and the bytes that are kept between them."""
    cfg, kept = family.tiny(), {}
    phase = family.phases(cfg)[0]

    def keep(x: Tensor) -> Tensor:
        kept[x.untyped_storage().data_ptr()] = x.untyped_storage().nbytes()
        return x

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda x: x):
        losses = phase.loss(networks, Batch(frames), Progress(), torch.Generator().manual_seed(1))
    losses.total.backward()
    gradients = {name: p.grad for name, p in networks.named_parameters() if p.grad is not None}
    return losses.total.item(), gradients, sum(kept.values())


@pytest.mark.parametrize("name", ["svg", "vpn", "ramvid", "fusion"])
def test_losses_and_gradients_are_the_same_and_less_is_kept(name):
    family = FAMILIES[name]
    cfg = family.tiny()
    torch.manual_seed(0)
    length = getattr(cfg, "length", cfg.n_past + cfg.n_future)
    frames = torch.rand(2, length, cfg.channels, cfg.size, cfg.size)
    plain = nn.ModuleDict({**family.networks(cfg), **family.critics(cfg)}).train()
    sparing = recompute_activations(copy.deepcopy(plain))
    (loss, gradients, most), (again, same, least) = (held(family, networks, frames) for networks in (plain, sparing))
    assert again == loss and least < 0.8 * most
    assert gradients and gradients.keys() == same.keys()
    for key, gradient in gradients.items():
        torch.testing.assert_close(same[key], gradient, rtol=1e-5, atol=1e-7)


def test_layers_that_change_when_they_compute_are_computed_once():
    normed = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4))
    bounded = nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.Conv2d(1, 4, 3)))
    plain = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU())
    network = nn.ModuleList([normed, bounded, nn.ModuleDict({"inner": plain})])
    assert recomputable_blocks(network) == [plain]
    recompute_activations(network)
    batches = normed[1].num_batches_tracked.clone()
    normed(torch.randn(2, 1, 8, 8)).sum().backward()
    assert normed[1].num_batches_tracked == batches + 1


def test_the_trainer_does_it_when_asked(tmp_path):
    family, found = find_recipe("svg-lp-smmnist")
    found = dataclasses.replace(found, config=dataclasses.replace(found.config, width=16, n_past=3, n_future=2), batch=1)
    made = [
        Trainer(family, found, Settings(out=tmp_path, device="cpu", steps=1, digits="strokes", recompute=wish))
        for wish in (False, True)
    ]
    plain, sparing = ([block.forward for block in recomputable_blocks(trainer.networks)] for trainer in made)
    assert all(hasattr(forward, "keywords") for forward in sparing) and not any(hasattr(f, "keywords") for f in plain)
    assert not any(hasattr(block.forward, "keywords") for block in recomputable_blocks(made[1].average))
