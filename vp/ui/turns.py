"""Whose turn it is on the device: one job at a time, visitors in turn, long jobs in slices."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

QUICK = "between"  # the kind of job that others let pass soon, those of the same visitor too: a finger drags
LOST_S = 30.0  # a job that has the device and computes nothing for so long was dropped without a word


@dataclass(eq=False)
class Ticket:
    """A job that wants the device.

    Args:
        visitor: whose it is; visitors take turns.
        kind: what sort of job; of each kind a few may be begun at a time.
        slice_s: seconds on the device after which a job that goes on lets the next one pass.
        seconds: the job's estimated time on the device.
        used: seconds that it has had.
        since: when it began to wait.
        begun: whether it has had a turn.
        called: set while its turn lasts.
        gone: whether it has left, or should.
        finished: whether it went on to its end.
        seen: when it last computed; None while it does.
    """

    visitor: str
    kind: str = "prediction"
    slice_s: float = 10.0
    seconds: float = 0.0
    used: float = 0.0
    since: float = 0.0
    begun: bool = False
    called: asyncio.Event = field(default_factory=asyncio.Event)
    gone: bool = False
    finished: bool = False
    seen: float | None = None

    @property
    def next_s(self) -> float:
        """Estimated seconds of its next turn."""
        return min(max(0.0, self.seconds - self.used), self.slice_s)


class Turns:
    """Gives the device to one of the waiting jobs at a time. Everything happens in one event loop.

    The visitor who has waited longest is next, counted from the end of their last turn; who asks ten times therefore waits for
    everybody else between any two of them. Begun jobs hold memory, so that only a few of a kind are begun at a time.

    Args:
        most_begun: how many jobs of a kind may be begun and not ended.
        clock: seconds.
    """

    def __init__(self, most_begun: int = 2, clock: Callable[[], float] = time.monotonic):
        self.most_begun, self.clock = most_begun, clock
        self.waiting: list[Ticket] = []
        self.holder: Ticket | None = None
        self.served: dict[str, float] = {}  # visitor with jobs -> end of the last turn

    def join(self, ticket: Ticket) -> None:
        """Adds a job to those that wait."""
        ticket.since = self.clock()
        self.waiting.append(ticket)
        self.call_next()

    def pass_on(self, ticket: Ticket) -> None:
        """Lets the next one pass, and waits again; the ticket is called at once where nobody else may begin."""
        if self.holder is ticket:
            self.holder = None
            ticket.called.clear()
            ticket.since = self.served[ticket.visitor] = self.clock()
            self.waiting.append(ticket)
            self.call_next()

    def leave(self, ticket: Ticket) -> None:
        """Removes a job that has ended or that nobody waits for any more; no error where it has already left."""
        ticket.gone = True
        if self.holder is ticket:
            self.holder = None
            self.served[ticket.visitor] = self.clock()
        elif ticket in self.waiting:
            self.waiting.remove(ticket)
        if not any(other.visitor == ticket.visitor for other in self.waiting):
            self.served.pop(ticket.visitor, None)
        self.call_next()

    def order(self) -> list[Ticket]:
        """The waiting jobs in the order of their turns: everybody's first one, then everybody's second one."""
        mine: Counter[str] = Counter()
        turns, since = {}, {}
        for ticket in sorted(self.waiting, key=lambda ticket: (ticket.kind != QUICK, not ticket.begun, ticket.since)):
            turns[ticket] = mine[ticket.visitor]
            since.setdefault(ticket.visitor, max(ticket.since, self.served.get(ticket.visitor, 0.0)))
            mine[ticket.visitor] += 1
        serving = self.holder.visitor if self.holder else None  # their next one comes after everybody else's
        return sorted(turns, key=lambda x: (turns[x] + (x.visitor == serving), since[x.visitor], turns[x]))

    def call_next(self) -> None:
        """Calls the next job where the device is free."""
        if self.holder is not None:
            return
        begun = Counter(ticket.kind for ticket in self.waiting if ticket.begun)
        for ticket in self.order():
            if ticket.begun or begun[ticket.kind] < self.most_begun:
                self.waiting.remove(ticket)
                self.holder, ticket.begun, ticket.seen = ticket, True, self.clock()
                ticket.called.set()
                return

    def drop_lost(self) -> None:
        """Takes the device from a job that has not computed for LOST_S."""
        lost = self.holder
        if lost is not None and lost.seen is not None and self.clock() - lost.seen > LOST_S:
            self.leave(lost)

    def place(self, ticket: Ticket) -> tuple[int, float]:
        """(jobs before this one, the running one among them; estimated seconds until its turn)."""
        order = self.order()
        before = order[: order.index(ticket)] if ticket in order else []
        before += [self.holder] if self.holder not in (None, ticket) else []
        return len(before), sum(other.next_s for other in before)
