"""Every family that moves pixels can hold them in sprites: they learn, from pictures of single things too, and predict."""

from dataclasses import replace

import pytest
import torch

from vp.catalog import FAMILIES
from vp.core.family import Progress
from vp.core.predictor import seed_grid
from vp.core.runtime import Runtime
from vp.core.video import Batch, Observation
from vp.nn.separation import overheard, passes

CPU = Runtime.pick("cpu", "fp32")
NAMES = [
    "svg", "ramvid", "vpn", "vpn-conv", "vpn-lstm", "vpn-convlstm-paths", "vpn-conv-paths",
    "svg-compact-bright-cutouts", "vpn-lstm-path-cutouts",
]  # fmt: skip


def config(name: str):
    kind, network, mover = [*name.split("-", 2), "", ""][:3]
    family = FAMILIES[kind]
    cfg = family.tiny()
    if family.name == "vpn":
        network = network or "convlstm"
        widths = {"convlstm": cfg.widths, "conv": (16, 16), "lstm": (16, 16, 16, 16)}[network]
        cfg = replace(cfg, network=network, widths=widths, layers=2)
    else:
        cfg = replace(cfg, flows=2)
    if family.name == "ramvid":
        return family, replace(cfg, mover="sprites", separation=1.0)
    return family, replace(cfg, mover=mover or "sprites", objective=replace(cfg.objective, separation=1.0))


def squares(cfg, clips: int = 3, length: int = 12) -> Batch:
    """Two squares that go their own ways."""
    things = torch.zeros(clips, length, 2, cfg.size, cfg.size, dtype=torch.uint8)
    for clip in range(clips):
        for t in range(length):
            x = (2 + clip + t) % (cfg.size - 5)
            things[clip, t, 0, 3:7, x : x + 4], things[clip, t, 1, x : x + 3, 9:12] = 255, 200
    frames = things.amax(2, keepdim=True).float() / 255
    return Batch(frames.expand(-1, -1, cfg.channels, -1, -1), extras={"things": things})


@pytest.mark.parametrize("name", NAMES)
def test_sprites_are_taught_what_things_there_are(name):
    family, cfg = config(name)
    torch.manual_seed(0)
    nets, batch = family.networks(cfg), squares(cfg)
    loss = family.phases(cfg)[0].loss
    for seed in range(3):
        losses = loss(nets, batch, Progress(share=0.9), torch.Generator().manual_seed(seed))
        assert losses.total.isfinite() and losses.terms["separation"] > 0 and losses.terms["motion"] > 0
    losses.total.backward()
    told = {part: p.grad for part, p in nets.named_parameters() if "composer" in part and p.grad is not None}
    assert any("write" in part and grad.any() for part, grad in told.items())
    assert any("motion" in part and grad.any() for part, grad in told.items())
    without = loss(nets, Batch(batch.frames), Progress(share=0.9), torch.Generator().manual_seed(0))
    assert "separation" not in without.terms, "clips without such pictures are trained on as they are"


@pytest.mark.parametrize("network", ["convlstm", "conv", "lstm"])
def test_every_known_frame_is_written_into_sprites(network):
    family, cfg = config(f"vpn-{network}-paths")
    nets, batch = family.networks(cfg), squares(cfg)
    with overheard(nets) as heard:
        family.predictor(cfg, nets, CPU).predict(Observation.prefix(batch.frames, cfg.n_past, cfg.n_past + 3), seed_grid(0, 3, 1))
    kinds = [kind for kind, _ in passes(heard)[0] if kind in ("stored", "moved")]
    assert kinds == ["stored", "moved"] * cfg.n_past + ["moved"] * 2


@pytest.mark.parametrize("name", NAMES)
def test_sprites_predict(name):
    family, cfg = config(name)
    torch.manual_seed(0)
    nets = family.networks(cfg)
    with torch.no_grad():
        for p in nets.parameters():
            p.add_(0.02 * torch.randn_like(p))
    model = family.predictor(cfg, nets, CPU)
    frames = squares(cfg).frames
    observation, seeds = Observation.prefix(frames, cfg.n_past, cfg.n_past + 3), seed_grid(0, 3, 1)
    together = model.predict(observation, seeds).frames
    assert together.isfinite().all() and torch.equal(together[:, 0, : cfg.n_past], frames[:, : cfg.n_past])
    alone = model.predict(Observation.prefix(frames[1:2], cfg.n_past, cfg.n_past + 3), seeds[1:2]).frames
    torch.testing.assert_close(alone, together[1:2], atol=1e-4, rtol=0)
    if name == "ramvid":  # what is known may be noisy, and darker than black
        noisy = model.predict(observation, seeds, model.options_type(context_noise=0.3, steps=3)).frames
        assert noisy.isfinite().all()
