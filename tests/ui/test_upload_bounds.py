"""What visitors send is bounded before it is written: by request, by address, and in all."""

import json
import time
from pathlib import Path

import httpx
import pytest
from gradio.route_utils import MultiPartException

from vp.ui.upload_bounds import Bounds, SentFiles, UploadBounds

SMALL = Bounds(file=100, body=50, coming=150, all_coming=250, address=120, everything=200)


def post(run_coroutine, bounds, parts, path="/gradio_api/upload", address="1.2.3.4", behind=None, **headers):
    """What came behind the bounds, what was answered, and the exception."""
    came, sent = [], []
    messages = [{"type": "http.request", "body": part, "more_body": k < len(parts) - 1} for k, part in enumerate(parts)]
    messages += [{"type": "http.disconnect"}]

    async def app(scope, receive, send):
        more = True
        while more:
            message = await receive()
            more = message.get("more_body", False)
            came.append(message.get("body"))
        if behind:
            await behind(send)

    async def receive():
        return messages.pop(0)

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": path, "client": (address, 1)}
    scope["headers"] = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    bounds.app, error = app, ""
    try:
        run_coroutine(bounds(scope, receive, send))
    except MultiPartException as exception:
        error = exception.message
    return came, sent, error


@pytest.mark.parametrize("path, most", [("/gradio_api/upload", 100), ("/gradio_api/queue/join", 50)])
def test_a_request_that_is_too_large_ends_when_it_is(run_coroutine, path, most):
    bounds = UploadBounds(None, SMALL)
    came, _, error = post(run_coroutine, bounds, [bytes(25)] * 40, path)
    assert sum(map(len, came)) == most and "maximum allowed size" in error and not bounds.coming


def test_one_that_says_so_is_heard_to_its_end_and_goes_nowhere(run_coroutine):
    came, sent, _ = post(run_coroutine, UploadBounds(None, SMALL), [bytes(60)] * 2, content_length="120")
    assert not came and sent[0]["status"] == 413 and b"shorter or smaller" in sent[1]["body"]


def test_forms_that_gradio_would_leave_behind_are_not_taken(run_coroutine):
    form = {"content_type": "multipart/form-data; boundary=x"}
    for path in ("/gradio_api/process_recording", "/gradio_api/component_server"):
        came, sent, _ = post(run_coroutine, UploadBounds(None, SMALL), [b"x"], path, **form)
        assert not came and sent[0]["status"] == 415
    assert post(run_coroutine, UploadBounds(None, SMALL), [b"x"], "/login", **form)[0] == [b"x"]


def test_an_upload_that_breaks_off_ends_so_that_its_file_is_removed(run_coroutine):
    bounds = UploadBounds(None, SMALL)
    came, _, error = post(run_coroutine, bounds, [])
    assert "end" in error and not came and not bounds.coming


def test_what_one_address_and_all_are_sending_is_bounded(run_coroutine):
    bounds = UploadBounds(None, SMALL)
    bounds.coming.update({"1.2.3.4": 100})
    assert "network address" in post(run_coroutine, bounds, [bytes(80)])[2]
    assert post(run_coroutine, bounds, [bytes(80)], address="1.2.3.5")[2] == ""
    bounds.coming.update({"1.2.3.6": 140})
    assert "try again in a minute" in post(run_coroutine, bounds, [bytes(80)], address="1.2.3.5")[2]
    assert bounds.coming == {"1.2.3.4": 100, "1.2.3.6": 140}


def made(tmp_path, name, size):
    path = tmp_path / name / "video.mp4"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(bytes(size))
    return path


def test_files_go_at_the_cost_of_who_has_most(tmp_path, run_coroutine):
    bounds = UploadBounds(None, SMALL)

    def upload(name, address):
        path = made(tmp_path, name, 50)

        async def answer(send):
            await send({"type": "http.response.start", "status": 200})
            await send({"type": "http.response.body", "body": json.dumps([str(path)]).encode()})

        post(run_coroutine, bounds, [bytes(50)], address=address, behind=answer)
        return path

    small = upload("small", "1.1.1.1")
    greedy = [upload(f"greedy-{k}", "2.2.2.2") for k in range(5)]
    assert small.exists() and [path.exists() for path in greedy] == [False] * 3 + [True] * 2
    assert not greedy[0].parent.exists() and bounds.sent.sums == {"1.1.1.1": 50, "2.2.2.2": 100}
    others = [upload(f"other-{k}", f"3.3.3.{k}") for k in range(2)]
    assert all(path.exists() for path in (small, *others, greedy[4])) and not greedy[3].exists()


def test_a_file_that_comes_again_is_counted_once(tmp_path):
    sent = SentFiles(120, 200)
    path = made(tmp_path, "same", 50)
    for address in ("1", "1", "2"):
        sent.keep(path, address)
    assert sent.sums == {"2": 50} and path.exists()


@pytest.fixture(scope="module")
def plain():
    """The address of a Gradio app behind small bounds."""
    import gradio as gr

    with gr.Blocks() as demo:
        gr.File()
    middleware = [(UploadBounds, (Bounds(file=300_000),), {})]
    _, address, _ = demo.launch(
        prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", app_kwargs={"middleware": middleware}
    )
    yield f"{address}gradio_api/upload"
    demo.close()


def test_gradio_takes_a_video_and_leaves_nothing_of_one_that_is_too_large_or_breaks_off(plain, digit_video):
    from gradio.utils import get_upload_folder

    assert httpx.post(plain, files={"files": ("x.mp4", digit_video.read_bytes())}).status_code == 200

    def there():
        """What lies in the folder but for results, which apps of other tests may still be writing."""
        return {path for path in Path(get_upload_folder()).rglob("*") if "made" not in path.parts}

    before = there()
    assert any(path.name == "x.mp4" for path in before)

    def form(parts):
        yield b'--x\r\nContent-Disposition: form-data; name="files"; filename="x.mp4"\r\n\r\n'
        for _ in range(parts):
            yield bytes(100_000)
        if parts < 10:
            raise ConnectionAbortedError

    kind = {"content-type": "multipart/form-data; boundary=x"}
    said = httpx.post(plain, content=form(40), headers=kind)
    assert said.status_code == 413 and said.text.endswith("send a shorter or smaller video")
    with pytest.raises(ConnectionAbortedError):
        httpx.post(plain, content=form(2), headers=kind)
    time.sleep(0.5)  # until the server has seen it
    end = time.monotonic() + 10
    while there() != before and time.monotonic() < end:
        time.sleep(0.05)
    assert there() == before
