"""Bounds what visitors send, before Gradio writes it to disk: bytes of a request, of an address, and of all."""

from __future__ import annotations

import json
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradio.route_utils import MultiPartException

MB = 10**6
MOST_DRAINED = 1_000 * MB
FORMS = ("upload", "login")  # ends of the paths that take forms; the others of Gradio's would leave their files behind
TOO_LARGE = "what you send is larger than {} MB, the maximum allowed size; send a shorter or smaller video"
TOO_MANY = "{} MB of files are being sent from your network address, and no more are taken; wait until one has come"
BUSY = "many files are being sent to this server just now; try again in a minute"
GONE = "the file did not come to its end"
NO_FORM = "files are not taken here; send them to upload"


@dataclass(frozen=True)
class Bounds:
    """Most bytes.

    Args:
        file: of an upload: a file and its form.
        body: of any other request.
        coming: of uploads that one address is sending.
        all_coming: of those that all are sending.
        address: of the files from one address that lie on disk.
        everything: of all files on disk.
    """

    file: int = 201 * MB
    body: int = 32 * MB
    coming: int = 402 * MB
    all_coming: int = 2_000 * MB
    address: int = 1_000 * MB
    everything: int = 4_000 * MB


class SentFiles:
    """The files that have come and still lie on disk. Beyond the bounds the oldest of that address are removed, or of the address
    with most bytes; what came last stays.

    Args:
        address_bytes, all_bytes: see `Bounds`.
    """

    def __init__(self, address_bytes: int, all_bytes: int):
        self.address_bytes, self.all_bytes = address_bytes, all_bytes
        self.files: OrderedDict[Path, tuple[str, int]] = OrderedDict()  # path -> (address, bytes)
        self.sums: Counter[str] = Counter()

    def keep(self, path: Path, address: str) -> None:
        """Counts a file that has come from an address."""
        self.drop(path, unlink=False)  # the same file may have come before
        self.files[path] = address, path.stat().st_size
        self.sums[address] += self.files[path][1]
        while len(self.files) > 1:
            if self.sums[address] > self.address_bytes:
                owner = address
            elif self.sums.total() > self.all_bytes:
                owner = self.sums.most_common(1)[0][0]
            else:
                return
            oldest = next((old for old, (whose, _) in self.files.items() if whose == owner and old != path), None)
            if oldest is None:
                return
            self.drop(oldest)

    def drop(self, path: Path, unlink: bool = True) -> None:
        """Forgets a file, and removes it from disk where `unlink`; no error where it is not known or gone."""
        address, size = self.files.pop(path, ("", 0))
        self.sums[address] -= size
        self.sums += Counter()  # drops zeros
        if unlink:
            with suppress(OSError):
                path.unlink()
                path.parent.rmdir()  # Gradio's folder for files of this content, if it was the last of them


class UploadBounds:
    """ASGI middleware that ends a request in one sentence where it exceeds the bounds.

    Args:
        app: what comes behind.
        bounds: see `Bounds`.
    """

    def __init__(self, app: Callable[..., Awaitable[None]], bounds: Bounds | None = None):
        self.app, self.bounds = app, bounds or Bounds()
        self.sent = SentFiles(self.bounds.address, self.bounds.everything)
        self.coming: Counter[str] = Counter()  # bytes of the uploads that an address is sending

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self.app(scope, receive, send)
            return
        end = scope["path"].rstrip("/").rpartition("/")[2]
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        most = self.bounds.file if end == "upload" else self.bounds.body
        if headers.get(b"content-type", "").lower().startswith("multipart/") and end not in FORMS:
            await refuse(receive, send, 415, NO_FORM)
        elif headers.get(b"content-length", "0").isdecimal() and int(headers.get(b"content-length", "0")) > most:
            await refuse(receive, send, 413, TOO_LARGE.format(most // MB))
        else:
            await self.pass_on(scope, receive, send, most, end == "upload")

    async def pass_on(self, scope: MutableMapping[str, Any], receive: Any, send: Any, most: int, upload: bool) -> None:
        """Lets a request in, whose bytes are counted as they come; `upload`: what it leaves on disk is counted too."""
        address, came, answer, status = (scope.get("client") or ("",))[0], 0, b"", 0

        async def counted() -> Any:
            nonlocal came
            message = await receive()
            if message["type"] == "http.request":
                size = len(message.get("body", b""))
                came += size
                if upload:
                    self.coming[address] += size
                try:
                    self.check(address, came, most, upload)
                except MultiPartException:
                    await drain(receive, message)
                    raise
            elif upload and not status:
                raise MultiPartException(GONE)  # what Gradio has written of the file is removed at this exception alone
            return message

        async def watch_answer(message: Any) -> None:
            nonlocal answer, status
            status = message.get("status", status)
            answer += message.get("body", b"") if upload and status == 200 else b""
            await send(message)

        try:
            await self.app(scope, counted, watch_answer)
        finally:
            if upload:
                self.coming[address] -= came
                self.coming += Counter()  # drops zeros
                for path in paths_in(answer):
                    with suppress(OSError):
                        self.sent.keep(path, address)

    def check(self, address: str, came: int, most: int, upload: bool) -> None:
        """Raises the exception at which Gradio ends a request and removes what it has of its files, with the sentence to answer.

        Args:
            came, most: bytes of this request so far, and at most.
        """
        if came > most:
            raise MultiPartException(TOO_LARGE.format(most // MB))
        if upload and self.coming[address] > self.bounds.coming:
            raise MultiPartException(TOO_MANY.format(self.bounds.coming // MB))
        if upload and self.coming.total() > self.bounds.all_coming:
            raise MultiPartException(BUSY)


def paths_in(answer: bytes) -> list[Path]:
    """The paths that Gradio answers to an upload; [] where it answered something else."""
    try:
        named = json.loads(answer or b"[]")
    except ValueError:
        return []
    return [Path(name) for name in named if isinstance(name, str)] if isinstance(named, list) else []


async def refuse(receive: Any, send: Any, status: int, said: str) -> None:
    """Answers with a sentence."""
    await drain(receive)
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(said)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": said.encode()})


async def drain(receive: Any, message: MutableMapping[str, Any] | None = None) -> None:
    """Reads what else is sent, MOST_DRAINED bytes at most, and drops it: a client that still sends would not hear the answer.

    Args:
        message: the last one that was received.
    """
    drained = 0
    while drained < MOST_DRAINED and (message is None or message.get("more_body")):
        message = await receive()
        drained += len(message.get("body", b""))
