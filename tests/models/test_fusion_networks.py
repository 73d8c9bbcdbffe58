"""The fusion networks: sizes, what depends on what, and what later calls go on from."""

from dataclasses import replace

import pytest
import torch

from vp.models.fusion import networks
from vp.models.fusion.config import FusionConfig
from vp.models.fusion.network import PicturePredictor, predict_pictures
from vp.models.fusion.recipes import RECIPES
from vp.models.fusion.sharpener import Sharpener
from vp.models.fusion.translator import Translator
from vp.models.fusion.unet3d import UNet3d

from .fusion_configs import SMALL, shaken


def count(module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_checkpoints_of_all_recipes_stay_under_10_mb_and_hold_both_translators():
    for recipe in RECIPES:
        with torch.device("meta"):
            nets = networks(recipe.config)
        assert 2 * count(nets) < 10e6, "stored as fp16"
        assert 1e6 < count(nets["predictor"]) < 2e6
        assert {"translator", "tuned"} < set(nets) and count(nets["translator"]) == count(nets["tuned"])


def test_the_u_net_keeps_its_shape_and_every_output_sees_every_input():
    net = UNet3d(4, (8, 16, 24), 6)
    x = torch.rand(1, 4, 8, 16, 16, requires_grad=True)
    y = net(x)
    assert y.shape == (1, 6, 8, 16, 16)
    (grad,) = torch.autograd.grad(y[:, :, 0].sum(), x)
    assert (grad.abs().amax((0, 1, 3, 4)) > 0).all(), "the first picture to come depends on every known one"


def test_future_pictures_stay_between_0_and_1_and_depend_on_every_known_one():
    net = shaken()["predictor"]
    pictures = torch.rand(2, 4, 2, 32, 32, requires_grad=True)
    call = net(pictures, 3)
    assert call.pictures.shape == (2, 3, 2, 32, 32) and call.pictures.min() >= 0 and call.pictures.max() <= 1
    (grad,) = torch.autograd.grad(call.pictures.sum(), pictures)
    assert (grad.abs().amax((0, 2, 3, 4)) > 0).all()


def test_a_second_call_goes_on_from_the_first_ones_layers():
    net = shaken()["predictor"].eval()
    pictures = torch.rand(1, 4, 2, 32, 32)
    with torch.no_grad():
        first = net(pictures, 4)
        by_hand = torch.cat([first.pictures, net(first.pictures, 2, first.canvas).pictures], 1)
        assert torch.equal(predict_pictures(net, pictures, 6), by_hand)
        forgetful = net(first.pictures, 2).pictures
        assert not torch.allclose(by_hand[:, 4:], forgetful)
        torch.testing.assert_close(predict_pictures(net, pictures, 3), by_hand[:, :3])


def test_a_still_canvas_keeps_what_was_stored():
    """With open gates, no motion and the first layer chosen, a stored picture comes back bit for bit."""
    net = PicturePredictor(SMALL)
    for p in (*net.composer.flow[-1].parameters(), *net.composer.write[-2].parameters(), *net.composer.blend[-1].parameters()):
        torch.nn.init.zeros_(p)
    layers, channels = SMALL.layers, 2
    net.composer.write[-2].bias.data.fill_(50.0)
    net.composer.blend[-1].bias.data.view(layers + 2 + channels, 4)[0] = 100.0
    pictures = torch.rand(1, 4, 2, 32, 32)
    with torch.no_grad():
        got = predict_pictures(net, pictures, 6)
    torch.testing.assert_close(got, pictures[:, -1:].expand_as(got), atol=1e-4, rtol=0)


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
        "n_past is 6": {"n_past": 6},
        "memory is 17": {"memory": 17},
        "give 2 or 3 levels": {"widths": (16,)},
    }.items():
        with pytest.raises(ValueError, match=words):
            FusionConfig(**wrong)
