"""Turns away at the door who has asked for more than could be let in, before that costs the others anything."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from .page import ADMITTED

SAID = "{} requests from your network address wait for an answer, and no more are taken; wait for one"


class Door:
    """ASGI middleware that answers 429 to a request for an event where its address already has `most` without an answer.

    `Admission` refuses predictions one by one and says why; by then Gradio has read its arguments, and a few hundred at once
    would hold up the page. Only events that `Admission` would have to let in are counted: a class that opens the page is not.

    Args:
        app: what comes behind the door.
        most: events of one address without an answer.
    """

    def __init__(self, app: Callable[..., Awaitable[None]], most: int):
        self.app, self.most = app, most

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if asks(scope) and (count := unanswered(scope)) >= self.most:
            while (await receive()).get("more_body"):  # a client that still sends would not hear the answer
                pass
            body = json.dumps({"detail": SAID.format(count)}).encode()
            headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
            await send({"type": "http.response.start", "status": 429, "headers": headers})
            await send({"type": "http.response.body", "body": body})
        else:
            await self.app(scope, receive, send)


def asks(scope: MutableMapping[str, Any]) -> bool:
    """Whether a request asks for an event that goes through Gradio's queue."""
    if scope["type"] != "http" or scope["method"] != "POST":
        return False
    parts = scope["path"].rstrip("/").split("/")
    return parts[-2:] == ["queue", "join"] or "call" in parts[-3:-1]


def unanswered(scope: MutableMapping[str, Any]) -> int:
    """How many predictions of the request's address Gradio holds."""
    address = (scope.get("client") or ("",))[0]
    events = scope["app"].get_blocks()._queue.event_ids_to_events.values()
    admitted = [event for event in events if event.concurrency_id == ADMITTED["concurrency_id"]]
    return sum(event.request.client is not None and event.request.client.host == address for event in admitted)
