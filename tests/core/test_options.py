"""Options: bounds hold for every instance, however it was made."""

from dataclasses import dataclass

import pytest

from vp.core.options import Options, choice, slider, switch


@dataclass(frozen=True)
class Some(Options):
    steps: int = slider(8, 1, 50, 1, "calls", "Steps")
    warmth: float = slider(1.0, 0.0, 2.0, 0.1, "heat", "Warmth")
    mode: str = choice("a", {"a": "first", "b": "second"}, "which", "Mode")
    loud: bool = switch(False, "noise", "Loud")


def test_defaults_and_good_values_pass_with_their_types():
    some = Some.parse({"steps": 4.0, "warmth": 2, "mode": "b", "loud": True})
    assert (some.steps, some.warmth, some.mode, some.loud) == (4, 2.0, "b", True)
    assert isinstance(some.steps, int) and isinstance(some.warmth, float)
    assert list(Some.controls()) == ["steps", "warmth", "mode", "loud"]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"steps": 0}, "steps is 0; give a whole number from 1 to 50"),
        ({"steps": 2.5}, "whole number"),
        ({"steps": True}, "whole number"),
        ({"warmth": float("nan")}, "from 0.0 to 2.0"),
        ({"warmth": "1"}, "warmth is '1'"),
        ({"mode": "c"}, "give one of a, b"),
        ({"loud": 1}, "true or false"),
        ({"colour": 1}, "no option colour; its options: steps, warmth, mode, loud"),
    ],
)
def test_bad_values_are_refused_by_name(values, words):
    with pytest.raises(ValueError, match=words):
        Some.parse(values)
