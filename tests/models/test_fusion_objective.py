"""What the fusion phases minimise, and which networks each of them moves."""

from dataclasses import replace

import pytest
import torch

from vp.core.family import Progress
from vp.core.video import Batch
from vp.models.fusion import phases
from vp.models.fusion.config import Objective
from vp.models.fusion.objective import (
    clip_pictures,
    draw_painting_task,
    mean_ssim,
    predictor_loss,
    sharpener_loss,
    translator_loss,
)

from .fusion_configs import SMALL, clips, shaken

TURNS = {"predictor": "predictor", "translator": "translator", "tuned": "tuned", "critic": "critic", "sharpener": "sharpener"}


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def config(**more):
    return replace(SMALL, objective=replace(SMALL.objective, **more))


def test_each_phase_moves_its_own_network_and_no_other():
    cfg, nets = SMALL, shaken()
    batch = Batch(clips())
    for phase in phases(cfg):
        for name, net in nets.items():
            net.requires_grad_(name in phase.trains)
        loss = phase.loss(nets, batch, Progress(), generator())
        batch = batch.with_extras(loss.outputs)
        nets.zero_grad()
        loss.total.backward()
        moved = {name for name, net in nets.items() if any(p.grad is not None and p.grad.any() for p in net.parameters())}
        assert moved == {TURNS[phase.name]} == set(phase.trains)
        assert all(torch.isfinite(x) for x in loss.terms.values())
    assert set(TURNS) == {phase.name for phase in phases(cfg)}


