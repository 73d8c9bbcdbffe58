"""What a lesson is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Step:
    """A text with a result to look at.

    Args:
        text: what to look for, a few sentences.
        button: label of the button that shows the result.
        model: name of a bundled checkpoint.
        clip: name of a clip as in the app, such as 'example:digits-1'.
        n: number of futures.
        options: sampling options, such as {"prior": "fixed"}.
        control: the setting that the step is about, by its id on the page; it is marked there. "" for none.
    """

    text: str
    button: str
    model: str
    clip: str
    n: int = 4
    options: Mapping[str, Any] = field(default_factory=dict)
    control: str = ""


@dataclass(frozen=True)
class Question:
    """A question with one right answer, to be answered before the result is explained.

    Args:
        text: the question.
        choices: two or more answers.
        right: index of the right one.
        why: shown after any answer.
    """

    text: str
    choices: tuple[str, ...]
    right: int
    why: str

    def __post_init__(self) -> None:
        if not 0 <= self.right < len(self.choices):
            raise ValueError(f"the right answer has index {self.right} and there are {len(self.choices)} choices")


@dataclass(frozen=True)
class Lesson:
    """One lesson.

    Args:
        name: short, for links and files.
        title, question: what it is called, and what it answers.
        steps: what to look at, in order.
        quiz: questions on it.
        own_clip: what to try on a clip of one's own.
    """

    name: str
    title: str
    question: str
    steps: tuple[Step, ...]
    quiz: tuple[Question, ...]
    own_clip: str

    def record(self) -> dict[str, Any]:
        """The lesson as plain types for JavaScript: texts, buttons and quiz."""
        steps = [{"text": step.text, "button": step.button} for step in self.steps]
        quiz = [asdict(question) | {"choices": list(question.choices)} for question in self.quiz]
        return {
            "name": self.name,
            "title": self.title,
            "question": self.question,
            "steps": steps,
            "quiz": quiz,
            "own": self.own_clip,
        }
