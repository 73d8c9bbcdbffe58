"""RaMViD over motion: even motion before training, any frames known, any size."""

import dataclasses

import pytest
import torch

from vp.core.family import Progress
from vp.core.predictor import seed_grid
from vp.core.runtime import Runtime
from vp.core.video import Batch, Observation
from vp.models.ramvid.motion import FAMILY, tiny
from vp.models.ramvid.motion.network import COARSE, to_departure, to_displacement
from vp.models.ramvid.motion.objective import motion_diffusion_loss
from vp.models.ramvid.motion.references import Gap, even_displacements, find_gaps, find_references, true_displacements

CPU = Runtime(torch.device("cpu"), bf16=False)
PATTERNS = ["11100000", "00000111", "00011100", "11000011", "10101010", "00100100", "10000000"]


def mask(pattern: str) -> torch.Tensor:
    return torch.tensor([letter == "1" for letter in pattern])


def sliding(length, height=64, width=96, velocity=(2, 1), channels=3):
    """float32 (1, T, C, H, W): a smooth texture under a window that moves by velocity (x, y) a frame."""
    margin = 4 * length
    noise = torch.rand(1, channels, (height + margin) // 8, (width + margin) // 8, generator=torch.Generator().manual_seed(0))
    texture = torch.nn.functional.interpolate(noise, size=(height + margin, width + margin), mode="bicubic").clamp(0, 1)
    at = [(t * velocity[1], t * velocity[0]) for t in range(length)]
    return torch.stack([texture[:, :, y : y + height, x : x + width] for y, x in at], 1)


def observed(clip, pattern):
    return Observation(torch.where(mask(pattern)[:, None, None, None], clip, torch.nan), mask(pattern))


def predictor(train=False, **settings):
    """An untrained one, or with `train` one whose last layers are not zero: all its parts have a say."""
    torch.manual_seed(0)
    cfg = dataclasses.replace(tiny(), short_side=64, **settings)
    nets = FAMILY.networks(cfg)
    if train:
        for module in nets.modules():
            if isinstance(module, torch.nn.Conv2d) and not module.weight.any():
                torch.nn.init.normal_(module.weight, std=0.05)
    return FAMILY.predictor(cfg, nets, CPU)


def test_gaps_name_the_known_frames_beside_them():
    assert find_gaps([False, True, False, False, True, True, False]) == [
        Gap((0,), None, 0), Gap((2, 3), 0, 1), Gap((6,), 2, None),
    ]  # fmt: skip
    assert find_gaps([True, True]) == []


@pytest.mark.parametrize("pattern", PATTERNS[:6])
def test_untrained_motion_goes_on_evenly(pattern):
    clip, known = sliding(8), mask(pattern)
    made = predictor().predict(observed(clip, pattern), seed_grid(0, 1, 1)).frames[:, 0]
    assert torch.equal(made[:, known], clip[:, known])
    inner = (..., slice(20, -20), slice(20, -20))
    nearest = torch.stack([clip[:, min(known.nonzero()[:, 0].tolist(), key=lambda k, t=t: abs(k - t))] for t in range(8)], 1)
    error, copied = ((x - clip)[inner][:, ~known].abs().mean() for x in (made, nearest))
    assert error < 0.25 * copied, (error, copied)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_true_displacements_lead_to_the_references(pattern):
    """A texture that slides by (2, 1) px a frame comes from so far away in the frame before, on a grid of half the size."""
    clip, known = sliding(8, 96, 128), mask(pattern).tolist()
    true = true_displacements(clip, known, (96, 128), 96)[..., 12:-12, 12:-12].mean((-2, -1))
    references = find_references(clip[:, mask(pattern)], known, (96, 128))
    expected = references.distance[:, :, None] * torch.tensor([[1.0, 0.5], [-1.0, -0.5]])
    assert torch.allclose(true[0], expected, atol=0.3), (true[0], expected)


@pytest.mark.parametrize(
    ("times", "gap"), [((2, 8), 0), ((0, 2, 8), 1), ((2, 8, 9), 0), ((0, 2, 8, 9), 1), ((0, 1, 2, 8, 9, 11), 2)]
)
def test_between_two_known_frames_pixels_follow_the_curve_through_those_around_them(times, gap):
    """A picture that moves as a whole, at a speed that changes as a polynomial which so many known frames determine."""
    terms = torch.tensor([[0.4, -0.3], [-0.05, 0.02], [0.004, 0.003]])[: len(times[max(0, gap - 1) : gap + 3]) - 1]

    def place(t):
        return sum(term * t**power for power, term in enumerate(terms, 1)).view(1, 2, 1, 1).expand(1, 2, 4, 6)

    back = torch.stack([place(a) - place(b) for a, b in zip(times, times[1:])], 1)
    before, after = times[gap], times[gap + 1]
    unknown = tuple(range(before + 1, after))
    made = even_displacements(Gap(unknown, gap, gap + 1), times, back, -back, torch.zeros(1, 2, 4, 6))
    for t, displacement in zip(unknown, made):
        expected = torch.stack([place(end) - place(t) for end in (before, after)], 1)
        torch.testing.assert_close(displacement, expected, atol=1e-4, rtol=0)


def test_references_are_shared_by_the_frames_of_a_gap():
    clip = sliding(8)
    references = find_references(clip[:, mask("01001010")], mask("01001010").tolist(), (64, 96))
    kept = [tuple(None if r is None else references.frames[r] for r in sides) for sides in references.reference_of]
    assert kept == [(None, 0), (0, 1), (0, 1), (1, 2), (2, None)]
    assert references.distance.tolist() == [[0, 1], [1, 2], [2, 1], [1, 1], [1, 0]]
    assert len(references.known.last) == len(references.frames) == 6  # each known frame beside a gap, once a side


def test_a_departure_says_a_displacement_again():
    clip, pattern = sliding(8), mask("11000011")
    network = predictor().network
    references = find_references(clip[:, pattern], pattern.tolist(), (64, 96))
    scene = network.encode_references(references, (~pattern).nonzero()[:, 0].float())
    moved = scene.even + torch.tensor([0.7, -0.3]).view(2, 1, 1)
    again = to_displacement(to_departure(moved, scene), scene)
    assert torch.allclose(again, moved, atol=1e-4)
    assert to_departure(scene.even, scene).abs().max() == 0


def test_one_side_is_not_asked_about_the_other():
    """Where nothing is known behind a gap its numbers are zero whatever the noise, and change nothing."""
    clip, pattern = sliding(8), mask("11100000")
    network = predictor(train=True).network
    references = find_references(clip[:, pattern], pattern.tolist(), (64, 96))
    scene = network.encode_references(references, (~pattern).nonzero()[:, 0].float())
    noise = torch.randn(1, 5, COARSE, 8, 12)
    other = noise.clone()
    other[:, :, 2:] = torch.randn(1, 5, 2, 8, 12)
    clean, same = (network.clean(scene, x, torch.tensor([0.3])) for x in (noise, other))
    assert torch.equal(clean, same) and not clean[:, :, 2:].any() and clean[:, :, :2].any()


@pytest.mark.parametrize("pattern", ["1110000000000000", "1100000000000011", "1000001000000010", "0000000001100000"])
def test_long_clips_are_filled_window_by_window(pattern):
    clip = sliding(16, 64, 64)
    options = predictor().options_type(steps=2)
    made = predictor(train=True).predict(observed(clip, pattern), seed_grid(0, 1, 2), options).frames
    assert made.isfinite().all() and torch.equal(made[:, 1, mask(pattern)], clip[:, mask(pattern)])
    assert not torch.equal(made[:, 0], made[:, 1])


@pytest.mark.parametrize("solver", ["euler", "dpm", "ancestral"])
def test_solvers_draw_different_futures_and_the_most_likely_one_is_one(solver):
    model, clip = predictor(train=True), sliding(8)
    options = model.options_type(steps=3, solver=solver)
    first, second = model.predict(observed(clip, "11100000"), seed_grid(0, 1, 2), options).frames[0]
    assert not torch.equal(first, second)
    likely = model.options_type(steps=3, solver=solver, temperature=0.0)
    steps = list(model.stream(observed(clip, "11100000"), seed_grid(0, 1, 2), likely))
    assert len(steps) == 1 and torch.equal(*steps[0].prediction.frames[0])


@pytest.mark.parametrize(("height", "width", "channels"), [(72, 128, 3), (50, 31, 1), (256, 144, 1)])
def test_frames_of_any_size_come_back_in_it(height, width, channels):
    clip = sliding(8, height, width, channels=channels)
    got = predictor(train=True).predict(observed(clip, "11000001"), seed_grid(0, 1, 2)).frames
    assert got.shape == (1, 2, 8, channels, height, width) and got.isfinite().all()


def test_a_clip_too_small_is_refused_with_a_sentence():
    with pytest.raises(ValueError, match="the clip is 12x40; this model takes 16 pixels or more a side"):
        predictor().predict(observed(sliding(8, 40, 12), "11000001"), seed_grid(0, 1, 1))


@pytest.mark.parametrize("kind", ["prefix", "ends", "every", "random"])
def test_every_part_learns_from_every_kind_of_mask(kind):
    torch.manual_seed(0)
    cfg = dataclasses.replace(tiny(), masks={kind: 1.0})
    nets = FAMILY.networks(cfg)
    clip = torch.cat([sliding(8, 32, 32), sliding(8, 32, 32, (0, 2))])
    generator = torch.Generator().manual_seed(1)
    for _ in range(5):  # layers begin at zero, and nothing behind them learns before they have left it
        nets.zero_grad()
        losses = motion_diffusion_loss(cfg, nets, Batch(clip), Progress(share=0.5), generator)
        losses.total.backward()
        torch.optim.SGD(nets.parameters(), lr=0.1).step()
    assert losses.total.isfinite()
    still = [name for name, p in nets.named_parameters() if p.grad is None or not p.grad.any()]
    assert not [name for name in still if "slope" not in name], still


def test_training_brings_motion_that_is_not_even_nearer():
    """A clip that turns back in the middle: what even motion cannot foresee, a few steps of training do."""
    torch.manual_seed(0)
    there = sliding(4, 32, 32, (2, 0))
    clip = torch.cat([there, there.flip(1)], 1)
    cfg = dataclasses.replace(tiny(), short_side=32, masks={"prefix": 1.0}, blind=0.9)
    nets = FAMILY.networks(cfg)
    optimizer = torch.optim.Adam(nets.parameters(), lr=3e-3)
    model = FAMILY.predictor(cfg, nets, CPU)
    likely = model.options_type(temperature=0.0)

    def error():
        made = model.predict(observed(clip, "11110000"), seed_grid(0, 1, 1), likely).frames[:, 0]
        return (made - clip)[:, 4:, :, 8:-8, 8:-8].abs().mean()

    before, after, generator = error(), [], torch.Generator().manual_seed(0)
    for step in range(40):
        optimizer.zero_grad()
        motion_diffusion_loss(cfg, nets.train(), Batch(clip), Progress(share=0.5), generator).total.backward()
        optimizer.step()
        if step in (29, 34, 39):
            nets.eval()
            after.append(error())
    assert sum(after) / 3 < 0.8 * before, (before, after)  # 0.4 to 0.7 with several seeds; single errors vary by half


def test_no_window_gets_the_noise_of_another_sample():
    model, seen = predictor(train=True), []
    model.network.clean.register_forward_pre_hook(lambda module, given: seen.append(given[1].flatten(1)[:, :32].clone()))
    options = model.options_type(steps=1)
    model.predict(observed(sliding(16, 64, 64), "1110000000000000"), seed_grid(0, 1, 3), options)
    drawn = torch.cat(seen)
    assert len(seen) > 2 and len(drawn.unique(dim=0)) == len(drawn)


def test_frames_are_made_of_a_guess_where_somebody_looks_at_it():
    model, made = predictor(train=True), []
    model.network.refine_quarter.register_forward_hook(lambda *_: made.append(1))
    clip, options = observed(sliding(8), "11100000"), model.options_type(steps=4)
    finished = model.predict(clip, seed_grid(0, 1, 2), options)
    assert len(made) == 1
    steps = list(model.stream(clip, seed_grid(0, 1, 2), options))
    previews = [step.preview for step in steps]
    assert len(made) == 1 + 4 and torch.equal(previews[-1], finished.frames) and not torch.equal(previews[0], previews[-1])
