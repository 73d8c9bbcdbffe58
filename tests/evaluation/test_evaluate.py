"""Evaluation against predictors whose scores are known, on a few drawn clips."""

import json
import sys
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from vp.core.clips import shrink_and_enlarge
from vp.core.noise import draw_noise
from vp.core.options import Options, choice, slider
from vp.core.predictor import Predictor
from vp.core.video import Batch, Capabilities, Prediction, Step
from vp.data import PROTOCOLS, protocol_clips
from vp.evaluation.diagnose import contrast_std, learned_prior_timing, uncertain_frames
from vp.evaluation.evaluate import evaluate, headline_numbers
from vp.evaluation.published_rows import PUBLISHED_ROWS
from vp.evaluation.scores import compare_evaluations
from vp.metrics import METRICS, psnr
from vp.prediction.model import load
from vp.result.tables import format_curves, format_differences_from_flow, format_pair, format_scores, format_variants

PROTOCOL, CLIPS, SAMPLES = "smmnist-svg", 5, 3
N_PAST = PROTOCOLS[PROTOCOL].n_past
LEVELS = {"best", "mean", "worst", "median", "ci95", "ci95_mean"}
TOGETHER = {"crps", "crps_ci95", "diversity", "spread_skill", "sample_spread"}


@pytest.fixture(autouse=True, scope="module")
def drawn_digits():
    """Stroke digits, whatever data the machine has, and few clips for the mean image."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("VP_DATA", raising=False)
        patch.setattr(sys.modules["vp.evaluation.eval_rows"], "MEAN_CLIPS", 20)
        yield


@dataclass(frozen=True)
class FadedOptions(Options):
    prior: str = choice("seeded", {"seeded": "by seed", "oracle": "the truth", "absent": "not offered"}, "", "Prior")


class Faded(Predictor):
    """The truth, faded by an amount that depends on the seed."""

    options_type = FadedOptions

    def __init__(self, stochastic=True):
        offered = {"seeded": None, "oracle": None, "absent": "there is none"}
        self.capabilities = Capabilities(stochastic=stochastic, priors=offered)
        self.stochastic = stochastic

    def stream(self, observation, seeds, options=None):
        self.check(observation)
        options = options or FadedOptions()
        keep = draw_noise(seeds).sigmoid() if self.stochastic else torch.full(seeds.shape, 0.5)
        keep = torch.ones_like(keep) if options.prior == "oracle" else keep
        frames = observation.target[:, None] * keep[..., None, None, None, None]
        frames[:, :, observation.known] = observation.frames[:, None, observation.known]
        yield Step(1, 1, prediction=Prediction(frames))


def model_of(predictor, rows=None):
    return SimpleNamespace(name="faded", predictor=predictor, family=SimpleNamespace(reference_rows=rows or {}))


@pytest.fixture(scope="module")
def result():
    rows = {"oracle": {"prior": "oracle"}, "absent": {"prior": "absent"}}
    return evaluate(model_of(Faded(), rows), PROTOCOL, CLIPS, SAMPLES)


def test_the_record_has_the_promised_shape_and_is_json(result):
    head = ["checkpoint", "protocol", "clips", "samples", "seconds", "seconds_a_clip", "psnr_cap_db"]
    row_keys = {"metrics", "per_frame", *TOGETHER}
    assert set(result) == {*head, *row_keys, "against_flow", "digits", "rows", "baselines"}
    assert list(result)[:7] == head and result["psnr_cap_db"] == 100
    assert set(result["baselines"]) == {"black", "mean_image", "copy_last", "flow"}
    assert set(result["rows"]) == {"oracle"}, "a row whose prior the model does not offer is left out"
    n_future = PROTOCOLS[PROTOCOL].n_future
    for row in (result, *result["rows"].values(), *result["baselines"].values()):
        assert row_keys <= set(row)
        assert set(row["metrics"]) == {*METRICS, "psnr_of_mean_mse_db"}
        assert all(set(levels) == LEVELS for levels in row["metrics"].values())
        assert set(row["per_frame"]) == {"psnr_db", "ssim", "mse", "sharpness"}
        assert all(len(curve) == n_future for curves in row["per_frame"].values() for curve in curves.values())
    assert json.loads(json.dumps(result, allow_nan=False)) == result


def test_samples_spread_and_deterministic_rows_do_not(result):
    ours = result["metrics"]["psnr_db"]
    assert ours["best"] > ours["mean"] > ours["worst"]
    assert result["spread_skill"] > 0 and result["sample_spread"] > 0 and result["diversity"] > 0
    for row in (*result["rows"].values(), *result["baselines"].values()):
        for levels in row["metrics"].values():
            assert levels["best"] == levels["mean"] == levels["worst"]
        assert row["sample_spread"] == 0 and not row["spread_skill"] and not row["diversity"]
        assert row["crps"] == pytest.approx(row["metrics"]["mae"]["mean"] / 4096, abs=1e-5)


def test_scores_are_of_the_predicted_frames_and_of_the_right_clips(result):
    """Black's error is the energy of the true future; copy-last's the change since the last known frame."""
    clips = protocol_clips(PROTOCOL, CLIPS).frames.double() / 255
    future, last = clips[:, N_PAST:], clips[:, N_PAST - 1 : N_PAST]
    for name, error in (("black", future), ("copy_last", future - last)):
        db = -10 * error.square().mean((-3, -2, -1)).log10()
        assert result["baselines"][name]["metrics"]["psnr_db"]["mean"] == pytest.approx(db.mean().item(), abs=1e-4)
        curve = result["baselines"][name]["per_frame"]["psnr_db"]["mean"]
        assert curve == pytest.approx(db.mean(0).tolist(), abs=1e-4)
        summed = error.square().sum((-3, -2, -1)), error.abs().sum((-3, -2, -1))
        got = [result["baselines"][name]["metrics"][metric]["mean"] for metric in ("mse", "mae")]
        assert got == pytest.approx([x.mean().item() for x in summed], rel=1e-5)
    assert result["rows"]["oracle"]["metrics"]["psnr_db"]["mean"] == 100
    assert result["baselines"]["black"]["metrics"]["sharpness"]["mean"] == 0


def test_filling_in_is_scored_on_the_unknown_frames_beside_blends_of_the_known_ones():
    got = evaluate(load("blend", "cpu", "fp32"), PROTOCOL, CLIPS, 1, known="0-3,14")
    assert got["known"] == "0-3,14" and "digits" not in got
    assert set(got["baselines"]) == {"black", "mean_image", "copy_last", "flow", "copy_nearest", "blend"}
    assert got["baselines"]["flow"] is None, "flow continues a prefix and nothing else"
    assert got["metrics"] == got["baselines"]["blend"]["metrics"]
    clips = protocol_clips(PROTOCOL, CLIPS).frames.double() / 255
    shares = ((torch.arange(4, 14).double() - 3) / 11).view(1, -1, 1, 1, 1)
    db = -10 * (torch.lerp(clips[:, 3:4], clips[:, 14:], shares) - clips[:, 4:14]).square().mean((-3, -2, -1)).log10()
    assert got["per_frame"]["psnr_db"]["mean"] == pytest.approx(db.mean(0).tolist(), abs=1e-4)
    with pytest.raises(ValueError, match="such as '0-4'"):
        evaluate(load("blend"), PROTOCOL, CLIPS, 1, known="first")
    with pytest.raises(ValueError, match="leave some to predict"):
        evaluate(load("blend"), PROTOCOL, CLIPS, 1, known="0-14")


class Overshooting(Predictor):
    """The truth, and half of it again: without bounds, and clipped for display."""

    capabilities = Capabilities()

    def stream(self, observation, seeds, options=None):
        raw = observation.target[:, None].expand(-1, seeds.shape[1], -1, -1, -1, -1) * 1.5
        yield Step(1, 1, prediction=Prediction(raw.clamp(0, 1), raw=raw))


def test_errors_are_taken_before_clipping_and_everything_else_after():
    clips = protocol_clips(PROTOCOL, 2).frames[:, N_PAST:].double() / 255
    got = evaluate(model_of(Overshooting()), PROTOCOL, 2, 1)["metrics"]
    assert got["mse"]["mean"] == pytest.approx((0.5 * clips).square().sum((-3, -2, -1)).mean().item(), rel=1e-4)
    assert got["mae"]["mean"] == pytest.approx((0.5 * clips).sum((-3, -2, -1)).mean().item(), rel=1e-4)
    db = -10 * ((1.5 * clips).clamp(0, 1) - clips).square().mean((-3, -2, -1)).log10()
    assert got["psnr_db"]["mean"] == pytest.approx(db.mean().item(), rel=1e-4)


def test_official_sequences_replace_our_clips(tmp_path):
    sequences = torch.randint(0, 256, (3, 20, 64, 64), dtype=torch.uint8)
    np.savez(tmp_path / "extract.npz", frames=sequences.numpy())
    got = evaluate(load("copy-last"), "mmnist", samples=1, test_set=tmp_path / "extract.npz")
    assert (got["clips"], got["test_set"]) == (3, "extract.npz") and "digits" not in got
    change = (sequences[:, 10:].double() - sequences[:, 9:10].double()) / 255
    assert got["metrics"]["mse"]["mean"] == pytest.approx(change.square().sum((2, 3)).mean().item(), rel=1e-5)
    assert headline_numbers(got)["test_set"] == "extract.npz"
    with pytest.raises(ValueError, match="'smmnist-svg' has none; those with one: mmnist, next-frame, super-resolution"):
        evaluate(load("copy-last"), "smmnist-svg", test_set=tmp_path / "extract.npz")


def test_super_resolution_shows_the_context_small_and_scores_the_future_large():
    got = evaluate(load("copy-last"), "super-resolution", 3, 1)
    clips = protocol_clips("mmnist", 3).frames.float() / 255
    small = shrink_and_enlarge(clips, 2)
    for row, future in (
        (got, small[:, 9:10]),
        (got["baselines"]["model_bicubic"], shrink_and_enlarge(small[:, 9:10], 2)),
        (got["baselines"]["true_bicubic"], small[:, 10:]),
    ):
        want = (future - clips[:, 10:]).double().square().sum((2, 3, 4)).mean().item()
        assert row["metrics"]["mse"]["mean"] == pytest.approx(want, rel=1e-4)
    assert got["metrics"] == got["baselines"]["copy_last"]["metrics"]


def test_an_evaluation_prints_as_a_table(result):
    lines = format_scores(result).splitlines()
    assert len(lines) == 2 + len(result["rows"]) + len(result["baselines"]) and len({len(line) for line in lines}) == 1
    scores = ["mse", "mae", "psnr_db", "psnr_of_mean_mse_db", "ssim", "sharpness", "crps", "spread_skill"]
    assert lines[0].split()[-8:] == scores and lines[1].startswith("faded")
    head, ours, oracle = format_differences_from_flow(result).splitlines()
    assert head.split()[:4] == ["minus", "flow", "psnr_db", "best"] and ours.startswith("faded") and oracle.startswith("oracle")


def test_fading_keeps_its_share_of_the_edges_before_and_after_hits():
    got = evaluate(model_of(Faded(stochastic=False)), PROTOCOL, CLIPS, SAMPLES)
    assert got["metrics"]["sharpness"]["mean"] == pytest.approx(0.5, abs=1e-4)
    digits = got["digits"]
    assert digits.pop("source") == "test split of stroke digits"
    assert set(digits) == {"sharpness_before_hit", "sharpness_after_hit"}
    assert all(value is None or value == pytest.approx(0.5, abs=1e-4) for value in digits.values())


def test_the_batch_size_changes_nothing_but_the_time(result):
    rows = {"oracle": {"prior": "oracle"}}
    other = evaluate(model_of(Faded(), rows), PROTOCOL, CLIPS, SAMPLES, batch=2)
    for key in ("metrics", "per_frame", "crps", "spread_skill", "sample_spread", "digits", "rows", "baselines"):
        assert flat(other[key]) == pytest.approx(flat(result[key]), abs=1e-4)


def test_another_seed_and_other_options_change_the_models_row_only(result):
    reseeded = evaluate(model_of(Faded()), PROTOCOL, CLIPS, SAMPLES, seed=1)
    assert reseeded["metrics"] != result["metrics"] and reseeded["baselines"] == result["baselines"]
    oracle = evaluate(model_of(Faded()), PROTOCOL, 2, SAMPLES, options={"prior": "oracle"})
    assert oracle["metrics"]["ssim"]["worst"] == 1


def test_progress_counts_every_clip_of_every_row():
    calls = []
    evaluate(model_of(Faded()), PROTOCOL, CLIPS, SAMPLES, batch=2, progress=lambda *counts: calls.append(counts))
    assert calls == [(done, 5 * CLIPS) for row in range(5) for done in (row * 5 + 2, row * 5 + 4, row * 5 + 5)]


def test_a_model_is_handed_the_actions_of_the_clips_it_is_scored_on():
    pytest.importorskip("pymunk")
    seen, told = [], protocol_clips("push", 4).actions

    class Watched(Faded):
        def stream(self, observation, seeds, options=None):
            seen.append(observation.actions)
            return super().stream(observation, seeds, options)

    result = evaluate(model_of(Watched(stochastic=False)), "push", 4, 1, batch=2)
    assert torch.equal(torch.cat(seen[-2:]), told)
    assert "digits" not in result and len(result["per_frame"]["psnr_db"]["mean"]) == 10
    assert result["baselines"]["copy_last"]["metrics"]["psnr_db"]["mean"] < 25


def test_what_cannot_be_evaluated_is_named():
    with pytest.raises(ValueError, match="protocol is 'ucf'; give one of .*smmnist-svg"):
        evaluate(model_of(Faded()), "ucf")
    with pytest.raises(ValueError, match="clips is 0"):
        evaluate(model_of(Faded()), PROTOCOL, 0)
    with pytest.raises(ValueError, match="no option speed"):
        evaluate(model_of(Faded()), PROTOCOL, 1, options={"speed": 2})


@dataclass(frozen=True)
class LearnedOptions(Options):
    prior: str = choice("fixed", {"fixed": "N(0, I)", "learned": "learned"}, "", "Prior")


class Timed(Predictor):
    """Its prior's std is 2 at the `lag`-th frame after each hit of the protocol's clips, and 1 elsewhere."""

    options_type = LearnedOptions

    def __init__(self, lag, clips=40):
        self.capabilities = Capabilities(priors={"learned": None})
        self.wide = uncertain_frames(protocol_clips(PROTOCOL, clips).extras["hits"], lag)

    def stream(self, observation, seeds, options=None):
        assert options.prior == "learned" and int(observation.known.sum()) == len(observation.known) - 1
        rows = len(observation.frames)
        std, self.wide = 1.0 + self.wide[:rows], self.wide[rows:]
        trace = std[:, None, :, None].expand(-1, 1, -1, 4)
        yield Step(1, 1, prediction=Prediction(observation.frames[:, None], {"prior_std": trace}))


def test_a_prior_that_knows_when_has_the_ratio_it_was_given():
    got = learned_prior_timing(model_of(Timed(lag=1)), PROTOCOL, clips=40)
    assert (got["std_uncertain"], got["std_elsewhere"], got["ratio"], got["ratio_ci95"]) == (2, 1, 2, [2, 2])


def test_a_prior_that_is_one_frame_off_does_not():
    got = learned_prior_timing(model_of(Timed(lag=0)), PROTOCOL, clips=40)
    assert got["ratio_ci95"][0] < 1.2 and got["ratio"] < 1.4


def test_timing_needs_a_learned_prior_and_random_hits():
    with pytest.raises(ValueError, match="faded has no learned prior"):
        learned_prior_timing(model_of(Faded()), PROTOCOL, 2)
    with pytest.raises(ValueError, match="random wall hits: .*smmnist-svg"):
        learned_prior_timing(model_of(Timed(1)), "mmnist", 2)


def test_the_interval_covers_the_ratio_and_widens_with_noise():
    g = torch.Generator().manual_seed(0)
    uncertain = torch.rand(200, 10, generator=g) < 0.2
    noisy = (1 + 0.5 * uncertain + torch.rand(200, 10, generator=g)).double()
    low, high = contrast_std(noisy, uncertain)["ratio_ci95"]
    assert low < 2 / 1.5 < high and high - low < 0.2


def flat(tree):
    """The numbers of nested dicts and lists, in order."""
    if isinstance(tree, dict):
        tree = list(tree.values())
    if isinstance(tree, list):
        return [x for part in tree for x in flat(part)]
    return [tree] if isinstance(tree, (int, float)) else []


def test_a_long_prediction_prints_a_line_every_ten_frames():
    curves = {name: {"mean": [float(i) for i in range(25)]} for name in ("psnr_db", "sharpness")}
    rows = {"per_frame": curves}
    lines = format_curves({"checkpoint": "faded", **rows, "baselines": {"copy_last": rows}}).splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["1-10", "11-20", "21-25"]
    assert lines[1].split()[1:] == ["4.50", "4.50", "4.50", "4.50"] and lines[3].split()[1] == "22.00"


def test_clips_to_choose_by_are_other_clips_and_are_told():
    model = model_of(Faded())
    test, val = (evaluate(model, PROTOCOL, 2, 1, split=split) for split in ("test", "val"))
    assert "split" not in headline_numbers(test) and headline_numbers(val)["split"] == "val"
    assert test["baselines"]["copy_last"] != val["baselines"]["copy_last"]
    assert val["digits"]["source"].startswith("val split")


def test_no_other_split_is_scored():
    model = model_of(Faded())
    with pytest.raises(ValueError, match="split is 'train'; give test, or val"):
        evaluate(model, PROTOCOL, 2, 1, split="train")
    with pytest.raises(ValueError, match="a test set came, and split 'val'"):
        evaluate(model, "mmnist", 2, 1, split="val", test_set="mnist_test_seq.npy")


@dataclass(frozen=True)
class WarmOptions(Options):
    temperature: float = slider(1.0, 0.0, 2.0, 0.05, "scale of the noise", "Temperature")


class Warm(Predictor):
    """The truth, and noise of the temperature's size."""

    options_type = WarmOptions

    def __init__(self, stochastic=True):
        self.capabilities = Capabilities(stochastic=stochastic)

    def stream(self, observation, seeds, options=None):
        size = (options or WarmOptions()).temperature * self.capabilities.stochastic
        frames = observation.target[:, None] + 0.1 * size * draw_noise(seeds, *observation.target.shape[1:])
        yield Step(1, 1, prediction=Prediction(frames.clamp(0, 1), raw=frames))


