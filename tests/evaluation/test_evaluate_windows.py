"""Evaluation on windows of recordings of any size: what is scored, on which pixels, and how it is summed up."""

from __future__ import annotations

import json
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from vp.core.noise import draw_noise
from vp.core.options import Options, slider
from vp.core.predictor import Predictor
from vp.core.video import Actions, Capabilities, Prediction, Step
from vp.data import write_mp4
from vp.evaluation.evaluate import evaluate, headline_numbers
from vp.evaluation.evaluate_windows import scores_by_source, win_rates
from vp.evaluation.scores import compare_evaluations
from vp.metrics import METRICS_ANY_SIZE, ms_ssim, psnr, ssim
from vp.prediction.model import load
from vp.result.tables import format_pair, format_scores, format_sources

PAST, FUTURE = 3, 4
PROTOCOL = f"folder:{PAST}+{FUTURE}"


def drifting(length: int, height: int = 72, width: int = 128, speed: float = 1.0, seed: int = 0) -> np.ndarray:
    """uint8 (T, H, W, 3): coloured waves that slide to the right."""
    phases = np.random.default_rng(seed).uniform(0, 6, 3)
    x, y = np.arange(width) - speed * np.arange(length)[:, None, None], np.arange(height)[:, None]
    waves = [127 + 60 * np.sin(x / 5 + y / 9 + phase) + 60 * np.cos(x / 11 - y / 7 + 2 * phase) for phase in phases]
    return np.stack(waves, -1).round().astype(np.uint8)


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Wide, high and grey clips without loss, one of them still, one too short."""
    root = tmp_path_factory.mktemp("clips")
    frames = {
        "a-still": np.repeat(drifting(1), 7, 0),
        "b-wide": drifting(16, seed=1),
        "c-high": drifting(16, 96, 72, 2.0, seed=2),
        "d-short": drifting(PAST + FUTURE - 1),
    }
    for name, clip in frames.items():
        np.savez(root / f"{name}.npz", frames=clip)
    np.savez(root / "e-grey.npz", frames=drifting(9, seed=3)[None, ..., 0])
    return root


@dataclass(frozen=True)
class WarmOptions(Options):
    temperature: float = slider(1.0, 0.0, 2.0, 0.05, "scale of the noise", "Temperature")


class TinyColour(Predictor):
    """Moves the last frame to the right by a pixel a frame; what changed last changes on by chance. Any size, in colour."""

    options_type = WarmOptions

    def __init__(self, stochastic: bool = True, **capabilities):
        self.capabilities = Capabilities(**({"channels": (3,), "stochastic": stochastic} | capabilities))
        self.seen: set[tuple[int, ...]] = set()

    def stream(self, observation, seeds, options=None):
        self.check(observation)
        self.seen.add(tuple(observation.frames.shape[2:]))
        warmth = (options or WarmOptions()).temperature * self.capabilities.stochastic
        out = observation.frames[:, None].repeat(1, seeds.shape[1], 1, 1, 1, 1)
        before, last = (observation.frames[:, None, observation.n_past - back] for back in (2, 1))
        change = warmth * draw_noise(seeds)[..., None, None, None] * (last - before)
        for t in range(observation.n_past, out.shape[2]):
            out[:, :, t] = (last.roll(t + 1 - observation.n_past, -1) + change).clamp(0, 1)
        yield Step(1, 1, prediction=Prediction(out))


def model_of(predictor, rows=None):
    return SimpleNamespace(name="tiny", predictor=predictor, family=SimpleNamespace(reference_rows=rows or {}))


def scored(model, root, samples=4, **more):
    return evaluate(model, PROTOCOL, samples=samples, **({"split": "all", "data_root": root, "short_side": 72} | more))


@pytest.fixture(scope="module")
def tiny():
    return TinyColour()


@pytest.fixture(scope="module")
def result(clips, tiny):
    return scored(model_of(tiny), clips)


def windows_of(clips) -> list[torch.Tensor]:
    """float64 (T, 3, H, W) of the seven windows, by hand."""
    starts = {"a-still": [0], "b-wide": [0, 5], "c-high": [0, 5], "e-grey": [0, 1]}
    out = []
    for name, firsts in starts.items():
        frames = np.load(clips / f"{name}.npz")["frames"]
        frames = np.repeat(frames[0, ..., None], 3, -1) if name == "e-grey" else frames
        out += [torch.from_numpy(frames[first : first + PAST + FUTURE]).permute(0, 3, 1, 2).double() / 255 for first in firsts]
    return out


def test_a_tiny_colour_model_is_scored_at_128x72_and_at_the_size_of_every_other_clip(result, tiny):
    assert tiny.seen == {(3, 72, 128), (3, 96, 72)}
    assert (result["protocol"], result["clips"], result["recordings"], result["left_out"]) == (PROTOCOL, 7, 4, 1)
    assert result["framing"] == {"short_side": 72, "channels": 3, "stride": 1} and result["split"] == "all"
    assert result["psnr_cap_db"] == 50 and set(result["rows"]) == {"most_likely"}
    assert set(result["baselines"]) == {"copy_last", "flow", "flow_random"}
    for row in (result, *result["rows"].values(), *result["baselines"].values()):
        assert set(row["metrics"]) == {*METRICS_ANY_SIZE, "psnr_of_mean_mse_db"}
        assert set(row["per_frame"]) == {"psnr_db", "ssim", "pixel_mse", "sharpness"}
        assert all(len(curve) == FUTURE for curves in row["per_frame"].values() for curve in curves.values())
        assert {"crps", "diversity", "spread_skill"} <= row.keys()
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert headline_numbers(result)["psnr_db"] == {kind: result["metrics"]["psnr_db"][kind] for kind in ("best", "mean")}


def test_scores_are_those_of_the_windows_pixels(result, clips):
    truths = windows_of(clips)
    copied = [(x[PAST - 1].expand_as(x[PAST:]), x[PAST:]) for x in truths]
    row = result["baselines"]["copy_last"]
    db = torch.tensor([psnr(a, b, cap=50).mean() for a, b in copied])
    assert db[0] == 50 and row["metrics"]["psnr_db"]["mean"] == pytest.approx(db.mean().item(), abs=1e-3)
    errors = torch.tensor([(a - b).square().mean() for a, b in copied])
    assert row["metrics"]["pixel_mse"]["mean"] == pytest.approx(errors.mean().item(), rel=1e-3)
    assert row["metrics"]["psnr_of_mean_mse_db"]["mean"] == pytest.approx(-10 * errors.mean().log10().item(), abs=1e-3)
    for name, metric in (("ssim", ssim), ("ms_ssim", ms_ssim)):
        expected = torch.tensor([metric(a, b).mean() for a, b in copied]).mean().item()
        assert row["metrics"][name]["mean"] == pytest.approx(expected, abs=1e-4)
    calm = [(torch.stack([x[PAST - 1].roll(t + 1, -1) for t in range(FUTURE)]), x[PAST:]) for x in truths]
    db = torch.tensor([psnr(a, b, cap=50).mean() for a, b in calm])
    assert result["rows"]["most_likely"]["metrics"]["psnr_db"]["mean"] == pytest.approx(db.mean().item(), abs=1e-3)


def test_chance_counts_though_the_first_clip_is_still(result):
    """A model that leaves a still clip still has one future there, and many elsewhere."""
    assert result["metrics"]["psnr_db"]["best"] > result["metrics"]["psnr_db"]["worst"] and result["spread_skill"] > 0
    random = result["baselines"]["flow_random"]
    assert random["metrics"]["psnr_db"]["best"] > random["metrics"]["psnr_db"]["worst"] and random["spread_skill"] > 0
    assert result["baselines"]["flow"]["spread_skill"] == 0


def test_wins_and_sources_are_of_windows(result, clips):
    means = {}
    for name in ("copy-last", "flow"):
        one = scored(load(name, "cpu", "fp32"), clips, per_clip=True, samples=1)
        means[name] = torch.tensor(one["per_clip"]["psnr_db"]["mean"])
        assert one["per_clip"]["recording"] == ["a-still.npz"] + ["b-wide.npz"] * 2 + ["c-high.npz"] * 2 + ["e-grey.npz#0"] * 2
        assert one["per_clip"]["start"] == [0, 0, 5, 0, 5, 0, 1] and one["wins"]["row"] == "model"
    calm = torch.tensor(scored(model_of(TinyColour(stochastic=False)), clips, per_clip=True)["per_clip"]["psnr_db"]["mean"])
    both = torch.maximum(means["flow"], means["copy-last"])
    assert result["wins"] == {
        "row": "most_likely",
        "over_flow": pytest.approx((calm > means["flow"]).double().mean().item(), abs=1e-6),
        "over_flow_and_copy_last": pytest.approx((calm > both).double().mean().item(), abs=1e-6),
    }
    assert list(result["sources"]) == ["a-still.npz", "b-wide.npz", "c-high.npz", "e-grey.npz#0"]
    wide = result["sources"]["b-wide.npz"]
    assert wide["windows"] == 2 and list(wide["psnr_db"]) == ["model", "most_likely", "flow", "copy_last"]
    assert wide["psnr_db"]["copy_last"] == pytest.approx(means["copy-last"][1:3].mean().item(), abs=1e-4)
    assert wide["psnr_db"]["most_likely"] == pytest.approx(calm[1:3].mean().item(), abs=1e-4)


def test_shares_and_means_by_hand():
    means = {
        "model": torch.tensor([1.0, 2, 3, 4]),
        "most_likely": torch.tensor([5.0, 1, 5, 5]),
        "flow": torch.tensor([4.0, 4, 4, 5]),
        "copy_last": torch.tensor([6.0, 0, 0, 0]),
    }
    assert win_rates(means, ["flow", "copy_last"]) == {"row": "most_likely", "over_flow": 0.5, "over_flow_and_copy_last": 0.25}
    del means["most_likely"]
    assert win_rates(means, ["copy_last"]) == {"row": "model", "over_copy_last": 0.75} and win_rates(means, []) == {
        "row": "model"
    }
    found = scores_by_source(means, ["flow"], ["x", "y", "x", "x"])
    assert list(found) == ["x", "y"] and found["x"]["windows"] == 3
    assert found["x"]["psnr_db"] == {"model": pytest.approx(8 / 3, abs=1e-6), "flow": pytest.approx(13 / 3, abs=1e-6)}


def test_a_model_of_one_size_gets_its_square_in_its_colours(clips):
    grey = TinyColour(stochastic=False, channels=(1,), size=16)
    got = scored(model_of(grey), clips)
    assert grey.seen == {(1, 16, 16)} and got["framing"] == {"size": 16, "channels": 1, "stride": 1}
    assert got["rows"] == {} and got["wins"]["row"] == "model"


class Driven(TinyColour):
    """Moves the last frame by what the actions say, in pixels."""

    def stream(self, observation, seeds, options=None):
        self.check(observation)
        out, past = observation.frames[:, None].repeat(1, seeds.shape[1], 1, 1, 1, 1), observation.n_past
        for t in range(past, out.shape[2]):
            steps = observation.actions[:, past - 1 : t, 0].sum(1).round().int().tolist()
            out[:, :, t] = torch.stack([x.roll(step, -1) for x, step in zip(out[:, :, past - 1], steps)])
        yield Step(1, 1, prediction=Prediction(out))


def test_true_actions_are_compared_with_none(tmp_path):
    for speed in (1, 2):
        actions = np.full((9, 2), speed, np.float32)
        np.savez(tmp_path / f"{speed}.npz", frames=drifting(9, 40, 60, speed), actions=actions)
    model = Driven(stochastic=False, actions=Actions(("x", "y"), ((-2, 2), (-2, 2))))
    got = scored(model_of(model), tmp_path, short_side=40)
    assert list(got["rows"]) == ["true actions", "zero actions"] and got["rows"]["true actions"]["metrics"] == got["metrics"]
    still = got["baselines"]["copy_last"]["metrics"]["psnr_db"]["mean"]
    assert got["rows"]["zero actions"]["metrics"]["psnr_db"]["mean"] == pytest.approx(still, abs=1e-4)
    gain = got["metrics"]["psnr_db"]["mean"] - still
    assert got["actions"]["true_over_zero_db"] == pytest.approx(gain, abs=1e-4) and gain > 3
    with pytest.raises(ValueError, match="actions of 2 numbers a frame came; this model takes 1"):
        scored(model_of(Driven(actions=Actions(("x",), ((-1, 1),)))), tmp_path, short_side=40)


def test_a_stride_thins_the_clips(clips):
    got = scored(load("copy-last", "cpu", "fp32"), clips, stride=2, samples=1)
    assert got["clips"] == 4 and got["left_out"] == 3 and got["framing"]["stride"] == 2
    assert scored(load("copy-last"), clips, fps=5.0, samples=1)["clips"] == 4, "arrays have a nominal rate of 10"


def test_filling_in_is_scored_beside_flow_from_both_sides(clips):
    got = scored(load("flow-between", "cpu", "fp32"), clips, known="0-1,5-6", samples=1)
    assert got["known"] == "0-1,5-6"
    assert set(got["baselines"]) == {"copy_last", "flow", "copy_nearest", "blend", "flow_between"}
    assert got["baselines"]["flow"] is None and "against_flow" not in got
    assert got["metrics"] == got["baselines"]["flow_between"]["metrics"]
    assert got["metrics"]["psnr_db"]["mean"] > got["baselines"]["blend"]["metrics"]["psnr_db"]["mean"] + 3
    assert set(got["wins"]) == {"row", "over_flow_between", "over_flow_between_and_blend"}
    assert format_scores(got) and format_sources(got)


def test_fewer_windows_and_smaller_chunks_change_no_seed(clips, result):
    again = scored(model_of(TinyColour()), clips, batch=1)
    assert again["metrics"] == result["metrics"] and again["crps"] == pytest.approx(result["crps"], abs=1e-6)
    few = scored(model_of(TinyColour()), clips, clips=3)
    assert few["clips"] == few["recordings"] == 3


def test_progress_counts_windows_of_all_rows(clips):
    calls = []
    scored(model_of(TinyColour()), clips, progress=lambda *counts: calls.append(counts))
    assert calls == [(done * 5, 7 * 5) for done in (1, 3, 5, 7)]


def test_what_cannot_be_evaluated_is_named(clips, tmp_path):
    model = model_of(TinyColour())
    with pytest.raises(ValueError, match="no recording of folder has 7 frames; the longest has 6"):
        scored(model, clips / "d-short.npz")
    with pytest.raises(ValueError, match="folder has no recordings for example here"):
        scored(model, clips, split="example")
    with pytest.raises(ValueError, match="a test set came, and protocol 'folder:3.4' has none"):
        scored(model, clips, test_set="x.npz")
    with pytest.raises(ValueError, match="protocol 'smmnist-svg' has frames of its own; leave out short side"):
        evaluate(model, "smmnist-svg", 1, short_side=96)
    with pytest.raises(ValueError, match="all 7 frames; leave some to predict"):
        scored(model, clips, known="0-6")
    np.savez(tmp_path / "a.npz", frames=drifting(9))
    whole = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "a.npz").write_bytes(whole[:200] + bytes(len(whole) - 400) + whole[-200:])
    with pytest.raises(ValueError, match=r"no recording of folder can be used: a.npz is damaged"):
        scored(model, tmp_path)


@pytest.fixture(scope="module")
def indexed(tmp_path_factory):
    """Three clips of two sources, and one for training."""
    root = tmp_path_factory.mktemp("indexed")
    lines = ["file,source,licence,fps,frames,width,height,split"]
    for name, source, split in (("a", "x", "dev"), ("b", "x", "dev"), ("c", "y", "dev"), ("d", "z", "train")):
        write_mp4(root / f"{name}.mp4", drifting(12, 64, 96, seed=ord(name)), 25)
        lines.append(f"{name}.mp4,{source},CC0,25,12,96,64,{split}")
    (root / "index.csv").write_text("\n".join(lines))
    return root


def test_intervals_and_comparisons_are_over_sources(indexed):
    got = scored(load("copy-last", "cpu", "fp32"), indexed, split="dev", short_side=64, per_clip=True, samples=1)
    assert (got["clips"], got["recordings"]) == (6, 3) and list(got["sources"]) == ["x", "y"]
    assert got["per_clip"]["source"] == ["x"] * 4 + ["y"] * 2
    values = torch.tensor(got["per_clip"]["psnr_db"]["mean"], dtype=torch.float64)
    apart = values - values.mean()
    error = (2 * (apart[:4].sum() ** 2 + apart[4:].sum() ** 2)).sqrt() / 6
    assert got["metrics"]["psnr_db"]["ci95_mean"] == pytest.approx(12.7062 * error.item(), rel=1e-3), "two sources, one degree"
    options = {"method": "dis"}  # which the row has at any size
    flow = scored(load("flow", "cpu", "fp32"), indexed, split="dev", short_side=64, per_clip=True, samples=1, options=options)
    pair = compare_evaluations(got, flow)
    assert pair["sources"] == 2 and "recordings" not in pair and "2 sources" in format_pair(pair)
    assert pair["differences"]["psnr_db"]["mean"] == pytest.approx(got["against_flow"]["psnr_db"]["mean"], abs=1e-4)
    other = scored(load("flow", "cpu", "fp32"), indexed, split="dev", short_side=32, per_clip=True, samples=1)
    with pytest.raises(ValueError, match="framing is .*64.* in one evaluation and .*32"):
        compare_evaluations(got, other)


def test_the_worst_source_stands_first_in_its_table(result):
    lines = format_sources(result).splitlines()
    assert lines[0].split()[-3:] == ["most_likely", "minus", "flow"] and len(lines) == 1 + 4 + 1
    gains = [float(line.split()[-1]) for line in lines[1:-1]]
    assert gains == sorted(gains)
    assert lines[-1] == (
        f"most_likely is ahead of flow in {result['wins']['over_flow']:.0%}, "
        f"flow and copy_last in {result['wins']['over_flow_and_copy_last']:.0%} of the windows"
    )
    assert "ms_ssim" in format_scores(result).splitlines()[0] and "mae" not in format_scores(result)
