"""Who asks, and whether anybody still waits for the answer."""

from __future__ import annotations

import logging
import time
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from gradio.context import LocalContext
from gradio.routes import HTTPException
from gradio.server_messages import EstimationMessage

LOG = logging.getLogger(__name__)
REMEMBERED = 4096  # streams that have ended


class Readers:
    """Which streams of answers are being read. A stream's key is a session, or an event where a call names no session."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self.clock = clock
        self.open: Counter[str] = Counter()
        self.left: OrderedDict[str, float] = OrderedDict()  # key -> when its last reader left
        self.counting = False  # nothing is known of readers before the first request came by

    @contextmanager
    def reading(self, key: str) -> Iterator[None]:
        """Counts one more reader of the stream `key` until the `with` block ends."""
        self.open[key] += 1
        try:
            yield
        finally:
            self.open[key] -= 1
            self.left[key] = self.clock()
            self.open += Counter()  # drops zeros
            while len(self.left) > REMEMBERED:
                self.left.popitem(last=False)

    def unread_s(self, keys: tuple[str, ...], since: float) -> float:
        """Seconds since when none of these streams has been read, counted from `since` where it never was; 0 while one is."""
        if not self.counting or any(self.open[key] for key in keys):
            return 0.0
        return self.clock() - max(since, *(self.left.get(key, since) for key in keys))


READERS = Readers()


class CountReaders:
    """ASGI middleware that tells READERS of every open stream of answers: Gradio learns of streams that break, and not of those
    that were never opened."""

    def __init__(self, app: Callable[..., Awaitable[None]]):
        self.app = app

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        READERS.counting = True
        key = stream_key(scope)
        if key is None:
            await self.app(scope, receive, send)
            return
        with READERS.reading(key):
            try:
                await self.app(scope, receive, send)
            except RuntimeError as error:
                if not isinstance(error.__cause__, HTTPException):
                    raise
                # Gradio has told the reader that it does not know the session (any more: another stream of it broke off), and
                # then raises a 404 where the answer has long begun
                LOG.info("a stream of no session: %r", error.__cause__)
                await send({"type": "http.response.body", "body": b"", "more_body": False})


def stream_key(scope: MutableMapping[str, Any]) -> str | None:
    """The key of the stream that a request reads; None for any other request."""
    if scope["type"] != "http" or scope["method"] != "GET":
        return None
    parts = scope["path"].rstrip("/").split("/")
    if parts[-2:] == ["queue", "data"]:
        return parse_qs(scope["query_string"].decode("latin-1")).get("session_hash", [None])[0]
    return parts[-1] if "call" in (parts[-3:-2] + parts[-4:-3]) else None


@dataclass(frozen=True)
class Caller:
    """Who asked for an event. As a context it ends with the call.

    Args:
        visitor: a page or client session; the network address of a call that names none.
        address: network address; behind a proxy uvicorn reads it from X-Forwarded-For, see FORWARDED_ALLOW_IPS.
        named: whether the call names its session.
        event, queue: Gradio's; None where a function is called without it.
    """

    visitor: str = "this process"
    address: str = ""
    named: bool = False
    event: Any = None
    queue: Any = None

    @classmethod
    def now(cls) -> Caller:
        """The caller of the Gradio event that is being answered."""
        blocks, name = LocalContext.blocks.get(None), LocalContext.event_id.get(None)
        event = blocks._queue.event_ids_to_events.get(name) if blocks is not None and name else None
        if event is None:
            return cls()
        address = event.request.client.host if event.request.client else ""
        named = event.session_hash != event._id
        return cls(event.session_hash if named else f"address {address}", address, named, event, blocks._queue)

    def gone(self, lease_s: float) -> bool:
        """Whether nobody waits for the answer: the stream broke, or nobody has read it for `lease_s` seconds."""
        if self.event is None:
            return False
        keys = (self.event.session_hash, self.event._id)
        return not self.event.alive or READERS.unread_s(keys, self.event.enqueue_time) > lease_s

    def __enter__(self) -> Caller:
        return self

    def __exit__(self, *_: object) -> None:
        """Drops the state that Gradio would keep for the session of a call that named none: nobody can come back to it."""
        if self.event is not None and not self.named:
            holder = self.queue.server_app.state_holder
            holder.session_data.pop(self.event.session_hash, None)
            holder.time_last_used.pop(self.event.session_hash, None)

    def tell(self, before: int, seconds: float) -> None:
        """Tells the client its place: how many come before it, and the estimated seconds until its turn."""
        if self.event is not None:
            self.queue.send_message(self.event, EstimationMessage(rank=before, rank_eta=seconds, queue_size=before + 1))
