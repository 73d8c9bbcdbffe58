"""Who has asked for too much is turned away at the door."""

import json
from types import SimpleNamespace

import pytest

from vp.ui.door import Door
from vp.ui.page import ADMITTED


def knock(run_coroutine, path, address="1.2.3.4", method="POST"):
    """Status and body of a door where 1.2.3.4 has as many events without an answer as it may, two; None where it opens."""
    sent = []
    body = [{"more_body": False}, {"more_body": True}]

    async def behind(*_):
        sent.append(None)

    async def receive():
        return body.pop()

    async def send(message):
        sent.append(message)

    mine, admitted = SimpleNamespace(client=SimpleNamespace(host="1.2.3.4")), ADMITTED["concurrency_id"]
    none = SimpleNamespace(request=SimpleNamespace(client=None), concurrency_id=admitted)
    host = SimpleNamespace(request=mine, concurrency_id=admitted)
    cheap = SimpleNamespace(request=mine, concurrency_id="a preview")
    queue = SimpleNamespace(event_ids_to_events={"a": host, "b": host, "c": none, "d": cheap})
    app = SimpleNamespace(get_blocks=lambda: SimpleNamespace(_queue=queue))
    scope = {"type": "http", "method": method, "path": path, "client": (address, 1), "app": app}
    run_coroutine(Door(behind, 2)(scope, receive, send))
    assert sent == [None] or not body, "a client that still sends would not hear the answer"
    return None if sent == [None] else (sent[0]["status"], json.loads(sent[1]["body"])["detail"])


@pytest.mark.parametrize("path", ["/gradio_api/queue/join", "/gradio_api/call/predict", "/gradio_api/call/v2/predict/"])
def test_one_too_many_is_answered_in_one_sentence(run_coroutine, path):
    status, said = knock(run_coroutine, path)
    assert status == 429 and said.startswith("2 requests from your network address wait") and ". " not in said
    assert knock(run_coroutine, path, address="1.2.3.5") is None, "others come in"


@pytest.mark.parametrize(
    "method, path",
    [("GET", "/"), ("POST", "/gradio_api/run/predict"), ("GET", "/gradio_api/call/predict/id"), ("POST", "/gradio_api/upload")],
)
def test_page_stop_and_answers_are_open_to_all(run_coroutine, method, path):
    assert knock(run_coroutine, path, method=method) is None
