"""RaMViD: masks, networks, the objective and the sampler."""

import math
from dataclasses import replace

import pytest
import torch

from vp.core.family import Progress
from vp.core.predictor import seed_grid
from vp.core.runtime import Runtime
from vp.core.video import Batch, Observation
from vp.models.ramvid import critics, masks, networks, phases, predictor, tiny
from vp.models.ramvid.compact import TemporalPass
from vp.models.ramvid.config import MASK_MIX, RamvidConfig
from vp.models.ramvid.objective import draw_times, flow_loss, mean_log_error
from vp.models.ramvid.options import RamvidOptions
from vp.models.ramvid.process import NEARLY_CLEAN, add_noise, signal_and_noise_scales
from vp.models.ramvid.published import PublishedDenoiser
from vp.models.ramvid.sampler import SAMPLED
from vp.models.ramvid.windows import plan_windows

from ..recorders import replayed

CPU = Runtime(torch.device("cpu"), False)


def shaken(cfg):
    """Networks whose zero-initialised parts say something too."""
    torch.manual_seed(0)
    nets = networks(cfg).eval()
    with torch.no_grad():
        for p in nets.parameters():
            p.add_(0.05 * torch.randn_like(p))
    return nets


@pytest.mark.parametrize("channels, count", [(3, 235_071_875), (1, 235_058_049)])
def test_the_published_network_has_the_published_size(channels, count):
    with torch.device("meta"):
        network = PublishedDenoiser(RamvidConfig(channels=channels, network="published"))
    assert sum(p.numel() for p in network.parameters()) == count


def test_the_published_network_begins_at_zero_and_samples():
    cfg = RamvidConfig(size=32, length=3, network="published", process="ddpm")
    nets, clip = networks(cfg), torch.randn(1, 2, 1, 32, 32)
    with torch.no_grad():
        began = nets["denoiser"](clip, torch.zeros(1, 2, dtype=torch.bool), torch.full((1, 2), 0.5))
    assert torch.equal(began, torch.zeros_like(clip))
    observation = Observation.prefix(torch.rand(1, 3, 1, 32, 32), 1)
    options = RamvidOptions(steps=1, solver="ddpm")
    assert predictor(cfg, nets, CPU).predict(observation, seed_grid(0, 1, 1), options).frames.isfinite().all()


def test_each_kind_of_mask_is_what_it_says():
    generator = torch.Generator().manual_seed(0)
    drawn = {kind: masks.draw_masks({kind: 1.0}, 200, 12, 4, generator) for kind in masks.KINDS}
    counts = {kind: known.sum(1) for kind, known in drawn.items()}
    assert all(torch.equal(k, torch.arange(12) < k.sum()) for k in drawn["prefix"])
    assert (counts["prefix"].min(), counts["prefix"].max()) == (1, 6)
    assert (counts["random"].min(), counts["random"].max()) == (1, 4)
    assert drawn["ends"][:, [0, -1]].all() and counts["ends"].max() <= 6
    assert all(len(set(k.nonzero()[:, 0].diff().tolist())) == 1 for k in drawn["every"])
    assert not drawn["none"].any()
    mixed = masks.draw_masks(MASK_MIX, 2000, 12, 4, generator)
    assert (~mixed.any(1)).float().mean().item() == pytest.approx(MASK_MIX["none"], abs=0.03)
    assert (~mixed).any(1).all(), "something is left to predict in every clip"
    with pytest.raises(ValueError, match="there is no mask sideways"):
        masks.draw_masks({"sideways": 1.0}, 1, 4, 1, generator)


MASKS = {
    "prefix": [0, 1, 2],
    "both ends": [0, 1, 6, 7],
    "the middle": [3, 4],
    "the end": [6, 7],
    "scattered": [2, 5],
}


def mask_of(places, length=8):
    return torch.isin(torch.arange(length), torch.tensor(places))


