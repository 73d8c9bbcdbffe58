"""SVG over motion: constant velocity before training, any size, one sampling of the last known frame."""

import dataclasses
import sys
from collections import deque

import pytest
import torch

from vp.core.family import Progress
from vp.core.predictor import seed_grid
from vp.core.runtime import Runtime
from vp.core.video import Batch, Observation
from vp.models.svg_motion import FAMILY, tiny
from vp.models.svg_motion.context import ContextBlock
from vp.models.svg_motion.latent import AFFINE
from vp.models.svg_motion.network import MotionNetwork, prepare_known
from vp.models.svg_motion.objective import energy_score, kl_weight, motion_loss
from vp.models.svg_motion.pace import displace_at_pace, draw_pace
from vp.models.svg_motion.parts import grid_layout
from vp.nn.losses import pyramid_error
from vp.nn.motion_input import (
    affine_flow,
    backward_flows,
    compose_flows,
    fit_affine_flow,
    inside_mask,
    motion_size,
    speed_and_steadiness,
    warp_any_size,
)

CPU = Runtime(torch.device("cpu"), bf16=False)


def sliding(length, height, width, velocity=(2, 1), channels=3):
    """float32 (1, T, C, H, W): a smooth texture under a window that moves, so that pictures move by -velocity (x, y) a frame."""
    margin = 4 * length
    noise = torch.rand(1, channels, (height + margin) // 4, (width + margin) // 4, generator=torch.Generator().manual_seed(0))
    texture = torch.nn.functional.interpolate(noise, size=(height + margin, width + margin), mode="bicubic").clamp(0, 1)
    at = [(t * velocity[1], t * velocity[0]) for t in range(length)]
    return torch.stack([texture[:, :, y : y + height, x : x + width] for y, x in at], 1)


def predictor(**settings):
    torch.manual_seed(0)
    cfg = FAMILY.config(**settings)
    return FAMILY.predictor(cfg, FAMILY.networks(cfg), CPU)


def inner(frames: torch.Tensor, border: int = 24) -> torch.Tensor:
    return frames[..., border:-border, border:-border]


def test_untrained_it_continues_with_constant_velocity():
    clip = sliding(10, 128, 192)
    future = predictor(latent="none", camera=True).predict(Observation.prefix(clip, 5, 10), seed_grid(0, 1, 1)).frames[:, 0]
    error, copied = (inner(x - clip)[:, 5:].abs().mean() for x in (future, clip[:, 4:5].expand_as(clip)))
    assert error < 0.15 * copied, (error, copied)


def test_a_photograph_stays_a_photograph_before_training():
    clip = sliding(1, 96, 128).expand(-1, 12, -1, -1, -1)
    future = predictor(latent="none").predict(Observation.prefix(clip, 4, 12), seed_grid(0, 1, 1)).frames[:, 0]
    assert (future - clip).abs().max() < 1e-4


SIZES = [(72, 128, 3, 5), (50, 31, 1, 2), (16, 200, 3, 3), (256, 144, 1, 4)]


@pytest.mark.parametrize(("height", "width", "channels", "n_past"), SIZES)
def test_frames_of_any_size_come_back_in_it(height, width, channels, n_past):
    clip = sliding(n_past + 2, height, width, channels=channels)
    got = predictor(half=8, quarter=16, eighth=16).predict(Observation.prefix(clip, n_past, n_past + 2), seed_grid(0, 1, 2))
    assert got.frames.shape == (1, 2, n_past + 2, channels, height, width)
    assert torch.equal(got.frames[:, 0, :n_past], clip[:, :n_past])
    assert got.traces["prior_mean"].shape == (1, 2, n_past + 2, 6) and got.traces["prior_mean"][:, :, n_past:].isfinite().all()


def test_a_clip_too_small_is_refused_in_words():
    clip = sliding(4, 15, 40)
    with pytest.raises(ValueError, match="the clip is 40x15; this model takes 16 pixels or more a side"):
        predictor().check(Observation.prefix(clip, 2, 4))


def test_the_posterior_needs_the_truth_and_tells_its_divergence():
    clip = sliding(6, 32, 32)
    model = predictor(half=8, quarter=16, eighth=16, short_side=32)
    options = model.options_type(prior="posterior-mean")
    with pytest.raises(ValueError, match="the posterior needs the true future frames"):
        model.check(Observation.prefix(clip, 3, 6), options)
    traces = model.predict(Observation.prefix(clip, 3, target=clip), seed_grid(0, 1, 2), options).traces
    assert (traces["kl"][:, :, 3:] >= 0).all() and traces["kl"][:, :, :3].isnan().all()


def test_flow_points_back_to_where_pixels_were():
    flows = backward_flows(sliding(3, 128, 128, velocity=(4, 2)), (64, 64))
    assert flows.shape == (1, 2, 2, 64, 64)
    middle = flows[..., 24:40, 24:40].mean((0, 1, 3, 4))
    assert torch.allclose(middle, torch.tensor([2.0, 1.0]), atol=0.1), middle  # half as many pixels on a grid of half the side


def test_the_affine_fit_is_the_cameras_motion_whatever_moves_before_it():
    rows, columns = torch.linspace(-1, 1, 24)[:, None], torch.linspace(-1, 1, 40)
    camera = torch.stack([1.5 + 0.3 * columns - 0.2 * rows, -0.5 + 0.2 * columns + 0.3 * rows])
    moving = camera.clone()
    moving[:, 4:16, 10:26] += torch.tensor([3.0, -2.0]).view(2, 1, 1)  # a fifth of the frame
    with torch.autocast("cpu", torch.bfloat16):
        fit = affine_flow(fit_affine_flow(torch.stack([moving, 0 * moving, torch.zeros(2, 24, 40) + 1])), (24, 40))
    assert torch.allclose(fit[0], camera, atol=0.05), (fit[0] - camera).abs().max()
    assert fit[1].abs().max() < 1e-5 and torch.allclose(fit[2], torch.ones(2, 24, 40), atol=1e-3)


def test_pace_tells_a_pan_from_a_shake():
    pan = torch.tensor([1.0, 0.5]).view(1, 1, 2, 1, 1).expand(1, 4, 2, 3, 5)
    shake = pan * torch.tensor([1.0, -1, 1, -1]).view(1, 4, 1, 1, 1)
    (speed, steady), (same, unsteady) = speed_and_steadiness(pan), speed_and_steadiness(shake)
    assert torch.equal(speed, same) and speed_and_steadiness(2 * pan)[0].mean() > speed.mean()
    assert steady.min() > 0.95 and unsteady.max() < 0.05 and speed_and_steadiness(0 * pan)[1].max() == 0


def test_composed_steps_lead_to_the_first_frame():
    steps = torch.tensor([1.0, -0.5]).view(1, 1, 2, 1, 1).expand(1, 4, 2, 8, 8)
    assert torch.allclose(compose_flows(steps)[0, :, :, 0, 0], torch.tensor([[1.0, -0.5], [2, -1], [3, -1.5], [4, -2]]))


def test_known_frames_lie_over_the_last_one_and_the_earliest_is_repeated():
    clip = sliding(5, 64, 64)
    five, three = prepare_known(clip, (64, 64)), prepare_known(clip[:, 2:], (64, 64))
    assert all(a.shape == b.shape for a, b in zip(five, three))
    assert inner(five.earlier - five.last[:, None]).abs().mean() < 0.2 * inner(clip[:, :1] - five.last[:, None]).abs().mean()
    for a, b in zip(five[1:], three[1:]):
        assert torch.equal(a[:, :2], b[:, :2])
        assert torch.equal(b[:, 2], b[:, 1]) and torch.equal(b[:, 3], b[:, 1])


def test_frames_of_any_size_are_moved_by_the_same_share_of_it():
    shift = torch.zeros(1, 2, 8, 8)
    shift[:, 0] = 1  # an eighth of the width
    ramp = torch.linspace(0, 1, 64).expand(1, 1, 32, 64)
    assert torch.allclose(warp_any_size(ramp, shift)[..., :56], ramp[..., 8:], atol=1e-5)


def test_inside_tells_what_no_known_frame_shows():
    shift = torch.zeros(1, 2, 4, 4)
    shift[:, 0] = 2
    assert inside_mask(shift)[0, 0].tolist() == [[1, 1, 0, 0]] * 4


def test_motion_is_read_at_multiples_of_eight():
    assert [motion_size(*size, 64) for size in ((360, 640), (31, 500), (64, 64))] == [(64, 112), (64, 1032), (64, 64)]


def test_the_pyramid_is_zero_for_no_difference_and_grows_with_it():
    x = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert torch.equal(pyramid_error(torch.zeros_like(x)), torch.zeros(2))
    assert torch.allclose(pyramid_error(3 * x), 3 * pyramid_error(x))


def test_every_weight_is_trained():
    cfg = tiny()
    cfg = dataclasses.replace(cfg, objective=dataclasses.replace(cfg.objective, foreseen=0.0, sampled=0.5))
    nets, clip = FAMILY.networks(cfg), sliding(6, 32, 32).expand(2, -1, -1, -1, -1)
    for share in (0.0, 0.9):
        losses = motion_loss(cfg, nets, Batch(clip), Progress(share=share), torch.Generator().manual_seed(0))
        assert losses.total.isfinite() and ("kl" in losses.terms) == (share == 0.9)
    for p in nets.parameters():  # layers that start at zero stop every gradient behind them
        p.data.add_(0.05 * torch.randn(p.shape, generator=torch.Generator().manual_seed(1)))
    motion_loss(cfg, nets, Batch(clip), Progress(share=0.9), torch.Generator().manual_seed(0)).total.backward()
    idle = [name for name, p in nets.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert not idle, idle


def test_a_pace_multiplies_all_displacements(monkeypatch):
    """A slide at pace 0 stands still; at pace 2 it is after one frame where it is after two."""
    model, clip = predictor(pace=True, camera=True), sliding(10, 128, 192)
    model.network.latent.prior_heads.spread.bias.data[AFFINE:] = -60.0  # no departures
    monkeypatch.setattr(sys.modules[type(model).__module__], "draw_pace", lambda *_: torch.tensor([0.0, 1.0, 2.0]))
    still, even, twice = model.predict(Observation.prefix(clip, 5, 10), seed_grid(0, 1, 3)).frames[0]
    assert torch.allclose(still[5:], clip[0, 4:5].expand(5, -1, -1, -1), atol=1e-5)
    for t in (1, 2):
        assert inner(twice[4 + t] - even[4 + 2 * t]).abs().mean() < 0.1 * inner(twice[4 + t] - even[4 + t]).abs().mean()


@pytest.mark.parametrize(("pace", "columns"), [(0.0, (4, 10)), (0.5, (7, 13)), (1.0, (10, 16)), (2.0, (16, 22))])
def test_at_any_pace_a_thing_stays_whole(pace, columns):
    """A block of six columns that has come six pixels at pace 1 has come more or less at others, and is as long."""
    displacement = torch.zeros(1, 2, 16, 24)
    displacement[:, 0, 5:11, 10:16] = -6.0
    got = displace_at_pace(displacement, torch.tensor([pace]))[0, 0, 7]
    expected = torch.zeros(24)
    expected[slice(*columns)] = -6.0 * pace
    known = torch.ones(24, dtype=torch.bool)
    known[10:16] = False  # where it was at pace 1 nothing is known of what lies behind
    known |= expected != 0
    assert torch.allclose(got[known], expected[known], atol=0.1), got


def test_every_future_has_a_pace_of_its_own_as_wide_as_the_network_says():
    noise = torch.randn(4000, generator=torch.Generator().manual_seed(0))
    assert draw_pace(torch.full((4000,), 0.2), noise).std() == pytest.approx(0.2, abs=0.01)
    wide = draw_pace(torch.full((4000,), 2.0), noise)
    assert wide.min() == 0 and wide.max() == 3
    model, clip = predictor(pace=True), sliding(8, 64, 64)
    model.network.latent.prior_heads.spread.bias.data[AFFINE:] = -60.0
    wide = model.predict(Observation.prefix(clip, 5, 8), seed_grid(0, 1, 4)).frames[0, :, -1]
    model.network.pace.head[-1].bias.data -= 3  # a twentieth
    narrow = model.predict(Observation.prefix(clip, 5, 8), seed_grid(0, 1, 4)).frames[0, :, -1]
    assert 0 < 5 * narrow.std(0).mean() < wide.std(0).mean()


def test_the_pace_of_the_posterior_and_of_the_most_likely_future_is_one():
    clip = sliding(10, 64, 64)
    with_pace, without = predictor(pace=True), predictor()
    without.network.load_state_dict(with_pace.network.state_dict(), strict=False)
    seen = Observation.prefix(clip, 5, target=clip)
    for wish in ({"temperature": 0.0}, {"prior": "posterior-mean"}, {"prior": "posterior"}):
        a, b = (model.predict(seen, seed_grid(0, 1, 2), model.options_type(**wish)).frames for model in (with_pace, without))
        assert torch.equal(a, b), wish


def test_a_person_may_set_the_pace_and_every_sample_says_its_own():
    """A chosen pace multiplies those that are drawn, and moves the posterior's mean and a model without a latent too."""
    clip = sliding(10, 64, 64)
    seen, seeds = Observation.prefix(clip, 5, target=clip), seed_grid(0, 1, 3)
    model = predictor(pace=True, camera=True)
    usual, twice = (model.predict(seen, seeds, model.options_type(pace=pace)).traces["pace"] for pace in (1.0, 2.0))
    assert usual.shape == (1, 3, 10) and usual[..., :5].isnan().all() and (usual[0, :, 5:].std(1) == 0).all()
    assert torch.equal(twice[..., 5:], 2 * usual[..., 5:]) and usual[0, :, -1].unique().numel() == 3
    for other, wish in ((model, {"prior": "posterior-mean"}), (predictor(latent="none"), {})):
        still = other.predict(seen, seeds, other.options_type(pace=0.0, **wish))
        assert torch.allclose(still.frames[0, 0, 5:], clip[0, 4:5].expand(5, -1, -1, -1), atol=1e-5)
        assert (still.traces["pace"][..., 5:] == 0).all()
        assert "pace" not in other.predict(seen, seeds, other.options_type(**wish)).traces
    at = {t: model.predict(seen, seeds, model.options_type(temperature=t)).traces["pace"][0, :, -1] for t in (0.0, 0.25, 1.0)}
    assert (at[0.0] == 1).all() and torch.allclose(at[0.25] - 1, (at[1.0] - 1) / 2, atol=1e-6)
    shorter, longer = (model.predict(Observation.prefix(clip, 5, length), seeds).frames[:, :, :9] for length in (9, 14))
    assert torch.allclose(shorter, longer, atol=1e-5), "a longer future begins as a shorter one"
    later = deque(model.stream(seen, seeds), maxlen=1).pop().prediction
    assert torch.equal(later.traces["pace"][..., 5:], usual[..., 5:])
    assert torch.equal(model.predict_with_latent(seen, seeds)[0].traces["pace"][..., 5:], usual[..., 5:])


def test_beta_rises_on_a_log_scale():
    objective = tiny().objective
    assert [kl_weight(objective, x) for x in (0.0, 1.0)] == pytest.approx([objective.beta_start, objective.beta])
    middle = sum(objective.beta_ramp) / 2
    assert kl_weight(objective, middle) == pytest.approx((objective.beta_start * objective.beta) ** 0.5)


@torch.no_grad()
def test_before_training_z_is_a_departure_from_constant_velocity():
    torch.manual_seed(0)
    network = MotionNetwork(FAMILY.config())
    scene, state = network.encode_known(prepare_known(sliding(3, 64, 96), (64, 96)))
    carried = network.carry_forward(scene, state)
    none = torch.zeros(1, network.latent.z_size((64, 96)))
    assert torch.equal(network.advance(scene, state, carried, none).step, carried.step)
    missed = torch.tensor([1.5, -0.5]).view(1, 2, 1, 1).expand(1, 2, 32, 48).clone()
    missed[:, 0] += 0.02 * torch.arange(48) - 0.01 * torch.arange(32)[:, None]  # and an affine flow on top of a shift
    z = network.latent.fit_departure(missed, carried.parts.masks).flatten(1)
    change = network.advance(scene, state, carried, z).step - carried.step
    assert torch.allclose(change, missed, atol=1e-3)


@torch.no_grad()
def test_a_thing_of_one_colour_is_a_part_and_moves_without_its_ground():
    clip = 0.3 + 0.1 * sliding(1, 64, 64).expand(-1, 5, -1, -1, -1)
    clip[..., 24:44, 20:40] = torch.tensor([0.9, 0.2, 0.1]).view(3, 1, 1)
    network = MotionNetwork(FAMILY.config())
    scene, state = network.encode_known(prepare_known(clip, (64, 64)))
    carried = network.carry_forward(scene, state)
    thing = torch.zeros(32, 32, dtype=torch.bool)
    thing[12:22, 10:20] = True
    missed = torch.zeros(1, 2, 32, 32)
    missed[:, 0, thing] = 1.0
    z = network.latent.fit_departure(missed, carried.parts.masks).flatten(1)
    moved = network.latent.departure_flow(z, carried.parts.masks)[0, 0]
    assert moved[thing].mean() > 0.8 and moved[~thing].abs().mean() < 0.05, (moved[thing].mean(), moved[~thing].abs().mean())


@torch.no_grad()
def test_parts_share_every_place_and_follow_it():
    torch.manual_seed(0)
    network = MotionNetwork(FAMILY.config(parts=6))
    scene, _ = network.encode_known(prepare_known(sliding(5, 64, 96), (64, 96)))
    masks = scene.parts.masks
    assert masks.shape == (1, 6, 32, 48) and torch.allclose(masks.sum(1), torch.ones(1, 32, 48))
    assert (masks.mean((2, 3)) > 0.02).all()
    moved = scene.parts.warped(torch.tensor([3.0, -2.0]).view(1, 2, 1, 1).expand(1, 2, 32, 48)).masks
    assert torch.allclose(moved[..., 2:, :-3], masks[..., :-2, 3:], atol=1e-5)


def test_layout_is_about_as_many_parts_as_asked_for():
    assert grid_layout(8, (32, 32)) == (3, 3) and grid_layout(8, (32, 57)) == (2, 4) and grid_layout(8, (57, 32)) == (4, 2)
    assert grid_layout(1, (32, 90)) == (1, 1) and grid_layout(4, (8, 80)) == (1, 4)


def test_a_still_scene_teaches_finite_numbers():
    cfg = tiny()
    torch.manual_seed(0)
    nets = FAMILY.networks(cfg)
    clip = torch.full((2, 6, 3, 32, 32), 0.5)
    losses = motion_loss(cfg, nets, Batch(clip), Progress(share=0.9), torch.Generator().manual_seed(0))
    losses.total.backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in nets.parameters())


@torch.no_grad()
def test_before_training_the_posterior_follows_the_truth():
    """What constant velocity cannot foresee, a camera that turns back, the posterior's first z already says."""
    there = sliding(6, 96, 96, (3, 2))
    clip = torch.cat([there, there[:, :5].flip(1)], 1)
    model = predictor()
    errors = {}
    for prior in ("learned", "posterior-mean"):
        options = model.options_type(prior=prior, temperature=0.0)
        future = model.predict(Observation.prefix(clip, 6, target=clip), seed_grid(0, 1, 1), options).frames[:, 0]
        errors[prior] = inner(future - clip)[:, 6:].abs().mean()
    assert errors["posterior-mean"] < 0.3 * errors["learned"], errors


def test_clips_that_are_foreseen_teach_the_priors_mean_and_have_no_divergence():
    cfg, clip = tiny(), torch.cat([sliding(6, 32, 32), sliding(6, 32, 32, (0, 2))])
    cfg = dataclasses.replace(cfg, objective=dataclasses.replace(cfg.objective, foreseen=0.5, from_fewer=0.0))
    nets = FAMILY.networks(cfg)

    def losses(clip):
        return motion_loss(cfg, nets, Batch(clip), Progress(share=0.9), torch.Generator().manual_seed(0))

    one = losses(clip)
    other = clip.clone()
    other[0, cfg.n_past :] = torch.rand_like(other[0, cfg.n_past :])  # the future of the foreseen clip
    two = losses(other)
    assert torch.equal(one.terms["kl"], two.terms["kl"]) and not torch.equal(one.terms["error"], two.terms["error"])
    (one.total - 3e-3 * one.terms["kl"]).backward()
    assert nets["svg"].latent.prior_heads.heads.part[-1].weight.grad.abs().sum() > 0
    with pytest.raises(ValueError, match="foreseen is 1 and sampled 0.0; give shares of 0 or more, below 1 in all"):
        dataclasses.replace(cfg.objective, foreseen=1)


def test_the_energy_score_is_lowest_where_samples_are_spread_as_the_truth_is():
    """The truth is 0 or 1, as likely: two samples that are each 0 or 1 beat their mean, and one of the two told twice."""

    def score(draw):
        random = torch.Generator().manual_seed(0)
        truth = torch.randint(2, (4000, 1, 1, 1, 1), generator=random).float().expand(-1, -1, 3, 8, 8)
        made = torch.cat([draw(random), draw(random)]).view(-1, 1, 1, 1, 1).expand(-1, -1, 3, 8, 8)
        errors = pyramid_error((made - truth.repeat(2, 1, 1, 1, 1)).flatten(0, 1)).view(-1, 1)
        first, second = made.chunk(2)
        apart = pyramid_error((first - second).flatten(0, 1)).mean()
        assert energy_score(errors, made).isfinite()
        return errors.mean() - apart / 2

    fair = score(lambda random: torch.randint(2, (4000,), generator=random).float())
    narrow = score(lambda random: torch.full((4000,), 0.5))
    surer = score(lambda random: torch.zeros(4000))
    assert fair < 0.8 * min(narrow, surer), (fair, narrow, surer)


def test_clips_followed_by_samples_teach_the_prior_how_wide_it_is():
    cfg, clip = tiny(), torch.cat([sliding(6, 32, 32), sliding(6, 32, 32, (0, 2)), sliding(6, 32, 32, (3, 0))])
    cfg = dataclasses.replace(cfg, objective=dataclasses.replace(cfg.objective, foreseen=0.34, sampled=0.34, from_fewer=0.0))
    torch.manual_seed(0)
    nets = FAMILY.networks(cfg)

    def losses(clip):
        return motion_loss(cfg, nets, Batch(clip), Progress(share=0.9), torch.Generator().manual_seed(0))

    one, other = losses(clip), clip.clone()
    other[2, cfg.n_past :] = torch.rand_like(other[2, cfg.n_past :])  # the future of the sampled clip
    two = losses(other)
    assert all(torch.equal(one.terms[name], two.terms[name]) for name in ("kl", "error"))
    assert not torch.equal(one.terms["energy_score"], two.terms["energy_score"])
    one.terms["energy_score"].backward()
    assert nets["svg"].latent.prior_heads.spread.bias.grad.chunk(2)[1].abs().sum() > 0  # of the log-variances


def test_a_context_block_begins_as_the_identity_and_then_lets_every_cell_look_at_every_other():
    block = ContextBlock(16)
    x = torch.randn(2, 16, 3, 7)
    assert torch.equal(block(x), x)
    torch.nn.init.normal_(block.attended.weight)
    changed = x.clone()
    changed[:, :, 0, 0] += 1
    assert (block(changed) - block(x))[:, :, 2, 6].abs().max() > 1e-4
