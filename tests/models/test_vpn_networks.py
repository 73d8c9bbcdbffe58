"""The VPN networks: what the document's plan weighs, states handed over, and blocks."""

import pytest
import torch

from vp.models.vpn import build_network, networks
from vp.models.vpn.config import Objective, VPNConfig
from vp.models.vpn.network import rollout
from vp.models.vpn.recipes import RECIPES

from .vpn_configs import KINDS, config, shaken

every = pytest.mark.parametrize(("name", "output"), KINDS)


def count(module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_the_documents_plan_has_the_weights_its_layers_say():
    """A 3x3 ConvLSTM layer of h channels over i: (i + h) x 4h x 9 and 4h biases."""
    layers = [(1, 64), (64, 128), (1, 128), (128, 64)]
    expected = sum((i + h) * 4 * h * 9 + 4 * h for i, h in layers) + 64 * 9 + 1
    with torch.device("meta"):
        full = build_network(VPNConfig(pyramid=False, output="sigmoid", patch=1, before=False))
    assert count(full) == expected == 2_073_409


def test_every_recipe_builds_and_checkpoints_of_the_small_ones_stay_under_10_mb():
    with torch.device("meta"):
        sizes = {recipe.name: count(networks(recipe.config)) for recipe in RECIPES}
    shipped = {"vpn-convlstm-mmnist", "vpn-conv-mmnist", "vpn-lstm-mmnist", "vpn-gan-mmnist", "vpn-x2-mmnist"}
    assert shipped <= set(sizes) and all(2 * sizes[name] < 10e6 for name in shipped), "stored as fp16"


def test_what_goes_on_from_a_trained_network_finds_all_its_weights_there():
    configs = {recipe.name: recipe.config for recipe in RECIPES}
    for name, start in {"vpn-gan-mmnist": "vpn-conv-mmnist", "vpn-x2-mmnist": "vpn-convlstm-mmnist"}.items():
        with torch.device("meta"):
            own, there = ({part: x.shape for part, x in networks(configs[n]).state_dict().items()} for n in (name, start))
        assert own.items() <= there.items()


@every
def test_the_first_frame_to_come_depends_on_every_known_frame(name, output):
    """The document's stack starts afresh: its first prediction has seen one frame."""
    net = shaken(config(name, output))["vpn"]
    context = torch.rand(1, 4, 1, 32, 32, requires_grad=True)
    state, _ = net.encode(context)
    (raw,) = rollout(net, state, context, 1)
    raw.sum().backward()
    assert (context.grad.abs().amax((0, 2, 3, 4)) > 0).all()


@every
def test_any_number_of_frames_follows_and_the_first_do_not_depend_on_it(name, output):
    net = shaken(config(name, output))["vpn"].eval()
    context = torch.rand(2, 5, 1, 32, 32)  # more than the trained 4
    with torch.no_grad():
        short, long = (torch.cat(list(rollout(net, net.encode(context)[0], context, n)), 1) for n in (2, 7))
    assert short.shape[1] == 2 and long.shape == (2, 7, 1, 32, 32) and long.isfinite().all()
    torch.testing.assert_close(short, long[:, :2], atol=1e-5, rtol=0)
    shown = net.to_frames(long)
    assert output == "linear" or (shown.min() >= 0 and shown.max() <= 1)


def test_the_network_without_recurrence_sees_its_window_and_fills_up_a_short_one():
    net = shaken(config("simvp", "linear"))["vpn"].eval()
    frames = torch.rand(1, 6, 1, 32, 32)
    assert torch.equal(net.context_window(frames), frames[:, 2:])
    assert torch.equal(net.context_window(frames[:, :3]), frames[:, [0, 0, 1, 2]])


@pytest.mark.parametrize("name", ["convlstm", "lstm"])
def test_guesses_of_known_frames_are_made_without_seeing_them(name):
    net = shaken(config(name, "linear"))["vpn"]
    context = torch.rand(1, 4, 1, 32, 32, requires_grad=True)
    _, guesses = net.encode(context, supervised=True)
    for t in range(3):
        (grad,) = torch.autograd.grad(guesses[:, t].sum(), context, retain_graph=True)
        reach = grad.abs().amax((0, 2, 3, 4)) > 0
        assert reach[: t + 1].all() and not reach[t + 1 :].any()


def test_configs_that_make_no_sense_are_refused_in_one_sentence():
    for words, wrong in {
        "network is 'rnn'": {"network": "rnn"},
        "size is 40": {"size": 40},
        "least_past is 11": {"least_past": 11},
        r"widths are \(64, 128\); lstm takes 4, each a multiple of 8": {"network": "lstm"},
        r"widths are \(12, 16\); simvp takes 2": {"network": "simvp", "widths": (12, 16)},
        "patch is 3; give one of which": {"patch": 3},
        "has no logits": {"objective": Objective(bce=1.0)},
    }.items():
        with pytest.raises(ValueError, match=words):
            VPNConfig(**wrong)
