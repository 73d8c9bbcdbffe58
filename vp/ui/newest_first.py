"""Answers for the page while a finger drags: computed in turn with all predictions, and of a visitor's requests the newest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

import gradio as gr

from vp.prediction.model import Model
from vp.prediction.request import Request

from .admission import Admission, Place
from .cost import Cost, cost
from .expiring_store import ExpiringStore
from .listeners import Caller
from .status import to_sentence

Shown = TypeVar("Shown")
Wish = dict[str, Any]  # what the page asks for, as it came from the browser


class Asked(NamedTuple):
    """Whose request it is (a session, or a name of its own where there is none), and what it costs."""

    visitor: str
    cost: Cost


@dataclass(frozen=True)
class Kept(Generic[Shown]):
    """What the page shows and asks about, the model that made it, and the session it was made for, "" for none."""

    model: Model
    shown: Shown
    visitor: str


def read_kept(store: ExpiringStore[Kept[Shown]], key: str, wish: Wish, request_of: Callable[[Shown], Request]) -> Asked:
    """Whose of the kept things a wish is about, and what an answer costs.

    Args:
        store: of the things.
        key: of the thing's name in the wish.
        wish: of the page.
        request_of: the request that an answer costs as much as.

    Raises:
        ValueError: it is not kept.
    """
    name = str(wish[key]) if isinstance(wish, dict) and key in wish else ""
    kept = store.get(name)
    return Asked(kept.visitor or f"{key} {name}", cost(kept.model.name, request_of(kept.shown)))


def answer_newest(
    admission: Admission, read: Callable[[Wish], Asked], answer: Callable[[Wish], dict[str, Any]]
) -> Callable[..., Any]:
    """A function for the page to call, a `server_function` of a component.

    Of a visitor's requests the newest one waits, and those before it that have not begun are answered without being computed.

    Args:
        admission: of the app.
        read: whose request a wish is and what it costs; ValueError where it cannot be read.
        answer: what the wish asks for; ValueError likewise.

    Returns:
        `ask`, a coroutine function of the wish and Gradio's request: the answer, or {"error": a sentence}.
    """
    newest: dict[str, object] = {}  # visitor -> their newest request

    def compute(wish: Wish) -> Iterator[dict[str, Any]]:
        yield answer(wish)  # a job of one step

    async def ask(wish: Wish, request: gr.Request) -> dict[str, Any]:
        mine, found, is_in = object(), None, False
        try:
            visitor, price = read(wish)
            caller = Caller(visitor, request.client.host if request.client else "", True)
            job = admission.run(caller, lambda: price, lambda: compute(wish), "between", lambda: newest.get(visitor) is not mine)
            try:
                async with aclosing(job) as updates:
                    async for update in updates:  # the first is a place, and says that it was let in
                        if not is_in:
                            newest[visitor], is_in = mine, True
                        found = found if isinstance(update, Place) else update
            finally:
                if newest.get(visitor) is mine:
                    del newest[visitor]
        except ValueError as error:
            return {"error": to_sentence(error)}
        return found or {"error": "A newer one was asked for."}

    return ask
