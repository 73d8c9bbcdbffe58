"""Visitors of a running app over HTTP, for `benchmarks.load` and `benchmarks.lessons_load`: what they ask, and how long it takes.

The functions that measure run in processes of their own, so that the server's times do not hold the visitors' work: see
`Elsewhere`. Visitors' addresses are made up in X-Forwarded-For, which the server believes of loopback.
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import httpx

MODEL, PAST, FUTURE = "small", 3, 4  # what is predicted
CROWD_FIRST_S = 0.2  # by which a crowd asks before another visitor does


class Site:
    """A running app.

    Args:
        address: its URL.
        clip: what `upload` left there; {} for nothing yet.
    """

    def __init__(self, address: str, clip: dict[str, Any] | None = None):
        self.address, self.clip = address.rstrip("/"), clip or {}
        config = httpx.get(f"{self.address}/config", timeout=60).json()
        self.parts = {part["id"]: part for part in config["components"]}
        self.named = {part["props"]["elem_id"]: part["id"] for part in self.parts.values() if part["props"].get("elem_id")}
        self.dependencies = config["dependencies"]
        self.stop = self.event("stop", "click")["id"]
        self.predict = next(event["id"] for event in self.dependencies if event["api_name"] == "predict")

    def event(self, elem_id: str, kind: str) -> dict[str, Any]:
        """The event of the component `elem_id` that a function of the server answers.

        Raises:
            StopIteration: there is none.
        """
        target = [self.named[elem_id], kind]
        return next(event for event in self.dependencies if event["backend_fn"] and target in map(list, event["targets"]))

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

    async def join(self, event: int, data: list[Any], event_data: Any = None) -> str:
        """Asks as the page does, with an answer in the session's stream; returns the event's id.

        Args:
            event: number of the event in the app.
            data: a value for each of its inputs.
            event_data: what the component tells with it.
        """
        body = {"data": data, "fn_index": event, "session_hash": self.session, "event_data": event_data}
        answer = await self.http.post("/gradio_api/queue/join", json=body)
        return answer.raise_for_status().json()["event_id"]

    def listening(self) -> Any:
        """The session's open stream."""
        return self.http.stream("GET", "/gradio_api/queue/data", params={"session_hash": self.session})

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


async def ask_at_once(site: Site, count: int) -> Counter[str]:
    """`count` predictions at once from one address; how many were answered in which way."""
    async with visitors(site, 0, 1) as (flooding,):
        answers = await asyncio.gather(*(flooding.ask(k, 2) for k in range(count)))
    return Counter(kind for kind, _ in answers)


async def load_once(site: Site) -> None:
    """Loads the page and presses Stop, which the server does more slowly the first time."""
    async with visitors(site, 1, 1) as (looking,):
        await looking.load_page()
        await looking.press_stop()


async def look_on(site: Site) -> dict[str, Any]:
    """Loads the page and presses Stop again and again until another visitor's prediction, which is asked for after
    CROWD_FIRST_S, is answered: how, and the seconds of each."""
    seen: dict[str, Any] = {"pages": [], "stops": []}
    async with visitors(site, 1, 2) as (looking, asking):

        async def ask() -> str:
            await asyncio.sleep(CROWD_FIRST_S)
            return (await asyncio.wait_for(asking.ask(10_000), 120))[0]

        other = asyncio.create_task(ask())
        while not other.done():
            seen["pages"].append(await looking.load_page())
            seen["stops"].append(await looking.press_stop())
            await asyncio.sleep(0.05)
        return seen | {"other": await other}


def essence(outputs: list[Any], site: Site) -> Any:
    """What two answers to the same request have in common: the record without its times, and the bytes of the video."""
    record, video, *_ = outputs
    return {k: v for k, v in record.items() if "second" not in k}, httpx.get(video["url"]).content


async def ask_for_a_while(site: Site, count: int, seconds: float) -> dict[str, Any]:
    """`count` visitors who ask for `seconds`, each again when the answer has come; then the same requests one by one.

    Returns:
        {"answers": how many were answered in which way, "visitors": who got one, "crossed": answers that were another's,
        "times": seconds of each request}.
    """
    answers: dict[tuple[int, int], list[Any]] = {}
    kinds: Counter[str] = Counter()
    times: list[float] = []

    async def visit(visitor: Visitor, number: int) -> None:
        while True:
            began, wish = time.monotonic(), (number, 1 + number % 3)
            kind, outputs = await visitor.ask(*wish)
            kinds[kind if kind != "error" else str(outputs.get("error"))] += 1
            times.append(time.monotonic() - began)
            if kind == "complete":
                answers.setdefault(wish, []).append(await asyncio.to_thread(essence, outputs, site))
            if time.monotonic() > end:
                return

    async with visitors(site, 100, count) as several:
        end = time.monotonic() + seconds
        await asyncio.gather(*(visit(visitor, k) for k, visitor in enumerate(several)))
        alone = {wish: essence((await several[0].ask(*wish))[1], site) for wish in answers}
    crossed = sum(answer != alone[wish] for wish, several in answers.items() for answer in several)
    return {"answers": dict(kinds), "visitors": len(answers), "crossed": crossed, "times": times}


class Elsewhere:
    """A process of its own in which visitors of a site act, one coroutine function after another. A context that ends it.

    Args:
        site: the app; as the process sees it, it has nothing but its address and its clip.
    """

    def __init__(self, site: Site):
        self.pool = ProcessPoolExecutor(1, get_context("spawn"), begin, (site.address, site.clip))
        self.pool.submit(int).result()  # it has begun

    def __enter__(self) -> Elsewhere:
        return self

    def __exit__(self, *_: object) -> None:
        self.pool.shutdown()

    async def run(self, act: Callable[..., Coroutine[Any, Any, Any]], *given: Any) -> Any:
        """What the coroutine `act(site, *given)` returns there."""
        return await asyncio.get_running_loop().run_in_executor(self.pool, perform, act, *given)


def begin(address: str, clip: dict[str, Any]) -> None:
    """Runs first in a process of `Elsewhere`."""
    global SITE
    SITE = Site(address, clip)


def perform(act: Callable[..., Coroutine[Any, Any, Any]], *given: Any) -> Any:
    """Runs a coroutine function on the site of this process."""
    return asyncio.run(act(SITE, *given))
