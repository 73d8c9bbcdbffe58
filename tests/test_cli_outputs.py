"""Places for results are tried before the work, and what was worked out is printed even where it cannot be kept."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from vp import cli
from vp.data import write_mp4

HERE = Path(__file__)


def code_and_text(capsys, *words) -> tuple[int, str, str]:
    try:
        code = cli.main([str(word) for word in words])
    except SystemExit as stop:
        code = stop.code
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return code, said.out, said.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("evaluate", "flow", "--json", HERE.parent), "is a folder; give the name of a file"),
        (("evaluate", "flow", "--json", "/dev/full"), "cannot be written (No space left on device)"),
        (("compare", "runs/a", "--json", "/dev/full"), "cannot be written (No space left on device)"),
        (("evaluate", "flow", "--figure", "x.xyz"), "give a file that ends in .pdf, .png, .svg"),
        (("sample", "flow", "my.mp4", "--out", HERE), "is a file; give a folder"),
        (("sample", "flow", "my.mp4", "--out", HERE / "below"), "cannot be written (Not a directory)"),
        (("train", "svg-lp-smmnist", "--out", HERE), "is a file; give a folder"),
        (("train", "svg-lp-smmnist", "--out", ""), "the name of the folder is empty"),
        (("sample", "flow", "my.mp4", "--out", " "), "the name of the folder is empty"),
        (("train", "svg-lp-smmnist", "--batch", "x"), "'x' is neither a positive whole number nor auto"),
        (("train", "svg-lp-smmnist", "--lr", "nan"), "nan is not a positive number"),
        (("data", "push", "--out", "n" * 300 + ".png"), "cannot be written (File name too long)"),
        (("plot", "runs/a", "--out", "runs.gif"), "give a file that ends in"),
        (("compare", "runs/a", "--json", HERE / "below" / "a.json"), "cannot be written"),
        (("bench", "growth", "--figure", "growth"), "give a file that ends in"),
        (("average", "a.safetensors", "--out", ""), "give a file that ends in .safetensors"),
    ],
    ids=lambda x: " ".join(map(str, x))[:60] if isinstance(x, tuple) else "",
)
def test_a_place_that_cannot_be_written_is_refused_before_any_work(capsys, monkeypatch, words, says):
    for name in ("evaluate.run_evaluate", "sample.run_sample", "train.run_train", "data.run_data"):
        monkeypatch.setattr(f"vp.cli.{name}", None)
    code, _, error = code_and_text(capsys, *words)
    assert code == 2 and says in error


def test_trying_a_place_leaves_nothing_behind_and_keeps_what_is_there(capsys, tmp_path):
    (tmp_path / "old.json").write_text("{}")
    words = ("evaluate", "no-such-model", "--json", tmp_path / "old.json", "--figure", tmp_path / "new" / "sub" / "a.png")
    code, _, error = code_and_text(capsys, *words)
    assert code == 2 and "there is no model" in error
    assert [path.name for path in tmp_path.iterdir()] == ["old.json"] and (tmp_path / "old.json").read_text() == "{}"


def test_tables_and_the_json_line_are_printed_where_the_file_cannot_be_kept_after_all(capsys, monkeypatch, tmp_path):
    def full(path, result):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("vp.cli.evaluate.write_json", full)
    words = ("evaluate", "copy-last", "--clips", 1, "--samples", 1, "--json", tmp_path / "a.json")
    code, out, error = code_and_text(capsys, *words)
    assert code == 2 and error.rstrip().endswith("a.json: No space left on device")
    *table, last = out.strip().splitlines()
    assert table[1].startswith("copy-last") and json.loads(last)["clips"] == 1


def test_sample_keeps_the_files_that_can_be_written(capsys, tmp_path):
    write_mp4(tmp_path / "clip.mp4", np.random.default_rng(0).integers(0, 255, (12, 32, 32, 3), np.uint8), 10)
    (tmp_path / "out" / "futures.gif").mkdir(parents=True)
    code, out, error = code_and_text(capsys, "sample", "copy-last", tmp_path / "clip.mp4", "--n", 1, "--out", tmp_path / "out")
    said = json.loads(out.strip().splitlines()[-1])
    assert code == 2 and "futures.gif" not in said["files"] and "metrics.json" in said["files"]
    assert said["failed"][0].startswith("futures.gif could not be written") and said["failed"][0] in error


def test_a_model_without_a_file_is_not_recorded_into_and_says_so_first(capsys, monkeypatch):
    monkeypatch.setattr("vp.evaluation.evaluate.evaluate", None)
    code, _, error = code_and_text(capsys, "evaluate", "flow", "--record")
    assert code == 2 and "give a path to a .safetensors file" in error
