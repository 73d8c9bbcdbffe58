"""The command line: help, one JSON line last, and exit code 2 with one sentence for wrong values."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from vp import cli
from vp.data import write_mp4
from vp.models.svg import networks, tiny
from vp.prediction import checkpoint

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def tiny_checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "tiny.safetensors"
    card = {"family": "svg", "config": checkpoint.config_to_json(tiny()), "dataset": "", "about": "a test"}
    checkpoint.save(path, networks(tiny()).state_dict(), card)
    return path


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    import torch

    from vp.data import open_dataset

    frames = open_dataset("smmnist-svg", "test", digits="strokes").batch(1, 12, torch.Generator().manual_seed(0)).frames
    path = tmp_path_factory.mktemp("clips") / "digits.mp4"
    write_mp4(path, frames[0].permute(0, 2, 3, 1).numpy(), fps=8)
    return path


def run(capsys, *argv) -> dict:
    assert cli.main([str(a) for a in argv]) == 0
    return json.loads(capsys.readouterr().out.strip().splitlines()[-1])


def refused(capsys, *argv) -> str:
    """What stderr says of arguments that must exit 2."""
    try:
        code = cli.main([str(a) for a in argv])
    except SystemExit as stop:
        code = stop.code
    assert code == 2
    error = capsys.readouterr().err
    assert "Traceback" not in error
    return error


@pytest.mark.parametrize("command", sorted(cli.EXAMPLES))
def test_every_command_has_help_with_examples(capsys, command):
    with pytest.raises(SystemExit) as stop:
        cli.main([command, "--help"])
    text = capsys.readouterr().out
    assert stop.value.code == 0 and f"python -m vp {command}" in text.split("examples:")[1]


def test_sample_writes_every_file(capsys, tiny_checkpoint, clip, tmp_path):
    out = tmp_path / "out"
    result = run(capsys, "sample", tiny_checkpoint, clip, "--n", 2, "--n-past", 3, "--n-future", 5, "--prior", "learned",
                 "--temperature", 0.5, "--seed", 1, "--out", out, "--device", "cpu")  # fmt: skip
    assert isinstance(result, dict)
    names = {"futures.mp4", "futures.gif", "result.html", "metrics.json", "frames.npz"}
    assert names <= {p.name for p in out.iterdir()}
    arrays = np.load(out / "frames.npz")
    assert arrays["truth"].shape == (8, 32, 32, 1) and arrays["futures"].shape == (2, 8, 32, 32, 1)
    assert arrays["truth"].dtype == arrays["futures"].dtype == np.uint8
    assert arrays["known"].tolist() == [True] * 3 + [False] * 5 and arrays["has_truth"].all()
    assert (arrays["futures"][:, :3] == arrays["truth"][:3]).all()


def test_a_clip_shorter_than_past_and_future_is_predicted_all_the_same(capsys, tiny_checkpoint, clip, tmp_path):
    run(capsys, "sample", tiny_checkpoint, clip, "--n", 1, "--n-past", 9, "--n-future", 6, "--out", tmp_path)
    arrays = np.load(tmp_path / "frames.npz")
    assert arrays["futures"].shape[1] == 15
    assert arrays["has_truth"].tolist() == [True] * 12 + [False] * 3
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics, "metrics of the frames that have a truth"


def test_evaluate_prints_one_json_line_and_writes_the_same(capsys, tmp_path):
    path = tmp_path / "sub" / "copy.json"
    result = run(capsys, "evaluate", "copy-last", "--clips", 3, "--samples", 2, "--json", path)
    assert json.loads(path.read_text()) == result
    assert {"checkpoint", "protocol", "clips", "samples", "seconds", "metrics", "per_frame", "baselines"} <= result.keys()
    for row in (result, *result["baselines"].values()):
        for name in ("psnr_db", "ssim", "ssim_legacy", "sharpness"):
            assert {"best", "mean", "worst", "median", "ci95", "ci95_mean"} <= row["metrics"][name].keys()
    assert result["baselines"].keys() == {"black", "mean_image", "copy_last", "flow"}
    assert result["metrics"] == result["baselines"]["copy_last"]["metrics"]


def test_two_evaluations_are_compared_clip_by_clip(capsys, tmp_path):
    files = [tmp_path / f"{name}.json" for name in ("copy-last", "flow", "short", "whole")]
    wishes = (("copy-last", 4, "--per-clip"), ("flow", 4, "--per-clip"), ("flow", 3, "--per-clip"), ("flow", 4))
    for path, (name, clips, *flags) in zip(files, wishes):
        run(capsys, "evaluate", name, "--clips", clips, "--samples", 1, *flags, "--json", path)
    copied, flow, short, whole = files
    got = run(capsys, "paired", copied, flow, "--json", tmp_path / "pair.json")
    assert json.loads((tmp_path / "pair.json").read_text()) == got and got["checkpoints"] == ["copy-last", "flow"]
    for metric, kinds in json.loads(copied.read_text())["against_flow"].items():
        for kind, found in kinds.items():
            assert got["differences"][metric][kind] == pytest.approx(found, abs=1e-5)
    assert "clips is 4 in one evaluation and 3 in the other" in refused(capsys, "paired", copied, short)
    assert "make it anew with --per-clip" in refused(capsys, "paired", copied, whole)
    assert "no JSON file" in refused(capsys, "paired", copied, tmp_path / "missing.json")
    (tmp_path / "list.json").write_text("[1]")
    assert "holds no evaluation" in refused(capsys, "paired", copied, tmp_path / "list.json")


def test_evaluate_reads_official_sequences_and_shows_a_table(capsys, tmp_path):
    import numpy as np

    path = tmp_path / "extract.npz"
    np.savez(path, frames=np.random.default_rng(0).integers(0, 256, (3, 20, 64, 64), dtype=np.uint8))
    assert cli.main(["evaluate", "copy-last", "--protocol", "mmnist", "--samples", "1", "--test-set", str(path)]) == 0
    *table, last = capsys.readouterr().out.strip().splitlines()
    result = json.loads(last)
    assert (result["clips"], result["test_set"]) == (3, "extract.npz")
    scores = ["mse", "mae", "psnr_db", "psnr_of_mean_mse_db", "ssim", "sharpness", "ssim_legacy", "crps", "spread_skill"]
    assert table[0].split()[-9:] == scores
    assert [line.split()[0] for line in table[1:6]] == ["copy-last", "black", "mean_image", "copy_last", "flow"]
    assert table[6].startswith("published: ConvLSTM-S") and "29.8" in table[6].split() and table[-2].startswith("minus flow")
    assert float(table[1].split()[1]) == pytest.approx(result["metrics"]["mse"]["mean"], abs=0.06)
    assert "asked for" in refused(capsys, "evaluate", "flow", "--protocol", "mmnist", "--test-set", path, "--clips", 9)


def test_any_folder_is_a_protocol(capsys, tmp_path, monkeypatch):
    monkeypatch.delenv("VP_DATA", raising=False)
    for index, (height, width) in enumerate(((36, 64), (64, 40), (48, 48))):
        x, y = np.arange(width) - np.arange(16)[:, None, None], np.arange(height)[:, None]
        waves = 127 + 60 * np.sin(x / 5 + y / 7 + index) + 60 * np.cos(x / 9 - y / 4)
        np.savez(tmp_path / f"{index}.npz", frames=np.repeat(waves.astype(np.uint8)[..., None], 3, -1))
    words = ["--protocol", "folder:5+10", "--data-root", tmp_path, "--samples", 2, "--short-side", 36]
    path = tmp_path / "out" / "flow.json"
    flow = ["--method", "dis", "--per-clip", "--json", path]
    assert cli.main([str(word) for word in ("evaluate", "flow", *words, "--split", "all", *flow)]) == 0
    *table, last = capsys.readouterr().out.strip().splitlines()
    result = json.loads(last)
    assert json.loads(path.read_text()) == result and result["framing"] == {"short_side": 36, "channels": 3, "stride": 1}
    assert (result["protocol"], result["split"], result["clips"], result["recordings"]) == ("folder:5+10", "all", 6, 3)
    assert result["metrics"] == result["baselines"]["flow"]["metrics"], "the same pixels, the same flow"
    assert set(result["sources"]) == {"0.npz", "1.npz", "2.npz"} and table[-1].startswith("model is ahead of flow in 0%")
    few = run(capsys, "evaluate", "copy-last", *words, "--split", "all", "--clips", 2, "--stride", 1, "--known", "0-1,13-14")
    assert few["clips"] == 2 and "flow_between" in few["baselines"]
    for split in ("train", "val", "test"):
        assert run(capsys, "evaluate", "copy-last", *words, "--split", split)["recordings"] == 1
    assert "no recordings for dev here (train has 1, val has 1, test has 1)" in refused(
        capsys, "evaluate", "copy-last", *words, "--split", "dev"
    )
    assert "invalid choice: 'most'" in refused(capsys, "evaluate", "copy-last", *words, "--split", "most")
    assert "short_side is 5000; give 1 to 1024" in refused(capsys, "evaluate", "flow", *words, "--short-side", 5000)
    assert "give its folder by --data-root" in refused(capsys, "evaluate", "flow", "--protocol", "folder:5+10")


def test_compression_is_a_protocol(capsys, monkeypatch, tmp_path):
    from vp.evaluation import compression

    monkeypatch.setattr(compression, "STEPS", (64,))
    result = run(capsys, "evaluate", "copy-last", "--protocol", "compression", "--clips", 2, "--json", tmp_path / "bits.json")
    assert json.loads((tmp_path / "bits.json").read_text()) == result
    assert result["protocol"] == "compression" and set(result["rows"]["flow"]["64"]) == {"bits_per_pixel", "psnr_db"}
    assert "unrecognised" in refused(capsys, "evaluate", "flow", "--protocol", "compression", "--colour", 1)


def test_bench_names_the_families_it_can_time(capsys):
    assert "give one with training steps to time: svg, vpn" in refused(capsys, "bench", "train", "--family", "flow")


def test_info_lists_models_and_recipes(capsys):
    result = run(capsys, "info")
    assert {"copy-last", "flow"} <= set(result["models"]) and "svg-lp-smmnist" in result["recipes"]
    assert run(capsys, "info", "flow")["name"] == "flow"


def test_info_tells_the_licence_of_weights(capsys):
    assert cli.main(["info"]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("svg-lp-people ")]
    assert line.endswith("weights: research use only)")
    assert run(capsys, "info", "svg-lp-smmnist")["licence"] == "MIT"


@pytest.fixture
def clips(tmp_path):
    """Three clips, an empty one and a text."""
    folder = tmp_path / "clips"
    folder.mkdir()
    for index in range(3):
        frames = np.random.default_rng(index).integers(0, 256, (12, 32, 32, 3), np.uint8)
        np.savez(folder / f"clip-{index}.npz", frames=frames, actions=np.zeros((12, 2), np.float32))
    (folder / "empty.mp4").touch()
    (folder / "notes.txt").write_text("words")
    return folder


def test_data_prints_counts_and_what_is_left_out_and_writes_a_sheet(capsys, clips, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["data", "folder", "--data-root", "clips", "--json", "sub/clips.json", "--size", "16"]) == 0
    lines = capsys.readouterr().out.strip().splitlines()
    result = json.loads(lines[-1])
    assert json.loads((tmp_path / "sub" / "clips.json").read_text()) == result and result["actions"] == [2]
    one = {"recordings": 1, "groups": 1, "frames": 12, "minutes": 0.02, "with_actions": 1}
    assert result["splits"] == {"train": one, "val": one, "test": one}
    assert lines[0] == "train       1 recordings of 1 groups, 1 with actions, 12 frames, 0.0 minutes"
    assert lines[3:6] == ["left out: 2", "  empty.mp4 is empty", "  notes.txt: neither a clip, a picture nor an array file"]
    assert (tmp_path / "out" / "folder.png").is_file() and result["sheet"] == "out/folder.png"


def test_data_stops_cleanly_on_ctrl_c(capsys, clips, tmp_path, monkeypatch):
    def interrupted(items, what):
        yield items[0]
        raise KeyboardInterrupt

    monkeypatch.setattr(cli.data, "with_progress_bar", interrupted)
    assert cli.main(["data", "folder", "--data-root", str(clips), "--out", str(tmp_path / "a.png")]) == 130
    assert capsys.readouterr().err == "python -m vp: stopped\n"


def test_data_refuses_what_it_cannot_do(capsys, tmp_path, monkeypatch):
    monkeypatch.delenv("VP_DATA", raising=False)
    assert "there is no data set 'kht'; there are smmnist-svg" in refused(capsys, "data", "kht")
    assert "give its folder by --data-root or VP_DATA" in refused(capsys, "data", "kth")
    assert "no recordings of kth" in refused(capsys, "data", "kth", "--data-root", tmp_path)
    assert "--download needs a folder" in refused(capsys, "data", "kth", "--download")
    assert "folder has no files to download" in refused(capsys, "data", "folder", "--download", "--data-root", tmp_path)
    assert "size is 5000; give 1 to 1024 pixels" in refused(capsys, "data", "folder", "--data-root", tmp_path, "--size", 5000)


def test_train_takes_another_data_set(capsys, monkeypatch):
    monkeypatch.setattr("vp.training.train.train", lambda family, recipe, settings: {"data": recipe.data, "at": recipe.protocol})
    assert run(capsys, "train", "svg-lp-smmnist", "--data", "kth") == {"data": {"kth": 1.0}, "at": ""}
    assert run(capsys, "train", "svg-lp-smmnist")["at"] == "smmnist-svg"


def test_wrong_values_exit_2_with_one_sentence(capsys, tiny_checkpoint, clip, tmp_path):
    assert "its own options: --prior, --temperature" in refused(capsys, "sample", tiny_checkpoint, clip, "--colour", 1)
    assert "temperature is 'hot'" in refused(capsys, "sample", tiny_checkpoint, clip, "--temperature", "hot")
    assert "from 0.0 to 2.0" in refused(capsys, "sample", tiny_checkpoint, clip, "--temperature", 9)
    assert "give one of auto, learned" in refused(capsys, "sample", tiny_checkpoint, clip, "--prior", "magic")
    assert "its own options: none" in refused(capsys, "sample", "copy-last", clip, "--prior", "learned")
    assert "there is no model 'nope'" in refused(capsys, "sample", "nope", clip)
    assert "there is no recipe 'nope'" in refused(capsys, "train", "nope")
    assert "protocol" in refused(capsys, "evaluate", "flow", "--protocol", "nope", "--clips", 2)
    assert "not a positive" in refused(capsys, "evaluate", "flow", "--clips", 0)
    assert "leave out --timing" in refused(capsys, "evaluate", "flow", "--clips", 10**7, "--timing"), "at once, not in the end"
    text = tmp_path / "clip.mp4"
    text.write_text("no video")
    assert "clip.mp4" in refused(capsys, "sample", tiny_checkpoint, text)


def test_an_unknown_command_exits_2(capsys):
    assert "fly" in refused(capsys, "fly")


def test_train_changes_settings_by_name_and_plots_and_compares(capsys, tmp_path, monkeypatch):
    """The whole way on clips of a folder, with the networks made small by --set."""
    from vp.training import train as train_module

    monkeypatch.setattr(train_module, "thread_count", lambda: 1)
    for split in ("train", "val"):
        (tmp_path / "data" / split).mkdir(parents=True)
        frames = np.random.default_rng(0).integers(0, 255, (6, 32, 32, 3), np.uint8)
        np.savez(tmp_path / "data" / split / "a.npz", frames=frames, actions=np.ones((6, 2), np.float32))
    small = {"size": 32, "channels": 3, "width": 16, "flows": 1, "n_past": 2, "n_future": 2, "objective.lengths": "[[0, 4]]"}
    small |= {"conditions": '{"size": 2}'}
    sets = [word for name, value in small.items() for word in ("--set", f"{name}={value}")]
    out = tmp_path / "runs"
    words = ["--vary", "objective.kl=none,monotonic", "--seeds", "0,1", "--steps", 4, "--batch", 2, "--out", out]
    data = ["--data", "folder", "--data-root", tmp_path / "data", "--device", "cpu"]
    result = run(capsys, "train", "svg-lp-smmnist", *sets, *words, *data)
    assert result["finished"] and set(result["groups"]) == {"kl none", "kl monotonic"}
    assert run(capsys, "compare", out, "--json", tmp_path / "x.json")["groups"] == result["groups"]
    assert json.loads((tmp_path / "x.json").read_text())["groups"] == result["groups"]
    plotted = run(capsys, "plot", out, "--out", tmp_path / "x.png")
    assert (tmp_path / "x.png").stat().st_size > 10_000 and len(plotted["runs"]) == 2


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("train", "svg-lp-push", "--set", "objective.bta=1"), "there is no setting 'objective.bta'"),
        (("train", "svg-lp-push", "--set", "width=64", "--resume"), "leave --set out"),
        (("train", "svg-lp-push", "--vary", "objective.kl"), "give NAME=A,B,C"),
        (("train", "svg-lp-push", "--vary", "objective.kl=none,linear"), "kl is 'linear'"),
        (("train", "svg-lp-push", "--seeds", "1,1"), "different numbers"),
        (("plot", "nowhere"), "nowhere is no run"),
        (("compare", "nowhere"), "nowhere is no run"),
    ],
    ids=" ".join,
)
def test_wrong_settings_and_runs_exit_2_with_one_sentence(capsys, words, says):
    assert says in refused(capsys, *words)


def test_sample_takes_a_part_of_a_video(capsys, clip, tmp_path):
    words = ["--n", 1, "--n-past", 2, "--n-future", 2, "--device", "cpu", "--out", tmp_path / "out"]
    run(capsys, "sample", "copy-last", clip, "--region", "8,0,32,24", "--stride", 2, *words)
    record = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert record["source"].startswith("32x24, frames 0-6") and "every second frame" in record["source"]
    assert record["verdict"]
    for wrong, said in (("0,0,9999,20", "inside it"), ("1,2,3", "four numbers"), ("0,0,4,4", "16 px wide and high or more")):
        assert said in refused(capsys, "sample", "copy-last", clip, "--region", wrong, *words)
    assert "fps is 5.0 and every 2" in refused(capsys, "sample", "copy-last", clip, "--fps", 5, "--stride", 2, *words)


def test_sample_tells_a_model_the_actions_of_a_table_beside_none_at_all(capsys, clip, tiny_checkpoint, tmp_path):
    from dataclasses import replace

    from vp.models.svg.config import Conditions

    config = replace(tiny(), conditions=Conditions(2))
    path, table = tmp_path / "acting.safetensors", tmp_path / "actions.csv"
    card = {"family": "svg", "config": checkpoint.config_to_json(config), "dataset": "", "about": "a test"}
    checkpoint.save(path, networks(config).state_dict(), card)
    table.write_text("0.5,-1\n" * 8)
    words = ["--n", 1, "--n-past", 3, "--n-future", 5, "--device", "cpu", "--out", tmp_path / "out"]
    run(capsys, "sample", path, clip, "--actions", table, "--beside", "still", *words)
    rows = json.loads((tmp_path / "out" / "metrics.json").read_text())["rows"]
    assert [row["kind"] for row in rows] == ["truth", "baseline", "baseline", "reference", "plan", "sample"]
    for actions in ("still", table):
        assert "takes none" in refused(capsys, "sample", tiny_checkpoint, clip, "--actions", actions, *words)
    table.write_text("0.5\n" * 8)
    assert "actions of 1 numbers a frame" in refused(capsys, "sample", path, clip, "--actions", table, *words)


def test_a_reader_who_leaves_early_sees_no_traceback():
    command = f"{sys.executable} -m vp info | head -n 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert done.stdout.count("\n") == 1 and "Traceback" not in done.stderr and "BrokenPipe" not in done.stderr
