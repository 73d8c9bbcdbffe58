"""The VPN objective: known answers of its losses, schedules, and that nothing of the future leaks into a prediction."""

import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from vp.core.clips import shrink_and_enlarge
from vp.core.family import Progress
from vp.core.runtime import Runtime
from vp.core.video import Batch, Observation
from vp.models.vpn import critics, networks, phases, predictor, tiny
from vp.models.vpn.config import Objective
from vp.models.vpn.objective import (
    compare_frames,
    draw_context_length,
    predict_raw,
    rollout_loss,
    teacher_probability,
)  # fmt: skip

from .vpn_configs import KINDS, config, shaken

CPU = Runtime(torch.device("cpu"), False)
every = pytest.mark.parametrize(("name", "output"), KINDS)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@every
def test_no_output_depends_on_any_future_input(name, output):
    """With every true frame fed back: frame t may depend on true frames before t, and on no other."""
    net, future = shaken(config(name, output))["vpn"], 5
    frames = torch.rand(1, 4 + future, 1, 32, 32, requires_grad=True)
    truth = {i: frames[:, 4 + i] for i in range(future)}
    raw, _ = predict_raw(net, frames[:, :4], future, truth, supervised=False)
    reached = False
    for t in range(future):
        (grad,) = torch.autograd.grad(raw[:, t].sum(), frames, retain_graph=True)
        reach = grad.abs().amax((0, 2, 3, 4)) > 0
        assert not reach[4 + t :].any(), f"frame {t} sees frame {reach.nonzero().max().item() - 4}"
        reached |= bool(reach[4:].any())
    assert reached, "fed-back true frames do reach later ones"


UNIFORM_MSE, UNIFORM_BCE = 1 / 12, math.log(2)  # of the best guess about uniform noise, one half everywhere


def beats_noise(guess: torch.Tensor, noise: torch.Tensor) -> list[str]:
    """Which scores are better than any honest guess can have, beyond three standard errors."""
    errors = {
        "mse": ((guess - noise).square(), UNIFORM_MSE),
        "bce": (F.binary_cross_entropy(guess.clamp(1e-4, 1 - 1e-4), noise, reduction="none"), UNIFORM_BCE),
    }
    return [name for name, (x, best) in errors.items() if x.mean() < best - 3 * x.std() / x.numel() ** 0.5]


def test_a_leak_of_a_tenth_of_the_truth_would_be_noticed():
    noise = torch.rand(8, 3, 1, 32, 32, generator=generator())
    assert beats_noise(torch.full_like(noise, 0.5), noise) == []
    assert beats_noise(0.1 * noise + 0.45, noise) == ["mse", "bce"]


@every
def test_uniform_noise_is_not_predicted_better_than_it_can_be(name, output):
    """The document's pairs of noise: an MSE of 1/12 and a cross-entropy of ln 2 are what knowing nothing gives."""
    losses = Objective(mse=0.0, bce=1.0) if output == "sigmoid" else Objective()
    cfg = config(name, output, objective=replace(losses, teacher=(0.5, 0.8), lengths=((0.0, 3),)))
    nets = networks(cfg)
    (phase,), optimizer = phases(cfg), torch.optim.AdamW(nets.parameters(), 5e-3)
    for step in range(30):
        clips = Batch(torch.rand(4, 7, 1, 32, 32, generator=generator(step)))
        loss = phase.loss(nets, clips, Progress(stage=step / 30), generator(step)).total
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    fresh = torch.rand(16, 7, 1, 32, 32, generator=generator(99))
    net = nets["vpn"].eval()
    with torch.no_grad():
        fed = net.to_frames(predict_raw(net, fresh[:, :4], 3, {i: fresh[:, 4 + i] for i in range(3)}, supervised=False)[0])
    free = predictor(cfg, nets, CPU).predict(Observation.prefix(fresh, 4), torch.zeros(16, 1, dtype=torch.int64)).frames[:, 0, 4:]
    assert (fed - fresh[:, 4:]).square().mean() < 0.12, "it has learned that one half is the best guess"
    assert beats_noise(fed, fresh[:, 4:]) == [] and beats_noise(free, fresh[:, 4:]) == []