@pytest.mark.parametrize("places", MASKS.values(), ids=MASKS)
def test_leading_known_frames_worked_on_once_give_what_the_whole_clip_gives(places):
    cfg = tiny()
    denoiser = shaken(cfg)["denoiser"]
    clip, times, known = torch.rand(2, 8, 1, 16, 16) * 2 - 1, 2 * torch.arange(8), mask_of(places)
    level = torch.where(known, 0.9, 0.3).expand(2, -1)
    with torch.no_grad():
        whole = denoiser(clip, known.expand(2, -1), level, times)
        way = TemporalPass(clip, known.tolist(), level, times.tolist(), known.tolist())
        recalled = denoiser.complete(way, denoiser.remember(way))
    torch.testing.assert_close(recalled, whole, atol=1e-4, rtol=0)
    assert torch.equal(whole[:, known], (clip[:, known] + 1) / 2 * 2 - 1) and whole[:, ~known].std() > 0.01


@pytest.mark.parametrize("places", [*MASKS.values(), []], ids=[*MASKS, "nothing"])
def test_every_unknown_frame_depends_on_every_known_and_every_noisy_one(places):
    cfg, known = tiny(), mask_of(places)
    denoiser = shaken(cfg)["denoiser"]
    clip = (torch.rand(1, 8, 1, 16, 16) * 2 - 1).requires_grad_()
    frames = denoiser(clip, known[None], torch.where(known, 1.0, 0.3)[None])
    for t in (~known).nonzero()[:, 0].tolist():
        (gradient,) = torch.autograd.grad(frames[:, t].square().sum(), clip, retain_graph=True)
        reach = gradient.abs().sum((0, 2, 3, 4)) > 0
        assert reach[known].all() and reach[t]
        assert reach[t:].all() if not known.any() or known[:t].any() else reach[: t + 1].all()


def test_gaps_in_time_stretch_the_motion():
    cfg = tiny()
    denoiser = shaken(cfg)["denoiser"]
    clip, known = torch.rand(1, 8, 1, 16, 16) * 2 - 1, mask_of([0, 1])
    level = torch.where(known, 1.0, 0.3)[None]
    with torch.no_grad():
        near, far = (denoiser(clip, known[None], level, gap * torch.arange(8)) for gap in (1, 3))
    assert not torch.allclose(near, far)


def test_only_unknown_frames_count_and_known_ones_are_told_apart():
    cfg = replace(tiny(), context_noise=0.0)
    nets, generator = shaken(cfg), torch.Generator
    frames, times = torch.rand(3, 6, 1, 16, 16) * 2 - 1, torch.arange(6)
    known = torch.arange(6).expand(3, -1) < 2

    class Perfect(torch.nn.Module):
        """Right wherever a frame is unknown, far off elsewhere."""

        def forward(self, x, known, level, times):
            assert torch.equal(x[known], frames[known]) and (level[known] == 1).all()
            return torch.where(known[..., None, None, None], frames + 9, frames)

    eps = torch.randn(frames.shape)
    assert flow_loss(cfg, Perfect(), frames, times, known, eps, generator().manual_seed(0))[0].total == 0
    loss, (real, fake) = flow_loss(cfg, nets["denoiser"], frames, times, known, eps, generator().manual_seed(0))
    assert loss.total > 0 and 1 <= len(real) == len(fake) and torch.equal(real[:, :2], fake[:, :2])


@pytest.mark.parametrize("process", ["flow", "ddpm"])
def test_noise_grows_from_none_to_all_and_leaves_known_frames_alone(process):
    cfg = replace(tiny(), process=process)
    clean, dirty = (1.0, 0.0) if process == "flow" else (0.0, 0.999)
    a, s = signal_and_noise_scales(cfg, torch.tensor([clean, dirty]))
    assert a[0].item() == pytest.approx(1, abs=1e-3) and s[0].item() < 0.02
    assert a[1] < 0.01 and s[1].item() == pytest.approx(1, abs=1e-3)
    known = torch.tensor([[True, False]])
    clip, eps = torch.ones(1, 2, 1, 4, 4), torch.full((1, 2, 1, 4, 4), 5.0)
    got = add_noise(clip, known, torch.full((1, 2), dirty), eps, cfg)
    assert torch.equal(got[:, 0], clip[:, 0]) and got[:, 1].mean().item() == pytest.approx(5, abs=0.1)


