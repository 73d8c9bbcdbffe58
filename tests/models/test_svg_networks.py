"""Parameter counts of the published SVG networks, and what both kinds of network promise."""

import pytest
import torch

from vp.models.svg import build_network, tiny
from vp.models.svg.config import SVGConfig

# specs of the released code: encoder, decoder for (backbone, size, channels)
FRAMES = {
    ("dcgan", 64, 1): (3_805_376, 6_558_529),
    ("dcgan", 64, 3): (3_807_424, 6_562_627),
    ("dcgan", 128, 1): (8_001_216, 14_948_673),
    ("dcgan", 128, 3): (8_003_264, 14_952_771),
    ("vgg", 64, 1): (8_688_448, 11_821_505),
    ("vgg", 64, 3): (8_689_600, 11_822_659),
    ("vgg", 128, 1): (15_770_944, 21_263_297),
    ("vgg", 128, 3): (15_772_096, 21_264_451),
}
LATENTS = {10: (1_121_152, 564_500), 24: (1_124_736, 571_696), 64: (1_134_976, 592_256)}  # predictor, posterior = prior


def count(module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.fixture(autouse=True)
def on_meta():
    """Counting needs no memory."""
    with torch.device("meta"):
        yield


@pytest.mark.parametrize("frame", FRAMES, ids=str)
@pytest.mark.parametrize("latent", ["fixed", "learned"])
def test_published_backbones_have_the_published_parameter_counts(frame, latent):
    backbone, size, channels = frame
    net = build_network(SVGConfig(latent=latent, backbone=backbone, size=size, channels=channels, z_dim=10))
    assert (count(net.encoder), count(net.decoder)) == FRAMES[frame]
    total = sum(FRAMES[frame]) + LATENTS[10][0] + LATENTS[10][1] * (2 if latent == "learned" else 1)
    assert count(net) == total


@pytest.mark.parametrize("z_dim", LATENTS)
def test_recurrent_networks_have_the_published_parameter_counts(z_dim):
    net = build_network(SVGConfig(backbone="dcgan", z_dim=z_dim))
    counts = count(net.frame_predictor), count(net.posterior_lstm), count(net.prior_lstm)
    assert counts == (LATENTS[z_dim][0], LATENTS[z_dim][1], LATENTS[z_dim][1])


def test_totals_that_the_papers_quote():
    assert count(build_network(SVGConfig(latent="learned", backbone="dcgan", z_dim=10))) == 12_614_057
    assert count(build_network(SVGConfig(latent="fixed", backbone="dcgan", z_dim=10))) == 12_049_557
    assert count(build_network(SVGConfig(latent="learned", backbone="vgg", z_dim=64, channels=3))) == 22_831_747
    assert count(build_network(SVGConfig(latent="fixed", backbone="vgg", z_dim=24))) == 22_206_385


def test_the_skip_rule_freezes_at_the_last_context_frame_and_one_earlier_by_switch():
    n_past = 5
    steps = range(1, 10)
    right = [t - 1 for t in steps if build_network(tiny()).refreshes_skips(t, n_past)]
    released = [t - 1 for t in steps if build_network(SVGConfig(skip_off_by_one=True)).refreshes_skips(t, n_past)]
    always = [t - 1 for t in steps if build_network(SVGConfig(last_frame_skip=True)).refreshes_skips(t, n_past)]
    assert (right[-1], released[-1], always[-1]) == (n_past - 1, n_past - 2, 8)
