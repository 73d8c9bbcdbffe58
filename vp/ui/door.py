"""Turns away at the door who has asked for more than could be let in, before that costs the others anything."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from weakref import WeakValueDictionary

from gradio.routes import HTTPException

from .page import ADMITTED

SAID = "{} requests from your network address wait for an answer, and no more are taken; wait for one"


class Door:
    """ASGI middleware that answers 429 to a request for an event where its address already has `most` without an answer.

    `Admission` refuses predictions one by one and says why; by then Gradio has read its arguments and made a session, and a few
    hundred at once would hold up the page. Only events that `Admission` would have to let in are counted: a class that opens the
    page is not. Once its body has come, a request waits until the one before it from its address is in Gradio's queue or turned
    away: hundreds that come at once are counted all the same, and others' requests are answered between any two of them.

    Args:
        app: what comes behind the door.
        most: events of one address without an answer.
    """

    def __init__(self, app: Callable[..., Awaitable[None]], most: int):
        self.app, self.most = app, most
        self.lines: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()  # of the addresses that are asking

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if not asks(scope):
            await self.app(scope, receive, send)
            return
        address = (scope.get("client") or ("",))[0]
        line = self.lines.setdefault(address, asyncio.Lock())
        waited, is_next = False, False

        async def receive_in_line() -> Any:
            nonlocal waited, is_next
            message = await receive()
            if not waited and message["type"] == "http.request" and not message.get("more_body"):
                waited = True
                is_next = await line.acquire()
                if (count := unanswered(scope, address)) >= self.most:
                    raise HTTPException(429, SAID.format(count))  # which FastAPI answers when it comes with the body
            return message

        def leave_line() -> None:
            nonlocal is_next
            if is_next:
                is_next = False
                line.release()

        async def leave_and_send(message: Any) -> None:
            leave_line()
            await send(message)

        try:
            await self.app(scope, receive_in_line, leave_and_send)
        finally:
            leave_line()


def asks(scope: MutableMapping[str, Any]) -> bool:
    """Whether a request asks for an event that goes through Gradio's queue."""
    if scope["type"] != "http" or scope["method"] != "POST":
        return False
    parts = scope["path"].rstrip("/").split("/")
    return parts[-2:] == ["queue", "join"] or "call" in parts[-3:-1]


def unanswered(scope: MutableMapping[str, Any], address: str) -> int:
    """How many predictions of an address Gradio holds."""
    events = scope["app"].get_blocks()._queue.event_ids_to_events.values()
    admitted = (event.request.client for event in events if event.concurrency_id == ADMITTED["concurrency_id"])
    return sum(client is not None and client.host == address for client in admitted)
