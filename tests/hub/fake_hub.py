"""A small Hub on loopback: what huggingface_hub asks for to list, fetch and commit files, and faults on demand."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

LFS = (".safetensors", ".mp4", ".gif", ".png", ".jpg")


def commit_of(files: dict[str, bytes]) -> str:
    return hashlib.sha1(repr(sorted(files.items())).encode()).hexdigest()


class FakeHub(ThreadingHTTPServer):
    """
    `repos` is "models/owner/name" -> file -> content. `faults` is "list", "head" or "body" (where it strikes) -> what: an HTTP
    status, "gated", "hang", "cut", "corrupt", or "http://host:port" to redirect to. `seen` is every request: method, path, token.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.repos, self.faults, self.seen, self.stored = {}, {}, [], {}
        self.with_sha256, self.over = True, threading.Event()

    def paths(self, method: str) -> list[str]:
        return [path for verb, path, _ in self.seen if verb == method]


@contextmanager
def serve() -> Iterator[FakeHub]:
    with FakeHub() as hub:
        threading.Thread(target=hub.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield hub
        finally:
            hub.over.set()
            hub.shutdown()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except OSError:  # whoever asked has gone
            self.close_connection = True

    def answer(self, value=b"", status=200, **headers):
        content = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        for name, text in {"Content-Length": len(content), **headers}.items():
            self.send_header(name.replace("_", "-"), str(text))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def fails(self, place: str) -> bool:
        """Whether a fault was the answer."""
        fault = self.server.faults.get(place)
        if fault == "hang":
            self.server.over.wait(30)
            self.close_connection = True
        elif fault == "gated":
            self.answer(b"", 403, X_Error_Code="GatedRepo", X_Error_Message="gated")
        elif isinstance(fault, int):
            self.answer(b"", fault)
        return fault in ("hang", "gated") or isinstance(fault, int)

    def start(self) -> list[str]:
        self.path = unquote(urlsplit(self.path).path)
        self.server.seen.append((self.command, self.path, self.headers.get("Authorization")))
        return self.path.strip("/").split("/")

    def files_of(self, kind: str, owner: str, name: str):
        files = self.server.repos.get(f"{kind}/{owner}/{name}")
        if files is None:
            self.answer(b"", 401, X_Error_Code="RepoNotFound", X_Error_Message="Repository not found")
        return files

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        parts = self.start()
        of = parts.pop(0) if parts[0] == "datasets" else "models"
        match parts:
            case ["api", kind, owner, name, "tree", _]:
                if (files := self.files_of(kind, owner, name)) is not None:
                    self.answer([{"type": "file", "path": path, "size": 1, "oid": "0" * 40} for path in files])
            case ["api", kind, owner, name, *rest]:
                if not self.fails("list") and (files := self.files_of(kind, owner, name)) is not None:
                    self.list_files(f"{owner}/{name}", files, rest[1] if rest else "main")
            case [owner, name, "resolve", _, *file]:
                place = "head" if self.command == "HEAD" else "body"
                if not self.fails(place) and (files := self.files_of(of, owner, name)) is not None:
                    self.send_file(files, "/".join(file))
            case _:
                self.answer(b"", 404)

    def list_files(self, repo: str, files: dict[str, bytes], revision: str):
        commit = commit_of(files)
        if revision not in ("main", "v1", commit):
            return self.answer(b"", 404, X_Error_Code="RevisionNotFound", X_Error_Message="Invalid rev id")
        siblings = [{"rfilename": name, "size": len(data), "blobId": "0" * 40} for name, data in files.items()]
        for entry in siblings:
            data = files[entry["rfilename"]]
            if self.server.with_sha256 and entry["rfilename"].endswith(LFS):
                entry["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
        self.answer({"id": repo, "sha": commit, "siblings": siblings, "tags": [], "private": False, "downloads": 0, "likes": 0})

    def send_file(self, files: dict[str, bytes], name: str):
        fault = self.server.faults.get("head" if self.command == "HEAD" else "body")
        if name not in files:
            return self.answer(b"", 404, X_Error_Code="EntryNotFound", X_Error_Message="Entry not found")
        data = files[name]
        etag = hashlib.sha256(data).hexdigest() if self.server.with_sha256 else hashlib.sha1(data).hexdigest()
        known = {"X_Repo_Commit": commit_of(files), "X_Linked_Etag": f'"{etag}"', "X_Linked_Size": len(data), "ETag": f'"{etag}"'}
        if isinstance(fault, str) and fault.startswith("http"):
            return self.answer(b"", 302, Location=fault + self.path, **known)
        if fault == "corrupt":
            data = data[:-1] + bytes([data[-1] ^ 1])
        if fault == "cut" and self.command == "GET":
            first = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")[0]
            self.send_response(206 if int(first) else 200)
            self.send_header("Content-Length", str(len(data) - int(first)))
            self.end_headers()
            self.wfile.write(data[int(first) : int(first) + 100])
            self.close_connection = True
            return None
        return self.answer(data, **known)

    def do_PUT(self):
        *_, oid = self.start()
        self.server.stored[oid] = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer()

    def do_POST(self):
        parts, body = self.start(), self.read_body()
        if self.fails("commit"):
            return
        match parts:
            case ["api", "repos", "create"]:
                made = json.loads(body)
                kind, repo = made.get("type", "model"), f"{made['organization']}/{made['name']}"
                if f"{kind}s/{repo}" in self.server.repos:
                    return self.answer({"url": f"{self.server.url}/{repo}"}, 409)
                self.server.repos[f"{kind}s/{repo}"] = {}
                self.server.created = made
                self.answer({"url": f"{self.server.url}/{repo}" if kind == "model" else f"{self.server.url}/{kind}s/{repo}"})
            case ["api", "validate-yaml"]:
                self.answer({"errors": [], "warnings": []})
            case ["api", _, _, _, "preupload", _]:
                names = [file["path"] for file in json.loads(body)["files"]]
                mode = {name: "lfs" if name.endswith(LFS) else "regular" for name in names}
                self.answer({"files": [{"path": name, "uploadMode": mode[name], "shouldIgnore": False} for name in names]})
            case [*_, "info", "lfs", "objects", "batch"]:
                wanted = json.loads(body)["objects"]
                actions = {o["oid"]: {"upload": {"href": f"{self.server.url}/put/{o['oid']}", "header": {}}} for o in wanted}
                self.answer({"transfer": "basic", "objects": [{**o, "actions": actions[o["oid"]]} for o in wanted]})
            case ["api", kind, owner, name, "commit", _]:
                self.commit(f"{kind}/{owner}/{name}", [json.loads(line) for line in body.splitlines()])
            case _:
                self.answer(b"", 404)

    def read_body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        content = b""
        while size := int(self.rfile.readline(), 16):
            content += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return content

    def commit(self, key: str, lines: list[dict]):
        files = self.server.repos[key]
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.server.stored[value["oid"]]
            elif line["key"] == "deletedFile":
                del files[value["path"]]
        self.server.message = lines[0]["value"]["summary"]
        url = f"{self.server.url}/{key.removeprefix('models/')}/commit/{commit_of(files)}"
        self.answer({"commitUrl": url, "commitOid": commit_of(files), "success": True})
