"""Runs beside each other: sweeps, tables and plots."""

import dataclasses
import json

import numpy as np
import pytest

from vp.catalog import find_recipe
from vp.models.svg.config import Objective
from vp.training import log
from vp.training import train as train_module
from vp.training.compare import compare, format_table
from vp.training.plot import plot
from vp.training.runs import find_runs, group_by_settings, read_log
from vp.training.settings import Settings
from vp.training.sweep import combinations, folder_name, sweep
from vp.training.train import train
from vp.training.trainer import Trainer

STEPS = 5
VARY = {"objective.kl": ["none", "cyclical"]}


@pytest.fixture(autouse=True, scope="module")
def one_thread_and_a_line_of_the_log_every_few_steps():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log, "EVERY", STEPS)
        patch.setattr(train_module, "thread_count", lambda: 1)
        yield


@pytest.fixture(scope="module")
def episodes(tmp_path_factory):
    data = tmp_path_factory.mktemp("data")
    for split in ("train", "val"):
        (data / split).mkdir()
        for index in range(3):
            frames = np.random.default_rng(index).integers(0, 255, (8, 32, 32, 1), np.uint8)
            np.savez(data / split / f"{index}.npz", frames=frames)
    return data


def small():
    family, found = find_recipe("svg-lp-smmnist")
    objective = Objective(lengths=((0.0, 4),), beta=1e-3)
    config = dataclasses.replace(found.config, width=16, flows=1, size=32, n_past=2, n_future=2, objective=objective)
    return family, dataclasses.replace(found, config=config, data={"folder": 1.0}, protocol="", batch=2, epoch_clips=20)


def settings(episodes, out, **more) -> Settings:
    config = dataclasses.replace(Settings(out), device="cpu", precision="fp32", data_root=str(episodes), validate_minutes=1e3)
    return dataclasses.replace(config, **more)


def coloured():
    """The folder's clips come in three channels."""
    family, found = small()
    return family, dataclasses.replace(found, config=dataclasses.replace(found.config, channels=3))


@pytest.fixture(scope="module")
def swept(episodes, tmp_path_factory):
    out = tmp_path_factory.mktemp("sweep")
    family, found = coloured()
    return out, sweep(family, found, settings(episodes, out, steps=STEPS), VARY, [0, 1])


def test_a_sweep_trains_every_value_with_every_seed_in_folders_of_their_own(swept):
    out, result = swept
    names = {"kl-none-seed-0", "kl-none-seed-1", "kl-cyclical-seed-0", "kl-cyclical-seed-1"}
    assert {path.name for path in out.iterdir()} == names and result["finished"] and len(result["runs"]) == 4
    for name in names:
        about = json.loads((out / name / "run.json").read_text())
        assert about["config"]["objective"]["kl"] in name and name.endswith(str(about["seed"]))
    assert set(result["groups"]) == {"kl none", "kl cyclical"}


def test_mean_and_spread_are_those_of_the_last_validations(swept):
    out, _ = swept
    row = compare([out])["groups"]["kl none"]
    each = [json.loads((out / f"kl-none-seed-{seed}" / "validation.jsonl").read_text())["psnr_db"] for seed in (0, 1)]
    assert row["seeds"] == [0, 1] and row["steps"] == [STEPS, STEPS]
    got = row["numbers"]["psnr_db"]
    assert got["each"] == pytest.approx(each, abs=1e-5) and each[0] != each[1]
    assert got["mean"] == pytest.approx(sum(each) / 2, abs=1e-5)
    assert got["spread"] == pytest.approx(abs(each[0] - each[1]) / 2**0.5, abs=1e-5)
    line = next(line for line in format_table(compare([out])).splitlines() if line.startswith("kl none"))
    assert f"{got['mean']:.2f} ± {got['spread']:.2f}" in line


def test_a_lone_run_has_no_spread_and_keeps_its_recipe_s_name(swept):
    out, _ = swept
    result = compare([out / "kl-none-seed-0"])
    assert list(result["groups"]) == ["svg-lp-smmnist"]
    assert (
        result["groups"]["svg-lp-smmnist"]["numbers"]["psnr_db"]["spread"] is None
        and "±" not in format_table(result).splitlines()[1]
    )


def test_a_sweep_in_the_way_is_refused_and_goes_on_with_resume(episodes, tmp_path, swept):
    family, found = coloured()
    out, _ = swept
    with pytest.raises(ValueError, match="already holds a run; add --resume"):
        sweep(family, found, settings(episodes, out, steps=STEPS), VARY, [0, 1])
    begun = Trainer(family, found, settings(episodes, tmp_path / "seed-0", steps=4))
    begun.advance()
    begun.save()
    result = sweep(family, found, settings(episodes, tmp_path, steps=4, resume=True), {}, [0, 1])
    assert result["finished"] and [run["steps"] for run in result["runs"]] == [4, 4]
    again = sweep(family, found, settings(episodes, tmp_path, steps=4, resume=True), {}, [0, 1])
    assert again["groups"] == result["groups"], "what has finished is left as it is"


