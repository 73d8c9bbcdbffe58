"""A model learns one clip: what comes out is never worse on held-out frames, and what must not be touched is not."""

import json
import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch

from vp import cli, load, sample
from vp.catalog import FAMILIES
from vp.core.runtime import Runtime
from vp.data import Clip, write_mp4
from vp.prediction import checkpoint
from vp.prediction.model import build_model
from vp.training import clip_windows
from vp.training.adapt import Adaptation, adapt, save
from vp.training.clip_windows import ClipWindows
from vp.training.updates import Updates

UNTIL, STEPS = 40, 6


@cache
def waves(length: int = 60, height: int = 37, width: int = 44) -> Clip:
    """A texture that moves along a circle: not at a constant velocity, which the untrained network knows already."""
    t = np.arange(length)[:, None, None]
    x, y = np.arange(width) - 6 * np.cos(0.9 * t), np.arange(height)[:, None] - 6 * np.sin(0.9 * t)
    grey = 127 + 60 * np.sin(x / 3 + y / 5) + 60 * np.cos(x / 4 - y / 3)
    return Clip(np.stack([grey, grey[:, ::-1], 255 - grey], -1).clip(0, 255).astype(np.uint8), 10.0)


def tiny(family: str = "svg-motion", **settings):
    kind = FAMILIES[family]
    torch.manual_seed(0)
    config = replace(kind.tiny(), **settings)
    weights = checkpoint.to_float32(checkpoint.to_storage_types(kind.networks(config).state_dict()))
    card = {"config": checkpoint.config_to_json(config), "dataset": "", "family": family, "licence": "MIT", "about": "a test"}
    return build_model(Runtime.pick("cpu", "fp32"), kind, {"name": "tiny", **card}, weights)


def run(model, clip, **wishes):
    adaptation = adapt(model, clip, **{"until": UNTIL, "steps": STEPS, **wishes})
    return adaptation, list(adaptation)


@cache
def finished():
    """What `run` gives, for tests that only look at it."""
    return run(tiny(), waves())


@pytest.fixture(autouse=True, scope="module")
def few_windows():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clip_windows, "MOST_HELD", 3)
        yield


def futures(model, clip):
    return sample(model, clip, n=2, seed=3).frames("sample")


def test_a_new_model_is_trained_and_the_callers_stays_as_it_is():
    model, clip = tiny(), waves()
    weights = {name: x.clone() for name, x in model.weights.items()}
    card, before = json.dumps(dict(model.card)), futures(model, clip)
    adaptation, records = run(model, clip)
    assert all(torch.equal(model.weights[name], x) for name, x in weights.items()) and json.dumps(dict(model.card)) == card
    assert (futures(model, clip) == before).all()
    adapted = adaptation.model
    assert adaptation.helps and (futures(adapted, clip) != before).any()
    about = adapted.card["adapted"]
    assert (about["from"], about["frames"], about["seed"]) == ("tiny", UNTIL, 0) and 0 < about["steps"] <= STEPS
    assert about["held_out_db"]["after"] > about["held_out_db"]["before"]
    assert adapted.card["about"] == "tiny adapted to one clip" and adapted.card["lineage"][-1]["init"] == "tiny"
    assert f"+{records[-1].best_db - records[-1].before_db:.2f}" in adaptation.verdict


def test_progress_tells_how_far_it_is():
    _, records = finished()
    assert [r.step for r in records] == list(range(STEPS + 1)) and records[-1].share == 1
    assert records[0].loss is None and all(math.isfinite(r.loss) for r in records[1:])
    assert records[-1].seconds_left == 0 and all(r.seconds_left > 0 for r in records[1:-1])
    assert all(a.best_db <= b.best_db for a, b in zip(records, records[1:])) and len({r.before_db for r in records}) == 1


def test_a_budget_in_minutes_ends():
    adaptation = adapt(tiny(), waves(), minutes=0.02, until=UNTIL)
    records = list(adaptation)
    assert records[-1].share == 1 and adaptation.step > 0 and adaptation.spent_s < 60


def test_nothing_at_the_moment_or_after_is_read():
    model, clip = tiny(), waves()
    other = clip.frames.copy()
    other[UNTIL:] = 255 - other[UNTIL:]
    whole, changed = (run(model, x, steps=2)[0].weights for x in (clip, Clip(other)))
    assert all(torch.equal(x, changed[name]) for name, x in whole.items())
    cut = ClipWindows(Clip(clip.frames[:UNTIL]), UNTIL, model.predictor.capabilities)
    assert torch.equal(cut.frames, ClipWindows(clip, UNTIL, model.predictor.capabilities).frames)
    other[UNTIL - 1] = 0
    held = next(adapt(model, Clip(other), until=UNTIL)).before_db
    assert held != next(adapt(model, clip, until=UNTIL)).before_db, "the last frame before the moment is held out"


