"""The fusion networks: sizes, what depends on what, and what later calls go on from."""

from dataclasses import replace

import pytest
import torch

from vp.models.fusion import networks
from vp.models.fusion.config import Drawing, FusionConfig
from vp.models.fusion.network import PicturePredictor, predict_pictures
from vp.models.fusion.recipes import RECIPES
from vp.models.fusion.sharpener import Sharpener
from vp.models.fusion.translator import Translator
from vp.models.fusion.unet3d import TimeMap, UNet3d

from .fusion_configs import SMALL, shaken


def count(module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_checkpoints_of_all_recipes_stay_under_10_mb_and_hold_both_translators():
    for recipe in RECIPES:
        with torch.device("meta"):
            nets = networks(recipe.config)
        assert 2 * count(nets) < 10e6, "stored as fp16"
        assert 1e6 < count(nets["predictor"]) < 2.2e6
        assert {"translator", "tuned"} < set(nets) and count(nets["translator"]) == count(nets["tuned"])


def test_every_output_of_the_u_net_sees_every_input():
    net = UNet3d(4, 6, (8, 16, 24), steps=8, mixing=16)
    x = torch.rand(1, 4, 8, 16, 24, requires_grad=True)
    y = net(x)
    assert y.shape == (1, 6, 8, 16, 24)
    for t in (0, 7):
        (grad,) = torch.autograd.grad(y[:, :, t].sum(), x, retain_graph=True)
        assert (grad.abs().amax((0, 1, 3, 4)) > 0).all(), "each picture to come depends on every known one"


def test_times_are_mixed_within_each_channel_and_pixel_on_the_way_across():
    across = TimeMap(5, 3)
    x = torch.rand(2, 3, 5, 4, 4)
    weight, bias = across.sums.weight.view(3, 5, 5), across.sums.bias.view(3, 5, 1, 1)
    torch.testing.assert_close(across(x), torch.einsum("cts,bcshw->bcthw", weight, x) + bias)


def test_future_pictures_stay_between_0_and_1_and_depend_on_every_known_one():
    net = shaken()["predictor"]
    pictures = torch.rand(2, 4, 2, 32, 48, requires_grad=True)
    got = net(pictures)
    assert got.shape == pictures.shape and got.min() >= 0 and got.max() <= 1
    (grad,) = torch.autograd.grad(got[:, -1].sum(), pictures)
    assert (grad.abs().amax((0, 2, 3, 4)) > 0).all()


def test_at_first_future_pictures_are_nearly_empty():
    assert PicturePredictor(SMALL)(torch.rand(2, 4, 2, 32, 32)).mean() < 0.2


def test_a_second_call_reads_the_first_ones_pictures():
    net = shaken()["predictor"].eval()
    pictures = torch.rand(1, 4, 2, 32, 32)
    with torch.no_grad():
        first = net(pictures)
        by_hand = torch.cat([first, net(first)], 1)
        for count in (1, 4, 6, 8):
            assert torch.equal(predict_pictures(net, pictures, count), by_hand[:, :count])


def test_it_learns_pictures_that_move_on():
    """A bar that moves by a pixel a step from anywhere: far better than black and than the last picture after a few steps."""
    torch.manual_seed(0)
    net = PicturePredictor(FusionConfig(size=16, n_past=4, drawing=Drawing(mode="stack"), widths=(8, 16), mixing=16))
    optimizer = torch.optim.Adam(net.parameters(), 1e-2)

    def clips(generator):
        start = torch.randint(0, 16, (16, 1), generator=generator)
        bars = torch.nn.functional.one_hot((start + torch.arange(8)) % 16, 16).float()
        return bars[:, :, None, None].expand(-1, -1, 2, 16, -1)

    generator = torch.Generator().manual_seed(0)
    for _ in range(60):
        pictures = clips(generator)
        loss = (net(pictures[:, :4]) - pictures[:, 4:]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.2 * pictures.square().mean()


@pytest.mark.parametrize("reference", [False, True])
def test_the_translator_paints_frames_and_heeds_the_reference_where_it_has_one(reference):
    net = Translator(replace(SMALL, reference=reference, channels=3))
    picture, last, before = torch.rand(2, 2, 32, 32), torch.rand(2, 3, 32, 32), torch.rand(2, 2, 32, 32)
    one = net(picture, last, before)
    assert one.shape == (2, 3, 32, 32) and one.min() >= 0 and one.max() <= 1
    assert not torch.equal(one, net(1 - picture, last, before))
    for other in (net(picture, 1 - last, before), net(picture, last, 1 - before)):
        assert torch.equal(one, other) != reference
    assert ((one - last).abs().mean() < 0.15) == reference, "at first most of the last frame is kept"


def test_the_sharpening_branch_starts_as_nothing():
    net = Sharpener(SMALL)
    painted = torch.rand(2, 1, 32, 32)
    assert torch.equal(net(torch.rand(2, 2, 32, 32), painted), painted)


def test_configs_that_make_no_sense_are_refused_in_one_sentence():
    for words, wrong in {
        "size is 40": {"size": 40},
        "n_past is 0": {"n_past": 0},
        "give 2 to 4 levels": {"widths": (16,)},
        "mixing is 20; give multiples of 8": {"mixing": 20},
    }.items():
        with pytest.raises(ValueError, match=words):
            FusionConfig(**wrong)
