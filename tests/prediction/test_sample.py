"""Sampling: what the model gets to see, what comes back, and how wishes that cannot be met are refused."""

from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from vp.core.family import Family
from vp.core.noise import draw_noise
from vp.core.options import Options, choice, slider
from vp.core.predictor import Predictor
from vp.core.video import Capabilities, Observation, Prediction, Step
from vp.data import Clip, open_dataset
from vp.metrics import METRICS
from vp.models.svg_motion import FAMILY as MOTION
from vp.prediction.baseline_rows import baseline_rows
from vp.prediction.known_frames import parse_mask
from vp.prediction.model import Model
from vp.prediction.request import Wishes
from vp.prediction.sample import sample, stream
from vp.result.result import PACE_SET

from ..shaken import shaken_predictor


@dataclass(frozen=True)
class FakeOptions(Options):
    prior: str = choice("auto", {"auto": "own", "fixed": "fixed", "posterior": "posterior"})
    temperature: float = slider(1.0, 0.0, 2.0, 0.1, "", "")


class Fake(Predictor):
    """Adds noise to the last known frame; with the posterior it copies the target. Remembers what it was shown."""

    options_type = FakeOptions

    def __init__(self, **capabilities):
        kept = {"size": 16, "channels": (1,), "stochastic": True, "trained_past": 3, "trained_future": 4}
        self.capabilities = Capabilities(priors={"fixed": None, "posterior": None}, **{**kept, **capabilities})
        self.shown, self.closed = [], False

    def stream(self, observation, seeds, options=None):
        self.shown.append((observation, options))
        frames = observation.frames[:, None].repeat(1, seeds.shape[1], 1, 1, 1, 1)
        jitter = draw_noise(seeds, *frames.shape[2:])
        unknown = (~observation.known).nonzero()[:, 0].tolist()
        last = int(observation.known.nonzero().max())
        try:
            for index, t in enumerate(unknown, 1):
                base = observation.target if options.prior == "posterior" else observation.frames[:, last : last + 1]
                guess = base[:, None, t if options.prior == "posterior" else 0] + 0.1 * options.temperature * jitter[:, :, t]
                frames[:, :, t] = guess.clamp(0, 1)
                done = index == len(unknown)
                traces = {"prior_std": torch.ones(*frames.shape[:3], 5), "kl": torch.ones(*frames.shape[:3], 5)}
                yield Step(index, len(unknown), frames.nan_to_num(), Prediction(frames, traces) if done else None)
        except GeneratorExit:
            self.closed = True
            raise


def make(rows=None, **capabilities):
    rows = {"posterior": {"prior": "posterior"}} if rows is None else rows
    family = Family("fake", "Fake", "nobody", object, None, None, None, None, reference_rows=rows)
    return Model("fake-1", family, Fake(**capabilities), {})


def moving(length=10, side=16, channels=1):
    return np.random.default_rng(0).integers(0, 256, (length, side, side, channels), np.uint8)


def test_the_model_sees_the_past_only_and_the_truth_only_as_target():
    model, clip = make(), moving()
    sample(model, clip, n=2)
    observation, options = model.predictor.shown[0]
    assert options.prior == "fixed"  # 'auto' became the model's own
    assert torch.isnan(observation.frames[:, 3:]).all() and observation.known.tolist() == [True] * 3 + [False] * 4
    assert torch.equal(observation.target[0], torch.from_numpy(clip[:7]).movedim(-1, 1).float() / 255)


def test_rows_scores_and_traces_agree_with_their_frames():
    result = sample(make(), moving(), n=5, seed=3)
    before = ["truth", *["baseline"] * 2, "likely", "reference", "best"]
    assert [row.kind for row in result.rows] == [*before, *["sample"] * 5, "mean", "uncertainty"]
    truth, samples = result.frames("truth")[0], result.frames("sample")
    assert all(np.array_equal(frames[:3], truth[:3]) for frames in samples)
    to_float = lambda x: torch.from_numpy(x).movedim(-1, -3).float() / 255  # noqa: E731
    for name in ("psnr_db", "ssim"):
        expected = METRICS[name](to_float(samples), to_float(truth)).numpy()[:, 3:]
        assert np.allclose(result.metrics[name][result.kind("sample")][:, 3:], expected, atol=1e-5)
        assert np.isnan(result.metrics[name][:, :3]).all()
    best, (oracle,) = result.summary("ssim")["best_row"], result.kind("best")
    assert result.rows[oracle].frames is result.rows[best].frames
    assert np.allclose(result.metrics["ssim"][oracle], result.metrics["ssim"][best], equal_nan=True)
    assert np.allclose(result.rows[-2].frames.astype(float), samples.mean(0), atol=0.51)
    assert not result.rows[-1].frames[:3].any() and result.rows[-1].frames[3:].any()
    assert np.allclose(result.traces["kl"][result.kind("sample")], 5) and np.allclose(
        result.traces["prior_std"][result.kind("reference")], 1
    )
    likely = result.frames("likely")[0]
    assert (likely[3:] == truth[2]).all() and np.isfinite(result.metrics["psnr_db"][result.kind("likely"), 3:]).all()