def test_every_parameter_of_the_predictor_learns():
    cfg, nets = config(once=0.0), shaken()
    predictor_loss(cfg, nets, Batch(clips()), Progress(), generator()).total.backward()
    idle = [name for name, p in nets["predictor"].named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert idle == []


def test_two_calls_are_unrolled_with_the_first_ones_pictures_cut_off_from_gradients():
    cfg, nets, batch = config(once=0.0), shaken(), Batch(clips())
    pictures, net = clip_pictures(cfg, batch), nets["predictor"]
    loss = predictor_loss(cfg, nets, batch, Progress(), generator())
    first = net(pictures[:, :4])
    second = net(first.detach())[:, :2]
    errors = torch.cat([first, second], 1) - pictures[:, 4:]
    assert loss.terms["pictures_mse"].item() == pytest.approx(errors.square().mean().item(), rel=1e-5)
    parameters = list(net.parameters())
    got, want = (torch.autograd.grad(x, parameters) for x in (loss.total, errors.square().mean()))
    for one, other in zip(got, want):
        torch.testing.assert_close(one, other)
    one = predictor_loss(config(once=1.0), nets, batch, Progress(), generator()).terms["pictures_mse"]
    assert one.item() == pytest.approx(errors[:, :4].square().mean().item(), rel=1e-5)


def test_lengths_follow_the_stage_and_not_the_whole_budget():
    cfg, nets = config(lengths=((0.0, 1), (0.5, 4))), shaken()
    early, late = (predictor_loss(cfg, nets, Batch(clips()), Progress(share=s, stage=0.1), generator()).total for s in (0.1, 0.9))
    assert torch.equal(early, late)


def test_the_tuned_translator_paints_from_predicted_pictures_and_the_other_from_true_ones():
    cfg, nets, batch = config(frames=64), shaken(), Batch(clips())
    pictures = clip_pictures(cfg, batch)
    true, last, before, frames = draw_painting_task(cfg, nets, batch.frames, pictures, generator(), predicted=False)
    predicted, _, _, same = draw_painting_task(cfg, nets, batch.frames, pictures, generator(), predicted=True)
    assert torch.equal(last[0], batch.frames[0, 3]) and torch.equal(before[-1], pictures[1, 3])
    of_clip = true.unflatten(0, (2, 64))[0]
    assert all(any(torch.equal(x, y) for y in pictures[0, 4:]) for x in of_clip), "of the future frames"
    assert not torch.equal(predicted, true) and torch.equal(frames, same)
    matched = {int((batch.frames[0] - frame).abs().sum((1, 2, 3)).argmin()) for frame in frames[:64]}
    assert matched == set(range(4, 10)), "every future frame is painted now and then"


def test_the_critic_sees_picture_and_frame_together():
    cfg, nets, batch = SMALL, shaken(), Batch(clips())
    losses = translator_loss(cfg, "translator", nets, batch, Progress(), generator())
    terms, real, fake = losses.terms, losses.outputs["real"], losses.outputs["fake"]
    assert torch.equal(losses.outputs["pictures"], clip_pictures(cfg, batch)), "drawn once a step"
    assert real.shape == fake.shape == (4, 3, 32, 32) and not fake.requires_grad
    assert torch.equal(real[:, :2], fake[:, :2]) and not torch.equal(real[:, 2:], fake[:, 2:])
    assert {"translator_l1", "adversarial", "matching"} <= set(terms)


def test_the_weights_of_the_translators_losses_are_the_papers():
    cfg, nets = SMALL, shaken()
    loss = translator_loss(cfg, "translator", nets, Batch(clips()), Progress(), generator())
    terms = {name.removeprefix("translator_"): x.item() for name, x in loss.terms.items()}
    assert Objective().frame_mse == 0
    assert loss.total.item() == pytest.approx(10 * terms["l1"] + terms["adversarial"] + 10 * terms["matching"], rel=1e-4)


def test_the_tuned_translator_has_weights_of_its_own_and_by_default_no_critic():
    nets = shaken()
    batch = Batch(clips())
    loss = translator_loss(SMALL, "tuned", nets, batch, Progress(), generator())
    assert set(loss.terms) == {"tuned_l1", "tuned_mse"} and "fake" not in batch.extras
    assert loss.total.item() == pytest.approx(Objective().tuned_mse * loss.terms["tuned_mse"].item())
    cfg = config(tuned_adversarial=0.5, tuned_matching=2.0, tuned_l1=3.0, tuned_mse=0.0)
    loss = translator_loss(cfg, "tuned", nets, Batch(clips()), Progress(), generator())
    terms = {name: x.item() for name, x in loss.terms.items()}
    want = 0.5 * terms["adversarial"] + 2 * terms["matching"] + 3 * terms["tuned_l1"]
    assert loss.total.item() == pytest.approx(want, rel=1e-4)


def test_sharpening_learns_on_both_kinds_of_pictures_and_can_give_edges_back():
    cfg, nets, batch = config(frames=8), shaken(), Batch(clips())
    seen = {sharpener_loss(cfg, nets, batch, Progress(), generator(seed)).terms["dull_mse"].item() for seed in range(8)}
    assert len(seen) > 1
    optimizer = torch.optim.Adam(nets["sharpener"].parameters(), 1e-2)
    first, last = [], []
    for step in range(60):
        loss = sharpener_loss(cfg, nets, batch, Progress(), generator(step))
        optimizer.zero_grad()
        loss.total.backward()
        optimizer.step()
        (first if step < 10 else last).append(loss.total.item())
    assert sum(last[-10:]) < 0.7 * sum(first)


def test_losses_have_their_known_answers():
    from skimage.metrics import structural_similarity

    a, b = torch.rand(1, 1, 24, 24), torch.rand(1, 1, 24, 24)
    options = {"data_range": 1.0, "use_sample_covariance": False}
    _, image = structural_similarity(a[0, 0].numpy(), b[0, 0].numpy(), full=True, **options)
    assert mean_ssim(a, b).item() == pytest.approx(image[3:-3, 3:-3].mean(), abs=1e-4)
    assert mean_ssim(a, a).item() == pytest.approx(1)


def test_pictures_are_drawn_once_a_step_with_the_masks_that_came_along():
    cfg = replace(SMALL, drawing=replace(SMALL.drawing, segment="exact"))
    masks = torch.zeros(2, 10, 1, 32, 32, dtype=torch.uint8)
    masks[..., :5] = 2
    batch = Batch(clips(), extras={"masks": masks})
    assert torch.equal(clip_pictures(cfg, batch)[:, :, 1], (masks[:, :, 0] > 0).float())
    drawn = predictor_loss(cfg, shaken(), batch, Progress(), generator()).outputs
    assert clip_pictures(cfg, batch.with_extras(drawn)) is drawn["pictures"]
    objects = Batch(clips(), extras={"objects": masks[:, :, 0]})
    assert torch.equal(clip_pictures(cfg, objects), clip_pictures(cfg, batch)), "the push world's name and shape"
