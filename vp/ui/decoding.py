"""Decodes visitors' files apart from the server: few at a time, and one at a time of each visitor."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vp.data import Clip
from vp.data.decode_process import decode_apart
from vp.data.overview import Overview

AT_ONCE = 2
WAIT_S = 120.0


class Turns:
    """Lets `at_once` in at a time, and of each visitor one.

    Args:
        at_once: how many.
        wait_s: seconds after which one who waits is sent away.
    """

    def __init__(self, at_once: int = AT_ONCE, wait_s: float = WAIT_S):
        self.at_once, self.wait_s = at_once, wait_s
        self.inside: list[str] = []
        self.changed = threading.Condition()

    @contextmanager
    def turn(self, visitor: str) -> Iterator[None]:
        """Waits for a turn of this visitor ("": of nobody in particular).

        Raises:
            ValueError: it took too long.
        """
        end = time.monotonic() + self.wait_s
        with self.changed:
            while len(self.inside) >= self.at_once or (visitor and visitor in self.inside):
                if not self.changed.wait(end - time.monotonic()):
                    raise ValueError("many videos are being read just now; try again in a minute")
            self.inside.append(visitor)
        try:
            yield
        finally:
            with self.changed:
                self.inside.remove(visitor)
                self.changed.notify_all()


TURNS = Turns()


def decode(path: str, folder: Path, visitor: str, overview: bool = False, **arguments: Any) -> tuple[Clip, Overview | None]:
    """`decode_apart` when it is this visitor's turn.

    Raises:
        ValueError: as for `decode_apart`, or too many others wait.
    """
    with TURNS.turn(visitor):
        return decode_apart(path, folder, overview, **arguments)