@pytest.mark.parametrize("process", ["flow", "ddpm"])
def test_every_parameter_learns(process):
    cfg = replace(tiny(), process=process)
    nets = shaken(cfg).train()
    (phase,) = phases(cfg)
    generator = torch.Generator().manual_seed(0)
    for _ in range(6):  # no single mask needs every part
        phase.loss(nets, Batch(torch.rand(4, 8, 1, 16, 16)), Progress(), generator).total.backward()
    idle = [name for name, p in nets.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert idle == []


def test_our_clips_of_a_batch_share_a_mask_and_those_of_the_published_network_do_not(monkeypatch):
    class Same(torch.nn.Module):
        def forward(self, x, known, level, times):
            return x

    drawn = []
    monkeypatch.setattr(
        masks, "draw_masks", lambda mix, clips, *rest, draw=masks.draw_masks: drawn.append(clips) or draw(mix, clips, *rest)
    )
    for cfg in (tiny(), replace(tiny(), network="published", size=32)):
        batch = Batch(torch.rand(3, 4, 1, cfg.size, cfg.size))
        phases(cfg)[0].loss({"denoiser": Same()}, batch, Progress(), torch.Generator().manual_seed(0))
    assert drawn == [1, 3]


def test_training_sees_neighbouring_frames_and_wider_strides():
    cfg, strides = tiny(), set()
    for seed in range(60):
        times = draw_times(cfg, 24, torch.Generator().manual_seed(seed))
        assert 4 <= len(times) <= 8 and times[0] == 0 and times[-1] < 24 and len(times.diff().unique()) == 1
        strides.add(int(times[1]))
    assert strides >= {1, 2, 3}


@pytest.mark.parametrize("mode", ["windows", "keyframes"])
@pytest.mark.parametrize("whole_past", [False, True])
@pytest.mark.parametrize("places", [range(5), range(25, 30), [12, 13], [0, 29]], ids=["first", "last", "middle", "both ends"])
def test_windows_fill_every_frame_once_away_from_known_ones(mode, whole_past, places):
    known = mask_of(list(places), 30)
    windows, done = plan_windows(known, 8, mode, whole_past), known.clone()
    for window in windows:
        assert (whole_past or len(window.frames) <= 8) and torch.equal(window.known, done[window.frames])
        assert not window.known.all() and window.known.any() and (window.frames.diff() > 0).all()
        assert not whole_past or known[window.frames].any(), "what is known is seen again in every window"
        done[window.frames] = True
    assert done.all()


def test_windows_overlap_by_half_or_hold_the_whole_past():
    known = torch.arange(30) < 5
    assert plan_windows(known, 8, "keyframes")[0].frames.diff().unique().tolist() == [4]
    assert all(window.known.sum() >= 4 for window in plan_windows(known, 8, "windows")[1:-1]), "half a window of context"
    whole = plan_windows(known, 8, "windows", whole_past=True)
    assert [window.frames[0].item() for window in whole] == [0] * len(whole)
    assert all((~window.known).sum() <= 6 for window in whole)
    assert plan_windows(known, 8, "keyframes", whole_past=True)[0].frames.tolist() == [0, 1, 2, 3, *range(4, 30, 2)]
    for known in (torch.arange(8) < 2, torch.zeros(30, dtype=torch.bool)):
        (only,) = plan_windows(known, 8, "keyframes", whole_past=True)
        assert only.frames.tolist() == list(range(len(known)))


@pytest.mark.parametrize(("n_past", "last"), [(2, "terminal level"), (0, "nearly clean")])
def test_what_nothing_is_known_of_is_drawn_to_the_end(n_past, last, monkeypatch):
    cfg, stated = tiny(), []
    model = predictor(cfg, shaken(cfg), CPU)
    complete = model.denoiser.complete

    def noted(way, memory):
        stated.append(way.level[0, -1].item())
        return complete(way, memory)

    monkeypatch.setattr(model.denoiser, "complete", noted)
    clip = Observation.prefix(torch.rand(1, 6, 1, 16, 16), n_past)
    model.predict(clip, seed_grid(0, 1, 2), RamvidOptions(steps=4))
    assert stated[-1] == pytest.approx({"terminal level": cfg.terminal_level, "nearly clean": NEARLY_CLEAN}[last])
    assert (stated[-2] == stated[-1]) == bool(n_past), "what is known is seen twice, with opposite noise"


def test_later_windows_remember_known_frames_alone_and_follow_sampled_ones(monkeypatch):
    cfg = replace(tiny(), flows=2)
    model, kept = predictor(cfg, shaken(cfg), CPU), []
    remember = model.denoiser.remember

    def noted(way):
        memory = remember(way)
        kept.append((way, memory[0].layers))
        return memory

    monkeypatch.setattr(model.denoiser, "remember", noted)
    clip = Observation.prefix(torch.rand(1, 20, 1, 16, 16), 3)
    frames = model.predict(clip, seed_grid(0, 1, 2), RamvidOptions(steps=2)).frames
    assert len(kept) > 1
    for way, layers in kept[1:]:
        assert way.known == (True,) * 3 + (False,) * (len(way.known) - 3)
        count = way.settled.index(False)
        assert count > 3 and torch.all(way.level[:, 3:count] == SAMPLED)
        torch.testing.assert_close(way.x[:, 3:count], SAMPLED * (2 * frames[0, :, 3:count] - 1))
        torch.testing.assert_close(layers.pictures[0], kept[0][1].pictures[0])  # written from known frames alone
        assert (layers.moved[0] - kept[0][1].moved[0]).abs().max() > 0.01, "but moved on"


@pytest.mark.parametrize("long", ["windows", "keyframes"])
@pytest.mark.parametrize("solver", ["dpm", "euler", "ancestral", "ddpm"])
def test_long_clips_with_gaps_are_sampled_by_every_solver(long, solver):
    cfg = tiny()
    model = predictor(cfg, shaken(cfg), CPU)
    clip = torch.rand(2, 19, 1, 16, 16)
    known = torch.zeros(19, dtype=torch.bool)
    known[[0, 1, 11]] = True
    hidden = clip.masked_fill(~known.view(1, -1, 1, 1, 1), float("nan"))
    options = RamvidOptions(steps=2, solver=solver, long=long, guidance=1.5, context_noise=0.1)
    steps = list(model.stream(Observation(hidden, known), seed_grid(0, 2, 2), options))
    frames = steps[-1].prediction.frames
    assert frames.isfinite().all() and torch.equal(frames[:, 0, known], clip[:, known])
    assert all(step.preview is not None for step in steps) and len(steps) == steps[0].total
    assert not torch.equal(steps[0].preview, steps[1].preview)


def test_guidance_of_one_is_off_and_resampling_changes_the_sample():
    cfg = tiny()
    model = predictor(cfg, shaken(cfg), CPU)
    observation, seeds = Observation.prefix(torch.rand(1, 6, 1, 16, 16), 2), seed_grid(0, 1, 1)

    def sample(**options):
        return model.predict(observation, seeds, RamvidOptions(steps=2, solver="euler", **options)).frames

    assert torch.equal(sample(guidance=1.0), sample())
    assert not torch.equal(sample(guidance=2.0), sample())
    assert not torch.equal(sample(resample=3), sample())


@pytest.mark.parametrize("solver", ["dpm", "ancestral"])
def test_the_last_call_sees_the_opposite_noise_and_the_sample_is_the_mean_of_both_guesses(solver, monkeypatch):
    cfg, seen, stated = tiny(), [], []
    model = predictor(cfg, shaken(cfg), CPU)
    complete = model.denoiser.complete

    def noted(clip, memory):
        out = complete(clip, memory)
        seen.append((clip.x[:, 2:], out[:, 2:].clamp(-1, 1)))
        stated.append(clip.level[0, -1].item())
        return out

    monkeypatch.setattr(model.denoiser, "complete", noted)
    clip = Observation.prefix(torch.rand(1, 6, 1, 16, 16), 2)
    sample = model.predict(clip, seed_grid(0, 1, 2), RamvidOptions(steps=4, solver=solver, antithetic=True)).frames[0, :, 2:]
    (x, guess), (other, second) = seen[-2:]
    assert len(seen) == 4 and stated[-2] == stated[-1] == pytest.approx(cfg.terminal_level)
    torch.testing.assert_close(other - cfg.terminal_level * guess, cfg.terminal_level * guess - x, atol=1e-5, rtol=0)
    torch.testing.assert_close(sample, (guess + second + 2) / 4)
    plain = model.predict(clip, seed_grid(0, 1, 2), RamvidOptions(steps=3, solver=solver, antithetic=False)).frames[0, :, 2:]
    torch.testing.assert_close(plain, (guess + 1) / 2)


def test_replaced_known_frames_are_shown_as_noisy_as_the_others_and_returned_as_they_were(monkeypatch):
    cfg, shown = tiny(), []
    model = predictor(cfg, shaken(cfg), CPU)
    complete = model.denoiser.complete
    monkeypatch.setattr(
        model.denoiser, "complete", lambda way, *rest: shown.append((way.x.clone(), way.known)) or complete(way, *rest)
    )
    clip = torch.rand(1, 6, 1, 16, 16)
    options = RamvidOptions(steps=4, solver="ancestral", conditioning="replaced", resample=2, antithetic=False)
    frames = model.predict(Observation.prefix(clip, 2), seed_grid(0, 1, 2), options).frames
    assert torch.equal(frames[:, :, :2], clip[:, None, :2].expand(-1, 2, -1, -1, -1, -1))
    assert len(shown) == 2 * 4, "every step twice"
    assert not any(any(known) for _, known in shown)
    off = [(x[:, :2] - (2 * clip[:, :2] - 1)).abs().mean().item() for x, _ in shown]
    assert off[0] > 2 * off[-1] > 0, "from noise alone towards the frames themselves"


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"conditioning": "replaced", "guidance": 2.0}, "guidance is 2.0 and context noise 0.0"),
        ({"conditioning": "replaced", "context_noise": 0.1}, "context noise 0.1"),
        ({"solver": "dpm", "resample": 2}, "resample is 2, which DPM-Solver"),
    ],
)
def test_options_that_would_do_nothing_together_are_refused(wish, words):
    cfg = tiny()
    model, clip = predictor(cfg, shaken(cfg), CPU), Observation.prefix(torch.rand(1, 6, 1, 16, 16), 2)
    with pytest.raises(ValueError, match=words):
        model.predict(clip, seed_grid(0, 1, 1), RamvidOptions(steps=2, **wish))


