"""What is said of a failure: one line, in which what somebody typed takes little room."""

from __future__ import annotations

from collections.abc import Iterable

ECHOED = 80  # characters that a text which came from outside may take of a sentence


def one_line(text: str) -> str:
    """The text with line breaks and whatever else cannot be shown in one line escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def clip(text: str, most: int = ECHOED) -> str:
    """The text, or its beginning and its end where it is longer than `most` characters."""
    half = (most - 1) // 2
    return text if len(text) <= most else f"{text[:half]}…{text[-half:]}"


def typed(words: Iterable[str]) -> list[str]:
    """The arguments of a command, and the values of those of the form --name=value."""
    return [part for word in words for part in (word, word.partition("=")[2])]


def sentence(error: BaseException | str, echoed: Iterable[object] = ()) -> str:
    """An error's message in one line, for a person.

    Args:
        echoed: what came from outside; texts among these that are too long are clipped wherever the message repeats them.
    """
    said = str(error).strip() or type(error).__name__
    for text in sorted({x for x in echoed if isinstance(x, str) and len(x) > ECHOED}, key=len, reverse=True):
        for form in (text, repr(text)[1:-1]):
            said = said.replace(form, clip(form))
    return one_line(said)