def test_temperature_0_is_a_row_of_its_own():
    got = evaluate(model_of(Warm()), PROTOCOL, 3, 4)
    calm = got["rows"]["most_likely"]
    assert calm["metrics"]["mse"]["mean"] == calm["crps"] == calm["sample_spread"] == 0
    pixels = 64 * 64
    assert got["metrics"]["mse"]["mean"] == pytest.approx(0.01 * pixels, rel=0.02)
    assert got["sample_spread"] == pytest.approx(2 * 0.01 * pixels, rel=0.02)
    assert got["spread_skill"] == pytest.approx((5 / 4 * 4) ** 0.5, rel=0.02), "the mean of 4 has a quarter of the squared error"
    assert headline_numbers(got)["sample_spread"] == got["sample_spread"]
    for without in (evaluate(model_of(Warm()), PROTOCOL, 1, 2, options={"temperature": 0}),
                    evaluate(model_of(Warm(stochastic=False)), PROTOCOL, 1, 2)):  # fmt: skip
        assert "most_likely" not in without["rows"], "the model's own row is it"


def test_one_sample_of_many_futures_has_no_spread_to_tell_of():
    got = evaluate(model_of(Warm()), PROTOCOL, 2, 1)
    assert got["spread_skill"] is got["diversity"] is got["sample_spread"] is None
    assert got["rows"]["most_likely"]["sample_spread"] == 0