@every
def test_every_parameter_learns(name, output):
    cfg = config(name, output, objective=Objective(teacher=(0.0, 0.0), lengths=((0.0, 3),)))
    nets = shaken(cfg)
    rollout_loss(cfg, nets, Batch(torch.rand(2, 7, 1, 32, 32)), Progress(), generator()).total.backward()
    idle = [name for name, p in nets.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert idle == []


def test_losses_have_their_known_answers():
    net = shaken(config("lstm", "sigmoid"))["vpn"]
    raw, truth = 3 * torch.randn(2, 3, 1, 32, 32), torch.rand(2, 3, 1, 32, 32)
    parts = compare_frames(Objective(l1=1.0, bce=1.0, gradient=1.0), net, raw, truth)
    shown = raw.double().sigmoid()
    assert parts["mse"].item() == pytest.approx((shown - truth).square().mean().item(), rel=1e-5)
    assert parts["l1"].item() == pytest.approx((shown - truth).abs().mean().item(), rel=1e-5)
    assert parts["bce"].item() == pytest.approx(F.binary_cross_entropy(shown, truth.double()).item(), rel=1e-5)
    assert set(compare_frames(Objective(), net, raw, truth)) == {"mse"}


def test_cross_entropy_works_on_logits_of_any_size():
    net, cfg = shaken(config("lstm", "sigmoid"))["vpn"], Objective(mse=0.0, bce=1.0)
    raw = torch.tensor([200.0, -200.0]).view(2, 1, 1, 1, 1).requires_grad_()
    loss = compare_frames(cfg, net, raw, torch.zeros(2, 1, 1, 1, 1))["bce"]
    loss.backward()
    assert loss.item() == pytest.approx(100) and raw.grad.flatten().tolist() == [0.5, 0.0]


def test_schedules_are_functions_of_the_share():
    objective = Objective(teacher=(0.2, 0.7), lengths=((0.0, 4), (0.5, 10)))
    assert [teacher_probability(objective, s) for s in (0, 0.2, 0.45, 0.7, 1)] == pytest.approx([1, 1, 0.5, 0, 0])
    assert teacher_probability(Objective(teacher=(0.0, 0.0)), 0.0) == 0
    cfg, nets, clips = tiny(), networks(tiny()), Batch(torch.rand(2, 7, 1, 32, 32))
    early, late = (rollout_loss(cfg, nets, clips, Progress(step, 8 * step, step / 9, 0.1), generator()) for step in (3, 300))
    assert torch.equal(early.total, late.total)


def test_scheduled_sampling_feeds_true_frames_back_after_they_were_predicted():
    cfg = config("convlstm", "linear", objective=Objective(teacher=(0.5, 0.6), lengths=((0.0, 3),), short=0.0))
    nets, clips = shaken(cfg), Batch(torch.rand(2, 7, 1, 32, 32))
    forced, own = (rollout_loss(cfg, nets, clips, Progress(stage=s), generator()).terms["mse"] for s in (0.0, 0.9))
    net, frames = nets["vpn"], clips.frames
    by_hand = []
    with torch.no_grad():
        state, _ = net.encode(frames[:, :4])
        for t in range(4, 7):
            state, raw = net.advance(state, frames[:, :t], 1)
            by_hand.append(raw)
    expected = (torch.cat(by_hand, 1) - frames[:, 4:]).square().mean()
    assert forced.item() == pytest.approx(expected.item(), rel=1e-5) != pytest.approx(own.item(), rel=1e-5)


def test_now_and_then_fewer_frames_are_known():
    cfg = replace(tiny(), n_past=6, least_past=3, objective=Objective(short=0.5))
    lengths = [draw_context_length(cfg, generator(seed)) for seed in range(400)]
    assert set(lengths) == {3, 4, 5, 6} and lengths.count(6) / 400 == pytest.approx(0.5, abs=0.1)
    assert {draw_context_length(replace(cfg, least_past=6), generator(seed)) for seed in range(20)} == {6}


def test_a_small_context_is_the_one_that_super_resolution_shows():
    cfg = config("convlstm", "sigmoid", objective=Objective(scale=2, context=0.0, short=0.0, lengths=((0.0, 3),)))
    nets, clips = shaken(cfg), torch.rand(2, 7, 1, 32, 32)
    got = rollout_loss(cfg, nets, Batch(clips), Progress(stage=1.0), generator()).terms["mse"]
    observation, seeds = Observation.prefix(shrink_and_enlarge(clips, 2), 4, 7), torch.zeros(2, 1, dtype=torch.int64)
    shown = predictor(cfg, nets, CPU).predict(observation, seeds).frames[:, 0]
    assert got.item() == pytest.approx((shown[:, 4:] - clips[:, 4:]).square().mean().item(), rel=1e-4)


def test_the_critic_sees_the_last_known_frames_and_what_follows():
    cfg = config("convlstm", "linear", objective=Objective(adversarial=0.1, matching=0.1, lengths=((0.0, 3),)))
    ours, theirs = phases(cfg)
    nets = torch.nn.ModuleDict({**shaken(cfg), **critics(cfg)})
    clips = Batch(torch.rand(2, 7, 1, 32, 32))
    losses = ours.loss(nets, clips, Progress(stage=1.0), generator())
    assert {"adversarial", "matching", "mse"} <= set(losses.terms)
    real, fake = losses.outputs["real"], losses.outputs["fake"]
    assert torch.equal(real, clips.frames[:, 2:]) and torch.equal(fake[:, :2], real[:, :2]) and not fake.requires_grad
    assert not torch.equal(fake[:, 2:], real[:, 2:])
    assert theirs.trains == ("critic",) and theirs.loss(nets, clips, Progress(), generator()) is None
    assert theirs.loss(nets, clips.with_extras(losses.outputs), Progress(), generator()).total.requires_grad
