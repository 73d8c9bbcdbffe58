"""What a checkpoint's header says of its model: one typed record, whose fields have been checked once, where they are read."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ..data import licence_of_weights
from ..data.licence import strictest

REQUIRED = ("family", "config", "dataset")
LONGEST_TEXT = 1000  # characters of a field that lists and pages show
LARGEST_NUMBER = 1e12  # more than any count of steps or clips, and few enough digits to print
Value = TypeVar("Value")


@dataclass(frozen=True)
class Run:
    """One training run in a lineage: its recipe, the checkpoint it began from, its data (name -> weight in the mix), length."""

    recipe: str = ""
    init: str | None = None
    data: Mapping[str, float] = field(default_factory=dict)
    steps: float = 0
    clips: float = 0
    minutes: float | None = None
    commit: str = ""


@dataclass(frozen=True)
class Adapted:
    """How a model was adapted to one clip: `origin` is the model before, `last` the last frame of `clip` that it learned."""

    origin: str = ""
    clip: str = ""
    last: float = -1


@dataclass(frozen=True)
class Card(Mapping[str, Any]):
    """What is known of a model. Made by `as_card`, which checks the types of all fields.

    As a mapping it is the JSON object that it was made from, fields of other versions included: training writes those on.

    Args:
        stored: that JSON object.
        name: of the checkpoint or baseline.
        title: of its family.
        family: the family's name.
        config: the family's config, as JSON.
        dataset: name of the data set it was mostly trained on; "" for a baseline.
        about: what it is, in a few words.
        data: data set -> weight in the mix that it was trained on.
        licence: of the weights; None where it is not said.
        fps: frames per second of the training data, above 0 and at most 1000, or None.
        recipe, init, commit: of the last run; `init` is the checkpoint it began from, or None.
        step, clips, minutes: of training; minutes is None where it is not said.
        context: 'n_past' and 'n_future' -> number of frames.
        metrics: measured numbers by protocol.
        average: checkpoint -> its share, where the weights are a mean.
        lineage: all runs that led to the weights, oldest first.
        adapted: how it was adapted to a clip, or None.
        path: of its file, "" for a baseline.
        problem: one sentence where the file cannot be used; the fields above then say nothing, apart from its name.
    """

    stored: Mapping[str, Any] = field(default_factory=dict, repr=False)
    name: str = ""
    title: str = ""
    family: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    dataset: str = ""
    about: str = ""
    data: Mapping[str, float] = field(default_factory=dict)
    licence: str | None = None
    fps: float | None = None
    recipe: str = ""
    init: str | None = None
    commit: str = ""
    step: float = 0
    clips: float = 0
    minutes: float | None = None
    context: Mapping[str, float] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    average: Mapping[str, float] = field(default_factory=dict)
    lineage: tuple[Run, ...] = ()
    adapted: Adapted | None = None
    path: str = ""
    problem: str = ""

    def __getitem__(self, name: str) -> Any:
        return self.stored[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.stored)

    def __len__(self) -> int:
        return len(self.stored)

    @property
    def datasets(self) -> tuple[str, ...]:
        """Names of the training data: those of the mix, or the one data set; () for a baseline."""
        return tuple(self.data or filter(None, [self.dataset]))


def as_card(stored: Mapping[str, Any], required: tuple[str, ...] = ()) -> Card:
    """The record of a card given as a JSON object; a `Card` is returned as it is.

    Args:
        stored: the JSON object. Fields that are absent get their defaults; fields that `Card` does not have are kept in it.
        required: names of fields that must be there.

    Raises:
        ValueError: a field is missing or has a wrong type or value, in words that name it.
    """
    if isinstance(stored, Card):
        return stored
    for name in required:
        if name not in stored:
            raise ValueError(f"its field {name} is missing")
    values = read_fields(stored, FIELDS, "")
    runs = tuple(Run(**read_fields(entry, RUN_FIELDS, f"lineage[{n}].")) for n, entry in enumerate(lineage(stored)))
    return Card(stored, **values, lineage=runs)


def lineage(card: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One entry per run that led to a checkpoint's weights, oldest first; the last one is the checkpoint's own.

    A card from before lineages were kept gives a single entry of the fields it has; its clips and minutes are then those of all
    runs up to it. A baseline's card gives [].

    Raises:
        ValueError: the lineage is no list of objects.
    """
    if "lineage" in card or "recipe" not in card:
        entries = card.get("lineage", [])
        if not isinstance(entries, (list, tuple)) or not all(isinstance(entry, Mapping) for entry in entries):
            raise ValueError("its field lineage is not a list of objects")
        return [dict(entry) for entry in entries]
    entry = {name: card[name] for name in ("recipe", "init", "data", "clips", "minutes", "commit") if name in card}
    return [entry | ({"steps": card["step"]} if "step" in card else {})]


