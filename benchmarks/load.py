"""What many visitors do to the app, over HTTP on loopback with a small model: `python -m benchmarks.load`.

    python -m benchmarks.load --seconds 150 --visitors 50
    python -m benchmarks.load --parts flood,leaving

flood: 33 and then 200 predictions are asked for at once from one address; meanwhile others load the page and press Stop.
visits: visitors with addresses of their own ask for one prediction after another; every answer is then compared with that of the
same request made alone, and the server's memory is taken before and after.
leaving: a caller leaves in each of four ways, while the prediction runs and while it waits; counted are the steps computed after
that. A POST whose answer is never read counts as left when its lease is over.

The server runs in this process, in threads of its own: its times and its memory hold the clients' too. Visitors' addresses
are made up in X-Forwarded-For, which the server believes of loopback. Prints a JSON line for each part, times in seconds; exit
code 1 where what is promised does not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
import numpy as np
import torch

from vp.catalog import FAMILIES
from vp.data import open_dataset, write_mp4
from vp.models.svg.config import SVGConfig
from vp.prediction import checkpoint
from vp.ui import jobs
from vp.ui.limits import Limits

MODEL, PAST, FUTURE = "small", 3, 4
LONG_FUTURE = 40  # frames of a prediction that somebody leaves
ANSWER_S = 1.0  # in which page and Stop answer, whatever waits
PARTS = ("flood", "visits", "leaving")
STEPS: Counter[int] = Counter()  # computed since the start, by the seed of the request


class Site:
    """A running app.

    Args:
        address: its URL.

    `events` are those that Gradio holds, `sessions` the ones whose state it keeps.
    """

    def __init__(self, address: str):
        self.address = address.rstrip("/")
        config = httpx.get(f"{self.address}/config").json()
        buttons = {part["id"]: part["props"].get("elem_id") for part in config["components"]}
        stops = [
            event for event in config["dependencies"] if event["backend_fn"] and buttons.get(event["targets"][0][0]) == "stop"
        ]
        self.stop = stops[0]["id"]
        self.predict = next(event["id"] for event in config["dependencies"] if event["api_name"] == "predict")
        self.clip: dict[str, Any] = {}
        self.events: dict[str, Any] = {}
        self.sessions: dict[str, Any] = {}

    def upload(self, path: Path) -> None:
        """Uploads the clip that everybody predicts from."""
        with path.open("rb") as file:
            (kept,) = httpx.post(f"{self.address}/gradio_api/upload", files={"files": file}).json()
        self.clip = {"path": kept, "meta": {"_type": "gradio.FileData"}}


class Visitor:
    """One visitor: an address and a session of its own.

    Args:
        site: the app.
        number: 0 to 65535; decides the address.
    """

    def __init__(self, site: Site, number: int):
        self.site, self.session = site, uuid.uuid4().hex
        headers = {"X-Forwarded-For": f"10.1.{number // 256}.{number % 256}"}
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)  # uvicorn closes idle ones at any moment
        self.http = httpx.AsyncClient(base_url=site.address, headers=headers, timeout=600, limits=limits)

    def data(self, seed: int, n: int = 1, future: int = FUTURE) -> list[Any]:
        """The endpoint's arguments."""
        return [self.site.clip, MODEL, n, "auto", PAST, future, None, seed, "", "", "", "", 512, "", "", 1]

    async def post(self, *wish: int) -> str:
        """Asks for a prediction; returns its event's id. Arguments as for `data`."""
        answer = await self.http.post("/gradio_api/call/predict", json={"data": self.data(*wish)})
        return answer.raise_for_status().json()["event_id"]

    def reading(self, event: str) -> Any:
        """The open stream of an event's answer."""
        return self.http.stream("GET", f"/gradio_api/call/predict/{event}")

    async def read(self, event: str) -> tuple[str, Any]:
        """("complete", the outputs) or ("error", what was said); ("lost", None) where the stream ends without either."""
        async with self.reading(event) as answer:
            last = "lost"
            async for line in answer.aiter_lines():
                if line.startswith("event: "):
                    last = line.removeprefix("event: ")
                elif line.startswith("data: ") and last in ("complete", "error"):
                    return last, json.loads(line.removeprefix("data: "))
        return "lost", None

    async def ask(self, *wish: int) -> tuple[str, Any]:
        """Asks and waits for the answer, as `read` returns it."""
        try:
            return await self.read(await self.post(*wish))
        except httpx.HTTPStatusError as error:
            return "error", {"error": error.response.json()["detail"]}

    async def join(self, *wish: int) -> None:
        """Asks as the page does, with an answer in the session's stream."""
        body = {"data": self.data(*wish), "fn_index": self.site.predict, "session_hash": self.session}
        (await self.http.post("/gradio_api/queue/join", json=body)).raise_for_status()

    async def timed(self, method: str, path: str, body: Any = None) -> float:
        """Seconds until a request is answered."""
        began = time.monotonic()
        (await self.http.request(method, path, json=body)).raise_for_status()
        return time.monotonic() - began

    async def load_page(self) -> float:
        """Seconds of loading the page."""
        return await self.timed("GET", "/")

    async def press_stop(self) -> float:
        """Seconds until Stop answers."""
        body = {"data": [None], "fn_index": self.site.stop, "session_hash": self.session}
        return await self.timed("POST", "/gradio_api/run/predict", body)