def test_every_row_is_compared_with_flow_clip_by_clip(result):
    clips = protocol_clips(PROTOCOL, CLIPS).frames.double() / 255
    flow, copy_last = result["baselines"]["flow"], result["baselines"]["copy_last"]
    assert "against_flow" not in flow
    future = evaluate(load("flow", "cpu", "fp32"), PROTOCOL, CLIPS, 1, per_clip=True)["per_clip"]
    assert set(future) == {"psnr_db", "ssim", "mse", "crps"} and set(future["crps"]) == {"mean"}
    copied = psnr(clips[:, N_PAST - 1 : N_PAST].float(), clips[:, N_PAST:].float()).double().mean(1)
    apart = copied - torch.tensor(future["psnr_db"]["mean"], dtype=torch.float64)
    got = copy_last["against_flow"]["psnr_db"]["mean"]
    assert got["difference"] == pytest.approx(apart.mean().item(), abs=1e-3)
    assert got["ci95"] == pytest.approx(2.7764 * apart.std().item() / 5**0.5, rel=1e-3)
    for name, kind in (("psnr_db", "best"), ("ssim", "mean"), ("mse", "best")):
        levels = (row["metrics"][name][kind] for row in (result, flow))
        assert result["against_flow"][name][kind]["difference"] == pytest.approx(next(levels) - next(levels), abs=1e-4)
    assert result["against_flow"]["crps"]["mean"]["difference"] == pytest.approx(result["crps"] - flow["crps"], abs=1e-5)


