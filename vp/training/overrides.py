"""Config overrides from the command line: `objective.kl=cyclical`."""

from __future__ import annotations

import json
import types
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, get_args, get_origin, get_type_hints

from ..prediction.checkpoint import config_from_json


def with_overrides(config: Any, assignments: Sequence[str]) -> Any:
    """The config with each `NAME=VALUE` applied in turn; names of nested settings are dotted.

    Numbers and strings are written plainly, tuples and nested settings as JSON, None as `none`.

    Raises:
        ValueError: no such setting, or a value of the wrong type.
    """
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise ValueError(f"{assignment!r} came; give NAME=VALUE, for example objective.beta=1e-4")
        config = with_setting(config, name.strip(), name.strip().split("."), text.strip())
    return config


def with_setting(config: Any, name: str, path: Sequence[str], text: str) -> Any:
    """The config with the setting at `path` parsed from `text`; `name` is the dotted name for error messages."""
    first, *rest = path
    if not is_dataclass(config):
        raise ValueError(f"there is no setting {name!r} here: what it lies in is {config!r}")
    if first not in {f.name for f in fields(config)}:
        raise ValueError(f"there is no setting {name!r}; beside it there are {', '.join(f.name for f in fields(config))}")
    if rest:
        return replace(config, **{first: with_setting(getattr(config, first), name, rest, text)})
    return replace(config, **{first: parse_setting(get_type_hints(type(config))[first], name, text)})


def parse_setting(expected: Any, name: str, text: str) -> Any:
    """The text as a value of the setting's type `expected`; raises ValueError where it is not one."""
    if get_origin(expected) is types.UnionType:
        if text.lower() in ("none", "null"):
            return None
        expected = next(k for k in get_args(expected) if k is not type(None))
    if expected is str:
        return text
    if expected is bool:
        if text not in ("true", "false"):
            raise ValueError(f"{name} is {text!r}; give true or false")
        return text == "true"
    try:
        if expected in (int, float):
            return expected(text)
        value = config_from_json(expected, json.loads(text))
        if not is_of_type(expected, value):
            raise ValueError("it has another one")
        return value
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        wanted = {int: "a whole number", float: "a number"}.get(expected, "JSON of its shape")
        raise ValueError(f"{name} is {text!r}; give {wanted} ({error})") from None


def is_of_type(expected: Any, value: Any) -> bool:
    """Whether a value has the type `expected`, tuples (with their length) and mappings included."""
    if get_origin(expected) is tuple:
        inner = get_args(expected)
        inner = inner[:1] * len(value) if isinstance(value, tuple) and inner[-1] is Ellipsis else inner
        return isinstance(value, tuple) and len(value) == len(inner) and all(map(is_of_type, inner, value))
    if get_origin(expected) is Mapping:
        key, inner = get_args(expected)
        return isinstance(value, dict) and all(is_of_type(key, k) and is_of_type(inner, x) for k, x in value.items())
    return isinstance(value, (int, float) if expected is float else expected) and not isinstance(value, bool)