def test_the_most_likely_future_is_shown_where_chance_has_a_say():
    """Not beside a single future, nor where nothing or everything is left to chance."""
    kinds = lambda **wish: [row.kind for row in sample(make(), moving(), **wish).rows]  # noqa: E731
    assert "likely" in kinds(n=2) and "likely" in kinds(n=2, n_future=20)
    assert "likely" not in kinds(n=1) and "likely" not in kinds(n=2, options={"temperature": 0.0})
    assert "likely" not in [row.kind for row in sample(make(stochastic=False), moving(), n=2).rows]


def test_samples_of_a_model_with_a_pace_say_theirs():
    model = Model("paced", MOTION, shaken_predictor(MOTION, MOTION.tiny()), {})
    result = sample(model, moving(side=32, channels=3), n=3, options={"pace": 1.5})
    samples = result.kind("sample")
    said = [result.rows[index].note for index in samples]
    assert said == [f"pace {pace:.2f}" for pace in result.traces["pace"][samples, -1]] and len(set(said)) == 3
    assert (result.traces["pace"][result.kind("likely"), -1] == 1.5).all() and result.options["pace"] == 1.5
    assert np.isnan(result.traces["pace"][result.kind("reference")]).all(), "references are as they always are"
    best = result.rows[result.kind("best")[0]]
    assert best.note.startswith(f"Sample {best.seed + 1} (pace {result.traces['pace'][samples[best.seed], -1]:.2f}), picked")
    marked = {row.kind for row in result.rows if row.mark == PACE_SET}
    assert marked == {"likely", "sample", "mean", "uncertainty", "best"}
    assert not any(row.mark == PACE_SET for row in sample(model, moving(side=32, channels=3), n=2).rows)
    assert not any(row.note for row in sample(make(), moving(), n=2).rows if row.kind == "sample")


def test_a_seed_gives_the_same_futures_whatever_their_number():
    few, many, other = (sample(make(), moving(), n, seed=s).frames("sample") for n, s in ((2, 5), (4, 5), (2, 6)))
    assert np.array_equal(few, many[:2]) and not np.array_equal(few, other)


def test_a_short_clip_is_predicted_beyond_its_end_without_scores_there():
    result = sample(make(), moving(5), n=2)
    assert result.has_truth.tolist() == [True] * 5 + [False] * 2
    assert np.isfinite(result.metrics["psnr_db"][result.kind("sample")]).sum(1).tolist() == [2, 2]
    assert not result.kind("reference") and any("no truth" in note for note in result.notes)
    bare = sample(make(), moving(4), n=2, n_past=3)
    assert bare.summary("psnr_db") is not None


def test_past_the_end_the_last_frames_are_known_and_nothing_is_scored():
    clip = moving(9)
    model = make()
    result = sample(model, clip, n=3, start="end")
    past = model.predictor.capabilities.trained_past
    assert result.known.sum() == past == result.has_truth.sum() and len(result.known) > past
    alone = sample(model, clip[-past:], n=1)
    assert np.array_equal(result.frames("truth"), alone.frames("truth")) and not alone.has_truth[past:].any()
    assert not result.metrics and not result.kind("reference") and not result.kind("best") and result.kind("sample")
    assert sum("after the clip's end" in note for note in result.notes) == 1
    later = sample(model, clip, n=1, start=2)
    assert np.array_equal(later.frames("truth"), sample(model, clip[2:], n=1).frames("truth"))


def test_events_and_actions_move_with_the_first_frame():
    clip = Clip(moving(9), 10.0, actions=np.arange(18, dtype=np.float32).reshape(9, 2), events=((1, "hit"), (5, "wall")))
    cut = clip.cut(4)
    assert len(cut.frames) == 5 and cut.actions[0].tolist() == [8, 9] and cut.events == ((1, "wall"),) and clip.cut(0) is clip


