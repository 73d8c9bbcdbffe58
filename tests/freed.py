"""Whether something is freed with its last reference, or waits for the garbage collector."""

import gc
import weakref
from collections.abc import Callable
from typing import Any


def freed_at_once(make: Callable[[], Any]) -> bool:
    """Whether what `make` returns is freed when it is dropped."""
    owner = make()
    alive = weakref.ref(owner)
    gc.disable()
    try:
        del owner
        return alive() is None
    finally:
        gc.enable()