def test_a_seed_gives_the_same_weights_again():
    model, clip = tiny(), waves()
    first, again, other = (run(model, clip, seed=seed, steps=2)[0].updates.average.state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(x, again[name]) for name, x in first.items())
    assert any(not torch.equal(x, other[name]) for name, x in first.items())


def test_closing_keeps_the_best_so_far():
    model, clip = tiny(), waves()
    adaptation = adapt(model, clip, until=UNTIL, steps=1000)
    for record in adaptation:
        adaptation.consider()
        if record.step == 3:
            break
    adaptation.close()
    assert next(adaptation, None) is None and adaptation.step == 3
    assert adaptation.model.card["adapted"]["steps"] in (1, 2, 3)
    assert adaptation.score(adaptation.weights).mean() == adaptation.best_db
    begun = adapt(model, clip, until=UNTIL)
    begun.close()
    assert (futures(begun.model, clip) == futures(model, clip)).all(), "before it began the best is the unadapted one"


def test_what_does_not_help_is_not_kept(monkeypatch):
    model, clip = tiny(), waves()
    true_score = Adaptation.score
    monkeypatch.setattr(Adaptation, "score", lambda self, w: true_score(self, w) - (0 if w is model.weights else 90))
    adaptation, records = run(model, clip)
    assert not adaptation.helps and records[-1].best_db == records[-1].before_db > records[-1].held_out_db
    assert "does not help" in adaptation.verdict and adaptation.model.card["adapted"]["verdict"] == adaptation.verdict
    assert (futures(adaptation.model, clip) == futures(model, clip)).all()


def test_a_gain_within_the_standard_error_of_the_windows_is_not_kept(monkeypatch):
    model, clip = tiny(), waves()
    true_score, uneven = Adaptation.score, torch.tensor([30.0, -29.0])
    for gain, kept in ((uneven, False), (uneven / 100 + 1, True)):
        changed = lambda self, w, gain=gain: true_score(self, model.weights)[:2] + (0 if w is model.weights else gain)  # noqa: E731
        monkeypatch.setattr(Adaptation, "score", changed)
        adaptation, records = run(model, clip, steps=1)
        assert adaptation.helps == kept and records[-1].held_out_db > records[-1].before_db


def test_a_loss_that_is_not_finite_ends_it_with_the_best_so_far(monkeypatch):
    def spoiled(self, *args):
        if self.optimizers["svg"].state and adaptation.step == 3:
            raise self.not_finite_error("a loss")
        return true_update(self, *args)

    true_update = Updates.update
    monkeypatch.setattr(Updates, "update", spoiled)
    adaptation = adapt(tiny(), waves(), until=UNTIL, steps=STEPS)
    records = list(adaptation)
    assert records[-1].step == 3 and adaptation.score(adaptation.weights).mean() == adaptation.best_db >= adaptation.before_db


def test_the_file_holds_what_was_scored(tmp_path):
    adaptation, _ = finished()
    adapted, path = adaptation.model, tmp_path / "mine.safetensors"
    save(adapted, path)
    loaded = load(path, "cpu", "fp32")
    assert loaded.name == "mine" and loaded.card["adapted"] == adapted.card["adapted"] and loaded.card["licence"] == "MIT"
    assert (futures(loaded, waves()) == futures(adapted, waves())).all()
    assert adapt(loaded, waves(), until=UNTIL).card()["adapted"]["from"] == "tiny", "and can be adapted again"


@pytest.mark.parametrize(
    ("until", "says"),
    [
        (16, "^16 frames are too few to learn from, 17 are needed; give a longer clip or a later moment$"),
        (61, "until is frame 61"),
    ],
)
def test_too_short_a_clip_is_refused_in_one_sentence(until, says):
    with pytest.raises(ValueError, match=says):
        adapt(tiny(), waves(), until=until)


def test_the_shortest_clip_and_shorter_futures_will_do():
    assert len(run(tiny(), waves(), until=17, steps=1)[1]) == 2
    windows = ClipWindows(waves(), 25, tiny(n_future=10).predictor.capabilities)
    assert (windows.past, windows.future) == (3, 7) and windows.batch(2, torch.Generator()).frames.shape == (2, 10, 3, 32, 40)


