"""What a long day costs the app's server in memory and on disk: `python -m benchmarks.long_use`.

    python -m benchmarks.long_use --predictions 300
    python -m benchmarks.long_use --predictions 60 --models copy-last,flow,svg-lp-smmnist

Starts the app in a process of its own and predicts through its API as visitors who come and go: several models, lengths, sizes
and numbers of futures, an upload of new content each time. Prints the server's resident memory along the way and one JSON line;
exit code 1 where it is more than 300 MB above what it was after 20 predictions, or where the server leaves files behind.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from vp.data import write_mp4

ROOT = Path(__file__).resolve().parents[1]
MODELS = "copy-last,flow,svg-lp-smmnist,svg-det-smmnist,vpn-conv-mmnist,svg-lp-people,svg-lp-real"
SETTLED = 20  # predictions after which models and libraries are loaded
STAY = 8  # predictions of a visitor, at most
MOST_MB = 300.0
SIDES = ((48, 64), (64, 64), (96, 128), (144, 192), (240, 320))


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return asked.getsockname()[1]


def start_server(folder: Path, port: int) -> subprocess.Popen:
    """Starts the app, whose files are below `folder`, and waits for its page."""
    named = {"GRADIO_SERVER_PORT": str(port), "GRADIO_TEMP_DIR": str(folder), "GRADIO_ANALYTICS_ENABLED": "False"}
    process = subprocess.Popen([sys.executable, "app.py", "--device", "cpu"], cwd=ROOT, env={**os.environ, **named})
    end = time.monotonic() + 180
    while time.monotonic() < end and process.poll() is None:
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/config", timeout=5):
            return process
        time.sleep(0.5)
    process.kill()
    raise SystemExit("the app served no page")


def resident_mb(process: subprocess.Popen) -> float:
    """Resident memory of the server."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def bytes_below(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def make_clip(path: Path, chance: random.Random) -> None:
    """Writes a clip that nobody has seen: a patch of noise that moves over a ramp."""
    height, width = chance.choice(SIDES)
    length, noise = chance.randint(16, 60), np.random.default_rng(chance.getrandbits(32))
    frames = np.broadcast_to(np.linspace(20, 200, width), (length, height, width))[..., None].repeat(3, -1).astype(np.uint8)
    patch = noise.integers(0, 256, (16, 16, 3), np.uint8)
    for t, frame in enumerate(frames):
        x, y = (3 * t) % (width - 16), (2 * t) % (height - 16)
        frame[y : y + 16, x : x + 16] = patch
    write_mp4(path, frames, chance.choice((8, 10, 24)))


def predict(client: Any, clip: Path, models: list[str], chance: random.Random) -> bool:
    """One prediction; whether the server answered it with one, and not with a refusal."""
    from gradio_client import handle_file

    wish = {
        "model": chance.choice(models), "n_futures": chance.choice((1, 2, 4, 8)), "prior": "auto",
        "n_past": chance.choice((2, 4, 10)), "n_future": chance.randint(2, 10), "temperature": 1.0,
        "seed": chance.randint(0, 999), "long_side": chance.choice((64, 128, 192)),
    }  # fmt: skip
    try:
        client.predict(clip=handle_file(str(clip)), **wish, api_name="/predict")
        return True
    except Exception as error:  # noqa: BLE001 (a wish that the model refuses is part of the day)
        print(f"refused: {str(error)[:100]}", file=sys.stderr)
        return False


def use_for_long(process: subprocess.Popen, address: str, folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    """Predicts as visitors who come and go; returns memory and disk along the way."""
    from gradio_client import Client

    chance, models, left = random.Random(args.seed), args.models.split(","), 0
    found: dict[str, Any] = {"resident_mb": {}, "disk_mb": {}, "visitors": 0, "answered": 0}
    client: Any = None
    end = time.monotonic() + args.seconds
    for done in range(1, args.predictions + 1):
        last = done == args.predictions or time.monotonic() > end
        if left == 0:
            if client is not None:
                client.close()
            client, left = Client(address, verbose=False, download_files=False), chance.randint(1, STAY)
            found["visitors"] += 1
        left -= 1
        clip = folder / f"clip-{done}.mp4"
        make_clip(clip, chance)
        found["answered"] += predict(client, clip, models, chance)
        clip.unlink()
        if done % SETTLED == 0 or last:
            found["resident_mb"][done] = round(resident_mb(process))
            found["disk_mb"][done] = round(bytes_below(folder) / 2**20, 1)
            print(done, found["resident_mb"][done], "MB", found["disk_mb"][done], "MB on disk", file=sys.stderr, flush=True)
        if last:
            break
    client.close()
    return {**found, "predictions": done}


def main() -> int:
    """Prints the JSON line; returns the exit code."""
    parser = argparse.ArgumentParser(description="Use the app for long, and watch its memory.")
    parser.add_argument("--predictions", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=3600.0, help="stop after this long (default: 3600)")
    parser.add_argument("--models", default=MODELS)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        port = free_port()
        process = start_server(Path(name), port)
        try:
            found = use_for_long(process, f"http://127.0.0.1:{port}", Path(name), args)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)
        found["left_behind"] = sorted(path.name for path in Path(name).rglob("*") if path.is_file())
    memory = list(found["resident_mb"].values())
    found |= {"grown_mb": memory[-1] - memory[0], "seconds": round(time.monotonic() - start, 1)}
    print(json.dumps(found))
    return 0 if found["grown_mb"] <= MOST_MB and not found["left_behind"] else 1


if __name__ == "__main__":
    sys.exit(main())