@asynccontextmanager
async def visitors(site: Site, first: int, count: int) -> AsyncIterator[list[Visitor]]:
    """Visitors with the addresses from `first` on."""
    several = [Visitor(site, first + k) for k in range(count)]
    try:
        yield several
    finally:
        await asyncio.gather(*(visitor.http.aclose() for visitor in several))


async def flood(site: Site, count: int) -> dict[str, Any]:
    """`count` predictions at once from one address; how long page, Stop and a prediction of others take meanwhile."""
    async with visitors(site, 0, 3) as (flooding, looking, asking):
        await looking.load_page()
        await looking.press_stop()
        crowd = [asyncio.create_task(flooding.ask(k, 2)) for k in range(count)]
        other = asyncio.create_task(asyncio.wait_for(asking.ask(count), 120))
        pages, stops = [], []
        while not other.done():
            pages.append(await looking.load_page())
            stops.append(await looking.press_stop())
            await asyncio.sleep(0.05)
        kinds = Counter(kind for kind, _ in await asyncio.gather(*crowd))
        kind, _ = await other
    holds = max(pages + stops) < ANSWER_S and kind == "complete" and kinds["complete"] > 0 and not kinds["lost"]
    longest = {"page_s": round(max(pages), 3), "stop_s": round(max(stops), 3)}
    return {"part": "flood", "requests": count, "crowd": dict(kinds), "other": kind, **longest, "holds": holds}


def essence(outputs: list[Any], site: Site) -> Any:
    """What two answers to the same request have in common: the record without its times, and the bytes of the video."""
    record, video, *_ = outputs
    return {k: v for k, v in record.items() if "second" not in k}, httpx.get(video["url"]).content


