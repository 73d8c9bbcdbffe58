"""Results on disk are whole: killed or on a full disk, no half file has a final name; files of others stay."""

import errno
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from vp import cli
from vp.core import files
from vp.data import write_gif, write_mp4
from vp.result.export import WRITERS, write_all
from vp.result.file_set import FileSet, check_no_foreign_files
from vp.result.result import Result, Row

sys.path.append(str(Path(__file__).resolve().parents[1]))
from killing import Fault, Killed, count_operations  # noqa: E402


def result(name: str) -> Result:
    """A small result."""
    frames = np.random.default_rng(len(name)).integers(0, 255, (4, 24, 24, 1), np.uint8)
    rows = tuple(Row(kind, kind, frames) for kind in ("truth", "sample"))
    return Result(rows, np.arange(4) < 2, np.ones(4, bool), fps=10, model={"name": name})


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda number: None)
    for name in ("futures.mp4", "futures.gif"):  # what a killed encoder leaves is half under a temporary name
        monkeypatch.setitem(WRITERS, name, lambda result, path: path.write_text(f"{result.model['name']} whole"))


def owner(path: Path) -> str:
    """The model whose result a file is; fails where it is not whole."""
    if path.suffix == ".npz":
        frames = np.load(path)["futures"]
        return next(name for name in ("old", "newer") if np.array_equal(frames, result(name).frames("sample")))
    text = path.read_text()
    ends = {".mp4": " whole", ".gif": " whole", ".html": "</html>\n", ".json": "}", ".csv": "\n"}
    assert text.endswith(ends[path.suffix])
    return next(name for name in ("old", "newer") if name in text)


def visible(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if not path.name.startswith(".")]


def test_killed_at_any_operation_no_file_is_half_and_no_two_results_mix(tmp_path, monkeypatch):
    count = count_operations(monkeypatch, lambda: write_all(result("newer"), tmp_path / "count"))
    owners = []
    for at in range(1, max(40, count + 7)):
        folder = tmp_path / str(at)
        write_all(result("old"), folder)
        with monkeypatch.context() as patch:
            patch.setattr(files, "operation", Fault(at))
            try:
                write_all(result("newer"), folder)
            except Killed:
                assert at <= count + len(WRITERS)
        owners.append({owner(path) for path in visible(folder) if path.suffix != ".csv"})
        assert (folder / "metrics.json").is_file() and len(owners[-1]) == 1
        said = write_all(result("newer"), folder)
        assert len(said["files"]) == len(WRITERS), "what is left is known as vp's own"
    assert owners[0] == {"old"} and owners[-1] == {"newer"}


def test_a_saved_result_is_the_old_one_or_the_new_one_or_refused(tmp_path, monkeypatch):
    def begin(folder: Path) -> Path:
        result("ccc").save(folder)
        (folder / "sheet-1.png").write_bytes((folder / "sheet-0.png").read_bytes())  # of an earlier, larger one
        return folder

    count = count_operations(monkeypatch, lambda: result("bb").save(begin(tmp_path / "count"))) - count_operations(
        monkeypatch, lambda: begin(tmp_path / "other")
    )
    seen = set()
    for at in range(1, count + 1):
        folder = begin(tmp_path / str(at))
        with monkeypatch.context() as patch, pytest.raises(Killed):
            patch.setattr(files, "operation", Fault(at))
            result("bb").save(folder)
        try:
            loaded = Result.load(folder)
            assert np.array_equal(loaded.rows[0].frames, result(loaded.model["name"]).rows[0].frames)
            seen.add(loaded.model["name"])
        except ValueError as error:
            assert "incomplete result" in str(error)
            seen.add("refused")
        result("bb").save(folder)
        assert Result.load(folder).record() == result("bb").record() and len(visible(folder)) == 2
    assert seen == {"ccc", "bb", "refused"}


def test_files_of_others_stay_unless_forced(tmp_path):
    (tmp_path / "futures.gif").write_text("mine")
    with pytest.raises(ValueError, match=r"futures.gif is there and was not written by vp .* or add --force"):
        write_all(result("old"), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["futures.gif"] and (tmp_path / "futures.gif").read_text() == "mine"
    write_all(result("old"), tmp_path, force=True)
    assert owner(tmp_path / "futures.gif") == "old"
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "result.json").write_text("{}")
    with pytest.raises(ValueError, match="result.json is there and was not written by vp"):
        result("old").save(tmp_path / "more")
    result("old").save(tmp_path / "more", force=True)


