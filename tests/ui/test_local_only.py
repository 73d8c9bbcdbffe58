"""A page for this machine answers to this machine's names only."""

import http.client
from urllib.parse import urlsplit

import pytest

from vp.ui.local_only import is_local, serves_this_machine_only


def status(address: str, host: str, path: str = "/config") -> int:
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=20)
    connection.putrequest("GET", path, skip_host=True)
    connection.putheader("Host", host)
    connection.endheaders()
    return connection.getresponse().status


def test_a_foreign_name_for_this_machine_is_refused(app):
    port = urlsplit(app).port
    for host in (f"127.0.0.1:{port}", f"localhost:{port}", "[::1]", "LOCALHOST"):
        assert status(app, host) == 200, host
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", "localhost.evil.example", ""):
        assert status(app, host) == 403, host
        assert status(app, host, "/gradio_api/info") == 403


@pytest.mark.parametrize("host", ["[::1]:7860", "localhost", "127.0.0.1:1"])
def test_names_of_this_machine(host):
    assert is_local(host)


@pytest.mark.parametrize("host", ["", ":80", "[::1", "[::1]x", "localhost:x", "[::1]:80:80", "a@localhost", "0.0.0.0"])
def test_other_names(host):
    assert not is_local(host)


@pytest.mark.parametrize(
    ("environment", "only"),
    [
        ({}, True),
        ({"GRADIO_SERVER_NAME": "127.0.0.1"}, True),
        ({"GRADIO_SERVER_NAME": "::1"}, True),
        ({"GRADIO_SERVER_NAME": "0.0.0.0"}, False),
        ({"GRADIO_SHARE": "True"}, False),
        ({"GRADIO_ROOT_PATH": "/vp"}, False),
        ({"SPACE_ID": "me/vp"}, False),
    ],
    ids=str,
)
def test_it_is_asked_for_by_nothing_or_by_name(environment, only):
    assert bool(serves_this_machine_only(environment)) == only
