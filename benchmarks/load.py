"""What many visitors do to the app, over HTTP on loopback with a small model: `python -m benchmarks.load`.

    python -m benchmarks.load --seconds 150 --visitors 50
    python -m benchmarks.load --parts flood,leaving

flood: 33 and then 200 predictions are asked for at once from one address; meanwhile others load the page and press Stop.
visits: visitors with addresses of their own ask for one prediction after another; every answer is then compared with that of the
same request made alone, and the server's memory is taken before and after.
leaving: a caller leaves in each of four ways, while the prediction runs and while it waits; counted are the steps computed after
that. A POST whose answer is never read counts as left when its lease is over.

The server runs in this process, in threads of its own; the first two parts' visitors are in other processes (`visitors.py`).
Prints a JSON line for each part, times in seconds; exit
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
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch

from vp.catalog import FAMILIES
from vp.data import open_dataset, write_mp4
from vp.models.svg.config import SVGConfig
from vp.prediction import checkpoint
from vp.ui import jobs
from vp.ui.limits import Limits

from .visitors import FUTURE, MODEL, PAST, Elsewhere, Site, Visitor, ask_at_once, ask_for_a_while, load_once, look_on, visitors

LONG_FUTURE = 40  # frames of a prediction that somebody leaves
ANSWER_S = 1.0  # in which page and Stop answer, whatever waits
PARTS = ("flood", "visits", "leaving")
STEPS: Counter[int] = Counter()  # computed since the start, by the seed of the request


class Served(Site):
    """An app that is served by this process.

    Args:
        address: its URL.
        demo: its Blocks.

    `events` are those that Gradio holds, `sessions` the ones whose state it keeps.
    """

    def __init__(self, address: str, demo: Any):
        super().__init__(address)
        self.events, self.sessions = demo._queue.event_ids_to_events, demo.state_holder.session_data


async def flood(site: Site, count: int) -> dict[str, Any]:
    """`count` predictions at once from one address; how long page, Stop and a prediction of others take meanwhile."""
    with Elsewhere(site) as crowd, Elsewhere(site) as others:
        await others.run(load_once)
        seen, kinds = await asyncio.gather(others.run(look_on), crowd.run(ask_at_once, count))
    pages, stops, kind = seen["pages"], seen["stops"], seen["other"]
    holds = max(pages + stops) < ANSWER_S and kind == "complete" and kinds["complete"] > 0 and not kinds["lost"]
    longest = {"page_s": round(max(pages), 3), "stop_s": round(max(stops), 3)}
    return {"part": "flood", "requests": count, "crowd": dict(kinds), "other": kind, **longest, "holds": holds}


async def visits(site: Site, count: int, seconds: float) -> dict[str, Any]:
    """`count` visitors who ask for `seconds`, each again when the answer has come; then the same requests one by one."""
    memory: list[float] = []

    async def watch() -> None:
        while True:
            memory.append(resident_mb())
            await asyncio.sleep(seconds / 30)

    with Elsewhere(site) as crowd:
        watching = asyncio.create_task(watch())
        seen = await crowd.run(ask_for_a_while, count, seconds)
        watching.cancel()
    p50, p95 = np.percentile(seen.pop("times"), (50, 95)).round(2).tolist()
    third = max(1, len(memory) // 3)
    middle, last = statistics.median(memory[third : 2 * third] or memory), statistics.median(memory[-third:])
    holds = set(seen["answers"]) == {"complete"} and seen["visitors"] == count and not seen["crossed"]
    took = {"p50_s": p50, "p95_s": p95, "memory_mb": [round(memory[0]), round(middle), round(last)]}
    return {"part": "visits", **seen, **took, "holds": holds}


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
    await visitor.join(visitor.site.predict, visitor.data(seed, 1, LONG_FUTURE))
    async with visitor.listening():
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


async def leaving(site: Served, way: str, waits: bool, lease_s: float) -> dict[str, Any]:
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
def serve(limits: Limits, step_s: float) -> Iterator[Served]:
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
            site = Served(address, demo)
            site.upload(folder / "clip.mp4")
            yield site
        finally:
            demo.close()


async def measure(site: Served, args: argparse.Namespace, limits: Limits) -> bool:
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