def test_known_frames_are_worked_on_once_a_clip_and_every_future_sees_its_own(monkeypatch):
    cfg, rows = tiny(), []
    model = predictor(cfg, shaken(cfg), CPU)
    remember = model.denoiser.remember
    monkeypatch.setattr(model.denoiser, "remember", lambda way: rows.append(len(way.x)) or remember(way))
    clips, seeds = torch.rand(3, 8, 1, 16, 16), seed_grid(0, 3, 9)  # 27 rows: two groups
    together = model.predict(Observation.prefix(clips, 3), seeds, RamvidOptions(steps=2)).frames
    assert rows == [2, 2]  # the second clip's futures lie in both groups
    for clip in range(3):
        alone = Observation.prefix(clips[clip : clip + 1], 3)
        own = model.predict(alone, seeds[clip : clip + 1, 4:5], RamvidOptions(steps=2)).frames
        torch.testing.assert_close(own, together[clip : clip + 1, 4:5], rtol=0, atol=1e-4)


def test_while_frames_tell_nothing_futures_share_one_guess_and_go_apart_from_there(monkeypatch):
    cfg, calls = replace(tiny(), sampler_noise_shift=12.0), []
    model = predictor(cfg, shaken(cfg), CPU)
    complete = model.denoiser.complete
    monkeypatch.setattr(model.denoiser, "complete", lambda way, *rest: calls.append(len(way.x)) or complete(way, *rest))
    clip = Observation.prefix(torch.rand(1, 8, 1, 16, 16), 3)
    wish = RamvidOptions(steps=7, antithetic=False)
    guesses = [step.preview for step in model.stream(clip, seed_grid(0, 1, 20), wish)]
    assert calls == [1] * 6 + [16, 4] * 4  # at most 16 rows together
    assert [(x[:, 0] != x[:, 1]).any().item() for x in guesses] == [False] * 3 + [True] * 4
    assert (guesses[0] != guesses[2]).any()
    alone = model.predict(clip, seed_grid(0, 1, 20)[:, 7:8], wish).frames
    torch.testing.assert_close(alone[:, 0], guesses[-1][:, 7], rtol=0, atol=1e-4)


