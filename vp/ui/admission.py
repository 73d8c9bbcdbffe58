"""Lets predictions in: within limits, checked before they wait, in fair turns, and only while somebody waits for the answer."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any

import gradio as gr

from .compute_thread import DONE
from .cost import Cost, Speeds, in_words
from .limits import Limits
from .listeners import Caller
from .page import BUSY, ENDED_BY, IDLE, Updates
from .status import error_status, status
from .steps import Steps
from .turns import QUICK, Ticket, Turns

LOG = logging.getLogger(__name__)
POLL_S = 0.5  # between two looks at whether the visitor is still there
SLICE_S = {"prediction": 10.0, "learning": 1.0, QUICK: 1.0}  # on the device, while others wait
QUICK_S = 1.0  # after so many seconds others pass the device on to a QUICK job
if os.environ.get("SPACES_ZERO_GPU"):
    SLICE_S["prediction"] = float("inf")  # there a GPU is lent for a time that goes on while a prediction rests
CHECKS = ThreadPoolExecutor(2, "checking")


@dataclass(frozen=True)
class Place:
    """Where a job waits: how many come before it, and the estimated seconds until its turn."""

    before: int = 0
    seconds: float = 0.0

    @property
    def text(self) -> str:
        """The place in words."""
        return f"{self.before} before you, about {in_words(self.seconds)}." if self.before else "Yours is next."


class Admission:
    """Who may predict and when.

    Args:
        limits: what one visitor may ask.
    """

    def __init__(self, limits: Limits | None = None):
        self.limits, self.turns, self.speeds = limits or Limits(), Turns(), Speeds()
        self.inside: dict[Ticket, Caller] = {}  # jobs that wait or run

    async def run(
        self,
        caller: Caller,
        check: Callable[[], Cost | None],
        job: Callable[[], Iterator[Any]],
        kind: str = "prediction",
        withdrawn: Callable[[], bool] = lambda: False,
    ) -> AsyncIterator[Any]:
        """Yields a `Place` whenever it has changed, then what the job yields. Closing or cancelling this ends the job after its
        step; so does a caller who has gone.

        Args:
            caller: who asks.
            check: called in a thread before the job waits; raises what is wrong with it, returns what it will compute.
            job: makes the job, whose steps are computed in a thread.
            kind: a key of SLICE_S.
            withdrawn: whether a job that has not begun need not begin any more.

        Raises:
            ValueError: too many jobs, one that is wrong or would take too long, or that has taken too long; one sentence.
        """
        ticket, steps = self.admit(caller, kind), None
        try:
            yield Place()
            cost = await self.price(ticket, check)
            self.turns.join(ticket)
            while not ticket.gone:
                async for place in self.wait(ticket, caller, lambda: steps is None and withdrawn()):
                    yield place
                steps = steps or (None if ticket.gone else Steps(job()))
                async for update in self.turn(ticket, steps, caller):
                    yield update
            if cost is not None and ticket.finished:
                self.speeds.add(cost, ticket.used)
        finally:
            if steps is None or ticket.finished:
                self.leave(ticket)
            else:
                steps.close(lambda: self.leave(ticket))

    def admit(self, caller: Caller, kind: str) -> Ticket:
        """Counts a new job of the caller.

        Raises:
            ValueError: there are as many as may be.
        """
        limits, callers = self.limits, list(self.inside.values())
        mine = sum(caller.named and other.visitor == caller.visitor for other in callers)
        near = sum(caller.address != "" and other.address == caller.address for other in callers)
        if mine >= limits.per_visitor:
            raise ValueError(f"{mine} predictions of yours wait or run, and no more are taken; wait for one, or stop it")
        if near >= limits.per_address:
            raise ValueError(f"{near} predictions of your network address wait or run, and no more are taken; wait for one")
        if len(callers) >= limits.total:
            raise ValueError(f"{len(callers)} predictions wait here, and no more are taken; try again in a few minutes")
        ticket = Ticket(caller.visitor, kind, SLICE_S[kind])
        self.inside[ticket] = caller
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """Removes a job that has ended."""
        self.inside.pop(ticket, None)
        self.turns.leave(ticket)

    async def price(self, ticket: Ticket, check: Callable[[], Cost | None]) -> Cost | None:
        """Checks a job and estimates its seconds; errors as for `run`."""
        cost = await asyncio.get_running_loop().run_in_executor(CHECKS, copy_context().run, check)
        if cost is not None:
            ticket.seconds, most = self.speeds.estimate(cost), self.limits.estimate_s
            if ticket.seconds > most:
                would = f"this would take about {in_words(ticket.seconds)} here, and {in_words(most)} is the most"
                raise ValueError(f"{would}; lower the {cost.what_to_lower()}")
        return cost

    async def wait(self, ticket: Ticket, caller: Caller, withdrawn: Callable[[], bool]) -> AsyncIterator[Place]:
        """Yields places until it is the ticket's turn, or it is gone."""
        said = ""
        while True:
            if caller.gone(self.limits.lease_s) or withdrawn():  # also of a job that has just been called
                ticket.gone = True
                return
            if ticket.called.is_set():
                return
            place = Place(*self.turns.place(ticket))
            if place.text != said and not ticket.begun:
                caller.tell(place.before, place.seconds)
                yield place
                said = place.text
            try:
                await asyncio.wait_for(ticket.called.wait(), POLL_S)
            except asyncio.TimeoutError:
                self.turns.drop_lost()

    async def turn(self, ticket: Ticket, steps: Steps | None, caller: Caller) -> AsyncIterator[Any]:
        """Yields what the steps of one turn yield; passes the device on where it is not the last one."""
        began = time.monotonic()
        while not ticket.gone and steps is not None:
            started, ticket.seen = time.monotonic(), None
            update = await steps.next()
            ticket.seen = time.monotonic()
            ticket.used += ticket.seen - started
            ticket.finished = update is DONE
            if ticket.finished or caller.gone(self.limits.lease_s):
                ticket.gone = True
                return
            yield update
            if ticket.kind != "learning" and ticket.used > self.limits.run_s:
                spent = in_words(self.limits.run_s)
                raise ValueError(f"ended after {spent}, the most that one prediction may compute; ask for less at a time")
            quick = any(other.kind == QUICK for other in self.turns.waiting)
            if time.monotonic() - began >= (min(QUICK_S, ticket.slice_s) if quick else ticket.slice_s) and self.turns.waiting:
                self.turns.pass_on(ticket)
                return


async def in_turn(
    admission: Admission, check: Callable[[], Cost | None], job: Callable[[], Iterator[Updates]], said_in: str = "status"
) -> AsyncIterator[Updates]:
    """Updates of the page while a prediction waits and runs; errors become a sentence.

    Args:
        admission, check, job: see `Admission.run`.
        said_in: name of the widget that says it; with "status" Generate and Stop follow, else the section's own button of
            ENDED_BY.
    """
    own = ENDED_BY.get(said_in)
    busy, idle = ({own: gr.update(interactive=True)}, {own: gr.update(interactive=False)}) if own else (BUSY, IDLE)
    try:
        async with aclosing(admission.run(Caller.now(), check, job)) as updates:
            async for update in updates:
                yield {said_in: status(update.text), **busy} if isinstance(update, Place) else update
        if own:
            yield idle
    except ValueError as error:
        LOG.info("refused", exc_info=True)
        yield {said_in: error_status(error), **idle}