def test_the_command_refuses_before_it_predicts(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("vp.prediction.model.load", None)
    (tmp_path / "metrics.json").write_text('{"loss": 1}')
    assert cli.main(["sample", "flow", "my.mp4", "--out", str(tmp_path)]) == 2
    assert "metrics.json is there and was not written by vp" in capsys.readouterr().err


def test_a_full_disk_keeps_the_earlier_result(tmp_path, monkeypatch):
    write_all(result("old"), tmp_path)
    for at in (2, 8):  # from the first file on, and from the record on
        with monkeypatch.context() as patch, pytest.raises(ValueError, match="could not be written: .*No space left on device"):
            patch.setattr(files, "operation", Fault(at, full=True))
            write_all(result("newer"), tmp_path)
        assert {owner(path) for path in tmp_path.iterdir() if path.suffix != ".csv"} == {"old"} and len(visible(tmp_path)) == 6
        assert not list(tmp_path.glob(".*"))


def test_an_encoder_that_fails_is_an_error_and_the_file_that_was_there_stays(tmp_path, monkeypatch):
    frames = np.zeros((3, 16, 16, 3), np.uint8)
    for name, write in (("a.mp4", write_mp4), ("a.gif", write_gif)):
        (tmp_path / name).write_text("old")
        with monkeypatch.context() as patch, pytest.raises(OSError):
            patch.setattr("PIL.Image.Image.save", lambda *_, **__: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full")))
            patch.setattr("vp.data.video_write.MP4_OPTIONS", ["-movflags", "+faststart", "-bsf:v", "no_such_filter"])
            write(tmp_path / name, frames, 10)
        assert (tmp_path / name).read_text() == "old" and not list(tmp_path.glob(".*"))


def test_ffmpeg_s_exit_code_is_looked_at(tmp_path):
    import subprocess

    from vp.data.video_write import check_encoder_end

    failing = subprocess.Popen(["sh", "-c", "echo No space left >&2; exit 28"], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    with pytest.raises(OSError, match=r"ffmpeg ended with exit code 28 \(No space left\)"):
        check_encoder_end(failing)


def test_json_is_replaced_whole_through_a_link_and_devices_are_written_to(tmp_path, monkeypatch):
    from vp.cli.common import write_json

    (tmp_path / "real.json").write_text("old")
    (tmp_path / "link.json").symlink_to(tmp_path / "real.json")
    for at in range(1, 6):
        with monkeypatch.context() as patch, pytest.raises(Killed):
            patch.setattr(files, "operation", Fault(at))
            write_json(tmp_path / "link.json", {"a": 1})
        assert (tmp_path / "real.json").read_text() in ("old", '{\n "a": 1\n}\n')
    write_json(tmp_path / "link.json", {"a": 2})
    assert (tmp_path / "link.json").is_symlink() and json.loads((tmp_path / "real.json").read_text()) == {"a": 2}
    write_json(Path("/dev/null"), {})
    assert not Path("/dev/null").is_file()


def test_a_folder_in_place_of_the_marker_is_refused_and_nothing_is_written(tmp_path, capsys):
    (tmp_path / "metrics.json").mkdir()
    with pytest.raises(ValueError, match="metrics.json is a folder"):
        check_no_foreign_files(tmp_path, "metrics.json", ["*.mp4"], "choose another --out")
    with FileSet(tmp_path, "metrics.json", ["*.txt"]) as made:
        for name in ("metrics.json", "a.txt"):
            made.add(name, lambda part: part.write_text("new"))
        placed, failed = made.finish()
    assert not placed and set(failed) == {"metrics.json", "a.txt"}
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.json"]


def test_what_a_killed_process_left_is_removed_once_nobody_can_be_writing_it(tmp_path):
    old, young = tmp_path / ".futures-1.part.mp4", tmp_path / ".futures-2.part.mp4"
    for part in (old, young):
        part.write_text("half")
    os.utime(old, (0, 0))
    with FileSet(tmp_path, "metrics.json", []):
        pass
    assert not old.exists() and young.exists()