def test_a_critic_takes_its_turn_on_the_guesses_of_the_denoiser():
    cfg = replace(tiny(), size=32, adversarial=0.1, matching=0.1)
    nets = torch.nn.ModuleDict({**networks(cfg), **critics(cfg)})
    ours, theirs = phases(cfg)
    batch, generator = Batch(torch.rand(4, 8, 1, 32, 32)), torch.Generator().manual_seed(0)
    losses = ours.loss(nets, batch, Progress(), generator)
    assert losses.terms["adversarial"] > 0 and losses.terms["matching"] > 0
    theirs.loss(nets, batch.with_extras(losses.outputs), Progress(), generator).total.backward()
    assert all(p.grad is not None for p in nets["critic"].parameters())
    assert all(p.grad is None for p in nets["denoiser"].parameters()), "the critic's turn leaves the denoiser alone"


@pytest.mark.parametrize(
    "wish",
    [{}, {"solver": "dpm"}, {"guidance": 1.5}, {"context_noise": 0.2}, {"conditioning": "replaced", "resample": 2}],
)
def test_recorded_and_watched_predictions_are_the_same(wish):
    """Where calls are recorded, what the network returned is overwritten by its next call: nothing may depend on it by then."""
    cfg = tiny()
    nets, clips, seeds = shaken(cfg), torch.rand(2, 6, 1, 16, 16), seed_grid(0, 2, 9)  # 18 rows: two groups
    plain, recorded = (predictor(cfg, nets, replace(CPU, recorder=recorder)) for recorder in (None, replayed))
    known, options = torch.tensor([True, False, False, True, False, False]), RamvidOptions(steps=3, **wish)
    observation = Observation(clips, known)
    want = plain.predict(observation, seeds, options).frames
    for _ in range(3):  # computed, recorded, replayed
        *_, last = recorded.stream(observation, seeds, options)
        torch.testing.assert_close(last.prediction.frames, want)
        torch.testing.assert_close(recorded.predict(observation, seeds, options).frames, want)