async def visits(site: Site, count: int, seconds: float) -> dict[str, Any]:
    """`count` visitors who ask for `seconds`, each again when the answer has come; then the same requests one by one."""
    answers: dict[tuple[int, int], list[Any]] = {}
    kinds: Counter[str] = Counter()
    times: list[float] = []
    memory: list[float] = []

    async def visit(visitor: Visitor, number: int) -> None:
        while time.monotonic() < end:
            began, wish = time.monotonic(), (number, 1 + number % 3)
            kind, outputs = await visitor.ask(*wish)
            kinds[kind if kind != "error" else str(outputs.get("error"))] += 1
            times.append(time.monotonic() - began)
            if kind == "complete":
                answers.setdefault(wish, []).append(await asyncio.to_thread(essence, outputs, site))

    async def watch() -> None:
        while True:
            memory.append(resident_mb())
            await asyncio.sleep(seconds / 30)

    async with visitors(site, 100, count) as several:
        end = time.monotonic() + seconds
        watching = asyncio.create_task(watch())
        await asyncio.gather(*(visit(visitor, k) for k, visitor in enumerate(several)))
        watching.cancel()
        alone = {wish: essence((await several[0].ask(*wish))[1], site) for wish in answers}
    crossed = sum(answer != alone[wish] for wish, several in answers.items() for answer in several)
    p50, p95 = np.percentile(times, (50, 95)).round(2).tolist()
    third = max(1, len(memory) // 3)
    middle, last = statistics.median(memory[third : 2 * third] or memory), statistics.median(memory[-third:])
    holds = set(kinds) == {"complete"} and len(answers) == count and not crossed
    counted = {"visitors": count, "answers": dict(kinds), "crossed": crossed}
    took = {"p50_s": p50, "p95_s": p95, "memory_mb": [round(memory[0]), round(middle), round(last)]}
    return {"part": "visits", **counted, **took, "holds": holds}


def resident_mb() -> float:
    """Resident memory of this process in MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


async def leave_client(visitor: Visitor, seed: int, ready: Callable[[], Any]) -> None:
    """Cancels a job of gradio_client."""
    from gradio_client import Client, handle_file

    client = await asyncio.to_thread(Client, visitor.site.address, verbose=False)
    given = visitor.data(seed, 1, LONG_FUTURE)
    job = client.submit(handle_file(given[0]["path"]), *given[1:], api_name="/predict")
    await ready()
    await until(lambda: job.communicator.event_id is not None)  # a job that has not heard of its event cannot cancel it
    await asyncio.to_thread(job.cancel)


async def leave_session(visitor: Visitor, seed: int, ready: Callable[[], Any]) -> None:
    """Closes a session's stream, as a page that is closed and a client that disconnects do."""
    await visitor.join(seed, 1, LONG_FUTURE)
    async with visitor.http.stream("GET", "/gradio_api/queue/data", params={"session_hash": visitor.session}):
        await ready()


async def leave_stream(visitor: Visitor, seed: int, ready: Callable[[], Any]) -> None:
    """Drops the stream of a POST's answer."""
    async with visitor.reading(await visitor.post(seed, 1, LONG_FUTURE)):
        await ready()


async def leave_unread(visitor: Visitor, seed: int, ready: Callable[[], Any]) -> None:
    """Never reads a POST's answer."""
    await visitor.post(seed, 1, LONG_FUTURE)
    await ready()


WAYS = {"client": leave_client, "session": leave_session, "stream": leave_stream, "unread": leave_unread}


async def leaving(site: Site, way: str, waits: bool, lease_s: float) -> dict[str, Any]:
    """Leaves in one of WAYS: a prediction that runs, or one that waits behind another; counts the steps after that."""
    seed, other_seed = (10_000 + 2 * (10 * waits + list(WAYS).index(way)) + k for k in range(2))
    seconds = lease_s if way == "unread" else 0.0

    async def ready() -> None:
        if waits:
            await until(lambda: len(site.events) > held)
            await asyncio.sleep(0.3)
        else:
            await until(lambda: STEPS[seed] >= 2)

    async with visitors(site, 400, 2) as (mine, another):
        before = asyncio.create_task(another.ask(other_seed, 1, LONG_FUTURE)) if waits else None
        await until(lambda: not waits or STEPS[other_seed] > 0)
        held = len(site.events)
        await WAYS[way](mine, seed, ready)
        await asyncio.sleep(seconds)
        done = STEPS[seed]
        if before is not None:
            await before
        kind, _ = await another.ask(other_seed + 1_000)  # it gets the device once the other is gone
    after = STEPS[seed] - done
    holds = kind == "complete" and after <= 1 and STEPS[seed] < LONG_FUTURE and (not waits or STEPS[seed] == 0)
    return {"part": "leaving", "way": way, "waited": waits, "steps": STEPS[seed], "steps_after": after, "holds": holds}


async def until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    """Waits for something to be true.

    Raises:
        TimeoutError: it is not within `seconds`.
    """
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise TimeoutError("what was waited for did not happen")
        await asyncio.sleep(0.01)


@contextmanager
def counted_steps(step_s: float) -> Iterator[None]:
    """Counts the steps of predictions in STEPS; each takes `step_s` longer where the request has a long future."""
    made = jobs.prediction_steps

    def counted(models: int, name: str, clip: Any, wishes: Any) -> Iterator[Any]:
        for progress in made(models, name, clip, wishes):
            STEPS[int(wishes.seed)] += 1
            time.sleep(step_s if wishes.n_future == LONG_FUTURE else 0.0)
            yield progress

    with mock.patch.object(jobs, "prediction_steps", counted):
        yield


def make_model(folder: Path) -> None:
    """Saves a small untrained model."""
    config = SVGConfig(latent="learned", width=16, z_dim=4, n_past=PAST, n_future=FUTURE)
    networks = FAMILIES["svg"].networks(config)
    card = {"family": "svg", "config": checkpoint.config_to_json(config), "dataset": "smmnist-svg", "about": "untrained"}
    checkpoint.save(folder / f"{MODEL}.safetensors", networks.state_dict(), card)


def make_clip(path: Path) -> None:
    """Writes a short video of moving digits."""
    source = open_dataset("smmnist-svg", "test", digits="strokes")
    clip = source.batch(1, PAST + FUTURE, torch.Generator().manual_seed(3)).frames[0]
    write_mp4(path, np.ascontiguousarray(clip.movedim(1, -1).numpy()), 10, min_side=64)


@contextmanager
def serve(limits: Limits, step_s: float) -> Iterator[Site]:
    """The app with a small model, at a free port."""
    from vp.ui.app import build, launch_options

    with tempfile.TemporaryDirectory() as name, counted_steps(step_s):
        folder = Path(name)
        make_model(folder)
        make_clip(folder / "clip.mp4")
        demo = build("cpu", folder, limits)
        launched = {"prevent_thread_lock": True, "quiet": True, "server_name": "127.0.0.1", **launch_options(limits)}
        _, address, _ = demo.launch(**launched)
        try:
            site = Site(address)
            site.events, site.sessions = demo._queue.event_ids_to_events, demo.state_holder.session_data
            site.upload(folder / "clip.mp4")
            yield site
        finally:
            demo.close()


async def measure(site: Site, args: argparse.Namespace, limits: Limits) -> bool:
    """Runs the parts that were asked for and prints what each found; returns whether all holds."""
    found = []
    for part in args.parts.split(","):
        if part == "flood":
            found += [report(await flood(site, count)) for count in (33, 200)]
        elif part == "visits":
            found.append(report(await visits(site, args.visitors, args.seconds)))
        else:
            found += [report(await leaving(site, way, waits, limits.lease_s)) for way in WAYS for waits in (False, True)]
    return all(found)


def report(found: dict[str, Any]) -> bool:
    """Prints what was found; returns whether it holds."""
    print(json.dumps(found), flush=True)
    return bool(found["holds"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", default=",".join(PARTS), help="which of them, with commas between (default: all)")
    parser.add_argument("--visitors", type=int, default=50, help="of the second part (default: 50)")
    parser.add_argument("--seconds", type=float, default=150.0, help="that they go on asking (default: 150)")
    args = parser.parse_args()
    if unknown := set(args.parts.split(",")) - set(PARTS):
        parser.error(f"there is no part {unknown.pop()!r}; parts: {', '.join(PARTS)}")
    limits = Limits(lease_s=3.0)
    with serve(limits, 0.2) as site:
        sys.exit(0 if asyncio.run(measure(site, args, limits)) else 1)


if __name__ == "__main__":
    main()