def test_a_setting_that_does_not_exist_is_refused_before_anything_is_trained(episodes, tmp_path):
    family, found = coloured()
    with pytest.raises(ValueError, match="there is no setting 'objective.lk'"):
        sweep(family, found, settings(episodes, tmp_path, steps=4), {"width": ["16"], "objective.lk": ["none"]}, [0])
    assert not list(tmp_path.iterdir())


def test_every_combination_has_a_name_that_a_folder_can_have():
    chosen = combinations({"objective.kl": ["none", "cyclical"], "objective.lengths": ["[[0,8]]"]})
    assert chosen == [["objective.kl=none", "objective.lengths=[[0,8]]"], ["objective.kl=cyclical", "objective.lengths=[[0,8]]"]]
    assert str(folder_name(chosen[1], 3)) == "kl-cyclical-lengths-_0_8_-seed-3"


def test_a_resumed_run_keeps_the_settings_it_began_with(episodes, tmp_path):
    family, found = coloured()
    other = dataclasses.replace(found, config=dataclasses.replace(found.config, z_dim=5))
    train(family, other, settings(episodes, tmp_path / "run", steps=2))
    summary = train(family, found, settings(episodes, tmp_path / "run", steps=3, resume=True))
    assert summary["steps"] == 3
    assert json.loads((tmp_path / "run" / "run.json").read_text())["config"]["z_dim"] == 5


def test_a_plot_draws_every_panel_against_epochs(swept, tmp_path):
    import cv2

    out, _ = swept
    result = plot([out], tmp_path / "deep" / "plot.png")
    assert result["x"] == "epochs" and result["panels"] == ["loss", "mse", "kl", "psnr_db"]
    assert {label: len(folders) for label, folders in result["runs"].items()} == {"kl none": 2, "kl cyclical": 2}
    picture = cv2.imread(result["file"])
    assert picture.std() > 10 and picture.shape[0] > 600


def test_curves_have_the_log_s_numbers_at_their_epochs_and_ratios_are_dashed(swept):
    from vp.training.plot import draw_plot

    out, _ = swept
    runs = find_runs([out / "kl-cyclical-seed-0"])
    figure, panels = draw_plot(group_by_settings(runs), epochs=True)
    axes = dict(zip(panels, figure.axes))
    (curve,) = axes["mse"].get_lines()
    assert curve.get_ydata().tolist() == [line["mse"] for line in runs[0].training]
    assert curve.get_xdata().tolist() == [(STEPS - 1) * 2 / 20]  # steps of 2 clips, epochs of 20, a line every STEPS steps
    ratios = list(figure.axes[-1].get_lines())
    assert {line.get_label() for line in ratios} == {"teacher forcing", "KL weight, of its highest"}
    assert all(line.is_dashed() for line in ratios)


def test_runs_from_before_epochs_were_written_are_plotted_against_steps(swept, tmp_path):
    out, _ = swept
    (tmp_path / "old").mkdir()
    for name in ("train.jsonl", "validation.jsonl"):
        (tmp_path / "old" / name).write_bytes((out / "kl-none-seed-0" / name).read_bytes())
    (tmp_path / "old" / "run.json").write_text(json.dumps({"recipe": "x", "data": {"folder": 1.0}, "total": 40}))
    assert plot([tmp_path / "old"], tmp_path / "old.svg")["x"] == "steps"


def test_the_later_line_of_a_step_counts(tmp_path):
    (tmp_path / "log").write_text('{"step": 9, "kl": 1}\n{"step": 19, "kl": 2}\n{"step": 9, "kl": 3}\n')
    assert [(line["step"], line["kl"]) for line in read_log(tmp_path / "log")] == [(9, 3), (19, 2)]


def test_what_is_no_run_or_has_nothing_to_show_gets_one_sentence(tmp_path):
    with pytest.raises(ValueError, match="is no run and holds none"):
        compare([tmp_path])
    run = tmp_path / "run"
    run.mkdir()
    (run / "run.json").write_text(json.dumps({"recipe": "x", "data": {}, "total": 1}))
    with pytest.raises(ValueError, match="has no validation yet"):
        compare([tmp_path])
    with pytest.raises(ValueError, match="has logged nothing yet"):
        plot([run], tmp_path / "x.png")
    (run / "train.jsonl").write_text('{"step": 1, "mse": 0.1}\n')
    with pytest.raises(ValueError, match=r"ends in \.png, \.svg or \.pdf"):
        plot([run], tmp_path / "x.txt")
    (run / "train.jsonl").write_text('{"step": 1, "mse"')
    with pytest.raises(ValueError, match="log of .* cannot be read"):
        plot([run], tmp_path / "x.png")