def test_windows_never_show_what_is_held_out():
    windows = ClipWindows(Clip(np.arange(60, dtype=np.uint8)[:, None, None, None].repeat(16, 1).repeat(16, 2)), UNTIL,
                          tiny().predictor.capabilities)  # fmt: skip
    shown = 255 * windows.batch(300, torch.Generator().manual_seed(0)).frames[:, :, 0, 0, 0]
    assert shown.round().min() == 0 and shown.round().max() == windows.first_held - 1
    assert set(shown.diff(dim=1).round().flatten().tolist()) == {1, 2}, "strides"
    held = (255 * windows.held_out().frames[:, :, 0, 0, 0]).round()
    assert held[:, windows.past :].min() == windows.first_held and held.max() == UNTIL - 1


def test_wrong_numbers_are_refused():
    for wrong, says in (({"seed": -1}, "seed is -1"), ({"minutes": 0}, "minutes is 0"), ({"steps": 0}, "steps 0")):
        with pytest.raises(ValueError, match=says):
            adapt(tiny(), waves(), **wrong)


@pytest.mark.parametrize("name", ["copy-last", "flow"])
def test_what_has_no_weights_is_refused_in_one_sentence(name):
    with pytest.raises(ValueError, match=f"^{name} has no weights to train; give a model that was trained$"):
        adapt(load(name, "cpu", "fp32"), waves())


def test_what_is_trained_is_the_familys_own_and_no_critic_that_a_checkpoint_does_not_hold():
    with pytest.raises(ValueError, match="against a critic"):
        adapt(tiny("fusion"), waves(60, 32, 32))
    adaptation = adapt(tiny(), waves())
    assert adaptation.updates.recipe.config.objective.foreseen == 0.75, "a family's own settings for it"
    assert adaptation.card()["config"] == tiny().card["config"], "which the card does not have"
    objective = replace(FAMILIES["svg"].tiny().objective, adversarial=0.1)
    assert list(adapt(tiny("svg", objective=objective), waves(), steps=1).updates.networks) == ["svg"], "SVG trains without one"


@pytest.mark.parametrize("family", ["svg", "vpn", "ramvid", "ramvid-motion"])
def test_other_families_learn_a_clip_too(family):
    adaptation, records = run(tiny(family), waves(), steps=1)
    assert math.isfinite(records[-1].loss) and math.isfinite(records[-1].held_out_db)
    assert sample(adaptation.model, waves(), n=1).frames("sample").shape[0] == 1


def test_actions_go_with_their_frames_and_are_never_mirrored():
    conditions = FAMILIES["svg"].recipes
    config = next(r.config for r in conditions if r.config.conditions is not None)
    model = tiny("svg", conditions=config.conditions)
    clip = waves()
    with pytest.raises(ValueError, match="takes actions and the clip has none"):
        adapt(model, clip)
    numbers = np.arange(60, dtype=np.float32)[:, None].repeat(config.conditions.size, 1)
    moving = replace(clip, frames=np.arange(60, dtype=np.uint8)[:, None, None, None] * np.ones((1, 32, 32, 3), np.uint8),
                     actions=numbers)  # fmt: skip
    adaptation = adapt(model, moving, until=UNTIL, steps=1)
    batch = adaptation.windows.batch(50, torch.Generator())
    assert torch.equal((255 * batch.frames[:, :, 0, 0, 0]).round(), batch.actions[..., 0])
    assert len(list(adaptation)) == 2


def test_the_command_writes_a_model_for_the_others(tmp_path, capsys):
    save(tiny(), tmp_path / "tiny.safetensors")
    write_mp4(tmp_path / "clip.mp4", waves().frames[:, :36], fps=10)
    words = ["adapt", tmp_path / "tiny.safetensors", tmp_path / "clip.mp4", "--steps", 2, "--until", 4, "--device", "cpu"]
    out = tmp_path / "new" / "mine.safetensors"
    assert cli.main([str(x) for x in (*words, "--out", out)]) == 0
    *_, verdict, last = capsys.readouterr().out.strip().splitlines()
    told = json.loads(last)
    assert told["verdict"] == verdict and (told["frames"], told["taken"], told["file"]) == (40, 2, str(out))
    args = ["sample", out, tmp_path / "clip.mp4", "--n", 1, "--start", 4, "--out", tmp_path / "out", "--device", "cpu"]
    assert cli.main([str(x) for x in args]) == 0
    capsys.readouterr()
    (tmp_path / "file").touch()
    for wrong, says in (("mine.bin", "ends in .safetensors"), ("file/mine.safetensors", "cannot be written")):
        with pytest.raises(SystemExit, match="2"):
            cli.main([str(x) for x in (*words, "--out", tmp_path / wrong)])
        assert says in capsys.readouterr().err
    assert cli.main([str(x) for x in (*words[:-3], 60, "--out", out)]) == 2
    assert "--until is second 60; give one within the clip" in capsys.readouterr().err
