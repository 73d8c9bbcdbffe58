"""What the server keeps for visitors: a limited number of objects under unguessable ids."""

from __future__ import annotations

import threading
import uuid
from collections import OrderedDict
from typing import Generic, TypeVar

T = TypeVar("T")


class ExpiringStore(Generic[T]):
    """The `most` objects used last, each under a random id; sessions hold ids only.

    Args:
        most: capacity; beyond it the object unused for longest is dropped.
        what: a visitor's word for such an object, for the error when it is gone.
    """

    def __init__(self, most: int, what: str):
        self.most, self.what = most, what
        self.things: OrderedDict[str, T] = OrderedDict()
        self.lock = threading.Lock()

    def put(self, thing: T) -> str:
        """Stores an object and returns its id."""
        name = uuid.uuid4().hex
        with self.lock:
            self.things[name] = thing
            while len(self.things) > self.most:
                self.things.popitem(last=False)
        return name

    def drop(self, name: str) -> None:
        """Removes an object; no error where it is already gone."""
        with self.lock:
            self.things.pop(name, None)

    def get(self, name: str) -> T:
        """The object of an id, which then counts as the one used last.

        Raises:
            ValueError: it was dropped, or never stored.
        """
        with self.lock:
            if name not in self.things:
                raise ValueError(f"this {self.what} is no longer kept on the server; give it again")
            self.things.move_to_end(name)
            return self.things[name]
