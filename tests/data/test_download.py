"""Fetching, from files and from a server of our own: resumed, checked, unpacked, refused."""

from __future__ import annotations

import hashlib
import http.server
import io
import tarfile
import threading
import zipfile

import pytest

from vp.data import download as module
from vp.data.download import Remote, download

CONTENT = bytes(range(256)) * 9_000  # 2.3 MB: more than two chunks


def zipped(name: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, content)
    return out.getvalue()


@pytest.fixture
def server():
    """An HTTP server: `files` path -> bytes, `asked` the ranges it was asked for; `/short` breaks off half way."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            content, part = self.server.files[self.path], self.headers.get("Range")
            self.server.asked.append(part)
            first = int(part.removeprefix("bytes=").removesuffix("-")) if part else 0
            if first >= len(content):
                self.send_error(416)
                return
            self.send_response(206 if part else 200)
            self.send_header("Content-Length", str(len(content) - first))
            self.end_headers()
            stop = len(content) // 2 if self.path == "/short" else len(content)
            self.wfile.write(content[first:stop])

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.files, running.asked = {}, []
        running.url = f"http://127.0.0.1:{running.server_port}"
        threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
        yield running
        running.shutdown()


def remotes(monkeypatch, *files: Remote) -> None:
    monkeypatch.setitem(module.REMOTES, "kth", files)


def test_a_part_is_continued_and_the_whole_is_checked(server, tmp_path, monkeypatch):
    server.files["/a.bin"] = CONTENT
    remotes(monkeypatch, Remote(server.url + "/a.bin", "kth", len(CONTENT), hashlib.sha256(CONTENT).hexdigest()))
    (tmp_path / "kth").mkdir()
    (tmp_path / "kth" / "a.bin.part").write_bytes(CONTENT[:1_000_000])
    seen = []
    download("kth", tmp_path, lambda *progress: seen.append(progress))
    assert (tmp_path / "kth" / "a.bin").read_bytes() == CONTENT and server.asked == ["bytes=1000000-"]
    assert seen[-1] == ("a.bin", len(CONTENT), len(CONTENT))
    download("kth", tmp_path)
    assert len(server.asked) == 1, "what is there is not fetched again"


def test_archives_are_unpacked_once_and_stay_inside_their_folder(server, tmp_path, monkeypatch):
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        info = tarfile.TarInfo("inner/b.txt")
        info.size = 4
        archive.addfile(info, io.BytesIO(b"tape"))
    server.files.update({"/a.zip": zipped("walking/a.txt", b"zip"), "/b.tar": tar.getvalue()})
    remotes(monkeypatch, Remote(server.url + "/a.zip", "kth"), Remote(server.url + "/b.tar", ""))
    download("kth", tmp_path)
    assert (tmp_path / "kth" / "walking" / "a.txt").read_bytes() == b"zip"
    assert (tmp_path / "inner" / "b.txt").read_bytes() == b"tape" and not (tmp_path / "b.tar").exists()
    with tarfile.open(tmp_path / "evil.tar", "w") as archive:
        archive.addfile(tarfile.TarInfo("../outside.txt"))
    with pytest.raises(ValueError, match="evil.tar is damaged"):
        module.unpack(tmp_path / "evil.tar")


def test_a_connection_that_breaks_off_leaves_a_part_to_go_on_from(server, tmp_path, monkeypatch):
    server.files["/short"] = CONTENT
    remotes(monkeypatch, Remote(server.url + "/short", "kth"))
    with pytest.raises(ValueError, match="cannot be fetched.*it goes on where it stopped"):
        download("kth", tmp_path)
    assert (tmp_path / "kth" / "short.part").stat().st_size == len(CONTENT) // 2


def test_a_part_that_was_whole_is_taken_as_it_is(server, tmp_path, monkeypatch):
    server.files["/list.txt"] = b"all of it"
    remotes(monkeypatch, Remote(server.url + "/list.txt", "kth"))
    (tmp_path / "kth").mkdir()
    (tmp_path / "kth" / "list.txt.part").write_bytes(b"all of it")
    download("kth", tmp_path)
    assert (tmp_path / "kth" / "list.txt").read_bytes() == b"all of it"


@pytest.mark.parametrize(
    ("remote", "says"),
    [
        (dict(size=5), "came with 2304000 bytes for 5"),
        (dict(size=len(CONTENT), sha256="0" * 64), "came with a wrong checksum"),
    ],
)
def test_wrong_files_are_refused_and_removed(server, tmp_path, monkeypatch, remote, says):
    server.files["/a.bin"] = CONTENT
    remotes(monkeypatch, Remote(server.url + "/a.bin", "kth", **remote))
    with pytest.raises(ValueError, match=says):
        download("kth", tmp_path)
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


def test_a_damaged_archive_is_refused_and_removed(server, tmp_path, monkeypatch):
    server.files["/a.zip"] = zipped("a.txt", CONTENT)[:-500]
    remotes(monkeypatch, Remote(server.url + "/a.zip", "kth"))
    with pytest.raises(ValueError, match="a.zip is damaged"):
        download("kth", tmp_path)
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


def test_no_network_and_no_place_get_one_sentence(tmp_path, monkeypatch):
    remotes(monkeypatch, Remote("http://127.0.0.1:9/a.zip", "kth"))
    with pytest.raises(ValueError, match="cannot be fetched"):
        download("kth", tmp_path)
    with pytest.raises(ValueError, match="ucf101 has no files to download; fetch it from"):
        download("ucf101", tmp_path)
    with pytest.raises(ValueError, match="folder has no files to download; there are kth"):
        download("folder", tmp_path)
