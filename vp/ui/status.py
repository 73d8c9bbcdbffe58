"""The HTML of the status line: progress and errors."""

from __future__ import annotations

import html
import logging
from collections.abc import Iterable

from vp.core.sentences import sentence

LOG = logging.getLogger(__name__)


def status(text: str, share: float | None = None, bad: bool = False) -> str:
    """The status line's HTML.

    Args:
        share: of the work done, 0 to 1, shown as a bar; None for no bar.
        bad: whether it is an error.
    """
    role = "alert" if bad else "status"
    bar = "" if share is None else f'<span class="vp-bar"><span style="width:{share:.1%}"></span></span>'
    return f'<div class="vp-status" data-bad="{int(bad)}" role="{role}"><span>{html.escape(text)}</span>{bar}</div>'


def error_status(error: Exception, echoed: Iterable[object] = ()) -> str:
    """The status line with an error's message; arguments as for `to_sentence`."""
    return status(to_sentence(error, echoed), bad=True)


def failed(error: Exception, what: str, echoed: Iterable[object] = ()) -> str:
    """The status line after a failure. A ValueError's message is shown; any other error is logged under the message `what`."""
    if isinstance(error, ValueError):
        return error_status(error, echoed)
    LOG.error(what, exc_info=error)
    return error_status(ValueError("this failed; the server's log says more"))


def to_sentence(error: Exception, echoed: Iterable[object] = ()) -> str:
    """An error's message with a capital letter (unless the name of a file or model comes first) and a full stop.

    Args:
        echoed: what the visitor gave, see `vp.core.sentences.sentence`.
    """
    text = sentence(error, echoed).rstrip(".")
    is_word = text.partition(" ")[0].strip(",;:()'").isalpha()
    return f"{text[:1].upper() + text[1:] if is_word else text}."
