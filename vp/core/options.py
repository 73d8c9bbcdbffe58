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
        """The value as int or float; raises ValueError, naming the option, where it is no number in the range."""
        whole = isinstance(self.step, int)
        kind = "a whole number" if whole else "a number"
        usable = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not usable or not self.low <= value <= self.high or (whole and value != int(value)):  # NaN fails the range
            raise ValueError(f"{name} is {value!r}; give {kind} from {self.low} to {self.high}")
        return int(value) if whole else float(value)


@dataclass(frozen=True)
class Choice:
    """One of a few values; `values` maps each to the label that the UI shows."""

    values: Mapping[str, str]
    help: str
    label: str

    def check(self, name: str, value: Any) -> str:
        """The value itself; raises ValueError, naming the option, where it is not one of `values`."""
        if not isinstance(value, str) or value not in self.values:
            raise ValueError(f"{name} is {value!r}; give one of {', '.join(self.values)}")
        return value


@dataclass(frozen=True)
class Switch:
    """On or off."""

    help: str
    label: str

    def check(self, name: str, value: Any) -> bool:
        """The value itself; raises ValueError, naming the option, where it is not a bool."""
        if not isinstance(value, bool):
            raise ValueError(f"{name} is {value!r}; give true or false")
        return value


def slider(default: float, low: float, high: float, step: float, help: str, label: str) -> Any:
    """A field of an `Options` dataclass that is shown as a slider."""
    return field(default=default, metadata={"control": Slider(low, high, step, help, label)})


def choice(default: str, values: Mapping[str, str], help: str = "", label: str = "") -> Any:
    """A field of an `Options` dataclass with a few allowed values; `values` maps each to its label."""
    return field(default=default, metadata={"control": Choice(values, help, label)})


def switch(default: bool, help: str = "", label: str = "") -> Any:
    """A field of an `Options` dataclass that is on or off."""
    return field(default=default, metadata={"control": Switch(help, label)})


@dataclass(frozen=True)
class Options:
    """Base of every family's sampling options; each instance is checked against its controls.

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
        """Options from a mapping of names to values, such as JSON of the API or flags of the CLI.

        Raises:
            ValueError: an unknown name (the message lists the known ones), or a value outside its control's range.
        """
        unknown = sorted(set(values) - set(cls.controls()))
        if unknown:
            known = ", ".join(cls.controls()) or "none"
            raise ValueError(f"this model has no option {', '.join(unknown)}; its options: {known}")
        return cls(**values)
