"""Errors for unreadable texts from the browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def refuse_unreadable(what: str, do: str) -> Iterator[None]:
    """Turns parsing errors inside the block into a ValueError: what cannot be read, and what to do."""
    try:
        yield
    except (ValueError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise ValueError(f"the {what} cannot be read ({error}); {do}") from None
