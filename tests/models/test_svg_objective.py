"""The SVG objective: the KL, the schedules, and the vectorised step against the plain one."""

import dataclasses
import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from vp.core.family import Progress
from vp.core.video import Batch
from vp.models.svg import critics, networks, phases, tiny
from vp.models.svg.config import Objective, SVGConfig
from vp.models.svg.latent import Gaussian, kl
from vp.models.svg.objective import beta_at, length_at, rollout_loss, teacher_probability
from vp.models.svg.reference import per_frame_loss


def test_kl_equals_torch_distributions():
    torch.manual_seed(0)
    q, p = (Gaussian(torch.randn(7, 5), 2 * torch.randn(7, 5)) for _ in range(2))
    expected = kl_divergence(Normal(q.mean, q.std), Normal(p.mean, p.std))
    torch.testing.assert_close(kl(q, p), expected, rtol=1e-5, atol=1e-5)


def test_kl_is_finite_with_a_finite_gradient_at_extreme_outputs():
    raw = torch.tensor([[1e4, -1e4, 88.0]], requires_grad=True)
    q, p = Gaussian.bounded(raw, raw), Gaussian.bounded(-raw, -raw)
    total = kl(q, p).sum()
    total.backward()
    assert torch.isfinite(total) and torch.isfinite(raw.grad).all()


@pytest.mark.parametrize("backbone", ["dcgan", "vgg"])
def test_the_vectorised_step_gives_the_loss_of_the_plain_per_frame_loop(backbone):
    cfg = SVGConfig(backbone=backbone, z_dim=10, objective=Objective(teacher=float("inf"), lengths=((0.0, 8),)))
    torch.manual_seed(0)
    nets = networks(cfg).eval()  # in training mode BatchNorm would see other batches
    batch = Batch(torch.rand(2, 8, 1, 64, 64))
    with torch.no_grad():
        fast, plain = (
            loss(cfg, nets, batch, Progress(), torch.Generator().manual_seed(1)) for loss in (rollout_loss, per_frame_loss)
        )
    assert float(fast.total) == pytest.approx(float(plain.total), rel=1e-5)
    assert float(fast.terms["kl"]) == pytest.approx(float(plain.terms["kl"]), rel=1e-4)


@pytest.mark.parametrize("latent", ["none", "fixed", "learned"])
def test_every_parameter_learns(latent):
    cfg = dataclasses.replace(tiny(), latent=latent)
    nets = networks(cfg)
    frames = torch.rand(2, 6, 1, 32, 32)
    (phase,) = phases(cfg)
    phase.loss(nets, Batch(frames), Progress(share=0.9), torch.Generator().manual_seed(0)).total.backward()
    idle = [name for name, p in nets.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert idle == []


def test_closed_loop_gradient_passes_through_generated_frames():
    """Training on own frames means that an early latent changes a late frame through the frames between."""
    cfg = tiny()
    nets = networks(cfg)
    frames = torch.rand(1, 6, 1, 32, 32)
    losses = [
        rollout_loss(cfg, nets, Batch(frames), Progress(share=share), torch.Generator().manual_seed(0)).terms["mse"]
        for share in (0.0, 0.9)  # teacher-forced, then closed loop
    ]
    assert losses[0].item() != pytest.approx(losses[1].item(), rel=1e-6)


def test_z_is_zero_and_free_until_motion_has_been_learned():
    cfg = dataclasses.replace(tiny(), objective=Objective(latent_from=0.3, beta=1.0, beta_start=1.0))
    nets = networks(cfg)
    frames = torch.rand(1, 6, 1, 32, 32)

    def loss(share, seed):
        return rollout_loss(cfg, nets, Batch(frames), Progress(share=share), torch.Generator().manual_seed(seed))

    before, after = loss(0.29, 0), loss(0.31, 0)
    assert "kl" not in before.terms and before.total == before.terms["mse"]
    assert after.total > after.terms["mse"]
    assert torch.equal(loss(0.29, 0).total, before.total)


def test_schedules_are_functions_of_the_share():
    objective = Objective(beta=1e-4, beta_start=1e-6, beta_ramp=(0.2, 0.6), teacher=0.5, lengths=((0, 8), (0.5, 12)))
    assert beta_at(objective, 0.1) == pytest.approx(1e-6)
    assert beta_at(objective, 0.4) == pytest.approx(1e-5)  # halfway, on a log scale
    assert beta_at(objective, 1.0) == pytest.approx(1e-4)
    assert [teacher_probability(objective, s) for s in (0, 0.25, 0.5, 1)] == [1, 0.5, 0, 0]
    assert [length_at(objective, s, 15) for s in (0, 0.49, 0.5)] == [8, 8, 12]
    assert length_at(objective, 1.0, 10) == 10
    assert math.isinf(Objective(teacher=float("inf")).teacher) and teacher_probability(Objective(teacher=math.inf), 0.9) == 1


@pytest.mark.parametrize("latent", ["fixed", "learned"])
def test_imagined_futures_come_from_the_prior_and_only_the_critic_judges_them(latent):
    objective = Objective(teacher=0.0, lengths=((0.0, 6),), adversarial=0.1, matching=0.1, imagined=0.5)
    cfg = dataclasses.replace(tiny(), latent=latent, objective=objective)
    torch.manual_seed(0)
    nets = torch.nn.ModuleDict({**networks(cfg), **critics(cfg)})
    frames = torch.rand(4, 6, 1, 32, 32)
    other = frames.clone()
    other[2:, cfg.n_past :] = torch.rand(2, 6 - cfg.n_past, 1, 32, 32)  # the futures nobody compares with
    one, two = (
        rollout_loss(cfg, nets, Batch(x), Progress(share=0.9), torch.Generator().manual_seed(1)) for x in (frames, other)
    )
    for name in ("mse", "kl", "matching", "adversarial"):
        torch.testing.assert_close(one.terms[name], two.terms[name])
    nets.zero_grad()
    one.terms["adversarial"].backward()
    learned = nets["svg"].prior_head
    assert learned is None or learned.out.weight.grad.abs().sum() > 0


def test_the_critic_sees_the_clips_that_the_predictor_has_just_made():
    objective = Objective(teacher=0.0, lengths=((0.0, 6),), adversarial=0.1)
    cfg = dataclasses.replace(tiny(), objective=objective)
    torch.manual_seed(0)
    nets, batch = torch.nn.ModuleDict({**networks(cfg), **critics(cfg)}), Batch(torch.rand(2, 6, 1, 32, 32))
    model, critic = phases(cfg)
    generator = torch.Generator().manual_seed(0)
    model.loss(nets, batch, Progress(share=0.9), generator)
    loss = critic.loss(nets, batch, Progress(share=0.9), generator).total
    assert batch.extras["predicted"].shape == (2, 5, 1, 32, 32)  # two known frames and three predicted ones
    loss.backward()
    assert all(p.grad is None for p in nets["svg"].parameters()) and nets["critic"].score.bias.grad is not None
