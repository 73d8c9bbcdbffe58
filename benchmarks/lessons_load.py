"""Thirty visitors who open the lessons at once, over HTTP on loopback against the app with the shipped models.

    python -m benchmarks.lessons_load [--visitors 30] [--pause 6] [--json FILE]

All come from one network address, as a class behind one router does. Each loads the page, does what the page then asks for by
itself, chooses a lesson, presses its presets one after another with a pause between (at random, the mean is given), fetches the
pictures, and then presses Generate with the settings of the last preset and waits. What a press makes the browser ask for
besides (the picture editor, the files to save) is asked for too. The seconds of a press run until its pictures have come. The
visitors are in another process than the server. Prints JSON; exit code 1 where the median press takes PRESS_S or more, something
is lost, or a prediction that waits is not told its place.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from .app_process import app_process
from .visitors import Elsewhere, Site, Visitor

PRESS_S = 1.0
ADDRESS = 7  # of the class, see `Visitor`
PATIENCE_S = 600.0  # in which any answer comes


class Tab(Visitor):
    """A visitor with the page open: the values of its components, and the answers that its stream brings."""

    def __init__(self, site: Site):
        super().__init__(site, ADDRESS)
        self.values = {number: part["props"].get("value") for number, part in site.parts.items()}
        self.answers: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self.places: set[str] = set()  # events that were told how many come before them
        self.following: set[asyncio.Task[Any]] = set()  # events that changes make the browser ask for
        self.stream: asyncio.Task[None] | None = None

    async def ask_event(self, event: dict[str, Any], event_data: Any = None) -> tuple[str, dict[str, Any]]:
        """Asks for an event and waits; returns its id and the message that completes it.

        Raises:
            TimeoutError: no answer comes.
        """
        name = await self.join(event["id"], [self.values[part] for part in event["inputs"]], event_data)
        done = self.answer(name)
        while not done.done():
            if self.stream is None or self.stream.done():  # Gradio closes it when nothing is open
                self.stream = asyncio.create_task(self.listen())
            ended, _ = await asyncio.wait({done, self.stream}, timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
            if not ended:
                raise TimeoutError(f"event {event['id']} was not answered")
            if not done.done():
                self.stream.result()  # raises what ended it
        self.take(event, done.result())
        return name, done.result()

    def answer(self, name: str) -> asyncio.Future[dict[str, Any]]:
        """The message that completes the event `name`, once it comes."""
        if name not in self.answers:
            self.answers[name] = asyncio.get_running_loop().create_future()
        return self.answers[name]

    async def listen(self) -> None:
        """Reads the session's stream to its end.

        Raises:
            RuntimeError: the server ended it.
        """
        async with self.listening() as stream:
            async for line in stream.aiter_lines():
                message = json.loads(line.removeprefix("data: ")) if line.startswith("data: ") else {}
                if message.get("msg") == "process_completed":
                    self.answer(message["event_id"]).set_result(message)
                elif message.get("msg") == "estimation" and message.get("rank"):
                    self.places.add(message["event_id"])
                elif message.get("msg") == "unexpected_error":
                    raise RuntimeError(message["message"])

    def take(self, event: dict[str, Any], message: dict[str, Any]) -> None:
        """Shows what an event changed, and asks for the events that this causes."""
        output, changed = message.get("output") or {}, set((message.get("output") or {}).get("changed_state_ids") or [])
        for part, value in zip(event["outputs"], output.get("data") or [], strict=False):
            is_update = isinstance(value, dict) and value.get("__type__") == "update"
            if is_update and "value" not in value:
                continue
            new = value["value"] if is_update else value
            changed |= {part} if new != self.values[part] else set()
            self.values[part] = new
        for then in self.site.dependencies:
            if then["backend_fn"] and any([part, "change"] in map(list, then["targets"]) for part in changed):
                self.following.add(asyncio.create_task(self.ask_event(then)))

    async def open(self) -> None:
        """Loads the page, and asks what it asks at first."""
        await self.load_page()
        self.values[self.site.named["choice-text"]] = json.dumps({"asked": 1, "query": {}})
        choice = self.site.named["choice-text"]
        for event in self.site.dependencies:
            kinds = {kind for _, kind in event["targets"]}
            if event["backend_fn"] and ("load" in kinds or choice in event["outputs"]):
                self.following.add(asyncio.create_task(self.ask_event(event)))
        await asyncio.gather(*self.following)

    async def press(self, lesson: str, step: int) -> float:
        """Presses a preset; returns the seconds until its pictures are there."""
        began = time.monotonic()
        event = self.site.event("lesson-view", "show")
        _, message = await self.ask_event(event, {"lesson": lesson, "step": step})
        player = self.values[self.site.named["player"]]
        if not message["success"] or not player["sheets"]:
            raise ValueError(f"{lesson} {step}: {message}")
        for sheet in player["sheets"]:
            (await self.http.get(sheet["url"])).raise_for_status()
        return time.monotonic() - began

    async def generate(self) -> tuple[bool, bool, float]:
        """(whether it was done, whether it was told a place in the queue, seconds) of a prediction with the page's settings."""
        began, pressed = time.monotonic(), self.site.named["generate"]
        before = next(event["id"] for event in self.site.dependencies if [pressed, "click"] in map(list, event["targets"]))
        event = next(event for event in self.site.dependencies if event["trigger_after"] == before)
        name, message = await self.ask_event(event)
        said = str(self.values[self.site.named["status"]])
        return bool(message["success"]) and "Done in" in said, name in self.places, time.monotonic() - began


