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
from vp.models.svg.objective import draw_teacher_forcing, kl_weight, rollout_loss, teacher_ratio
from vp.models.svg.reference import per_frame_loss
from vp.nn.gaussian import Gaussian, kl


def test_kl_equals_torch_distributions():
    torch.manual_seed(0)
    q, p = (Gaussian(torch.randn(7, 5), 2 * torch.randn(7, 5)) for _ in range(2))
    expected = kl_divergence(Normal(q.mean, q.std), Normal(p.mean, p.std))
    torch.testing.assert_close(kl(q, p), expected, rtol=1e-5, atol=1e-5)


def test_kl_is_finite_with_a_finite_gradient_at_extreme_outputs():
    raw = torch.tensor([[1e4, -1e4, 88.0]], requires_grad=True)
    q, p = Gaussian.from_outputs(raw, raw), Gaussian.from_outputs(-raw, -raw)
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
    assert kl_weight(objective, 0.1) == pytest.approx(1e-6)
    assert kl_weight(objective, 0.4) == pytest.approx(1e-5)  # halfway, on a log scale
    assert kl_weight(objective, 1.0) == pytest.approx(1e-4)
    assert [teacher_ratio(objective, s) for s in (0, 0.25, 0.5, 1)] == [1, 0.5, 0, 0]
    assert math.isinf(Objective(teacher=float("inf")).teacher) and teacher_ratio(Objective(teacher=math.inf), 0.9) == 1


@pytest.mark.parametrize("latent", ["fixed", "learned"])
def test_imagined_futures_come_from_the_prior_and_only_the_critic_judges_them(latent):
    objective = Objective(teacher=0.0, lengths=((0.0, 6),), adversarial=0.1, matching=0.1, imagined=0.5)
    cfg = dataclasses.replace(tiny(), latent=latent, objective=objective)
    torch.manual_seed(0)
    nets = torch.nn.ModuleDict({**networks(cfg), **critics(cfg)})
    frames = torch.rand(4, 6, 1, 32, 32)
    other = frames.clone()
    other[2:, cfg.n_past :] = torch.rand(2, 6 - cfg.n_past, 1, 32, 32)  # the futures nobody compares with
    one, two = (rollout_loss(cfg, nets, Batch(x), Progress(share=0.9), torch.Generator().manual_seed(1)) for x in (frames, other))
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
    outputs = model.loss(nets, batch, Progress(share=0.9), generator).outputs
    loss = critic.loss(nets, batch.with_extras(outputs), Progress(share=0.9), generator).total
    assert outputs["fake"].shape == (2, 5, 1, 32, 32)  # two known frames and three predicted ones
    loss.backward()
    assert all(p.grad is None for p in nets["svg"].parameters()) and nets["critic"].score.bias.grad is not None


@pytest.mark.parametrize(
    ("schedule", "shares", "expected"),
    [
        (Objective(beta=3.0, kl="none"), (0, 0.5, 1), (3, 3, 3)),
        (Objective(beta=1.0, kl="monotonic", kl_ratio=0.25), (0, 0.125, 0.25, 0.6, 1), (0, 0.5, 1, 1, 1)),  # min(1, 4e/E)
        (Objective(beta=1.0, kl="cyclical"), (0, 0.125, 0.25, 0.49, 0.5, 0.625, 0.75, 1), (0, 0.5, 1, 1, 0, 0.5, 1, 1)),
        (Objective(beta=1e-4, kl="cyclical", kl_cycles=4, kl_ratio=1.0), (0.125, 0.25, 0.375), (5e-5, 0, 5e-5)),
    ],
    ids=["none", "monotonic", "cyclical", "saw"],
)
def test_kl_schedules(schedule, shares, expected):
    assert [kl_weight(schedule, share) for share in shares] == pytest.approx(expected)


def test_the_kl_s_weight_is_what_the_loss_uses():
    frames, losses = torch.rand(1, 6, 1, 32, 32), {}
    for schedule in ("none", "monotonic"):
        cfg = dataclasses.replace(tiny(), objective=Objective(beta=0.5, kl=schedule, kl_ratio=0.8, teacher=0.0))
        torch.manual_seed(0)
        losses[schedule] = rollout_loss(cfg, networks(cfg), Batch(frames), Progress(share=0.2), torch.Generator().manual_seed(0))
        terms = losses[schedule].terms
        torch.testing.assert_close(losses[schedule].total, terms["mse"] + terms["beta"] * terms["kl"])
    assert losses["none"].terms["beta"] == pytest.approx(0.5) and losses["monotonic"].terms["beta"] == pytest.approx(0.125)
    assert losses["monotonic"].terms["kl_anneal"] == pytest.approx(0.25)


