"""Configs of model families as JSON, as a checkpoint holds them; and bounds on those of foreign files."""

from __future__ import annotations

import math
import types
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from typing import Any, get_args, get_origin, get_type_hints

LARGEST_INT = 4096  # of a config: more than the width, depth and frame size of any published network here
LONGEST_LIST = 64
AT_LEAST_ONE = ("n_past", "n_future", "size", "short_side")


def config_to_json(config: Any) -> dict[str, Any]:
    """A (nested) config dataclass as a JSON object; tuples become lists in the file."""
    return asdict(config)


def config_from_json(kind: Any, value: Any) -> Any:
    """A (nested) config dataclass of type `kind` from parsed JSON; lists become tuples.

    Raises:
        ValueError: unknown field names.
    """
    if is_dataclass(kind) and isinstance(kind, type):
        hints, names = get_type_hints(kind), {f.name for f in fields(kind)}
        unknown = sorted(set(value) - names)
        if unknown:
            raise ValueError(f"{kind.__name__} has no {', '.join(unknown)}; the checkpoint is from another version")
        return kind(**{name: config_from_json(hints[name], x) for name, x in value.items()})
    if get_origin(kind) in (types.UnionType,):
        inner = next(k for k in get_args(kind) if k is not type(None))
        return None if value is None else config_from_json(inner, value)
    if isinstance(value, list):
        kinds = get_args(kind)
        if kinds and kinds[-1] is Ellipsis:
            kinds = kinds[:1] * len(value)
        return tuple(config_from_json(inner, x) for inner, x in zip(kinds, value))
    return value


def check_config(kind: Any, value: Any, name: str = "config") -> None:
    """Checks the JSON of a config from a foreign file against the dataclass `kind`, before anything is made of it.

    Raises:
        ValueError: an unknown field, a value of another type, or one that no network of ours has, in words that name the field.
    """
    if is_dataclass(kind) and isinstance(kind, type):
        hints = get_type_hints(kind)
        if not isinstance(value, Mapping):
            raise ValueError(f"{name} is not an object")
        for key, x in value.items():
            if key not in hints:
                raise ValueError(f"{name} has a field that this version does not know; the checkpoint is from another version")
            if key in AT_LEAST_ONE and type(x) is int and x < 1:
                raise ValueError(f"{name}.{key} is {x}")
            if key == "channels" and x not in (1, 3):
                raise ValueError(f"{name}.channels is neither 1 nor 3")
            check_config(hints[key], x, f"{name}.{key}")
    elif get_origin(kind) is types.UnionType:
        if value is not None:
            check_config(next(k for k in get_args(kind) if k is not type(None)), value, name)
    elif get_origin(kind) is tuple:
        kinds = get_args(kind)
        if not isinstance(value, (list, tuple)) or len(value) > LONGEST_LIST:
            raise ValueError(f"{name} is not a list of at most {LONGEST_LIST} values")
        kinds = kinds[:1] * len(value) if kinds[-1] is Ellipsis else kinds
        if len(value) != len(kinds):
            raise ValueError(f"{name} does not have {len(kinds)} values")
        for inner, x in zip(kinds, value):
            check_config(inner, x, name)
    elif get_origin(kind) is Mapping:
        if not isinstance(value, Mapping) or len(value) > LONGEST_LIST:
            raise ValueError(f"{name} is not an object of at most {LONGEST_LIST} values")
        for x in value.values():
            check_config(get_args(kind)[1], x, name)
    else:
        check_plain(kind, value, name)


def check_plain(kind: type, value: Any, name: str) -> None:
    """The same for a value that is a bool, int, float or str; a float may be infinite, as schedules use that."""
    fits = type(value) is kind or (kind is float and type(value) is int)
    if not fits:
        raise ValueError(f"{name} is not of type {kind.__name__}")
    if isinstance(value, int) and abs(value) > LARGEST_INT:
        raise ValueError(f"{name} is above {LARGEST_INT}")
    if isinstance(value, float) and math.isnan(value):
        raise ValueError(f"{name} is not a number")
    if isinstance(value, str) and (len(value) > 100 or not value.isprintable()):
        raise ValueError(f"{name} is not one line of at most 100 characters")
