"""A page that is served for this machine only answers requests that name this machine.

Gradio refuses foreign origins on a local server, but not foreign hosts: a page on the web whose name is made to point to
127.0.0.1 (DNS rebinding) is then of the same origin as the app, and may use it and read what it shows.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

LOCAL = frozenset({"127.0.0.1", "localhost", "[::1]"})
NAMES = LOCAL | {"::1"}  # of servers, as GRADIO_SERVER_NAME may say
REFUSAL = b"This page is served for this machine only: open it as http://127.0.0.1, or set GRADIO_SERVER_NAME.\n"


def serves_this_machine_only(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether nobody has asked for the app to be reached by another name: as a share, a Space, behind a proxy or in a network."""
    shared = environment.get("GRADIO_SHARE", "").lower() == "true"
    elsewhere = shared or environment.get("GRADIO_ROOT_PATH") or environment.get("SPACE_ID")
    return not elsewhere and environment.get("GRADIO_SERVER_NAME", "127.0.0.1") in NAMES


def is_local(host: str) -> bool:
    """Whether a Host header names this machine, with any port or none."""
    name, _, port = host.lower().rpartition(":") if not host.endswith("]") and ":" in host else (host.lower(), "", "")
    return name in LOCAL and (not port or port.isdecimal())


class LocalOnly:
    """ASGI middleware that answers 403 to requests whose Host header is not `is_local`."""

    def __init__(self, app: Callable[..., Awaitable[None]]):
        self.app = app

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        hosts = [value.decode("latin-1") for name, value in scope.get("headers", ()) if name == b"host"]
        if scope["type"] == "lifespan" or len(hosts) == 1 and is_local(hosts[0]):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await send({"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"text/plain")]})
            await send({"type": "http.response.body", "body": REFUSAL})
