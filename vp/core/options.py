"""Sampling options declared once, as dataclass fields: the CLI makes flags of them and the UI makes widgets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(frozen=True)
class Slider:
    """A number between `low` and `high`, whole where `step` is an int."""

    low: float
    high: float
    step: float
    help: str
    label: str

    def check(self, name: str, value: Any) -> float | int:
        whole = isinstance(self.step, int)
        kind = "a whole number" if whole else "a number"
        usable = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not usable or not self.low <= value <= self.high or (whole and value != int(value)):  # NaN fails the range
            raise ValueError(f"{name} is {value!r}; give {kind} from {self.low} to {self.high}")
        return int(value) if whole else float(value)


@dataclass(frozen=True)
class Choice:
    """One of a few values, each with a label a person reads."""

    values: Mapping[str, str]
    help: str
    label: str

    def check(self, name: str, value: Any) -> str:
        if not isinstance(value, str) or value not in self.values:
            raise ValueError(f"{name} is {value!r}; give one of {', '.join(self.values)}")
        return value


@dataclass(frozen=True)
class Switch:
    """On or off."""

    help: str
    label: str

    def check(self, name: str, value: Any) -> bool:
        if not isinstance(value, bool):
            raise ValueError(f"{name} is {value!r}; give true or false")
        return value


def slider(default: float, low: float, high: float, step: float, help: str, label: str) -> Any:
    return field(default=default, metadata={"control": Slider(low, high, step, help, label)})


def choice(default: str, values: Mapping[str, str], help: str = "", label: str = "") -> Any:
    return field(default=default, metadata={"control": Choice(values, help, label)})


def switch(default: bool, help: str = "", label: str = "") -> Any:
    return field(default=default, metadata={"control": Switch(help, label)})


@dataclass(frozen=True)
class Options:
    """Base of every family's sampling options: bounds hold for each instance.

    Raises:
        ValueError: a value outside its control's range, in one sentence.
    """

    def __post_init__(self) -> None:
        for name, control in self.controls().items():
            object.__setattr__(self, name, control.check(name, getattr(self, name)))

    @classmethod
    def controls(cls) -> dict[str, Slider | Choice | Switch]:
        """Field name -> its control, in declaration order."""
        return {f.name: f.metadata["control"] for f in fields(cls)}

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Options:
        """Options from a mapping (JSON of the API, flags of the CLI); unknown names are refused with those there are."""
        unknown = sorted(set(values) - set(cls.controls()))
        if unknown:
            known = ", ".join(cls.controls()) or "none"
            raise ValueError(f"this model has no option {', '.join(unknown)}; its options: {known}")
        return cls(**values)
