"""Who has asked for too much is turned away at the door."""

import asyncio
import json
from types import SimpleNamespace

import pytest
from fastapi import FastAPI, Request
from starlette.middleware import Middleware

from vp.ui.door import Door
from vp.ui.page import ADMITTED

PATHS = ["/gradio_api/queue/join", "/gradio_api/call/predict", "/gradio_api/call/v2/predict/"]


def an_event(address, concurrency_id=ADMITTED["concurrency_id"]):
    client = None if address is None else SimpleNamespace(host=address)
    return SimpleNamespace(request=SimpleNamespace(client=client), concurrency_id=concurrency_id)


def a_house(held, most=2):
    """An app behind a door, whose queue holds events; what is asked for becomes one, after a while."""
    app = FastAPI(middleware=[Middleware(Door, most)])
    queue = SimpleNamespace(event_ids_to_events=held)
    app.get_blocks = lambda: SimpleNamespace(_queue=queue)

    @app.api_route("/{path:path}", methods=["GET", "POST"])
    async def behind(request: Request, body: dict | None = None):
        for _ in range(5):
            await asyncio.sleep(0)
        held[len(held)] = an_event(request.client.host)

    return app


async def knock(app, path, address="1.2.3.4", method="POST", between=lambda: asyncio.sleep(0)):
    """(status, what is said, "" where the door opens) of a request whose body comes in two parts."""
    sent, parts = [], [(b"{}", False), (b" ", True)]
    headers = [(b"content-type", b"application/json")]
    scope = {"type": "http", "method": method, "path": path, "client": (address, 1), "headers": headers, "query_string": b""}

    async def receive():
        body, more = parts.pop() if parts else (b"", False)
        await between()
        return {"type": "http.request", "body": body, "more_body": more}

    async def send(message):
        sent.append(message)

    await app(scope, receive, send)
    refused = sent[0]["status"] != 200
    assert not refused or not parts, "a client that still sends would not hear the answer"
    return sent[0]["status"], json.loads(sent[1]["body"])["detail"] if refused else ""


@pytest.mark.parametrize("path", PATHS)
def test_one_too_many_is_answered_in_one_sentence(run_coroutine, path):
    events = {"a": an_event("1.2.3.4"), "b": an_event("1.2.3.4"), "c": an_event(None), "d": an_event("1.2.3.4", "a preview")}
    status, said = run_coroutine(knock(a_house(dict(events)), path))
    assert status == 429 and said.startswith("2 requests from your network address wait") and ". " not in said
    assert run_coroutine(knock(a_house(dict(events)), path, address="1.2.3.5")) == (200, ""), "others come in"


@pytest.mark.parametrize("path", PATHS)
def test_of_many_at_once_no_more_come_in_than_may(run_coroutine, path):
    async def crowd():
        app = a_house({}, most=3)
        return await asyncio.gather(*(knock(app, path, address) for address in ["1.2.3.4"] * 20 + ["1.2.3.5"] * 3))

    statuses = [status for status, _ in run_coroutine(crowd())]
    assert statuses == [200] * 3 + [429] * 17 + [200] * 3


def test_who_sends_slowly_keeps_nobody_of_the_same_address_waiting(run_coroutine):
    async def two():
        app, never = a_house({}), asyncio.Event()
        slow = asyncio.create_task(knock(app, PATHS[0], between=never.wait))
        await asyncio.sleep(0.01)
        came_in = await asyncio.wait_for(knock(app, PATHS[0]), 5)
        slow.cancel()
        return came_in

    assert run_coroutine(two())[0] == 200


@pytest.mark.parametrize(
    "method, path",
    [("GET", "/"), ("POST", "/gradio_api/run/predict"), ("GET", "/gradio_api/call/predict/id"), ("POST", "/gradio_api/upload")],
)
def test_page_stop_and_answers_are_open_to_all(run_coroutine, method, path):
    house = a_house({"a": an_event("1.2.3.4"), "b": an_event("1.2.3.4")})
    assert run_coroutine(knock(house, path, method=method)) == (200, "")