def strictest_licence(card: Mapping[str, Any]) -> str:
    """The licence of the weights: the strictest of what the card says and what all data that led to them require.

    A card from before data had licences says MIT of any weights, and a run that began from such a checkpoint must not.
    """
    known = as_card(card)
    names = {name for data in (known.data, *(run.data for run in known.lineage)) for name in data} | {known.dataset} - {""}
    said = [] if known.licence is None else [known.licence]
    return strictest([*said, *([licence_of_weights(names)] if names else [])])


def training_summary(card: Mapping[str, Any]) -> str:
    """How long a checkpoint was trained, such as "3 runs, 151 minutes"; "" for a baseline's card."""
    known = as_card(card)
    if not known.lineage or known.minutes is None:
        return ""
    unlisted = bool(known.lineage[0].init)  # an older version wrote down the last one's name alone
    count = len(known.lineage) + unlisted
    return f"{count}{' or more' * unlisted} run{'s' * (count > 1)}, {known.minutes:.0f} minutes"


def read_fields(stored: Mapping[str, Any], kinds: Mapping[str, Callable[[Any], Any]], prefix: str) -> dict[str, Any]:
    """The fields of a JSON object that `kinds` has a reader for; ValueError names the field that its reader refuses."""
    values = {}
    for name, kind in kinds.items():
        if name in stored:
            try:
                values[name] = kind(stored[name])
            except ValueError as error:
                raise ValueError(f"its field {prefix}{name} is {error}") from None
    return values


def string(value: Any) -> str:
    """A string that is compared and not shown."""
    if not isinstance(value, str):
        raise ValueError("not text")
    return value


def text(value: Any) -> str:
    """A string that can be shown in one line."""
    if len(string(value)) > LONGEST_TEXT or not value.isprintable():
        raise ValueError(f"not one line of at most {LONGEST_TEXT} characters")
    return value


def number(value: Any) -> float:
    """A number that is finite and not negative."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("not a number")
    if not 0 <= value <= LARGEST_NUMBER or not math.isfinite(value):
        raise ValueError(f"not a number from 0 to {LARGEST_NUMBER:g}")
    return value


def frame_rate(value: Any) -> float:
    """A number above 0 and at most 1000."""
    if not 0 < number(value) <= 1000:
        raise ValueError("not a number above 0 and up to 1000")
    return value


def mapping(value: Any) -> Mapping[str, Any]:
    """A JSON object, whatever is in it."""
    if not isinstance(value, Mapping):
        raise ValueError("not an object")
    return value


def numbers(value: Any) -> Mapping[str, float]:
    """A JSON object of numbers with names that can be shown."""
    return {text(name): number(x) for name, x in mapping(value).items()}


def optional(kind: Callable[[Any], Value]) -> Callable[[Any], Value | None]:
    """The reader of a field that may be null."""
    return lambda value: None if value is None else kind(value)


def adaptation(value: Any) -> Adapted:
    """How a model was adapted, as training writes it."""
    values = read_fields(mapping(value), {"from": text, "clip": string, "last": number}, "adapted.")
    return Adapted(values.get("from", ""), values.get("clip", ""), values.get("last", -1))


RUN_FIELDS: Mapping[str, Callable[[Any], Any]] = {
    "recipe": text, "init": optional(text), "data": numbers, "steps": number, "clips": number, "minutes": number, "commit": text,
}  # fmt: skip
FIELDS: Mapping[str, Callable[[Any], Any]] = {
    "name": text, "title": text, "family": text, "config": mapping, "dataset": text, "about": text, "data": numbers,
    "licence": text, "fps": optional(frame_rate), "recipe": text, "init": optional(text), "commit": text, "step": number,
    "clips": number, "minutes": number, "context": numbers, "metrics": mapping, "average": numbers, "adapted": adaptation,
}  # fmt: skip