async def attend(site: Site, count: int, pause: float, seed: int) -> dict[str, Any]:
    """A class of `count` visitors; returns what they saw."""
    lesson_part = site.parts[site.named["lesson"]]["props"]
    lessons = [name for _, name in lesson_part["choices"]]
    chance, seen = random.Random(seed), {"press_s": [], "open_s": [], "live": [], "errors": Counter()}

    async def visit(tab: Tab, lesson: str, waits: random.Random) -> None:
        began = time.monotonic()
        await tab.open()
        seen["open_s"].append(time.monotonic() - began)
        tab.values[site.named["lesson"]] = lesson
        if lesson != lessons[0]:  # which is chosen at first
            await tab.ask_event(site.event("lesson", "change"))
        shown = tab.values[site.named["lesson-view"]]
        for step in range(len(shown["steps"])):
            await asyncio.sleep(waits.uniform(0, 2 * pause))
            seen["press_s"].append(await tab.press(lesson, step))
        seen["live"].append(await tab.generate())
        await asyncio.gather(*tab.following)

    tabs = [Tab(site) for _ in range(count)]
    visits = [visit(tab, lessons[k % len(lessons)], random.Random(chance.random())) for k, tab in enumerate(tabs)]
    for error in await asyncio.gather(*visits, return_exceptions=True):
        if error is not None:
            seen["errors"][repr(error)[:200]] += 1
    return seen | {"errors": dict(seen["errors"])}


def summary(seen: dict[str, Any], count: int) -> dict[str, Any]:
    """What is reported of `attend`."""
    press, live = seen["press_s"], seen["live"]
    p50, p95 = np.percentile(press or [np.inf], (50, 95)).tolist()
    done, told = sum(done for done, _, _ in live), sum(place for _, place, _ in live)
    found = {
        "visitors": count,
        "presses": len(press),
        "press_p50_s": round(p50, 3),
        "press_p95_s": round(p95, 3),
        "open_p50_s": round(float(np.median(seen["open_s"] or [np.inf])), 3),
        "live_done": done,
        "live_told_a_place": told,
        "live_p50_s": round(float(np.median([seconds for _, _, seconds in live] or [np.inf])), 1),
        "errors": seen["errors"],
    }
    return found | {"holds": p50 < PRESS_S and done == count and told >= count // 2 and not seen["errors"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visitors", type=int, default=30)
    parser.add_argument(
        "--pause", type=float, default=6.0, help="mean seconds before a press, in which a step is read (default: 6)"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, metavar="FILE")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, app_process(Path(folder)) as app, Elsewhere(Site(app.address)) as elsewhere:
        seen = asyncio.run(elsewhere.run(attend, args.visitors, args.pause, args.seed))
        tracebacks = app.log.read_text().count("Traceback")
    found = summary(seen, args.visitors) | {"tracebacks": tracebacks}
    print(json.dumps(found, indent=1))
    if args.json:
        args.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    sys.exit(0 if found["holds"] else 1)


if __name__ == "__main__":
    main()