@pytest.fixture
def recorded(monkeypatch):
    """Six colour clips, higher than wide, of two recordings: each recording is one clip, three times."""

    def open_clips(*_):
        frames = torch.rand(2, 15, 3, 24, 20, generator=torch.Generator().manual_seed(0)).repeat_interleave(3, 0)
        return Batch(frames, extras={"recording": torch.tensor([5, 5, 5, 2, 2, 2])})

    monkeypatch.setattr(sys.modules["vp.evaluation.evaluate_clips"], "load_clips", open_clips)
    monkeypatch.setattr(sys.modules["vp.evaluation.eval_rows"], "mean_image", lambda *_: torch.full((3, 24, 20), 0.5))
    return open_clips


def test_intervals_of_recordings_count_recordings_whatever_the_frames_shape(recorded):
    got = evaluate(load("copy-last", "cpu", "fp32"), PROTOCOL, samples=1, per_clip=True)
    assert got["recordings"] == 2 and got["clips"] == 6 and got["per_clip"]["recording"] == [5, 5, 5, 2, 2, 2]
    one, *_, other = got["per_clip"]["psnr_db"]["mean"]
    assert got["metrics"]["psnr_db"]["ci95_mean"] == pytest.approx(12.7062 * abs(one - other) / 2, rel=1e-3)
    assert got["against_flow"]["mse"]["mean"]["ci95"] > 0 and got["crps_ci95"] > 0
    frames = recorded().frames.double()
    error = (frames[:, N_PAST - 1 : N_PAST] - frames[:, N_PAST:]).square().mean().item()
    assert got["metrics"]["mse"]["mean"] == pytest.approx(error * 3 * 24 * 20, rel=1e-4)
    assert got["metrics"]["psnr_of_mean_mse_db"]["mean"] == pytest.approx(-10 * np.log10(error), abs=1e-3)
    assert got["metrics"]["ms_ssim"]["mean"] < 0.5
    pair = compare_evaluations(got, got | {"checkpoint": "another"})
    assert pair["recordings"] == 2 and pair["differences"]["crps"]["mean"] == {"difference": 0, "ci95": 0}
    assert "copy-last minus another" in format_pair(pair) and "2 recordings" in format_pair(pair)


