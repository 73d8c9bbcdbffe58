"""A Space: exactly its files start the app and predict; a checkout that makes none is refused. And the gallery."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from vp.publish.front_matter import read_front_matter
from vp.publish.space import MOST, MOST_A_FILE, check_front_matter, list_files, space_files, wrong_values

from .test_push import refusal, run

ROOT = Path(__file__).resolve().parents[2]
GOOD = {
    "title": "a", "emoji": "🎞️", "colorFrom": "red", "colorTo": "gray", "sdk": "gradio", "sdk_version": "6.1.0",
    "python_version": "3.12", "app_file": "app.py", "license": "mit",
}  # fmt: skip


def git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@b.c")
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path):
    """A small clean checkout that makes a Space."""
    block = "\n".join(f'{name}: "{value}"' for name, value in GOOD.items())
    texts = {"README.md": f"---\n{block}\n---\n# a\n", "requirements.txt": "gradio==6.1.0\n", "app.py": "1", "notes.txt": "x"}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "a")
    return tmp_path


def test_this_checkout_makes_a_space():
    files = list_files(ROOT)
    sizes = [path.stat().st_size for path in files.values()]
    assert max(sizes) <= MOST_A_FILE and sum(sizes) <= MOST
    assert {"app.py", "packages.txt", "requirements.txt", "README.md", "vp/ui/app.py"} <= files.keys()
    assert not [name for name in files if name.startswith(("tests/", "docs/", "benchmarks/", "."))]
    check_front_matter(files)
    yaml = pytest.importorskip("yaml")
    text = (ROOT / "README.md").read_text()
    assert read_front_matter(text) == yaml.safe_load(text.split("---")[1])


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("license", "", "license missing"),
        ("sdk_version", "5.0.0", "sdk_version is 5.0.0 and requirements.txt pins gradio to 6.1.0"),
        ("python_version", "latest", "python_version is 'latest'"),
        ("app_file", "main.py", "app_file is main.py, which is not shipped"),
        ("emoji", "🎞️🎞️", "not a single one"),
        ("emoji", "x", "not a single one"),
        ("colorTo", "black", "colours are not of red"),
        ("short_description", "x" * 61, "more than 60 characters"),
    ],
)
def test_a_front_matter_that_makes_no_space(name, value, says):
    assert wrong_values(GOOD, "6.1.0", {"app.py"}) == []
    (wrong,) = wrong_values({**GOOD, name: value}, "6.1.0", {"app.py"})
    assert says in wrong


def test_a_checkout_that_is_dirty_or_too_large_is_refused(checkout, monkeypatch, capsys):
    assert space_files(checkout).keys() == {"README.md", "app.py", "requirements.txt"}
    (checkout / "app.py").write_text("2")
    assert "differs from its last commit (app.py)" in refusal(capsys, "space", "ann/app", "--root", str(checkout))
    git(checkout, "commit", "-qam", "b")
    monkeypatch.setattr("vp.publish.space.MOST", 100)
    assert "bytes and 100 at most are meant" in refusal(capsys, "space", "ann/app", "--root", str(checkout))
    monkeypatch.setattr("vp.publish.space.MOST_A_FILE", 14)
    assert "requirements.txt (14 bytes)" not in refusal(capsys, "space", "ann/app", "--root", str(checkout))
    assert "is no git checkout of vp" in refusal(capsys, "space", "ann/app", "--root", "/")


def test_a_space_gets_exactly_the_listed_files(empty_hub, checkout, capsys, monkeypatch):
    listed = run(capsys, "space", "ann/app", "--root", str(checkout), "--dry-run")
    assert listed["files"]["requirements.txt"] == 14 and not empty_hub.seen
    empty_hub.repos["spaces/ann/app"] = {"old.py": b"", ".gitattributes": b""}
    run(capsys, "space", "ann/app", "--root", str(checkout))
    assert empty_hub.repos["spaces/ann/app"].keys() == listed["files"].keys() | {".gitattributes"}


@contextmanager
def serving(folder: Path):
    """The address of the app, started in `folder` as a Space starts it."""
    environment = {name: text for name, text in os.environ.items() if name not in ("PYTHONPATH", "VP_DATA", "GRADIO_SERVER_PORT")}
    environment |= {"HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""}
    process = subprocess.Popen([sys.executable, "-u", "app.py"], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        lines = iter(process.stdout.readline, "")
        yield next((line.split()[-1] for line in lines if "http://127" in line), None)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()


def test_the_app_starts_from_its_files_alone_and_predicts(tmp_path):
    gradio_client = pytest.importorskip("gradio_client")
    for name, path in list_files(ROOT).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, tmp_path / name)
    with serving(tmp_path) as url:
        assert url, "the app did not start"
        client = gradio_client.Client(url, verbose=False)
        clip = gradio_client.handle_file(str(tmp_path / "assets/clips/digits-1.mp4"))
        wishes = {"model": "svg-lp-smmnist", "n_futures": 1, "prior": "learned", "n_past": 5, "n_future": 3, "temperature": 1.0}
        record, *_ = client.predict(clip=clip, **wishes, seed=0, api_name="/predict")
    assert record["samples"] == 1 and record["length"] == 8


def test_a_gallery_links_every_result(tmp_path, capsys):
    clip = str(ROOT / "assets/clips/digits-1.mp4")
    run(capsys, "sample", "copy-last", clip, "--n-past", "2", "--n-future", "2", "--out", str(tmp_path / "one"))
    site = tmp_path / "site"
    made = run(capsys, "export-site", str(site), str(tmp_path / "one"), "--title", "a <b>")
    assert made["pages"] == ["one"] and (site / "one" / "result.html").read_bytes() == (tmp_path / "one/result.html").read_bytes()
    index = (site / "index.html").read_text()
    assert 'href="one/result.html"' in index and "a &lt;b&gt;" in index and (site / "one/futures.gif").is_file()
    run(capsys, "export-site", str(site), str(tmp_path / "one"))
    assert "holds no result" in refusal(capsys, "export-site", str(site), str(tmp_path))
    (site / "index.html").write_text("mine")
    assert "was not written by vp" in refusal(capsys, "export-site", str(site), str(tmp_path / "one"))
