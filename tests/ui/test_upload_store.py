"""Visitors' clips lie on disk within limits of bytes, go with the visitor, and a dead server's are swept."""

import subprocess
import sys
import threading

import numpy as np
import pytest

from vp.data import Clip
from vp.ui import server_folder
from vp.ui.decoding import Turns
from vp.ui.expiring_store import ExpiringStore
from vp.ui.upload_store import UploadStore

SIZE = 10 * 20 * 20 * 3 + 128  # bytes of such a clip's file


def clip(value=0):
    return Clip(np.full((10, 20, 20, 3), value, np.uint8), 10.0)


def kept(store, names):
    return [name for name in names if name in store.kept]


def test_each_visitor_has_so_many_bytes_and_the_oldest_of_that_visitor_goes_first():
    store = UploadStore(visitor_bytes=2 * SIZE, all_bytes=100 * SIZE)
    other = store.put(clip(), "b")
    names = [store.put(clip(k), "a") for k in range(2)]
    folder = store.find(names[1]).folder
    assert store.get(names[0]).frames[0, 0, 0, 0] == 0, "now the other one is the oldest"
    names.append(store.put(clip(2), "a"))
    assert kept(store, names) == [names[0], names[2]] and other in store.kept and not folder.exists()
    with pytest.raises(ValueError, match="no longer kept on the server; give it again"):
        store.get(names[1])


def test_all_visitors_together_have_so_many_bytes():
    store = UploadStore(visitor_bytes=100 * SIZE, all_bytes=3 * SIZE)
    names = [store.put(clip(), str(k)) for k in range(3)]
    names += [store.put(clip(), "2"), store.put(clip(), "4")]
    assert kept(store, names) == [names[1], names[3], names[4]], "visitor 2's own first, then the oldest of all"
    assert sum(entry.size for entry in store.kept.values()) <= 3 * SIZE


def test_a_clip_s_parts_go_with_it_and_what_is_too_large_alone_stays_while_it_is_the_newest():
    store = UploadStore(visitor_bytes=SIZE // 2)
    name = store.put(clip(7), "a")
    frames = store.get(name).frames
    store.visitor_bytes = 3 * SIZE
    writes = []

    def decode(folder):
        writes.append(folder)
        np.save(folder / "frames.npy", clip().frames)
        return clip(), None

    for _ in range(2):
        store.part(name, ("later", 5), decode)
    assert len(writes) == 1 and store.find(name).visitor == "a"
    store.drop_visitor("a")
    assert not store.kept and not writes[0].exists() and frames[3, 3, 3, 0] == 7, "what is in use stays readable"
    with pytest.raises(ValueError, match="no longer kept"):
        store.part(name, ("later", 5), decode)


def test_a_failed_decoding_leaves_nothing():
    store, folders = UploadStore(), []

    def decode(folder):
        folders.append(folder)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        store.add(decode, "a")
    assert not store.kept and not folders[0].exists() and folders[0].parent.stat().st_mode & 0o777 == 0o700


def test_objects_in_memory_are_bounded_in_bytes_and_go_with_the_visitor():
    store = ExpiringStore(10, "result", most_bytes=100, weigh=len)
    first, second = store.put("x" * 60, "a"), store.put("y" * 40, "b")
    assert store.get(first) and store.get(second)
    third = store.put("z" * 30, "b")
    with pytest.raises(ValueError, match="this result is no longer kept"):
        store.get(first)
    store.drop_visitor("b")
    assert not store.things and third


@pytest.mark.skipif(sys.platform == "win32", reason="no such locks")
def test_a_server_removes_its_folder_when_it_ends_or_is_told_to_and_the_next_one_what_a_killed_one_left(tmp_path):
    code = "import sys, time; from vp.ui.server_folder import server_folder; print(server_folder(), flush=True); sys.stdin.read()"
    lean = {"TMPDIR": str(tmp_path), "PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path)}

    def start():
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        server = subprocess.Popen([sys.executable, "-c", code], env=lean, **pipes)
        return server, server_folder.Path(server.stdout.readline().strip())

    killed, left = start()
    ended, gone = start()
    assert left.is_dir() and gone.is_dir() and left.stat().st_mode & 0o777 == 0o700, "both live"
    killed.kill()
    killed.communicate()
    ended.terminate()
    ended.communicate()
    assert ended.returncode == -15 and not gone.exists() and left.is_dir()
    usual, folder = start()
    assert not left.exists() and folder.is_dir()
    usual.communicate("")
    assert usual.returncode == 0 and not folder.exists() and not list(tmp_path.iterdir())


def test_a_visitor_decodes_one_file_at_a_time_and_keeps_nobody_else_waiting():
    turns, order = Turns(at_once=2, wait_s=0.05), []
    with turns.turn("a"):
        with pytest.raises(ValueError, match="try again in a minute"), turns.turn("a"):
            order.append("a")
        with turns.turn("b"):
            order.append("b")
            with pytest.raises(ValueError, match="try again"), turns.turn("c"):
                order.append("c")
    turns.wait_s = 10
    with turns.turn("a"):
        thread = threading.Thread(target=lambda: [order.append("later") for _ in [0] if turns.turn("a").__enter__() is None])
        thread.start()
    thread.join(10)
    assert order == ["b", "later"]