def test_variants_of_a_protocols_clips_are_told_apart(monkeypatch, recorded):
    """Of three variants the first stands still and the second does not; the third has no clip."""
    batch = recorded()
    still = batch.frames.clone()
    still[:4] = still[:4, :1]
    extras = {"variant": torch.tensor([0, 0, 0, 0, 1, 1])}
    monkeypatch.setattr(sys.modules["vp.evaluation.evaluate_clips"], "load_clips", lambda *_: Batch(still, extras=extras))
    plan = SimpleNamespace(dataset="fake", n_past=5, length=15, size=64, scale=1, variants=("still", "noise", "nowhere"))
    monkeypatch.setitem(PROTOCOLS, "fake", plan)
    got = evaluate(model_of(Warm()), "fake", samples=3)
    assert list(got["variants"]) == ["still", "noise"] and "recordings" not in got
    for rows in got["variants"].values():
        assert list(rows) == ["model", "most_likely", "copy_last", "flow"]
        assert all(set(row) == {"psnr_of_mean_mse_db", "mse", "ssim", "crps"} for row in rows.values())
        assert rows["most_likely"]["psnr_of_mean_mse_db"] == 100
    assert got["variants"]["still"]["copy_last"] == {"psnr_of_mean_mse_db": 100, "mse": 0, "ssim": 1, "crps": 0}
    noisy = got["variants"]["noise"]["copy_last"]
    error = (still[4:, 4:5] - still[4:, 5:]).double().square().mean().item()
    assert noisy["mse"] == pytest.approx(error * 1440, rel=1e-4)
    head, first, second = format_variants(got).splitlines()
    assert "most likely" in head
    flow = got["variants"]["still"]["flow"]["psnr_of_mean_mse_db"]
    assert first.split() == ["still", "100.00", f"{flow:.2f}", "100.00", "+0.00"], "the better of the two is copy-last"
    better = max(got["variants"]["noise"][name]["psnr_of_mean_mse_db"] for name in ("flow", "copy_last"))
    assert second.split()[0] == "noise" and float(second.split()[-1]) == pytest.approx(100 - better, abs=0.006)
    assert "the only future" in format_variants(evaluate(load("copy-last", "cpu", "fp32"), "fake", samples=3))
    assert "mean of 3" in format_variants(evaluate(model_of(Faded()), "fake", samples=3))


def test_published_scores_stand_below_ours():
    copied = load("copy-last", "cpu", "fp32")
    got = evaluate(copied, "smmnist-srvp", 1, 1)
    assert got["published"] == PUBLISHED_ROWS["smmnist-srvp"]
    *_, slamp, note = format_scores(got).splitlines()
    assert slamp.split()[:2] == ["published:", "SLAMP"] and {"18.07", "0.774"} <= set(slamp.split())
    assert "best of 100 samples" in note and "5,000 clips" in note and "Akan" in note
    table = format_scores(evaluate(copied, "mmnist", 1, 1))
    assert "ssim_legacy" in table.splitlines()[0] and "published: ConvLSTM-S, 15.0 M" in table and "2 M sequences" in table
    for other in (evaluate(copied, "smmnist-srvp", 1, 1, split="val"), evaluate(copied, "mmnist", 1, 1, known="0-4,19")):
        assert "published" not in other, "published scores are of test clips continued from their first frames"


def test_published_rows_have_our_metrics_and_a_source():
    for rows in PUBLISHED_ROWS.values():
        for row in rows.values():
            assert set(row) - set(METRICS) <= {"note", "source", "parameters", "sequences"} and row["source"] and row["note"]