def test_the_published_network_is_told_the_level_of_the_noise_whatever_is_known():
    cfg, levels = replace(tiny(), network="published", process="ddpm"), []

    class Told(torch.nn.Module):
        def forward(self, x, known, level):
            levels.append(level)
            return torch.zeros_like(x)

    model = predictor(cfg, torch.nn.ModuleDict({"denoiser": Told()}), CPU)
    known = torch.tensor([True, False, False, True])
    model.predict(Observation(torch.rand(1, 4, 1, 16, 16), known), seed_grid(0, 1, 1), RamvidOptions(steps=2, antithetic=False))
    assert [x.unique().tolist() for x in levels] == [[pytest.approx(0.999)], [pytest.approx(0.499)]]


def test_balanced_frames_pull_by_their_relative_errors():
    errors = torch.tensor([[0.9, 0.02, 0.4], [0.9, 0.06, 0.4]], requires_grad=True)
    chosen = torch.tensor([[False, True, True]]).expand(2, -1)
    loss = mean_log_error(errors, chosen)
    assert loss.item() == pytest.approx(0.1 * (math.log(0.041) + math.log(0.401)) / 2, rel=1e-4)
    (pull,) = torch.autograd.grad(loss, errors)
    assert not pull[:, 0].any() and pull[0, 1] == pull[1, 1]
    assert (pull[0, 1] / pull[0, 2]).item() == pytest.approx(0.401 / 0.041, rel=1e-4)