def test_the_teacher_forcing_ratio_starts_holds_and_falls_to_its_floor():
    """The lab's: 1 until a quarter of the epochs, then in a line to its lower bound at the end."""
    objective = Objective(teacher=1.0, teacher_from=0.25, teacher_floor=0.2)
    assert [teacher_ratio(objective, s) for s in (0, 0.25, 0.625, 1)] == pytest.approx([1, 1, 0.6, 0.2])
    never, always = (Objective(teacher=0.0, teacher_start=x, teacher_floor=x) for x in (0.0, 1.0))
    assert (teacher_ratio(never, 0.0), teacher_ratio(always, 1.0)) == (0, 1)


def draws(objective: Objective, progress: Progress, seed: int) -> list[bool]:
    return draw_teacher_forcing(objective, progress, 12, torch.Generator().manual_seed(seed))[0]


def test_chance_decides_by_frame_by_batch_or_by_epoch():
    half = Objective(teacher=math.inf, teacher_start=0.5)
    by_frame = [draws(half, Progress(epoch=0.3), seed) for seed in range(20)]
    assert any(len(set(x)) == 2 for x in by_frame)
    half = dataclasses.replace(half, teacher_draw="batch")
    by_batch = [draws(half, Progress(epoch=0.3), seed) for seed in range(20)]
    assert all(len(set(x)) == 1 for x in by_batch) and len({x[0] for x in by_batch}) == 2
    half = dataclasses.replace(half, teacher_draw="epoch")
    within = (0, 0.5, 0.9)
    by_epoch = [[draws(half, Progress(epoch=epoch + x), seed) for seed, x in enumerate(within)] for epoch in range(20)]
    assert all(x == y == z for x, y, z in by_epoch), "one epoch, one draw"
    assert len({x[0][0] for x in by_epoch}) == 2


def test_an_epoch_keeps_the_ratio_that_it_began_with():
    falling = Objective(teacher=1.0, teacher_draw="epoch")
    at = [Progress(epoch=epoch, share=epoch / 10) for epoch in (0.0, 0.9, 4.0, 4.9, 5.0)]
    ratios = [draw_teacher_forcing(falling, progress, 3, torch.Generator())[1] for progress in at]
    assert ratios == pytest.approx([1, 1, 0.6, 0.6, 0.5])


@pytest.mark.parametrize(
    "wrong",
    [{"kl": "linear"}, {"teacher_draw": "clip"}, {"kl_cycles": 0}, {"kl_ratio": 0.0}, {"beta": -1.0}, {"teacher_floor": 2.0}],
)
def test_impossible_schedules_are_refused(wrong):
    with pytest.raises(ValueError, match="; give|: give"):
        Objective(**wrong)


def test_teacher_forcing_drawn_by_epochs_differs_from_run_to_run_and_holds_for_an_epoch():
    objective = Objective(teacher_draw="epoch", teacher=1.0)

    def draws(seed: int) -> list[bool]:
        at = [Progress(epoch=epoch + 0.5, share=0.5, seed=seed) for epoch in range(40)]
        return [draw_teacher_forcing(objective, progress, 1, torch.Generator())[0][0] for progress in at]

    assert draws(0) != draws(1) != draws(2)
    again = draw_teacher_forcing(objective, Progress(epoch=3.9, share=0.5, seed=1), 1, torch.Generator())[0][0]
    assert again == draws(1)[3]


@pytest.mark.parametrize("latent", ["learned", "none"])
def test_a_critic_is_asked_only_in_the_stages_that_train_it_and_then_leaves_less_to_squared_error(latent):
    cfg = dataclasses.replace(tiny(), latent=latent, objective=Objective(adversarial=0.1, matching=0.1, imagined=0.5))
    nets = torch.nn.ModuleDict({**networks(cfg), **critics(cfg)})
    clips = torch.rand(4, 6, 1, 32, 32)
    loss = phases(cfg)[0].loss
    alone, judged = (
        loss(nets, Batch(clips), Progress(share=0.9, phases=names), torch.Generator().manual_seed(0)).terms
        for names in (("svg",), ("svg", "critic"))
    )
    assert "adversarial" not in alone and {"adversarial", "matching"} <= set(judged)
    if latent == "none":  # the same predictions: what differs is how many clips squared error sees
        assert alone["mse"] != judged["mse"]
