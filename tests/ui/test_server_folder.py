"""What the server writes on disk: in one folder that ends with it, each visitor's gone when they leave, few bytes in all."""

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vp.ui import server_folder
from vp.ui.visitor_files import VisitorFiles

ROOT = Path(__file__).resolve().parents[2]
SERVER = """
import os, select, sys
from vp.ui.server_folder import server_folder
folder = server_folder()
(folder / "made").mkdir()
(folder / "made" / "x").write_text("visitors'")
assert os.environ["GRADIO_TEMP_DIR"] == str(folder)
if len(sys.argv) > 1 and os.fork() == 0:  # a child that ends must not take the folder along
    sys.exit(0)
os.wait() if len(sys.argv) > 1 else None
assert folder.is_dir()
print(folder, flush=True)
while not select.select([sys.stdin], [], [], 0.1)[0]:  # a signal just before a read without end would wait for its end
    pass
"""


def start(parent: Path, *words: str) -> tuple[subprocess.Popen, Path]:
    usual = {**os.environ, "GRADIO_TEMP_DIR": str(parent)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    process = subprocess.Popen([sys.executable, "-c", SERVER, *words], cwd=ROOT, env=usual, text=True, **pipes)
    return process, Path(process.stdout.readline().strip())


def test_the_folder_is_private_and_ends_with_the_server_or_with_the_next_one(tmp_path):
    (tmp_path / "somebody's").mkdir()
    killed, left = start(tmp_path)
    assert stat.S_IMODE(left.stat().st_mode) == 0o700 and left.parent == tmp_path
    alive, beside = start(tmp_path, "fork")
    assert left.is_dir() and beside.is_dir(), "a running server's folder stays"
    killed.kill()
    killed.wait()
    assert (left / "made" / "x").is_file()
    terminated, third = start(tmp_path)
    assert not left.exists() and beside.is_dir(), "the next server sweeps what a killed one left"
    terminated.send_signal(signal.SIGTERM)
    assert terminated.wait(20) == -signal.SIGTERM and not third.exists()
    alive.communicate()
    assert alive.returncode == 0 and [path.name for path in tmp_path.iterdir()] == ["somebody's"]


def test_what_another_server_is_just_making_and_links_are_not_swept(tmp_path, monkeypatch):
    fresh, link = tmp_path / f"{server_folder.prefix()}a", tmp_path / f"{server_folder.prefix()}b"
    fresh.mkdir()
    (tmp_path / "precious").mkdir()
    link.symlink_to(tmp_path / "precious")
    assert server_folder.sweep(tmp_path) == [] and fresh.is_dir() and (tmp_path / "precious").is_dir()
    monkeypatch.setattr(server_folder, "JUST_MADE_S", -1.0)
    assert server_folder.sweep(tmp_path) == [fresh] and (tmp_path / "precious").is_dir() and link.is_symlink()


def make(files: VisitorFiles, owner: str, size: int, kind: str = "sheets", most: int = 9) -> Path:
    folder = files.new_folder()
    (folder / "a").write_bytes(bytes(size))
    files.keep(folder, owner, kind, most)
    return folder


def test_a_visitor_s_files_go_when_they_leave(tmp_path):
    files = VisitorFiles(tmp_path)
    ours, theirs = [make(files, "one", 10) for _ in range(3)], make(files, "two", 10)
    files.forget("one")
    assert not any(path.exists() for path in ours) and theirs.is_dir() and files.bytes() == 10
    assert stat.S_IMODE(theirs.stat().st_mode) == 0o700 and len(theirs.name) == 32


def test_newer_files_take_the_place_of_older_ones_of_their_kind(tmp_path):
    files = VisitorFiles(tmp_path)
    other = make(files, "one", 1, "weights")
    made = [make(files, "one", 1, most=2) for _ in range(4)]
    assert [path.exists() for path in made] == [False, False, True, True] and other.is_dir()


def test_the_bytes_of_all_are_bounded_at_the_cost_of_who_has_most(tmp_path):
    files = VisitorFiles(tmp_path, most_bytes=100)
    small = make(files, "small", 20)
    greedy = [make(files, "greedy", 30) for _ in range(8)]
    assert small.is_dir() and [path.exists() for path in greedy] == [False] * 6 + [True] * 2 and files.bytes() == 80
    alone = make(files, "huge", 500)
    assert alone.is_dir() and list(tmp_path.joinpath("made").iterdir()) == [alone]


def test_a_session_s_files_are_made_in_the_folder_and_go_with_it(app, digit_video):
    """The whole way: files of an answer, then the session's end."""
    from gradio_client import Client, handle_file

    from vp.ui.visitor_files import MADE

    client = Client(app, verbose=False, ssl_verify=False)  # else each call reads the system's certificates
    few = {"model": "copy-last", "n_futures": 1, "prior": "auto", "n_past": 2, "n_future": 2, "temperature": 1.0, "seed": 0}
    client.predict(clip=handle_file(str(digit_video)), **few, api_name="/predict")
    mine = [path for path, made in MADE.folders.items() if made.owner == client.session_hash]
    assert len(mine) == 1 and {path.suffix for path in mine[0].iterdir()} == {".mp4", ".gif", ".html"}
    assert mine[0].is_relative_to(server_folder.server_folder())
    MADE.forget(client.session_hash)
    assert not mine[0].exists()


@pytest.mark.browser
def test_a_visitor_who_closes_the_page_leaves_no_sheets(app, open_page):
    from vp.ui.visitor_files import MADE

    before = set(MADE.folders)
    page = open_page(app)
    page.locator(".vp-picker button").nth(1).click()
    end = time.monotonic() + 20
    while not set(MADE.folders) - before and time.monotonic() < end:
        page.wait_for_timeout(100)
    made = set(MADE.folders) - before
    assert made and all(path.is_dir() for path in made)
    page.close()
    while any(path.exists() for path in made) and time.monotonic() < end + 20:
        time.sleep(0.1)
    assert not any(path.exists() for path in made)
