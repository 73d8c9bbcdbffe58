"""Speed of startup: importing the package, serving the page, memory when idle; and a prediction by the running app."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..training.machine import measure_ceilings
from ..training.timing import print_row, run_in_fresh_process, timing_summary

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S, IDLE_S = 120, 3.0
CLIP = ROOT / "assets" / "clips" / "digits-1.mp4"


def start(repeats: int) -> dict[str, Any]:
    """Timings of the imports in a fresh interpreter and from `python app.py` to the page; resident MB of the idle app."""
    imports = [time_command([sys.executable, "-c", "from vp import load, sample, evaluate"]) for _ in range(repeats)]
    served, memory = [], []
    for _ in range(repeats):
        with running_app() as (process, _, waited):
            served.append(waited)
            time.sleep(IDLE_S)
            memory.append(resident_mb(process))
    rows = {"from vp import load, sample, evaluate": timing_summary(imports), "page served": timing_summary(served)}
    for label, row in rows.items():
        print_row(label, row)
    print(f"idle memory: {max(memory)} MB", flush=True)
    return {"bench": "start", "machine": run_in_fresh_process(measure_ceilings, device="cpu"), "rows": rows, "idle_mb": memory}


def app(name: str, futures: int, frames: int, repeats: int) -> dict[str, Any]:
    """Timings of the running app from a request for futures of a bundled clip to its complete answer."""
    with running_app() as (process, address, _):
        upload = upload_file(address, CLIP)
        ask = [upload, name, futures, "auto", 5, frames, 1.0, 0, "", "", "", ""]
        answers = [time_answer(address, ask) for _ in range(1 + repeats)]
        row = {**timing_summary(answers[1:]), "first_s": answers[0], "peak_mb": resident_mb(process)}
    print_row(f"app, {name}", row)
    machine = run_in_fresh_process(measure_ceilings, device="cpu")
    return {"bench": "app", "machine": machine, "model": name, "futures": futures, "frames": frames, **row}


def time_command(command: list[str]) -> float:
    """Seconds that a command takes."""
    begun = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True)
    return time.perf_counter() - begun


@contextmanager
def running_app() -> Iterator[tuple[int, str, float]]:
    """Runs the app in its own process; yields its process id, its address, and the seconds until the page was served."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {**os.environ, "GRADIO_SERVER_PORT": str(port), "GRADIO_ANALYTICS_ENABLED": "False"}
    begun, address = time.perf_counter(), f"http://127.0.0.1:{port}"
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=settings, stdout=log, stderr=subprocess.STDOUT)
        try:
            waited = wait_for_page(address, process, begun)
            yield process.pid, address, waited
        finally:
            process.terminate()
            process.wait()


def wait_for_page(address: str, process: subprocess.Popen, begun: float) -> float:
    """Waits for the page; returns the seconds since `begun`. Raises ValueError where the app ends or takes too long."""
    while time.perf_counter() - begun < PATIENCE_S and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=PATIENCE_S) as answer:
                if answer.status == 200 and answer.read():
                    return time.perf_counter() - begun
        except OSError:
            time.sleep(0.02)
    raise ValueError(f"the app served no page within {PATIENCE_S} s; run `python app.py` to see why")


def resident_mb(process: int) -> int:
    """Resident memory of the process with this id, in MB (ps counts in kibibytes)."""
    output = subprocess.run(["ps", "-o", "rss=", "-p", str(process)], capture_output=True, text=True, check=True)
    return round(int(output.stdout) * 1024 / 1e6)


def upload_file(address: str, path: Path) -> dict[str, Any]:
    """Uploads a file as a browser does; returns Gradio's record of it."""
    edge = "vp-bench"
    head = f'--{edge}\r\nContent-Disposition: form-data; name="files"; filename="{path.name}"\r\nContent-Type: video/mp4\r\n\r\n'
    body = head.encode() + path.read_bytes() + f"\r\n--{edge}--\r\n".encode()
    kind = {"Content-Type": f"multipart/form-data; boundary={edge}"}
    with urllib.request.urlopen(urllib.request.Request(f"{address}/gradio_api/upload", body, kind), timeout=PATIENCE_S) as answer:
        return {"path": json.load(answer)[0], "meta": {"_type": "gradio.FileData"}}


def time_answer(address: str, arguments: list[Any]) -> float:
    """Seconds of one call of the endpoint /predict; raises ValueError where it fails."""
    begun, url = time.perf_counter(), f"{address}/gradio_api/call/predict"
    call = urllib.request.Request(url, json.dumps({"data": arguments}).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(call, timeout=PATIENCE_S) as answer:
        event = json.load(answer)["event_id"]
    with urllib.request.urlopen(f"{url}/{event}", timeout=PATIENCE_S) as stream:
        output = stream.read().decode()
    if "event: complete" not in output:
        raise ValueError(f"the app did not answer: {output[-300:]}")
    return time.perf_counter() - begun