def test_a_colour_clip_is_cropped_and_turned_grey_and_says_so():
    result = sample(make(), Clip(moving(10, 30, 3)[:, :20], 12.0, ("read it",)), n=1)
    assert result.rows[0].frames.shape == (7, 16, 16, 1) and result.fps == 12.0
    said = " ".join(result.notes)
    assert "read it" in said and "converted from colour to grey" in said and "middle square" in said


def test_a_deterministic_model_makes_one_future_and_says_why():
    result = sample(make(rows={}, stochastic=False), moving(), n=8)
    assert [row.kind for row in result.rows] == ["truth", "baseline", "baseline", "sample"]
    assert "deterministic" in result.notes[-1]


@pytest.mark.parametrize(
    ("known", "labels"),
    [
        (None, ["Copying the last frame", "Optical flow"]),
        ("0,5-6", ["Copying the last frame", "Optical flow between"]),
        ("2", ["Copying the last frame"]),
    ],
)
def test_baselines_stand_beside_every_prediction(known, labels):
    result = sample(make(any_mask=True, n_past=(0, None)), moving(8), n=2, known=known)
    assert [result.rows[index].label for index in result.kind("baseline")] == labels
    for index in result.kind("baseline"):
        assert np.array_equal(result.rows[index].frames[result.known], result.frames("truth")[0][result.known])
        assert np.isfinite(result.metrics["psnr_db"][index][~result.known]).all()
    assert len(result.verdict) == 2
    nothing = Observation(torch.full((1, 7, 1, 16, 16), float("nan")), torch.zeros(7, dtype=torch.bool))
    assert not list(baseline_rows(nothing, ""))


def test_what_sees_the_future_is_marked():
    marked = lambda **options: {row.kind: row.mark for row in sample(make(), moving(), n=2, options=options).rows}  # noqa: E731
    sees = dict.fromkeys(("likely", "reference", "best", "sample", "mean", "uncertainty"), "sees the future")
    assert marked(prior="posterior") == {"truth": "", "baseline": "", **sees}
    own = marked()
    assert (
        own["sample"] == own["likely"] == "" and own["reference"] == "sees the future" and own["best"] == "chosen with the truth"
    )


def test_any_frames_may_be_known_where_the_model_allows_it():
    result = sample(make(any_mask=True), moving(), n=1, known="0,5-6")
    assert result.known.tolist() == [True, False, False, False, False, True, True]
    assert np.isfinite(result.metrics["psnr_db"][result.kind("sample")[0]]).tolist() == (~result.known).tolist()


def test_previews_grow_and_the_last_step_is_the_finished_result():
    steps = list(stream(make(), moving(), Wishes(n=3), preview_s=0))
    assert [step.step for step in steps] == [*range(1, 13), 12] and {step.total for step in steps} == {12}
    previews = [step.result for step in steps[:4]]
    assert [int(result.ready.sum()) for result in previews] == [4, 5, 6, 7]
    kinds = [row.kind for row in steps[-1].result.rows]
    assert all([row.kind for row in result.rows] == kinds for result in previews)
    assert [step.finished for step in steps] == [False] * 12 + [True]


def test_what_is_left_counts_futures_and_not_steps(monkeypatch):
    """Three futures take most of the time, the most likely one and the posterior's the rest, with as many steps each."""
    clock = iter(range(100))
    monkeypatch.setattr("vp.prediction.sample.time", SimpleNamespace(monotonic=lambda: next(clock)))
    steps = list(stream(make(), moving(), Wishes(n=3), preview_s=None))
    shares = [step.share for step in steps]
    assert shares[3] == pytest.approx(3 / 5) and shares[7] == pytest.approx(4 / 5) and shares[11:] == [1, 1]
    assert [step.seconds_left for step in steps[:12]] == pytest.approx([(t + 1) * (1 / x - 1) for t, x in enumerate(shares[:12])])


def test_closing_the_stream_closes_the_model():
    model = make()
    steps = stream(model, moving())
    next(steps)
    steps.close()
    assert model.predictor.closed


