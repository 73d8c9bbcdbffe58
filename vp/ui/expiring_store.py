"""What the server keeps in memory for visitors: objects under unguessable ids, limited in number and in bytes."""

from __future__ import annotations

import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Held(Generic[T]):
    """An object, its bytes, and the session it belongs to, "" for none."""

    thing: T
    size: int
    visitor: str


class ExpiringStore(Generic[T]):
    """The objects used last, each under a random id; sessions hold ids only.

    Args:
        most: number of objects; beyond it the object unused for longest is dropped.
        what: a visitor's word for such an object, for the error when it is gone.
        most_bytes: of all objects together, None: not counted; the newest object stays in any case.
        weigh: bytes of an object.
    """

    def __init__(self, most: int, what: str, most_bytes: int | None = None, weigh: Callable[[T], int] = lambda thing: 0):
        self.most, self.what, self.most_bytes, self.weigh = most, what, most_bytes, weigh
        self.things: OrderedDict[str, Held[T]] = OrderedDict()
        self.lock = threading.Lock()
        STORES.append(self)

    def put(self, thing: T, visitor: str = "") -> str:
        """Stores an object and returns its id.

        Args:
            visitor: the session with which it is dropped, see `drop_visitor`.
        """
        name, held = uuid.uuid4().hex, Held(thing, self.weigh(thing), visitor)
        with self.lock:
            self.things[name] = held
            while len(self.things) > 1 and (len(self.things) > self.most or self.is_too_large()):
                self.things.popitem(last=False)
        return name

    def is_too_large(self) -> bool:
        """Whether the objects take more than `most_bytes`."""
        return self.most_bytes is not None and sum(held.size for held in self.things.values()) > self.most_bytes

    def drop(self, name: str) -> None:
        """Removes an object; no error where it is already gone."""
        with self.lock:
            self.things.pop(name, None)

    def drop_visitor(self, visitor: str) -> None:
        """Removes all objects of a session."""
        with self.lock:
            for name in [name for name, held in self.things.items() if held.visitor == visitor]:
                del self.things[name]

    def get(self, name: str) -> T:
        """The object of an id, which then counts as the one used last.

        Raises:
            ValueError: it was dropped, or never stored.
        """
        with self.lock:
            if name not in self.things:
                raise ValueError(f"this {self.what} is no longer kept on the server; give it again")
            self.things.move_to_end(name)
            return self.things[name].thing


STORES: list[ExpiringStore[Any]] = []  # all of this process
