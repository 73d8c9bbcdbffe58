"""What the server keeps for its visitors: few things, for a while, under names that cannot be guessed."""

from __future__ import annotations

import threading
import uuid
from collections import OrderedDict
from typing import Generic, TypeVar

T = TypeVar("T")


class ExpiringStore(Generic[T]):
    """The last `most` things put in, each under a random id; sessions hold ids only.

    Args:
        most: the oldest thing is dropped when there is one more.
        what: what a visitor calls such a thing, for the sentence when it is gone.
    """

    def __init__(self, most: int, what: str):
        self.most, self.what = most, what
        self.things: OrderedDict[str, T] = OrderedDict()
        self.lock = threading.Lock()

    def put(self, thing: T) -> str:
        name = uuid.uuid4().hex
        with self.lock:
            self.things[name] = thing
            while len(self.things) > self.most:
                self.things.popitem(last=False)
        return name

    def drop(self, name: str) -> None:
        """Forgets it at once, where it is still there."""
        with self.lock:
            self.things.pop(name, None)

    def get(self, name: str) -> T:
        """The thing, which then counts as new again.

        Raises:
            ValueError: it was dropped, or never was.
        """
        with self.lock:
            if name not in self.things:
                raise ValueError(f"this {self.what} is no longer kept on the server; give it again")
            self.things.move_to_end(name)
            return self.things[name]