@pytest.mark.parametrize(
    "wish, said",
    [
        ({"n": 0}, "futures is 0"),
        ({"n": 2.5}, "whole number"),
        ({"seed": -1}, "seed is -1"),
        ({"n_past": 11}, "has 10 frames"),
        ({"start": 10}, "start is 10"),
        ({"start": "middle"}, "start is 'middle'"),
        ({"start": "end", "slow": 2}, "leave one out"),
        ({"n_past": 0}, "past frames is 0"),
        ({"n_future": 10_000}, "future frames is 10000"),
        ({"known": "x"}, "frames counted from 0"),
        ({"known": "0-9"}, "outside"),
        ({"known": "0-6"}, "leave some"),
        ({"known": "0,3"}, "not a prefix"),
        ({"options": {"temperature": 9}}, "temperature is 9"),
        ({"options": {"nope": 1}}, "no option nope"),
        ({"options": {"prior": "nope"}}, "prior is 'nope'"),
    ],
)
def test_wishes_that_cannot_be_met_are_refused_in_one_sentence(wish, said):
    with pytest.raises(ValueError, match=said) as refusal:
        sample(make(), moving(), **wish)
    assert "\n" not in str(refusal.value)


def test_masks_read_ranges_and_single_frames():
    assert parse_mask("0-2, 5", 7).nonzero()[0].tolist() == [0, 1, 2, 5]


def test_slow_motion_spreads_the_clip_and_predicts_between():
    model, clip = make(any_mask=True), moving()
    result = sample(model, clip, n=2, slow=2)
    assert result.known.tolist() == [True, False, True, False, True, False, True]  # 3 + 4 frames, as trained
    assert result.has_truth.tolist() == result.known.tolist()
    observation, _ = model.predictor.shown[0]
    assert torch.equal(observation.frames[0, ::2], torch.from_numpy(clip[:4]).movedim(-1, 1).float() / 255)
    assert observation.target is None, "nobody knows what lies between"
    with pytest.raises(ValueError, match="leave out known"):
        sample(model, clip, known="0-2", slow=2)


def test_nothing_need_be_known_where_the_model_can_do_without():
    assert parse_mask("none", 4).tolist() == [False] * 4
    with pytest.raises(ValueError, match="0 known frames came; this model takes 1 or more"):
        sample(make(any_mask=True), moving(), known="none")


def test_the_known_frames_alone_are_compared_with_all_of_the_training_data():
    model = make(size=64)
    clip = open_dataset("mmnist", digits="strokes").batch(1, 7, torch.Generator().manual_seed(0)).frames[0].movedim(1, -1).numpy()
    frozen = np.concatenate([np.repeat(clip[:1], 3, 0), clip[3:]])  # of which three are known
    model = replace(model, card={"data": {"mmnist": 1.0}})
    assert any("here nothing moves" in note for note in sample(model, frozen).notes)
    assert not any("only seen" in note for note in sample(model, clip).notes)
    model = replace(model, card={"data": {"mmnist": 0.5, "digits-robust": 0.5}})
    assert not any("only seen" in note for note in sample(model, frozen).notes)


@pytest.mark.parametrize(("height", "width"), [(90, 160), (160, 90), (600, 1400)])
def test_a_model_of_any_size_gets_the_whole_frame_up_to_a_size(height, width):
    clip = np.random.default_rng(0).integers(0, 256, (7, height, width, 3), np.uint8)
    for long_side in (64, 512):
        frames = sample(make(size=None, channels=(3,)), clip, n=1, long_side=long_side).rows[0].frames
        assert max(frames.shape[1:3]) == min(long_side, max(height, width))
        assert frames.shape[2] / frames.shape[1] == pytest.approx(width / height, rel=0.02)
    with pytest.raises(ValueError, match="long side is 5000; give a whole number from 16 to 4096"):
        sample(make(size=None, channels=(3,)), clip, long_side=5000)


def test_more_pixels_than_a_browser_holds_are_made_fewer_and_told(monkeypatch):
    monkeypatch.setattr("vp.prediction.known_frames.MOST_PIXELS", 11 * 7 * 40 * 80)
    clip = np.random.default_rng(0).integers(0, 256, (7, 80, 160, 3), np.uint8)
    crowded = sample(make(size=None, channels=(3,)), clip, n=4)
    assert crowded.rows[0].frames.shape[1:3] == (40, 80)
    said = "The longer side has 80 px instead of 160: a browser cannot hold 11 rows of 7 frames that large."
    assert said in crowded.notes
    alone = sample(make(size=None, channels=(3,)), clip, n=1)
    assert alone.rows[0].frames.shape[2] > 110 and len(alone.rows) <= 5
